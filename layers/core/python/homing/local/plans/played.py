"""History under both campaigns, and the days after it: the numbers that a plan compares."""

from __future__ import annotations

import copy
import copyreg
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from threading import Lock

from homing.domain.campaigns import Campaigns
from homing.domain.codes.minting import Mint
from homing.domain.content.render import Renderer
from homing.domain.delivery.ledger import Entry
from homing.domain.events.event import Event
from homing.domain.flows.language import detail_types
from homing.domain.profiles.identity import ArchiveIdentity
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, to_datetime, zone
from homing.local.backtest import LOCAL_SECRET, Backtest
from homing.local.figures import Figures
from homing.services.codes import Codes

# The pace of mails is that of so many days before the end.
PACE_DAYS = 28
_LOCK = type(Lock())

Tick = Callable[[int], None]


@dataclass
class Shop(Backtest):
    """A backtest that goes on after its history: with the same campaigns, or with others that are deployed then."""

    archived: bool = False
    capped: set[str] = field(default_factory=set)
    coming: Counter[str] = field(default_factory=Counter)
    _ended: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.watch = self._decide
        if self.archived:
            self.identity = ArchiveIdentity(self.secret)
            self.update = replace(self.update, identity=self.identity)
            self.flows = replace(self.flows, identity=self.identity)
            self.send = replace(self.send, identity=self.identity)

    def history(self, events: Iterable[Event], tick: Tick | None = None) -> None:
        """Plays it; the end is the arrival of its last event."""
        self.run(events, tick=tick)

    def at_the_end(self) -> Figures:
        """What history came to; time may go on afterwards."""
        kept, self.telling.counting = self.telling.counting, copy.deepcopy(self.telling.counting)
        found = self.figures()
        self.telling.counting = kept
        return found

    def deploy(self, campaigns: Campaigns) -> None:
        """Other campaigns decide from now on; nothing that a function remembered survives."""
        self.campaigns = campaigns
        self.update = replace(self.update, campaigns=campaigns)
        self.flows = replace(self.flows, campaigns=campaigns)
        self.send = replace(
            self.send, campaigns=campaigns, engine=self.update.engine, renderer=Renderer(campaigns),
            codes=Codes(campaigns, self.codes, Mint(self.secret)),
        )  # fmt: skip
        self.rank = replace(self.rank, engine=self.update.engine)
        self._wanted = detail_types(campaigns.flows.values())

    def twin(self) -> Shop:
        """A copy that goes its own way: what is compiled and written is shared, what is remembered is not."""
        shared = (self.campaigns, self.update.engine, self.flows.engine, self.send.engine, self.send.renderer)
        with _copied_locks():
            return copy.deepcopy(self, {id(one): one for one in shared})

    def go_on(self, days: int) -> Counter[str]:
        """Lets so many days pass in which nothing happens: the mails that come due, by flow."""
        self._ended = self.now
        self.pass_time(self.now + days * DAY)
        return self.coming

    def members(self) -> dict[str, set[str]]:
        """Who is in which segment now."""
        found: dict[str, set[str]] = {name: set() for name in self.campaigns.segments}
        for id_ in self.profiles.ids():
            profile = self.profiles.read([id_])[id_]
            if isinstance(profile, Profile):
                for segment in profile.named_segments:
                    found.setdefault(segment, set()).add(id_)
        return found

    def _decide(self, at: int, profile_id: str, entry: Entry) -> None:
        if self._ended is None and entry.reason.startswith("cap"):
            self.capped.add(profile_id)
        if self._ended is not None and entry.status == "sent":
            self.coming[entry.flow] += 1


@contextmanager
def _copied_locks() -> Iterator[None]:
    """Adapters hold locks, of which a copy gets its own. Nobody holds one here: everything is one thread's."""
    copyreg.dispatch_table[_LOCK] = lambda _: (Lock, ())
    try:
        yield
    finally:
        del copyreg.dispatch_table[_LOCK]


@dataclass(slots=True)
class Side:
    """One of the two campaigns. ``coming``: mails of the next days that come due by themselves, by flow."""

    figures: Figures
    members: dict[str, set[str]]
    capped: int
    coming: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, shop: Shop) -> Side:
        """At the end of its history."""
        return cls(shop.at_the_end(), shop.members(), len(shop.capped))

    @property
    def length(self) -> int:
        """The days of history, begun ones too."""
        begins, until = self.figures.begins, self.figures.until
        return 0 if begins is None or until is None else (self._day(until) - self._day(begins)).days + 1

    def _day(self, at: int) -> date:
        """Figures count by days of the shop."""
        return to_datetime(at).astimezone(zone(self.figures.shop.time_zone)).date()

    def pace(self, flow: str, days: int) -> float:
        """Mails of a flow in so many days, as they came in the last weeks of history."""
        held, until = self.figures.flows.get(flow), self.figures.until
        if held is None or until is None:
            return 0.0
        since = (self._day(until) - timedelta(days=self.paced - 1)).isoformat()
        return sum(number for day, number in held.mails.items() if day >= since) / self.paced * days

    @property
    def paced(self) -> int:
        """How many days the pace is taken from."""
        return max(1, min(PACE_DAYS, self.length))

    def grown(self, segment: str, days: int) -> int:
        """By how many a segment grew in the last so many days of history."""
        held, until = self.figures.segments.get(segment), self.figures.until
        if held is None or until is None:
            return 0
        since = (self._day(until) - timedelta(days=days - 1)).isoformat()
        return sum(number for day, number in held.moves.items() if day >= since)


def shop(campaigns: Campaigns, *, archived: bool = False) -> Shop:
    """A shop without history."""
    return Shop(campaigns, secret=LOCAL_SECRET, keep_mails=False, archived=archived)
