"""Signed links that need no log-in: to unsubscribe, and to the preference page.

A link says who may change what, and nothing else: profile id, hash of the address, topic, purpose and date of issue,
under an HMAC. It names nobody, cannot be made without the deployment's secret, and a link of one purpose does not
open another. ``docs/events.md`` says what the pages do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

from homing.domain.errors import InvalidInput
from homing.domain.time import DAY, SECOND

Purpose = Literal["unsubscribe", "preferences", "confirm"]

VALID_FOR = 730 * DAY
# A confirmation is asked for now; who finds the mail much later subscribes once more.
CONFIRM_WITHIN = 7 * DAY
_VERSION = 1
_PURPOSES: dict[str, int] = {"unsubscribe": 1, "preferences": 2, "confirm": 3}
# 128 bits are out of reach of guessing over HTTP, and half of them are saved in every mail.
_MAC_BYTES = 16
_HEAD_BYTES = 7
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class LinkClaims:
    """What a link proves. ``issued_at`` is an instant, exact to the second; ``topic`` may be ``*``."""

    purpose: Purpose
    profile_id: str
    email_key: str
    topic: str
    issued_at: int


class Links:
    """Makes and reads them. ``secret`` is the deployment's keys secret, from which an own key is derived."""

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._key = hmac.new(secret, b"homing links v1", hashlib.sha256).digest()
        self._base = public_url.rstrip("/")

    def unsubscribe_url(self, profile_id: str, email_key: str, topic: str, now: int) -> str:
        """For List-Unsubscribe and the foot of a mail; only a POST to it changes anything (RFC 8058)."""
        return f"{self._base}/unsubscribe?t={self.token('unsubscribe', profile_id, email_key, topic, now)}"

    def preferences_url(self, profile_id: str, email_key: str, topic: str, now: int) -> str:
        """For the foot of a mail; ``topic`` is that of the mail it stands in."""
        return f"{self._base}/preferences?t={self.token('preferences', profile_id, email_key, topic, now)}"

    def confirm_url(self, profile_id: str, email_key: str, topic: str, now: int) -> str:
        """For the confirmation mail of a double opt-in: the page that it opens asks once more."""
        return f"{self._base}/confirm?t={self.token('confirm', profile_id, email_key, topic, now)}"

    def token(self, purpose: Purpose, profile_id: str, email_key: str, topic: str, now: int) -> str:
        """URL-safe text of about 120 characters."""
        head = bytes([_VERSION, _PURPOSES[purpose]]) + (now // SECOND).to_bytes(5, "big")
        payload = head + _SEPARATOR.join((profile_id, email_key, topic)).encode()
        return _text(payload + self._mac(payload))

    def read(self, token: str, purpose: Purpose, now: int) -> LinkClaims:
        """What the token proves. Raises InvalidInput: ``bad_link``, or ``link_expired`` after two years (a
        confirmation: seven days)."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _bad() from error
        if _text(raw) != token:
            # The same bytes written otherwise (padding, spare bits at the end): there is one spelling of a link.
            raise _bad()
        payload, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(payload) < _HEAD_BYTES or not hmac.compare_digest(mac, self._mac(payload)):
            raise _bad()
        if payload[0] != _VERSION or payload[1] != _PURPOSES[purpose]:
            raise _bad()
        profile_id, email_key, topic = payload[_HEAD_BYTES:].decode().split(_SEPARATOR)
        issued_at = int.from_bytes(payload[2:_HEAD_BYTES], "big") * SECOND
        if now >= issued_at + (CONFIRM_WITHIN if purpose == "confirm" else VALID_FOR):
            raise InvalidInput("this link is too old", code="link_expired")
        return LinkClaims(purpose, profile_id, email_key, topic, issued_at)

    def _mac(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bad() -> InvalidInput:
    return InvalidInput("this link is not complete: copy all of it from the e-mail", code="bad_link")
