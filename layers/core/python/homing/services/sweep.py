"""The lanes of a sweep: each hands on one kind of thing, in the order of time over all buckets, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, islice

from homing.domain.errors import HomingError
from homing.domain.profiles.profile import WAKE_BUCKETS
from homing.domain.progress import Pass, Place
from homing.domain.time import SECOND

# What one Query brings: keys of some 100 bytes, so 12.5 read units.
PAGE = 1_000
# A chunk ends after so many entries even if few of them were of its lane's kind: the other lanes want their turn.
_LOOK = 5 * PAGE
# What came due less than this ago is not behind any place: the index is a moment behind, and clocks differ.
_SETTLED = 10 * SECOND
# What is due for longer than the minute between two sweeps was probably handed on before.
_LATE = 90 * SECOND

Read = Callable[[int, Place | None], list[Place]]
# How many were handed on, and what went wrong with the others.
Handed = tuple[int, HomingError | None]


class Pages:
    """The pages of one index during one sweep: two lanes that want the same page read it once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[tuple[int, Place | None], list[Place]] = {}

    def __call__(self, bucket: int, after: Place | None = None) -> list[Place]:
        """The entries of a bucket behind a place, at most PAGE: fewer are the last."""
        key = (bucket, after)
        if key not in self._known:
            self._known[key] = self._read(bucket, after)
        return self._known[key]

    def empty(self) -> bool:
        """Whether no bucket has anything. What can't be read may have something: its lane meets the failure again."""
        try:
            return not any([self(bucket) for bucket in range(WAKE_BUCKETS)])  # noqa: C419 - all are read
        except HomingError:
            return False


@dataclass(frozen=True)
class Work:
    """What a lane hands on, and how: ``size`` at a time, at most ``rate`` a second (0: as fast as it goes).

    ``lease``: how long what was handed on is left alone (0: it leaves the index as it is handed on).
    """

    name: str
    kind: str
    pages: Pages
    hand_on: Callable[[Sequence[Place]], Handed]
    size: int
    lease: int = 0
    rate: int = 0


@dataclass
class Lane:
    """One lane during one sweep. ``before`` is the pass that it goes on with; ``stop`` says that time is up."""

    work: Work
    before: Pass | None
    stop: Callable[[], bool]
    handed: int = 0
    # How long ago the oldest of what was handed on came due.
    lateness: int = 0
    ready_at: int = 0
    done: bool = False
    cut: bool = False
    error: HomingError | None = None
    places: dict[int, Place] = field(init=False)
    _merged: Iterator[tuple[int, Place]] = field(init=False)

    def __post_init__(self) -> None:
        self.places = dict(self.before.places) if self.before else {}
        start = dict(self.places)
        walks = (self._walk(bucket, start.get(bucket)) for bucket in range(WAKE_BUCKETS))
        self._merged = merge(*walks, key=lambda item: item[1].at)

    @property
    def open(self) -> bool:
        """Whether there may be more to hand on in this sweep."""
        return not (self.done or self.cut)

    def step(self, clock: Callable[[], int]) -> None:
        """Hands on the next chunk. A failure closes the lane for this sweep: what comes later must not overtake."""
        taken, wanted = list[tuple[int, Place]](), list[Place]()
        try:
            for item in islice(self._merged, _LOOK):
                taken.append(item)
                if item[1].kind == self.work.kind:
                    wanted.append(item[1])
                    if len(wanted) == self.work.size:
                        break
            if wanted:
                self._hand_on(wanted, clock)
            settled = clock() - _SETTLED
            for bucket, place in taken:
                if place.at <= settled:
                    self.places[bucket] = place
            # Whether there is more is asked now, not after a wait.
            following = next(self._merged, None)
        except HomingError as error:
            self.cut, self.error = True, error
            return
        if following is None:
            self.done = not self.cut
        else:
            self._merged = chain([following], self._merged)

    def _hand_on(self, wanted: Sequence[Place], clock: Callable[[], int]) -> None:
        count, error = self.work.hand_on(wanted)
        now = clock()
        self.handed += count
        self.error = self.error or error
        self.lateness = max(self.lateness, now - wanted[0].at)
        if self.work.rate:
            self.ready_at = now + len(wanted) * SECOND // self.work.rate

    def worth_keeping(self, many: int) -> bool:
        """Whether the next sweep would meet the same again: there was no time for all of it, or it was much, or late."""
        if self.cut and self.places:
            return True
        return self.work.lease > 0 and (self.handed >= many or self.lateness > _LATE)

    def progress(self, now: int, many: int) -> Pass | None:
        """What is remembered of it; None: the next sweep begins at the head of its buckets."""
        if self.before is None and not self.worth_keeping(many):
            return None
        if not self.done:
            return Pass(self.places)
        if not self.work.lease:
            return None
        since = self.before.caught_up if self.before else None
        return Pass(self.places, now if since is None else since)

    @property
    def arrived(self) -> bool:
        """Whether a pass that was under way has caught up."""
        return self.done and self.before is not None and self.before.caught_up is None

    def _walk(self, bucket: int, after: Place | None) -> Iterator[tuple[int, Place]]:
        page = self.work.pages(bucket, after)
        while True:
            for place in page:
                yield bucket, place
            if len(page) < PAGE:
                return
            if self.stop():
                self.cut = True
                return
            page = self.work.pages(bucket, page[-1])


def lane(work: Work, passes: Mapping[str, Pass], now: int, stop: Callable[[], bool]) -> Lane:
    """A lane that goes on where the sweeps before it stopped, unless their lease is over."""
    before = passes.get(work.name)
    return Lane(work, before if before is not None and before.holds(now, work.lease) else None, stop)
