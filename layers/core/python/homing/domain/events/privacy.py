"""What may be archived of an event: everything but whom it was about.

The archive is kept for years, for rebuilds and training, after a person may have been erased. It therefore carries the
profile id and keyed hashes in place of identifiers, and nothing that leads to a person without the profiles table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from homing.domain.events.event import Event
from homing.domain.events.normalise import email_address
from homing.domain.profiles.identity import Identity, normalise
from homing.domain.time import iso


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Keys are compared without case, "_", "-", "$", "." and spaces: first_name, firstName and First-Name are one.
IDENTIFYING = (
    _keys(
        """email emailaddress mail firstname lastname middlename fullname displayname givenname familyname surname forename
        maidenname nickname username login handle salutation initials signature userid customerid accountid contactid
        personid memberid loyaltyid loyaltycard anonymousid distinctid previousid externalid externalids crmid profileid
        subscriberid userids identifiers uuid guid"""
    )
    # How to reach them.
    | _keys(
        """phone phonenumber telephone tel mobile mobilephone cell cellphone fax whatsapp telegram skype address1 address2
        address3 addressline1 addressline2 street street1 street2 streetaddress housenumber apartment line1 line2
        postalcode postcode zip zipcode city town district latitude longitude lat lng lon coordinates geo"""
    )
    # Born, and numbered by others.
    | _keys(
        """birthday birthdate dateofbirth dob birthyear ssn socialsecurity nationalid taxid vat vatid vatnumber passport
        iban bic accountnumber cardnumber creditcard linkedin twitter facebook instagram"""
    )
    # Their devices.
    | _keys(
        """ip ipaddress browserip useragent useragentdata deviceid advertisingid adtrackingid idfa idfv gaid imei mac
        macaddress devicetoken pushtoken token sessionid session clientid clientids cookie cookies fbp fbc fbclid gclid
        msclkid gaclientid fingerprint"""
    )
    # Secrets and letters.
    | _keys(
        """password secret authorization apikey writekey checkouturl abandonedcheckouturl orderstatusurl recoveryurl
        note notes comment comments message giftmessage"""
    )
)
# Products, pages and apps have these too; only where a person or their device is described they lead to one.
PERSONAL = _keys(
    "name id title gender sex age company employer jobtitle website homepage avatar photo picture author recipient"
)
_PERSONS = _keys(
    """traits user customer person contact recipient sender profile account device address addresses billingaddress
    shippingaddress defaultaddress billing shipping"""
)
_CART_TOKENS = _keys("cartid carttoken checkoutid checkouttoken")
# Where a number is a product's, whatever the customer's number is.
_PRODUCT_KEYS = _keys("productid variantid sku variant orderid couponid listid category brand")

_SQUEEZE = re.compile(r"[\s_\-$.]+")
_EMAIL = re.compile(r"[^\s<>\"'(),;:=&?/]+(?:@|%40)[^\s<>\"'(),;:=&?/]+\.[^\s<>\"'(),;:=&?/]{2,}", re.IGNORECASE)
# As people write them: +49 30 901820, (030) 90 18 20, 030/901820, 555-625-1199. Article numbers are left alone.
_PHONE = re.compile(
    r"(?<!\w)(?:\+\d(?:[ ()/.-]{0,3}\d){6,14}|\(0\d{1,5}\)[ \d/-]{4,}\d"
    r"|0\d{2,5}[ /-]\d[ \d/-]{3,}\d|\d{3}[-. ]\d{3}[-. ]\d{4})(?!\w)"
)
_IP = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE
)
_DIGIT = re.compile(r"\d")
# Without any of these a text holds neither address nor number nor link.
_TELLING = re.compile(r"[@%\d/?]")
_URL = re.compile(r"https?://", re.IGNORECASE)
_PATH = re.compile(r"(/[^\s?#]*)[?#]\S*")
MASK = "***"


def archive_line(event: Event, profile_id: str, identity: Identity) -> dict[str, Any]:
    """The event as it is archived, in plain JSON types.

    Identifiers become keyed hashes, cart tokens in properties too; keys in :data:`IDENTIFYING` are left out at any
    depth; links lose their query; and what looks like an address, a phone number or an IP, or equals something that
    was left out, is masked wherever it stands in text.
    """
    hashes: dict[str, str] = dict(identity.keys(event.identifiers).items())
    if token := event.identifiers.get("cart_token"):
        hashes["cart_token"] = identity.cart(token)
    cleaner = _Cleaner(identity, _known_values(event))
    return {
        "message_id": _message_id(event.message_id, cleaner, identity),
        "type": event.type,
        "name": cleaner.text(event.name),
        "profile_id": profile_id,
        "identifiers": hashes,
        "occurred_at": iso(event.occurred),
        "received_at": iso(event.received),
        "source": event.source,
        "properties": cleaner.object(event.properties, personal=event.type in {"identify", "group", "alias"}),
        "context": cleaner.object(event.context, personal=False),
    }


def _message_id(message_id: str, cleaner: _Cleaner, identity: Identity) -> str:
    """The sender's id, which duplicates are known by; hashed where it names somebody."""
    return message_id if cleaner.text(message_id) == message_id else identity.key("message_id", message_id)


