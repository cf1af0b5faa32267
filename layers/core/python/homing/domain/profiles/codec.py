"""A profile as bytes, in format 2: a JSON object with short keys, compressed with a dictionary of what profiles have in
common, and behind it the ids of events and messages as they are, which nothing makes shorter.

    02 | zstd frame of the JSON object | ids of events, 5 bytes each | ids of seen messages, 6 bytes each

The median profile stays under one write unit (1 KB). Instants are written as their distance from ``e``, when the profile
was last evaluated; parts that most profiles lack are left out. Profiles in format 1 are read, never written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
import zstandard

from homing.domain.profiles import codec_format_1, columns
from homing.domain.profiles.dictionary import DICTIONARY
from homing.domain.profiles.profile import Change, Consent, Profile, TraitValue

FORMAT = 2
_MARK = bytes([FORMAT])
# Level 6 is a twentieth smaller and takes 10 µs of a CPU more, for profiles that mostly fit into one write unit anyway.
_LEVEL = 3
_HASH_BYTES = 6
# How many keys every profile has, and the sets of texts that few have: short key → field.
_USUAL = len("itcmkvrazgews")
_MARKS = {"x": "merged", "d": "doubts", "n": "dismissed", "p": "apart", "h": "shared", "u": "moving"}


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    """Read only once it is made, so that threads may share it."""
    made = zstandard.ZstdCompressionDict(DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    made.precompute_compress(level=_LEVEL)
    return made


class _Zstd(threading.local):
    """A pair for each thread: sharing one between threads crashes the process, and making one costs 15 µs."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_dictionary()).compress
        self.decompress = zstandard.ZstdDecompressor(dict_data=_dictionary()).decompress


_zstd = _Zstd()


def encode(profile: Profile) -> bytes:
    """Everything but id, version and changes."""
    now = profile.evaluated_at
    events = columns.Writer(profile.memory, profile.carts)
    plain: dict[str, Any] = {
        "i": {kind: sorted(values) for kind, values in profile.identifiers.items()},
        "t": _groups(profile.traits.items(), now),
        "c": {topic: [said[0], now - said[1], *said[2:]] for topic, said in profile.consents.items()},
        "m": {slot: events.slot(held) for slot, held in profile.memory.items()},
        "k": events.carts(),
        "v": events.table(now),
        "r": profile.revision,
        "a": None if profile.first_at is None else now - profile.first_at,
        "z": None if profile.last_at is None else now - profile.last_at,
        "g": sorted(profile.segments),
        "e": now,
        "w": None if profile.wake_at is None else profile.wake_at - now,
    }
    if profile.rivals:
        plain["y"] = _groups(((name, said) for name, held in profile.rivals.items() for said in held.values()), now)
    if profile.lists:
        plain["l"] = {name: [now - at, joined] for name, (at, joined) in profile.lists.items()}
    if profile.stages:
        plain["q"] = {name: [stage, now - since] for name, (stage, since) in profile.stages.items()}
    for short, field in _MARKS.items():
        if marks := getattr(profile, field):
            plain[short] = sorted(marks)
    plain["s"], seen = _seen(profile.seen, now)
    packed = _zstd.compress(orjson.dumps(plain, option=orjson.OPT_NON_STR_KEYS))
    return b"".join((_MARK, packed, events.keys(), seen))


def decode(id: str, version: int, data: bytes) -> Profile:
    """Reads :func:`encode`, and what format 1 wrote."""
    if data[:1] != _MARK:
        return codec_format_1.decode(id, version, data)
    # What stands behind the frame is left alone by zstd.
    plain = orjson.loads(_zstd.decompress(data[1:]))
    now = plain["e"]
    seen, hashed = _unseen(plain["s"], data, now)
    table = plain["v"]
    events = columns.Reader(table, now, data[len(data) - hashed - columns.size(table) : len(data) - hashed])
    profile = Profile(
        id=id,
        version=version,
        identifiers={kind: set(values) for kind, values in plain["i"].items()},
        traits=dict(_ungroup(plain["t"], now)),
        consents={topic: Consent(said[0], now - said[1], *said[2:]) for topic, said in plain["c"].items()},
        memory={slot: events.slot(held) for slot, held in plain["m"].items()},
        carts=events.carts(plain["k"]),
        seen=seen,
        revision=plain["r"],
        first_at=None if plain["a"] is None else now - plain["a"],
        last_at=None if plain["z"] is None else now - plain["z"],
        segments=set(plain["g"]),
        evaluated_at=now,
        wake_at=None if plain["w"] is None else now + plain["w"],
    )
    if len(plain) > _USUAL:
        _rare(profile, plain, now)
    return profile


def _rare(profile: Profile, plain: Mapping[str, Any], now: int) -> None:
    """Reads what few profiles have."""
    for name, said in sorted(_ungroup(plain.get("y", ()), now), key=lambda pair: pair[1].order, reverse=True):
        profile.rivals.setdefault(name, {})[said.voice] = said
    profile.lists = {name: (now - ago, joined) for name, (ago, joined) in plain.get("l", {}).items()}
    profile.stages = {name: [stage, now - ago] for name, (stage, ago) in plain.get("q", {}).items()}
    for short, field in _MARKS.items():
        if short in plain:
            setattr(profile, field, set(plain[short]))


def _groups(said: Iterable[tuple[str, TraitValue]], now: int) -> list[list[Any]]:
    """Statements that one message made together: [values by trait, weight, how long ago, source, stated confidence]."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for name, (weight, at, source, value, stated) in said:
        groups.setdefault((weight, at, source, stated), {})[name] = value
    return [
        [values, weight, now - at, source] if stated is None else [values, weight, now - at, source, stated]
        for (weight, at, source, stated), values in groups.items()
    ]


def _ungroup(groups: Iterable[list[Any]], now: int) -> list[tuple[str, TraitValue]]:
    return [
        (name, TraitValue(weight, now - ago, source, value, *stated))
        for values, weight, ago, source, *stated in groups
        for name, value in values.items()
    ]


def _seen(seen: Mapping[str, int], now: int) -> tuple[Any, bytes]:
    """When messages were seen, latest first, and their hashes as bytes; whole where a hash is none."""
    latest = sorted(seen.items(), key=lambda item: item[1], reverse=True)
    text = "".join([key for key, _ in latest])
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return dict(seen), b""
    if raw.hex() != text or any(len(key) != 2 * _HASH_BYTES for key in seen):
        return dict(seen), b""
    return columns.to_deltas([at for _, at in latest], now), raw


def _unseen(held: Any, data: bytes, now: int) -> tuple[dict[str, int], int]:
    """What was seen, and how many bytes at the end belong to it."""
    if isinstance(held, dict):
        return held, 0
    instants = columns.from_deltas(held, now)
    size = len(instants) * _HASH_BYTES
    text = data[len(data) - size :].hex() if size else ""
    width = 2 * _HASH_BYTES
    return {text[i * width : (i + 1) * width]: at for i, at in enumerate(instants)}, size


def encode_changes(changes: Sequence[Change]) -> bytes:
    """What the table's stream carries to the bus."""
    return _MARK + _zstd.compress(orjson.dumps([list(change) for change in changes]))


def decode_changes(data: bytes) -> list[Change]:
    """Reads :func:`encode_changes`, and what format 1 wrote."""
    said = orjson.loads(_zstd.decompress(data[1:])) if data[:1] == _MARK else codec_format_1.decompress(data)
    return [Change(*change) for change in said]


__all__ = ["FORMAT", "decode", "decode_changes", "encode", "encode_changes"]
