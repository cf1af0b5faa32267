"""From an identifier to the id of the profile it names, without a look-up table.

A profile's id is a keyed hash of the identifier it was first known by. Two writers that meet a new person at the same
moment therefore address the same item, and a profile costs one write, not one for itself and one for each identifier.
Only when identifiers turn out to be one person does the weaker one's item become a pointer to the other.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from homing.domain.events.event import PERSON_IDENTIFIERS, IdentifierKind


def normalise(kind: IdentifierKind, value: str) -> str:
    """The one spelling of an identifier: e-mail addresses without surrounding space and in lower case."""
    value = unicodedata.normalize("NFKC", value).strip()
    return value.lower() if kind == "email" else value


# A person's events come in sessions: the same few identifiers again and again.
@lru_cache(maxsize=20_000)
def _keyed_hash(secret: bytes, text: str) -> str:
    return hmac.digest(secret, text.encode(), hashlib.sha256).hex()[:26]


_SHARED = "-shared"


def shared_id(key: str) -> str:
    """The id of the profile that what is done anonymously on a shared device belongs to; ``key`` is the device's."""
    return key + _SHARED


def is_shared_id(id: str) -> bool:
    """Whether this is nobody's profile: that of a shared device."""
    return id.endswith(_SHARED)


@dataclass(frozen=True, slots=True)
class Identity:
    """Turns identifiers into ids with the deployment's secret; the ids reveal nothing without it."""

    secret: bytes

    def key(self, kind: str, value: str) -> str:
        """26 hexadecimal digits (104 bits) for an identifier that is already normalised."""
        return _keyed_hash(self.secret, f"{kind}:{value}")

    def keys(self, identifiers: Mapping[IdentifierKind, str]) -> dict[IdentifierKind, str]:
        """The id for each of a person's identifiers, strongest first."""
        return {
            kind: self.key(kind, normalise(kind, identifiers[kind]))
            for kind in PERSON_IDENTIFIERS
            if identifiers.get(kind)
        }

    def person(self, identifiers: Mapping[IdentifierKind, str]) -> str | None:
        """The id under the strongest identifier: also the stream's partition key. None where nobody is named."""
        return next(iter(self.keys(identifiers).values()), None)

    def cart(self, token: str) -> str:
        """The id of a cart by its cart or checkout token."""
        return self.key("cart_token", token.strip())


class ArchiveIdentity(Identity):
    """Of an archive, where ids stand instead of identifiers already."""

    def key(self, kind: str, value: str) -> str:
        """What an archived event carries is the id."""
        return value
