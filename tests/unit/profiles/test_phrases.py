"""The dictionary of format 1 stays as it is: what is stored was written with it."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

from homing.domain.profiles.codec import decode, encode
from homing.domain.profiles.profile import Profile, TraitValue

PROFILE = Profile(
    "p",
    3,
    identifiers={"user_id": {"ana"}},
    traits={"email": TraitValue(2, 17, "segment", "ana@example.com")},
    seen={"ab": 5},
)
STORED = "KLUv/SChlQEAaGFuYWFuYX1hYiI6NTANoGApWBwQJEH5pLt0mhNokJ8FlsQOCZf6XBbuheR37FQDUQg="


def test_a_profile_stored_with_format_1_can_still_be_read() -> None:
    assert decode("p", 3, base64.b64decode(STORED)) == PROFILE


def test_threads_share_the_dictionary() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: decode("p", 3, encode(PROFILE)) == PROFILE, range(400)))
