"""A date that is said of somebody: a renewal, the end of a trial, a wedding day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta

from homing.domain.flows.trigger import Trigger
from homing.domain.profiles.local_time import day_of, zone_of
from homing.domain.profiles.profile import Change, Profile
from homing.domain.time import DAY, anniversary, local_instant, to_datetime


@dataclass(frozen=True, slots=True)
class DateReached:
    """Fires so long before or after the date of a trait, at a wall-clock time in the customer's zone; once, or each year.

    The offset is counted in whole days of the calendar and what is left of it exactly: ``14d`` before a day is the same
    time of day two weeks earlier, also when clocks are put forward in between.
    """

    name: str
    trait: str
    offset: int
    at: time
    yearly: bool
    zone: str
    touched_by: frozenset[str]
    kind: str = "date_reached"

    @classmethod
    def of(cls, on: Trigger, at: time, zone: str) -> DateReached:
        """From the flow's ``on:``; ``at`` where it says none."""
        trait = on.trait or ""
        touched = frozenset(f"trait:{name}" for name in (trait, trait.partition(".")[0], "timezone", "time_zone"))
        return cls(on.name, trait, on.offset, on.at or at, on.yearly, zone, touched)

    def _origin(self, profile: Profile) -> date | None:
        value = profile.trait(self.trait)
        return None if value is None else day_of(value)

    def _reached(self, profile: Profile, t: int) -> Iterator[tuple[str, date, int]]:
        """The days that may matter around ``t``, with their keys and the instants at which they are reached."""
        days, rest = divmod(self.offset, DAY)
        tz = zone_of(profile, self.zone)
        for key, day in self._days(profile, t):
            try:
                yield key, day, local_instant(day + timedelta(days=days), self.at, tz) + rest
            except (OverflowError, ValueError):
                # 0001-01-01, 9999-12-31: no calendar holds what lies before or behind; nobody waits for it.
                continue

    def _days(self, profile: Profile, t: int) -> Iterator[tuple[str, date]]:
        origin = self._origin(profile)
        if origin is None:
            return
        if not self.yearly:
            yield origin.isoformat(), origin
            return
        year = to_datetime(t - self.offset).year
        for one in range(max(year - 1, 2), min(year + 3, 9998)):
            yield str(one), anniversary(origin, one)

    def active(self, profile: Profile, t: int) -> dict[str, date]:
        """The days reached, each for a day."""
        return {key: day for key, day, instant in self._reached(profile, t) if instant <= t < instant + DAY}

    def next(self, profile: Profile, t: int, before: int | None = None) -> int | None:
        """When the next one is reached."""
        return min((instant for _, _, instant in self._reached(profile, t) if instant > t), default=None)

    def same(self, found: date, known: Iterable[date]) -> bool:
        """Another date is other news."""
        return False

    def change(self, profile: Profile, key: str, found: date, t: int) -> Change:
        """Carries the date itself, not the day on which the flow starts."""
        return Change(self.kind, self.name, t, key, {"date": found.isoformat()})
