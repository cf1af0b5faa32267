"""When somebody looks, at the shop and at its mail: the hour and the weekday at which a mail finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from homing.domain.attributes.attribute import earliest, future
from homing.domain.attributes.mails import BY_PEOPLE, CLICKED, OPENED
from homing.domain.attributes.tastes import Touches, favourite
from homing.domain.campaigns import Settings
from homing.domain.events.event import Event
from homing.domain.profiles.local_time import ZONE_INPUTS, zone_of
from homing.domain.profiles.memory import Entry, Plan
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Test
from homing.domain.time import to_datetime

KEEP = 30
# As in the engagement score.
WEIGHTS = {OPENED: 1, CLICKED: 3}
_SLOT = "c.readings"

# Something done: the instant, what it weighs, and whether it was done to a mail.
Done = tuple[int, int, bool]


class Readings:
    """The memory of opens and clicks by people, whichever mail it was. Entries carry the weight (``w``, 1 where it is
    missing)."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def reads(self) -> frozenset[str]:
        """Plans the memory. Returns the slot."""
        return frozenset({self._plan.need(WEIGHTS, id=_SLOT, where=BY_PEOPLE, keep=KEEP, take=_take)})

    def entries(self, profile: Profile, t: int) -> list[Entry]:
        """The latest by ``t``."""
        return [entry for entry in profile.memory.get(_SLOT, ()) if entry[0] <= t][:KEEP]

    def ahead(self, profile: Profile, t: int) -> int | None:
        """The first after ``t``."""
        return future(profile.memory.get(_SLOT, ()), t)


def _take(event: Event) -> dict[str, Any]:
    weight = WEIGHTS[event.name]
    return {"w": weight} if weight != 1 else {}


class Preferred:
    """The hour or the weekday of most of what somebody did, where they are. Changes only with an event: all decays alike."""

    lasting = True

    def __init__(
        self, settings: Settings, touches: Touches, readings: Readings, show: Callable[[datetime], Any]
    ) -> None:
        self._zone = settings.time_zone
        self._half_life = settings.computed.half_life
        self._touches, self._readings = touches, readings
        self._show = show
        self.reads = touches.reads() | readings.reads() | ZONE_INPUTS

    def value(self, profile: Profile, t: int) -> Any:
        """None where nothing is known."""
        tz = zone_of(profile, self._zone)
        shown: dict[str, Any] = {}
        touches = []
        read: set[tuple[int, date, int]] = set()
        latest: int | None = None
        for place, (at, weight, of_mail) in enumerate(self._done(profile, t)):
            moment = to_datetime(at).astimezone(tz)
            if of_mail:
                # A mail program fetches pictures as often as it likes.
                hour = (weight, moment.date(), moment.hour)
                if hour in read:
                    continue
                read.add(hour)
            latest = at if latest is None else latest
            value = self._show(moment)
            shown[str(value)] = value
            touches.append((str(value), weight * 2.0 ** ((at - latest) / self._half_life), place))
        found = favourite(touches)
        return None if found is None else shown[found]

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """When something that lies ahead happens."""
        return earliest(self._touches.ahead(profile, t), self._readings.ahead(profile, t))

    def _done(self, profile: Profile, t: int) -> list[Done]:
        """Latest first."""
        return sorted(
            (*_weighed(self._touches.entries(profile, t), of_mail=False),
             *_weighed(self._readings.entries(profile, t), of_mail=True)),
            key=lambda done: -done[0],
        )  # fmt: skip


def _weighed(entries: list[Entry], *, of_mail: bool) -> Iterator[Done]:
    for at, _, carried in entries:
        yield at, (carried or {}).get("w", 1), of_mail
