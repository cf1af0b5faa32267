"""Who holds which code: one record for each customer and campaign, the place where a code is promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.codes.language import DiscountCode
from homing.domain.segments.when import begins
from homing.domain.time import local_instant, to_datetime

_MIDNIGHT = time(0, 0)


@dataclass(frozen=True, slots=True)
class Grant:
    """A code for one customer. ``holders`` are the sends that carry it, or may: while there is one, it is theirs.

    ``text`` is empty until the code is certainly theirs; ``number`` is its place in the pool (None: minted). ``epoch`` is
    the version that chose the number: it tells one try from the next, so that a worker that comes late takes nothing back
    that was drawn anew. A grant without holders is what is left of one; it is kept, so that versions never begin again.
    """

    key: str
    version: int
    epoch: int
    at: int
    # The first instant at which it is no longer valid.
    expires: int
    number: int | None = None
    text: str = ""
    holders: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """Under which name this draw owns a code of the pool."""
        return f"{self.key}@{self.epoch}"

    def change(self, **values: Any) -> Grant:
        """The next version, with those fields changed."""
        return replace(self, version=self.version + 1, **values)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "holders": list(self.holders)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Grant:
        """Reads :meth:`to_dict`."""
        return cls(**{**value, "holders": tuple(value["holders"])})


@dataclass(frozen=True, slots=True)
class Pool:
    """How far a pool is drawn: codes have the numbers 1 to ``count``; from ``next`` on none was drawn yet, and of those
    before, the ones in ``returned`` were given back."""

    count: int = 0
    next: int = 1
    returned: frozenset[int] = frozenset()

    @property
    def left(self) -> int:
        """How many can be drawn. An estimate while draws are under way."""
        return max(self.count - self.next + 1, 0) + len(self.returned)

    def candidate(self) -> int | None:
        """The code to try next; None when none is left."""
        if self.returned:
            return min(self.returned)
        return self.next if self.next <= self.count else None


def grant_key(flow: str, profile_id: str, run_id: str, code: DiscountCode) -> str:
    """The customer and the campaign, and the run where each run has its own."""
    return f"{flow}#{profile_id}#{run_id}" if code.once_per == "run" else f"{flow}#{profile_id}"


def expiry(code: DiscountCode, zone: ZoneInfo, now: int) -> int:
    """The first instant at which a code drawn now is no longer valid: the midnight after its last day, in that zone, or
    the discount's own end where that comes first. ``valid_until: 2026-12-31`` includes the day."""
    last = to_datetime(now + code.valid_for).astimezone(zone).date()
    expires = local_instant(last + timedelta(days=1), _MIDNIGHT, zone)
    if code.valid_until is None:
        return expires
    end = begins(code.valid_until, zone)
    if len(code.valid_until) == len("2026-12-31"):
        day = datetime.fromisoformat(code.valid_until).date()
        end = local_instant(day + timedelta(days=1), _MIDNIGHT, zone)
    return min(expires, end)
