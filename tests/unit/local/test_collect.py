"""What is read from a host at the end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from homing.adapters.blob import pack
from homing.adapters.dynamodb_rankings import KEY
from homing.domain.profiles.codec import encode
from homing.domain.profiles.profile import Profile
from homing.local.collect import _profiles


def item(id: str, data: bytes) -> dict[str, Any]:
    return {"id": {"S": id}, "version": {"N": "1"}, "data": {"B": data}}


def test_thresholds_and_pointers_beside_the_profiles_are_none() -> None:
    held = [
        item("p", encode(Profile("p", version=1))), item(KEY, pack([])), {**item("q", b""), "moved_to": {"S": "p"}},
    ]  # fmt: skip
    host: Any = SimpleNamespace(items={"profiles": held}.__getitem__)
    assert [profile.id for profile in _profiles(host)] == ["p"]
