"""Leave to send now: the account's rate, the warm-up of the domain, and the stop before SES stops the account.

Each worker leases its share of the rate and of the day's number in one conditional write and then decides by itself, for
ten seconds. What waits is deferred in the ledger of its person: nothing is dropped, no delivery of the queue is used up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from homing.domain.campaigns import Campaigns
from homing.domain.delivery import warmup
from homing.domain.delivery.book import ALL, Book
from homing.domain.delivery.rate import LEASE, Lane
from homing.domain.delivery.reputation import Kind
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.time import HOUR, MINUTE, SECOND
from homing.services.ports import Clock

# Who has to wait longer than this for its turn goes back instead of holding up a worker (microseconds).
PATIENCE = 5 * SECOND
_ATTEMPTS = 8


class BookStore(Protocol):
    """The one item that all workers share."""

    def load(self) -> Book:
        """Strongly consistent; an empty one (version 0) when there is none."""

    def save(self, book: Book, *, expected: int) -> None:
        """Stores ``book.version``; Conflict unless the stored version is ``expected`` (0: nothing there)."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a mail may not leave now (``rate``, ``warm_up``, ``reputation_stop``), and when it is looked at again."""

    reason: str
    until: int
    values: Mapping[str, Any]


class Pace:
    """One for each process. ``holder`` names it; ``wait`` sleeps for seconds; ``shares``: domain.delivery.rate."""

    def __init__(
        self, store: BookStore, campaigns: Campaigns, shares: tuple[int, ...], *, holder: str, clock: Clock,
        wait: Callable[[float], None],
    ) -> None:  # fmt: skip
        self._store, self._campaigns, self._shares = store, campaigns, shares
        self._holder, self._clock, self._wait = holder, clock, wait
        self._book = Book()
        self._lane: Lane | None = None
        self._next = 0
        self._until = 0
        # What is left of the day's number, leased in blocks; None: no limit.
        self._left: int | None = None
        self._full = False
        # Transactional mails beyond the block, and sends by topic that the item does not know yet.
        self._owed = 0
        self._sent: Counter[str] = Counter()

    def __call__(self, topic: str, flow: str) -> Pause | None:
        """None: send it now. Waits a little for its turn. Raises Unavailable."""
        now = self._clock()
        held = self._campaigns.settings.topics.get(topic)
        marketing = not (held and held.transactional)
        if now >= self._until or (marketing and self._left == 0 and not self._full) or self._is_new_day(now):
            self._lease(now)
        if marketing and (stop := self._book.stop_of(topic)):
            return Pause("reputation_stop", now + HOUR, {key: value for key, value in stop.items() if key != "at"})
        if marketing and self._left == 0:
            flows = self._campaigns.flows
            until = warmup.next_turn(
                now, self._campaigns.settings.time_zone, flows[flow].priority if flow in flows else 0,
                [one.priority for one in flows.values()],
            )  # fmt: skip
            return Pause("warm_up", until, {"sent_today": self._book.taken})
        if not self._turn():
            return Pause("rate", self._clock() + MINUTE, {"mails_per_second": sum(self._shares)})
        self._sent[topic] += 1
        if self._left:
            self._left -= 1
        elif self._left == 0:
            self._owed += 1
        return None

    def _is_new_day(self, now: int) -> bool:
        zone = self._campaigns.settings.time_zone
        return self._left is not None and warmup.day_of(now, zone).isoformat() != self._book.day

    def _turn(self) -> bool:
        """Waits for this worker's next place in its lane; False when there is none soon."""
        for _ in range(_ATTEMPTS):
            now = self._clock()
            if now >= self._until:
                self._lease(now)
            if self._lane is None:
                return False
            if (ahead := self._next - now) > 0:
                self._wait(ahead / SECOND)
                now = self._clock()
            if now < self._lane.until:
                self._next = now + self._lane.gap
                return True
        return False

    def _lease(self, now: int) -> None:
        patient = now + PATIENCE
        for _ in range(_ATTEMPTS):
            now = self._clock()
            book = self._store.load()
            got = book.lanes.lease(self._holder, now, self._shares)
            if isinstance(got, int):
                # Nothing is free. What is known of stops is fresh all the same.
                if got > patient:
                    self._book, self._lane, self._until = book, None, now + PATIENCE
                    return
                self._wait((got - now) / SECOND)
                continue
            lanes, lane = got
            book, left = self._day(replace(book, lanes=lanes).sent(self._sent), now)
            written = replace(book, version=book.version + 1)
            try:
                self._store.save(written, expected=book.version)
            except Conflict:
                continue
            if self._lane is None or self._lane.number != lane.number:
                self._next = now
            self._book, self._lane, self._until = written, lane, lane.until
            self._left, self._full = left, left == 0
            self._sent.clear()
            self._owed = 0
            return
        raise Unavailable("no place in the sending rate: its item is written too often")

    def _day(self, book: Book, now: int) -> tuple[Book, int | None]:
        """Takes a block of the day's number; what was left of the last one goes back."""
        settings = self._campaigns.settings
        day = warmup.day_of(now, settings.time_zone)
        limit = warmup.limit(settings.warm_up, day)
        if limit is None:
            return book, None
        if book.day != day.isoformat():
            taken = 0
        else:
            # A block of yesterday was never on today's account.
            back = (self._left or 0) if self._book.day == book.day else 0
            taken = max(0, book.taken - back) + self._owed
        left = max(0, limit - taken)
        block = min(left, sum(self._shares) * (LEASE // SECOND), max(1, left // (2 * len(self._shares))))
        return replace(book, day=day.isoformat(), taken=taken + block), block


@dataclass(frozen=True)
class Reckoning:
    """Bounces and complaints as they come, and the word of whoever lets the mail go on."""

    store: BookStore
    clock: Clock

    def heard(self, topic: str, kind: Kind, id: str) -> tuple[str, ...]:
        """Counts it; answers what was stopped by it. Raises Unavailable."""
        stopped: tuple[str, ...] = ()

        def change(book: Book) -> Book:
            nonlocal stopped
            changed, stopped = book.heard(topic, kind, id, self.clock())
            return changed

        self._change(change)
        return stopped

    def resume(self, topic: str = ALL) -> None:
        """Lets a topic's mail go on, or that of all topics. Raises InvalidInput when it was not stopped."""

        def change(book: Book) -> Book:
            if topic not in book.stopped:
                raise InvalidInput(f"{topic!r} is not stopped")
            return book.resumed(topic)

        self._change(change)

    def _change(self, change: Callable[[Book], Book]) -> None:
        for _ in range(_ATTEMPTS):
            book = self.store.load()
            changed = change(book)
            if changed == book:
                return
            try:
                self.store.save(replace(changed, version=book.version + 1), expected=book.version)
            except Conflict:
                continue
            return
        raise Unavailable("the item of the sending rate is written too often")
