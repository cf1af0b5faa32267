"""Rebuilding memory from the archive: after definitions changed, people are remembered as if the new ones had always been.

The archive is folded with the campaigns' plan, and the result joined into the live profiles. Since the fold is a union,
joining is right at any moment, twice, and while live traffic goes on. What changes by it is no news: no flow starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from homing.domain.attributes.rankings import Rankings
from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, Unavailable
from homing.domain.profiles import fold
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.memory import event_key
from homing.domain.profiles.profile import Profile
from homing.domain.profiles.rejoin import join_memory
from homing.services.archived import Archived, Part, Reading, Tick
from homing.services.batch import Parallel, one_by_one
from homing.services.merging import close_ordered_carts
from homing.services.ports import ArchiveReader, Clock, ProfileStore
from homing.services.resolve import load, root

_ATTEMPTS = 10
# People whose profiles are read at once.
_CHUNK = 100
# After so many events of one person, what can't matter any more is forgotten.
_PRUNE_EVERY = 500

Outcome = Literal["written", "unchanged", "gone"]


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did. ``gone``: archived people who have no profile any more."""

    lines: int = 0
    unreadable: int = 0
    people: int = 0
    written: int = 0
    unchanged: int = 0
    gone: int = 0

    def to_dict(self) -> dict[str, int]:
        """As it is printed."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Folded:
    """One archived profile id, folded anew."""

    profile: Profile
    veiled: set[int] = field(default_factory=set)
    count: int = 0
    latest: int = 0


@dataclass(frozen=True)
class Rebuild:
    """Folds the archive and joins it in."""

    campaigns: Campaigns
    identity: Identity
    profiles: ProfileStore
    archive: ArchiveReader
    clock: Clock
    parallel: Parallel = one_by_one
    # Thresholds of RFM scores; without them nobody has any.
    rankings: Rankings | None = None

    @cached_property
    def engine(self) -> Engine:
        """The compiled campaigns."""
        return Engine(self.campaigns, rankings=self.rankings)

    def __call__(
        self, part: Part | None = None, *, reading: Tick | None = None, joining: Tick | None = None
    ) -> Rebuilt:
        """Rebuilds the people of one part. Raises Unavailable when the archive or the table can't be read; what was
        joined by then is right, and running it again finishes it."""
        done = Rebuilt()
        folded = self._fold(part or Part(), done, reading)
        ids = sorted(folded)
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            self._join({id_: folded[id_] for id_ in chunk}, done)
            if joining:
                joining(start + len(chunk), len(ids))
        return done

    def _fold(self, part: Part, done: Rebuilt, tick: Tick | None) -> dict[str, Folded]:
        folded: dict[str, Folded] = {}
        archive = Reading(self.archive)
        for archived in archive.events(part.has, tick=tick):
            held = folded.get(archived.owner)
            if held is None:
                held = folded[archived.owner] = Folded(Profile(archived.owner))
            add(self.engine, held, archived)
        done.lines, done.unreadable, done.people = archive.lines, archive.unreadable, len(folded)
        return folded

    def _join(self, folded: Mapping[str, Folded], done: Rebuilt) -> None:
        """Joins a chunk; several archived ids may be one person by now."""
        items = load(self.profiles, folded)
        people: dict[str, list[Folded]] = {}
        for id_, held in folded.items():
            people.setdefault(root(items, id_), []).append(held)
        outcomes: list[Outcome] = []

        def task(id_: str, parts: list[Folded]) -> Callable[[], None]:
            return lambda: outcomes.append(self._person(id_, parts))

        errors = self.parallel([task(id_, parts) for id_, parts in people.items()])
        for outcome in outcomes:
            setattr(done, outcome, getattr(done, outcome) + 1)
        if failed := next((error for error in errors if error is not None), None):
            raise failed

    def _person(self, id_: str, parts: list[Folded]) -> Outcome:
        for _ in range(_ATTEMPTS):
            items = load(self.profiles, [id_])
            profile = items.get(root(items, id_))
            if not isinstance(profile, Profile):
                return "gone"
            try:
                return self._write(profile, parts)
            except Conflict:
                continue
        raise Unavailable(f"profile {id_} is written too often to be rebuilt now; run the same part again")

    def _write(self, profile: Profile, parts: list[Folded]) -> Outcome:
        now, expected = self.clock(), profile.version
        before = _what_matters(profile)
        profile.changes = []
        close_ordered_carts(self.engine, self.profiles, self.identity, profile, now)
        self.engine.settle(profile, now)
        for part in parts:
            join_memory(profile, part.profile, part.veiled)
        self.engine.reconsider(profile, now)
        self.engine.finish(profile)
        if not profile.changes and _what_matters(profile) == before:
            return "unchanged"
        profile.version = expected + 1
        self.profiles.write(profile, expected=expected)
        return "written"


def add(engine: Engine, held: Folded, archived: Archived) -> None:
    """Folds one more archived event."""
    event = archived.event
    fold.fold(held.profile, event, engine.plan)
    if archived.veiled:
        held.veiled.add(event_key(event))
    held.count += 1
    held.latest = max(held.latest, event.received)
    if held.count % _PRUNE_EVERY == 0:
        fold.prune(held.profile, engine.plan, held.latest)


def _what_matters(profile: Profile) -> tuple[object, ...]:
    return (
        {slot: dict(held) if isinstance(held, dict) else list(held) for slot, held in profile.memory.items()},
        profile.first_at,
        profile.last_at,
        set(profile.segments),
        profile.revision,
        profile.wake_at,
    )
