"""Reads profiles that were stored in format 1: one JSON object, compressed with a dictionary of its own. Nothing writes it
any more; a profile moves on with its next write."""

from __future__ import annotations

import threading
from typing import Any

import orjson
import zstandard

from homing.domain.profiles.phrases import PHRASES
from homing.domain.profiles.profile import Consent, Profile, TraitValue


class _Zstd(threading.local):
    def __init__(self) -> None:
        dictionary = zstandard.ZstdCompressionDict(PHRASES, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        self.decompress = zstandard.ZstdDecompressor(dict_data=dictionary).decompress


_zstd = _Zstd()


def decompress(data: bytes) -> Any:
    """The JSON document in a frame of format 1."""
    return orjson.loads(_zstd.decompress(data))


def decode(id: str, version: int, data: bytes) -> Profile:
    """A profile as it was before there were rivals, lists and doubts."""
    plain = decompress(data)
    return Profile(
        id=id,
        version=version,
        identifiers={kind: set(values) for kind, values in plain["i"].items()},
        merged=set(plain.get("x", ())),
        traits={name: TraitValue(*held) for name, held in plain["t"].items()},
        consents={topic: Consent(*said) for topic, said in plain["c"].items()},
        memory={slot: _slot(held) for slot, held in plain["m"].items()},
        carts={token: {int(key): done for key, done in log.items()} for token, log in plain["k"].items()},
        seen=plain["s"],
        revision=plain["r"],
        first_at=plain["a"],
        last_at=plain["z"],
        segments=set(plain["g"]),
        evaluated_at=plain["e"],
        wake_at=plain["w"],
    )


def _slot(held: Any) -> Any:
    if isinstance(held, dict):
        return {value: _slot(entries) for value, entries in held.items()}
    return [(entry[0], entry[1], entry[2] if len(entry) > 2 else None) for entry in held]
