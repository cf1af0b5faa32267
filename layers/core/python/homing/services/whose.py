"""Whose each event of a batch is: the rule of :mod:`homing.domain.profiles.people` over what is stored.

Nothing is written here. Profiles are held, links and claims are collected, and the batch writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from homing.domain.events.event import Event, IdentifierKind
from homing.domain.profiles import people
from homing.domain.profiles.fold import is_duplicate
from homing.domain.profiles.identity import is_shared_id, normalise, shared_id
from homing.domain.profiles.profile import Profile
from homing.services.ports import Pointer, ProfileStore
from homing.services.resolve import load, root

_Ref = tuple[IdentifierKind | None, str]
Refs = Sequence[_Ref]
_NOBODY: frozenset[str] = frozenset()


@dataclass(slots=True)
class Held:
    """A profile being folded, and what was stored."""

    profile: Profile
    expected: int
    dirty: bool = False
    first: str = ""
    # Messages folded in this attempt.
    events: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    absorbed: dict[str, int] = field(default_factory=dict)
    ordered: dict[str, int] = field(default_factory=dict)


class People:
    """The people of one batch. ``merge`` makes one of two, ``doubt`` notes a doubt about one."""

    def __init__(
        self,
        store: ProfileStore,
        ids: Iterable[str],
        *,
        merge: Callable[[Held, Held, int], None],
        doubt: Callable[[Held, str, Event], None],
    ) -> None:
        self._store = store
        self.stored: dict[str, Profile | Pointer] = {}
        self.held: dict[str, Held] = {}
        # Device → the people seen with it besides the one it leads to; those that this batch has changed.
        self.claims: dict[str, frozenset[str]] = {}
        # Pointers that this batch will write: id → root.
        self._moved: dict[str, str] = {}
        self._merge_profiles = merge
        self._note = doubt
        # Merges that somebody decided and did not finish: they are decided.
        self._moving: list[Profile] = []
        self.load(ids)

    def load(self, ids: Iterable[str]) -> None:
        """Reads what is stored under more ids; what is known already stays as the batch has made it."""
        found = load(self._store, ids, claims=True)
        new = {id: item for id, item in found.items() if id not in self.stored}  # noqa: A001
        self.stored.update(new)
        for _, item in sorted(new.items()):
            if isinstance(item, Profile) and (moving := people.read_moving(item)):
                target, version = root(self.stored, moving[0]), moving[1]
                winner = self.stored.get(target)
                decided = people.is_decided(item, version, winner if isinstance(winner, Profile) else None)
                if decided and self.root(target) != item.id:
                    self._moved[item.id] = target
                    self._moving.append(item)
                else:
                    item.moving = set()

    def part(self) -> None:
        """The batch is done: nothing is merged or noted any more."""
        del self._merge_profiles, self._note

    # What is known

    def root(self, id: str) -> str:
        """Where the profile of this id is, after what the batch has merged."""
        id = root(self.stored, id)  # noqa: A001
        while id in self._moved:
            id = self._moved[id]  # noqa: A001
        return id

    def exists(self, id: str) -> bool:
        """Whether a profile is stored under this id, or will be."""
        return (
            id in self.held
            or isinstance(self.stored.get(id), Profile)
            or any(self.root(item.id) == id for item in self._moving)
        )

    def hold(self, id: str, sequence: str) -> Held:
        """The profile to be changed; ``sequence`` is the first record that needs it."""
        if id not in self.held:
            item = self.stored.get(id)
            profile = item if isinstance(item, Profile) else Profile(id)
            profile.changes = []
            held = self.held[id] = Held(profile, profile.version, first=sequence)
            for other in [item for item in self._moving if self.root(item.id) == id]:
                self._moving.remove(other)
                self._absorb(held, Held(other, other.version, first=sequence), 0)
        return self.held[id]

    def claims_of(self, key: str) -> frozenset[str]:
        """Who else was seen with a device."""
        if key in self.claims:
            return self.claims[key]
        item = self.stored.get(key)
        return frozenset(item.shared) if item is not None and item.shared else _NOBODY

    def repointed(self) -> Iterator[tuple[Pointer, Pointer]]:
        """Stored pointers of devices that more people were seen with: as they were, as they shall be."""
        for key, claims in self.claims.items():
            if isinstance(item := self.stored.get(key), Pointer) and item.shared != claims:
                yield item, Pointer(key, item.target, claims)

    # Whose it is

    def owner(self, refs: Refs, event: Event, sequence: str) -> str:
        """The profile that an event belongs to; merges what the event shows to be one person."""
        if is_shared_id(refs[0][1]):
            return refs[0][1]
        if refs[0][0] in people.WEAK:
            return self._visitor(refs, event, sequence)
        return self._customer(refs, event, sequence)

    def _customer(self, refs: Refs, event: Event, sequence: str) -> str:
        """The event names somebody; what only its device knows does not count against that."""
        first = self.root(refs[0][1])
        if self.exists(first) and all(self.root(key) == first for _, key in refs[1:]):
            return first
        said = {kind: {normalise(kind, event.identifiers[kind])} for kind in people.STRONG if kind in event.identifiers}
        stated = event.type == "alias"
        refs, shared = self._without_shared(refs)
        if shared and said:
            refs = [*refs, *self._same_people(shared, said, sequence)]
        owner = self.root(refs[0][1])
        if not self.exists(owner):
            for kind, key in refs[1:]:
                other = self.root(key)
                if self.exists(other) and people.may_join(
                    said, self.hold(other, sequence).profile.identifiers, by=kind, stated=stated
                ):
                    owner = other
                    break
        held = self.hold(owner, sequence)
        for kind, key in refs:
            self._meet(held, kind, key, event, sequence, said=said, stated=stated)
        for key in shared if said else ():
            self._claim(key, owner, sequence)
        return owner

    def _meet(
        self,
        held: Held,
        kind: IdentifierKind | None,
        key: str,
        event: Event,
        sequence: str,
        *,
        said: people.Identifiers,
        stated: bool,
    ) -> None:
        """The person of an event, and what one of its identifiers leads to."""
        other_id = self.root(key)
        if other_id == held.profile.id:
            return
        if not self.exists(other_id):
            self._moved[other_id] = held.profile.id
            held.links.add(other_id)
            return
        other = self.hold(other_id, sequence)
        if people.is_apart(held.profile, other.profile):
            if kind in people.WEAK and people.is_known(other.profile.identifiers):
                self._claim(key, held.profile.id, sequence)
            return
        ours = people.union(held.profile.identifiers, said)
        if people.may_join(ours, other.profile.identifiers, by=kind, stated=stated):
            self._merge(held, other, event)
            return
        self._doubt(held, other, kind, event)
        if kind in people.WEAK:
            self._claim(key, held.profile.id, sequence)

    def _visitor(self, refs: Refs, event: Event, sequence: str) -> str:
        """Nobody is named: the event belongs to whomever its browser or device belongs to, if that is one person."""
        for _, key in refs:
            if self.claims_of(key):
                if known := self._folded_before(key, event, sequence):
                    if not is_shared_id(known):
                        self._link(refs, known, sequence)
                    return known
                if self.is_shared(key):
                    return shared_id(key)
        roots = list(dict.fromkeys(self.root(key) for _, key in refs))
        existing = [id for id in roots if self.exists(id)]  # noqa: A001
        known_people = [
            id
            for id in existing  # noqa: A001
            if people.is_known(self.hold(id, sequence).profile.identifiers)
        ]
        owner = next(iter([*known_people, *existing]), roots[0])
        held = self.hold(owner, sequence)
        for kind, key in refs:
            other_id = self.root(key)
            if other_id == owner:
                continue
            if not self.exists(other_id):
                self._moved[other_id] = owner
                held.links.add(other_id)
                continue
            other = self.hold(other_id, sequence)
            if people.is_apart(held.profile, other.profile):
                if not people.is_known(other.profile.identifiers):
                    return other_id
            elif people.may_join(held.profile.identifiers, other.profile.identifiers, by=kind):
                self._merge(held, other, event)
                continue
            else:
                self._doubt(held, other, kind, event)
            # One person's browser on another person's device: it may have been either.
            self._claim(key, owner, sequence)
            return shared_id(key)
        return owner

    def _link(self, refs: Refs, owner: str, sequence: str) -> None:
        """Identifiers that lead nowhere yet will lead to the owner."""
        for _, key in refs:
            if not self.exists(end := self.root(key)):
                self._moved[end] = owner
                self.hold(owner, sequence).links.add(end)

    # Devices

    def is_shared(self, key: str) -> bool:
        """Whether a device was seen with two people, and so is nobody's. Those who turned out to be one count once."""
        claims = self.claims_of(key)
        if not claims:
            return False
        if people.FOR_GOOD in claims:
            return True
        mine = self.root(key)
        return any(self.root(person) != mine for person in claims)

    def _without_shared(self, refs: Refs) -> tuple[Refs, list[str]]:
        shared = [ref for ref in refs if ref[0] in people.WEAK and self.is_shared(ref[1])]
        return ([ref for ref in refs if ref not in shared], [key for _, key in shared]) if shared else (refs, [])

    def _claimants(self, key: str) -> list[str]:
        """The people who were seen with a device, as far as it remembers them."""
        people_ = [self.root(key), *(self.root(c) for c in sorted(self.claims_of(key) - {people.FOR_GOOD}))]
        return list(dict.fromkeys(id for id in people_ if self.exists(id)))  # noqa: A001

    def _same_people(self, keys: Iterable[str], said: people.Identifiers, sequence: str) -> list[_Ref]:
        """Who of those seen with shared devices is the event's person by what it says: should a writer have died before
        their identifier led to them, they are found here."""
        found: list[_Ref] = []
        for key in keys:
            for id in self._claimants(key):  # noqa: A001
                held = self.hold(id, sequence).profile.identifiers
                if people.compare(said, held) == "same":
                    found.append((next(kind for kind in people.STRONG if said.get(kind) and held.get(kind)), id))
        return found

    def _claim(self, key: str, person: str, sequence: str) -> None:
        """One more person was seen with a device."""
        claims = self.claims_of(key)
        if person == self.root(key) or person in {self.root(claim) for claim in claims - {people.FOR_GOOD}}:
            return
        more = people.claimed(claims, person)
        if more == claims:
            return
        self.claims[key] = more
        if self.root(key) == key:
            # The profile that is stored under the device's own id keeps them.
            held = self.hold(key, sequence)
            held.profile.shared = set(more)
            held.dirty = True

    def _folded_before(self, key: str, event: Event, sequence: str) -> str | None:
        """Who has this very message already: a redelivery does not go to somebody else because the device has since
        become, or ceased to be, a shared one."""
        for id in [*self._claimants(key), shared_id(key)]:  # noqa: A001
            if self.exists(id) and is_duplicate(self.hold(id, sequence).profile, event):
                return id
        return None

    # One of two

    def _merge(self, winner: Held, loser: Held, event: Event) -> None:
        self._absorb(winner, loser, event.received)
        del self.held[loser.profile.id]

    def _absorb(self, winner: Held, loser: Held, at: int) -> None:
        self._merge_profiles(winner, loser, at)
        winner.absorbed[loser.profile.id] = loser.expected
        winner.absorbed.update(loser.absorbed)
        winner.links |= loser.links
        winner.events += loser.events
        winner.ordered.update(loser.ordered)
        winner.dirty = True
        self._moved[loser.profile.id] = winner.profile.id

    def _doubt(self, one: Held, other: Held, kind: IdentifierKind | None, event: Event) -> None:
        for mine, theirs in ((one, other), (other, one)):
            if not people.is_noted(mine.profile, kind or "profile", theirs.profile):
                self._note(mine, people.mark(kind or "profile", theirs.profile.id), event)
