"""Which bucket of an index something lies in: the same for the tables and for their fakes."""

from __future__ import annotations

from homing.domain.profiles.profile import WAKE_BUCKETS
from homing.services.ports import MEMBER_SHARDS


def wake_bucket(id: str) -> int:
    """The wake-up bucket of a profile, run or ledger: as ``Profile.wake_bucket`` has it."""
    return sum(id.encode()) % WAKE_BUCKETS


def bucket_name(bucket: int) -> str:
    """How the index spells a bucket: ``w3``."""
    return f"w{bucket}"


def parked_name(flow: str, shard: int) -> str:
    """How the index spells a shard of what waits for a paused flow: no bucket that a sweep reads."""
    return f"p#{flow}#{shard}"


def member_shard(profile_id: str) -> int:
    """The shard of a segment's member index, so that a segment of millions is no hot partition."""
    return sum(profile_id.encode()) % MEMBER_SHARDS