@lru_cache(maxsize=4096)
def _squeezed(key: str) -> str:
    return _SQUEEZE.sub("", key).lower()


def _names_a_person(key: str, *, personal: bool) -> bool:
    return key in IDENTIFYING or (personal and key in PERSONAL)


def _known_values(event: Event) -> list[str]:
    """Texts of this event that name somebody, longest first: to be masked wherever else they appear."""
    found = set(event.identifiers.values())
    found |= {value for kind, value in event.identifiers.items() for value in [normalise(kind, value)]}
    found |= set(_identifying_texts(event.properties, personal=event.type == "identify"))
    found |= set(_identifying_texts(event.context, personal=False))
    # A name of two letters would take half of the words with it.
    return sorted((value for value in found if len(value) >= 3), key=lambda value: (-len(value), value))


def _identifying_texts(value: Any, *, personal: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            squeezed = _squeezed(str(key))
            if isinstance(item, str):
                if _names_a_person(squeezed, personal=personal):
                    yield item.strip()
            elif isinstance(item, list | Mapping):
                yield from _identifying_texts(item, personal=personal or squeezed in _PERSONS)
    elif isinstance(value, list):
        for item in value:
            yield from _identifying_texts(item, personal=personal)


class _Cleaner:
    def __init__(self, identity: Identity, known: Sequence[str]) -> None:
        self._identity = identity
        self._known = [value.lower() for value in known]

    def object(self, value: Mapping[str, Any], *, personal: bool) -> dict[str, Any]:
        """Without identifying keys; a ``name`` is one where a person is described."""
        cleaned: dict[str, Any] = {}
        for key, item in value.items():
            name = str(key)
            squeezed = _squeezed(name)
            if squeezed in _CART_TOKENS and isinstance(item, str | int):
                cleaned[key] = self._identity.cart(str(item))
            elif not _names_a_person(squeezed, personal=personal) and ("@" not in name or email_address(name) is None):
                inside = personal or squeezed in _PERSONS
                cleaned[self.text(name)] = self._any(item, personal=inside, number=squeezed in _PRODUCT_KEYS)
        return cleaned

    def text(self, value: str, *, number: bool = False) -> str:
        """Free text without what names somebody; ``number`` spares a product's number that equals the customer's."""
        # Each event passes here on its way: most texts hold none of it, and looking first is cheap.
        if _TELLING.search(value):
            if value.startswith("?"):
                return MASK
            if path := _PATH.fullmatch(value):
                value = path[1]
            elif _URL.match(value):
                parts = _urlsplit(value)
                if parts is None:
                    return MASK
                # Queries and fragments carry addresses, tokens and click ids.
                value = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
            if "@" in value or "%40" in value:
                value = _EMAIL.sub(MASK, value)
            if _DIGIT.search(value):
                value = _IP.sub(MASK, _PHONE.sub(MASK, value))
            if number and value.isdigit():
                return value
        lower = value.lower()
        for known in self._known:
            if known in lower:
                value = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", MASK, value, flags=re.IGNORECASE)
        return value

    def _any(self, value: Any, *, personal: bool, number: bool = False) -> Any:
        # Most first: asking whether something is a Mapping is slow when it is not.
        if isinstance(value, str):
            return self.text(value, number=number)
        if value is None or isinstance(value, int | float):
            return value
        if isinstance(value, list | tuple):
            return [self._any(item, personal=personal, number=number) for item in value]
        return self.object(value, personal=personal) if isinstance(value, Mapping) else value


def _urlsplit(text: str) -> Any:
    """The parts of a link; None when it is none."""
    try:
        return urlsplit(text)
    except ValueError:
        return None
