"""Minted codes: ``SPRING-7K3M-9QX1-F48W-ZP2K-H6TD``. Nobody makes one without the secret, and whoever has it verifies
one without asking anybody.

After the prefix come twenty characters of 5 bits (Crockford's base 32, without I, L, O and U): ten that are the customer
and campaign under the secret, three for the last day of validity (days since 1970), and seven that sign all of it. Two
customers share the first ten with a probability of n²/2⁵¹ among n; a guess passes the seven once in 34 thousand million.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import date, timedelta

from homing.domain.errors import InvalidInput

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110")
_PERSON, _DAY, _CHECK = 10, 3, 7
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified code proves: the prefix it was minted under, and its last day."""

    text: str
    last_day: date


class Mint:
    """Makes and verifies codes. ``secret`` is the deployment's keys secret, from which an own key is derived."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, b"homing codes v1", hashlib.sha256).digest()

    def mint(self, name: str, prefix: str, key: str, last_day: date) -> str:
        """The code of a grant's ``key``, the same each time."""
        body = self._person(name, key) + _encode((last_day - _EPOCH).days, _DAY)
        signed = body + self._check(name, prefix, body)
        return "-".join([prefix, *(signed[i : i + 4] for i in range(0, len(signed), 4))])

    def verify(self, name: str, prefix: str, text: str, *, key: str | None = None) -> Claims:
        """What the code proves. Small letters, spaces and misread I, L and O are forgiven. With ``key`` it must be that
        grant's code. Raises InvalidInput (``forged_code``, ``other_person``)."""
        plain = re.sub(r"[\s-]", "", text.upper())
        body, check = plain[len(prefix) : -_CHECK].translate(_MISREAD), plain[-_CHECK:].translate(_MISREAD)
        if not plain.startswith(prefix) or len(body) != _PERSON + _DAY or not set(body) <= set(_ALPHABET):
            raise InvalidInput(f"{text!r} is no code of {name}", code="forged_code")
        if not hmac.compare_digest(check.encode(), self._check(name, prefix, body).encode()):
            raise InvalidInput(f"{text!r} was not minted for {name} with this secret", code="forged_code")
        if key is not None and body[:_PERSON] != self._person(name, key):
            raise InvalidInput(f"{text!r} is somebody else's", code="other_person")
        signed = body + check
        whole = "-".join([prefix, *(signed[i : i + 4] for i in range(0, len(signed), 4))])
        return Claims(whole, _EPOCH + timedelta(days=_decode(body[_PERSON:])))

    def _person(self, name: str, key: str) -> str:
        return self._digits(f"person\x1f{name}\x1f{key}", _PERSON)

    def _check(self, name: str, prefix: str, body: str) -> str:
        return self._digits(f"check\x1f{name}\x1f{prefix}\x1f{body}", _CHECK)

    def _digits(self, text: str, length: int) -> str:
        number = int.from_bytes(hmac.new(self._key, text.encode(), hashlib.sha256).digest()[:8], "big")
        return _encode(number % 32**length, length)


def _encode(number: int, length: int) -> str:
    return "".join(_ALPHABET[number // 32**place % 32] for place in reversed(range(length)))


def _decode(text: str) -> int:
    number = 0
    for character in text:
        number = number * 32 + _ALPHABET.index(character)
    return number
