"""How much of a person is kept: a profile is one item of at most 400 KB, and anybody may send anything.

Every bound cuts, none refuses: an event that carries a novel is still an event. What is cut depends on the value alone,
never on the order of events. The bounds lie far above what shops send; docs/decisions.md lists them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from homing.domain.profiles import codec
from homing.domain.profiles.profile import Change, Profile

_NESTED = (list, dict)
MAX_NAME = 100
MAX_TRAIT = 2_000
MAX_TRAITS = 200
MAX_TOPICS = 50
# Of each kind: a browser that forgets its cookies is a new device with every visit.
MAX_IDENTIFIERS = 50
MAX_MERGED = 20
# Doubts, dismissed ones, and people who were told apart.
MAX_MARKS = 50
# What an entry of memory carries along: views, of which a dozen are kept, and the latest order.
MAX_PAYLOAD = 1_500
MAX_ORDER = 8_000
_INT64 = 1 << 63
# The item has 400 KB for the profile, its identifiers once more, and what became true.
MAX_BYTES = 200_000
MAX_CHANGES = 100_000
# So few items of carts and orders certainly fit.
_SURE = 60
# Whole numbers beyond 53 bits, and whatever is not of JSON, are looked at one by one.
_PLAIN = (
    orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)  # fmt: skip
_MAX_TOLD = 10


def small(value: Any, budget: int) -> Any:
    """A JSON value cut to about ``budget`` bytes; numbers beyond 64 bits become text, and none at all None."""
    if isinstance(value, str) and len(value) <= budget and value.isascii():
        return value
    if isinstance(value, _NESTED) and (plain := _as_it_is(value, budget)) is not None:
        return plain
    return _Cut(budget).take(value)


def _as_it_is(value: Any, budget: int) -> Any:
    """A copy of what certainly needs no cutting, which is nearly everything; None where somebody has to look closer."""
    try:
        data = orjson.dumps(value, option=_PLAIN)
    except (TypeError, ValueError):
        return None
    # As _Cut counts, at most: every value 4 and its text, every name its text.
    values = data.count(b",") + data.count(b"[") + data.count(b"{") + 1
    return orjson.loads(data) if len(data) + 4 * values <= budget else None


def label(value: Any) -> str:
    """A value as a key: long ones keep their beginning and a hash of the rest."""
    text = str(value)
    if len(text) <= MAX_NAME:
        return text
    return f"{text[:60]}#{hashlib.blake2b(text.encode(errors='replace'), digest_size=8).hexdigest()}"


def fit(profile: Profile) -> None:
    """Sheds what is dear and old, should all bounds be reached at once: carts first, then what memory carries along, then
    traits. Behaviour itself is kept: campaigns say how much of it they need."""
    if _at_most(profile) > MAX_BYTES and _size(profile) > MAX_BYTES:
        touched = {
            token: max((e[0] for e in log.values()), default=0) for token, log in profile.carts.items() if token != "*"
        }
        for token in sorted(touched, key=lambda token: (touched[token], token)):
            del profile.carts[token]
            if _size(profile) <= MAX_BYTES:
                break
        else:
            profile.memory = {slot: _bare(held) for slot, held in profile.memory.items()}
            profile.rivals = {}
            latest = sorted(profile.traits, key=lambda name: (-profile.traits[name].at, name))
            while latest and _size(profile) > MAX_BYTES:
                latest = latest[: len(latest) // 2]
                profile.traits = {name: profile.traits[name] for name in latest}
    if _told(profile) > _SURE and len(codec.encode_changes(profile.changes)) > MAX_CHANGES:
        profile.changes = [_shortened(change) for change in profile.changes]


def _at_most(profile: Profile) -> int:
    """Bytes that the profile can't have more of, from counts alone: measuring costs as much as folding."""
    # Plain loops: every write asks.
    lines = remembered = 0
    for log in profile.carts.values():
        for entry in log.values():
            lines += len(entry[-1])
    for held in profile.memory.values():
        if isinstance(held, list):
            remembered += len(held) * 40
            for _, _, carried in held:
                if carried:
                    remembered += 16 * MAX_PAYLOAD
                    break
        else:
            for of in held.values():
                remembered += 200 + 40 * len(of)
    named = sum(map(len, profile.identifiers.values())) * 512 + len(profile.consents) * 1_000
    said = len(profile.traits) + sum(map(len, profile.rivals.values()))
    return lines * 1_500 + remembered + named + said * (MAX_TRAIT + 200)


def _told(profile: Profile) -> int:
    return sum(
        1 + sum(len(h.get("items", ())) for h in c.data.values() if isinstance(h, dict)) for c in profile.changes
    )


def _size(profile: Profile) -> int:
    return len(codec.encode(profile))


def _bare(held: Any) -> Any:
    if isinstance(held, dict):
        return held
    return [(at, key, None) for at, key, _ in held]


def _shortened(change: Change) -> Change:
    """With the first few of a cart's or an order's items."""
    data = {
        name: {**held, "items": held["items"][:_MAX_TOLD]} if isinstance(held, dict) and "items" in held else held
        for name, held in change.data.items()
    }
    return change._replace(data=data)


class _Cut:
    def __init__(self, budget: int) -> None:
        self._left = budget

    def take(self, value: Any) -> Any:
        self._left -= 4
        if isinstance(value, str):
            raw = value.encode(errors="replace")[: max(self._left, 0)]
            self._left -= len(raw)
            return raw.decode(errors="ignore")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return value if -_INT64 <= value < _INT64 else self.take(str(value))
        if isinstance(value, float):
            return value if value - value == 0 else None
        if isinstance(value, Mapping):
            return {name: self.take(held) for name, held in value.items() if self._room(str(name))}
        if isinstance(value, list | tuple):
            return [self.take(held) for held in value if self._room("")]
        return self.take(str(value))

    def _room(self, name: str) -> bool:
        self._left -= len(name)
        return self._left > 0
