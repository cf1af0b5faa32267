"""Un-merging: two people who became one profile by mistake are two again, from the archive, while live traffic goes on.

First the second profile is made, both remember that they are apart, and identifiers lead to it: from then on new events
go the right way. Then what the archive knows of each is divided. Every step can be repeated; the command run again
picks up what was on its way meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from homing.domain.attributes.rankings import Rankings
from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.events.event import PERSON_IDENTIFIERS, Event, IdentifierKind
from homing.domain.events.privacy import MASK
from homing.domain.profiles import carts, lists, people, statements
from homing.domain.profiles.identity import Identity, is_shared_id, normalise
from homing.domain.profiles.memory import event_key
from homing.domain.profiles.profile import Profile
from homing.domain.profiles.rejoin import Traces, join_memory, part_of_carts, part_of_memory
from homing.domain.profiles.splitting import Said, Side, Split, divide, split
from homing.services.archived import Archived, Reading, Tick
from homing.services.merging import close_ordered_carts
from homing.services.ports import ArchiveReader, Clock, Pointer, ProfileStore
from homing.services.rebuild import Folded, add
from homing.services.resolve import load, root

_ATTEMPTS = 10

Identifiers = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Unmerged:
    """What was divided. ``moved`` and ``unclear`` are names of traits."""

    profile_id: str
    second_id: str
    # Whether those who were named stay the profile that it was; then it is the others who have the new one.
    named_stay: bool
    events: Mapping[str, int]
    moved: Sequence[str] = ()
    unclear: Sequence[str] = ()
    identifiers_moved: int = 0
    shared_devices: int = 0
    # Kinds of identifiers that were seen with both and stay.
    torn: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """As it is printed."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class _Plan:
    profile: Profile
    second_id: str
    lines: list[Archived]
    parting: Split
    # The side that gets the new profile.
    moving: Side
    identifiers: Identifiers
    # Devices that both used.
    shared: list[str] = field(default_factory=list)

    def side(self, side: Side) -> list[Archived]:
        return [line for line in self.lines if self.parting.of_event(line) == side]

    def traces(self, sides: Iterable[Side]) -> Traces:
        lines = [line for side in sides for line in self.side(side)]
        return Traces(
            frozenset(event_key(line.event) for line in lines),
            frozenset(line.event.occurred for line in lines if line.veiled),
        )


@dataclass(frozen=True)
class Unmerge:
    """Tells two people apart."""

    campaigns: Campaigns
    identity: Identity
    profiles: ProfileStore
    archive: ArchiveReader
    clock: Clock
    # Thresholds of RFM scores; without them nobody has any.
    rankings: Rankings | None = None

    @cached_property
    def engine(self) -> Engine:
        """The compiled campaigns."""
        return Engine(self.campaigns, rankings=self.rankings)

    def __call__(
        self,
        profile_id: str,
        apart: Sequence[tuple[IdentifierKind, str]],
        *,
        since: str = "",
        dry_run: bool = False,
        tick: Tick | None = None,
    ) -> Unmerged:
        """Tells the owner of the identifiers ``apart`` from the rest. ``since``: the first day to read of the archive.

        Raises InvalidInput when there is no such profile, when an identifier is not this profile's, or when nobody
        would be left.
        """
        plan = self._plan(profile_id, apart, since, tick)
        said = divide(plan.profile, plan.parting, plan.lines)
        if plan.moving == "left":
            said = replace(said, left=said.apart, apart=said.left)
        if not dry_run:
            self._part(plan)
            self._second(plan, said)
            self._first(plan, said)
        return Unmerged(
            profile_id=plan.profile.id,
            second_id=plan.second_id,
            named_stay=plan.moving == "left",
            events={side: len(plan.side(side)) for side in ("left", "apart", "nobody")},
            moved=sorted(set(said.moved)),
            unclear=sorted(set(said.unclear)),
            identifiers_moved=sum(map(len, plan.identifiers.values())),
            shared_devices=len(plan.shared),
            torn=sorted(kind for kind, _, key in self._keys(plan.profile) if key in plan.parting.torn),
        )

    # What there is

    def _plan(
        self, profile_id: str, apart: Sequence[tuple[IdentifierKind, str]], since: str, tick: Tick | None
    ) -> _Plan:
        items = load(self.profiles, [profile_id])
        profile = items.get(root(items, profile_id))
        if not isinstance(profile, Profile):
            raise InvalidInput(f"there is no profile {profile_id}", code="no_profile")
        if is_shared_id(profile.id):
            raise InvalidInput("this is what was done on a shared device, and nobody's already", code="nobody")
        named = {self.identity.key(kind, normalise(kind, value)): kind for kind, value in apart}
        if not named:
            raise InvalidInput("name at least one identifier: --apart email:ben@example.com", code="nothing_named")
        second_id = self.identity.key("apart", f"{profile.id}:{','.join(sorted(named))}")
        items = load(self.profiles, [*named, second_id])
        for key, kind in named.items():
            if root(items, key) not in {profile.id, second_id}:
                raise InvalidInput(f"this {kind} does not lead to profile {profile.id}", code="not_theirs")
        second = items.get(second_id)
        known = self._ids(profile) | (self._ids(second) if isinstance(second, Profile) else set())
        lines = list(Reading(self.archive).events(known.__contains__, since=since, tick=tick))
        parting = split(named.keys(), lines)
        moving: Side = "left" if parting.of(profile.id) == "apart" else "apart"
        identifiers: Identifiers = {}
        for kind, value, key in self._keys(profile):
            if parting.of(key) == moving:
                identifiers.setdefault(kind, set()).add(value)
        rest = any(values - identifiers.get(kind, set()) for kind, values in profile.identifiers.items())
        if not isinstance(second, Profile) and not (identifiers and rest):
            raise InvalidInput("then nobody would be left: name only what belongs to one of them", code="all_named")
        shared = [key for kind, _, key in self._keys(profile) if parting.of(key) == "nobody" and kind in people.WEAK]
        return _Plan(profile, second_id, lines, parting, moving, identifiers, shared)

    def _keys(self, profile: Profile) -> list[tuple[IdentifierKind, str, str]]:
        """Kind, value and key of every identifier."""
        return [
            (kind, value, self.identity.key(kind, value))
            for kind in PERSON_IDENTIFIERS
            for value in sorted(profile.identifiers.get(kind, ()))
        ]

    def _ids(self, profile: Profile) -> set[str]:
        return {profile.id, *profile.merged, *(key for _, _, key in self._keys(profile))}

    # What is done

    def _part(self, plan: _Plan) -> None:
        """From here on they are two: new events go to the right one."""
        first_id = plan.profile.id

        def open_second(profile: Profile) -> None:
            _add_identifiers(profile, plan.identifiers)
            profile.apart.add(first_id)

        self._store(plan.second_id, open_second)
        self._store(first_id, lambda profile: self._take_leave(plan, profile))
        for kind, values in plan.identifiers.items():
            for value in sorted(values):
                self._lead(self.identity.key(kind, value), plan.second_id)
        for key in plan.shared:
            self._claim(key, plan.second_id)
        for stop in self.profiles.stops([first_id]).values():
            # Whoever of them ended the mail: it stays ended for both.
            self.profiles.stop(replace(stop, id=plan.second_id))

    def _take_leave(self, plan: _Plan, profile: Profile) -> None:
        for kind, values in plan.identifiers.items():
            profile.identifiers[kind] = profile.identifiers.get(kind, set()) - values
        profile.identifiers = {kind: values for kind, values in profile.identifiers.items() if values}
        profile.apart.add(plan.second_id)
        if profile.id in plan.shared:
            profile.shared.add(plan.second_id)

    def _second(self, plan: _Plan, said: Said) -> None:
        folded = self._fold(plan, plan.moving)
        traces = plan.traces([plan.moving])
        before = plan.profile

        def change(profile: Profile) -> None:
            _add_identifiers(profile, plan.identifiers)
            mine = Profile("", memory=part_of_memory(before.memory, traces, inside=True))
            join_memory(profile, mine)
            join_memory(profile, folded.profile, folded.veiled)
            profile.carts = carts.join(profile.carts, part_of_carts(before.carts, traces, inside=True))
            profile.carts = carts.join(profile.carts, folded.profile.carts)
            profile.merged |= {id_ for id_ in before.merged if plan.parting.of(id_) == plan.moving}
            _add_statements(profile, said.apart, folded.profile)
            lists.join(profile.lists, folded.profile.lists)

        self._store(plan.second_id, change)

    def _first(self, plan: _Plan, said: Said) -> None:
        staying: Side = "left" if plan.moving == "apart" else "apart"
        folded = self._fold(plan, staying)
        gone = plan.traces([plan.moving, "nobody"])
        moved = {(name, value) for name, value in _statements(said.apart)}

        def change(profile: Profile) -> None:
            self._take_leave(plan, profile)
            profile.memory = part_of_memory(profile.memory, gone, inside=False)
            profile.carts = part_of_carts(profile.carts, gone, inside=False)
            if folded.count:
                profile.first_at = profile.last_at = None
            join_memory(profile, folded.profile, folded.veiled)
            for at in _instants(profile.memory):
                profile.first_at = at if profile.first_at is None else min(at, profile.first_at)
                profile.last_at = at if profile.last_at is None else max(at, profile.last_at)
            profile.carts = carts.join(profile.carts, folded.profile.carts)
            # What was said since the plan was made stays; what is the other one's goes.
            kept = Profile("")
            for name, value in _statements(profile):
                if (name, value) not in moved:
                    statements.join(kept, Profile("", traits={name: value}))
            profile.traits, profile.rivals = kept.traits, kept.rivals
            profile.consents = {
                topic: word
                for topic, word in profile.consents.items()
                if said.apart.consents.get(topic) != word or said.left.consents.get(topic) == word
            }
            _add_statements(profile, said.left, folded.profile)

        self._store(plan.profile.id, change)

    def _fold(self, plan: _Plan, side: Side) -> Folded:
        """One side of the archive, with the tokens of carts as the live profile knows them."""
        tokens = {self.identity.cart(token): token for token in plan.profile.carts if token not in {"", carts.ORDERS}}
        folded = Folded(Profile(""))
        for line in plan.side(side):
            add(self.engine, folded, replace(line, event=_with_tokens(line.event, tokens)))
        known = {*tokens.values(), "", carts.ORDERS}
        folded.profile.carts = {token: log for token, log in folded.profile.carts.items() if token in known}
        return folded

    def _store(self, id_: str, change: Callable[[Profile], None]) -> None:
        for _ in range(_ATTEMPTS):
            item = self.profiles.read([id_]).get(id_)
            if isinstance(item, Pointer):
                raise Conflict(f"profile {id_} was merged into another meanwhile; look at it again")
            profile = item or Profile(id_)
            expected, now = profile.version, self.clock()
            profile.changes = []
            close_ordered_carts(self.engine, self.profiles, self.identity, profile, now)
            self.engine.settle(profile, now)
            change(profile)
            self.engine.reconsider(profile, now)
            self.engine.finish(profile)
            profile.version = expected + 1
            try:
                self.profiles.write(profile, expected=expected)
            except Conflict:
                continue
            return
        raise Unavailable(f"profile {id_} is written too often; run the command again")

    def _lead(self, key: str, target: str) -> None:
        """Lets an identifier lead to the second profile."""
        for _ in range(_ATTEMPTS):
            item = self.profiles.read([key]).get(key)
            try:
                if isinstance(item, Pointer):
                    if item.target != target:
                        self.profiles.repoint(item, Pointer(key, target))
                elif item is None:
                    self.profiles.point(key, target, expected=0)
            except Conflict:
                continue
            return
        raise Unavailable("an identifier is written too often; run the command again")

    def _claim(self, key: str, person: str) -> None:
        """A device that both used is nobody's."""
        for _ in range(_ATTEMPTS):
            item = self.profiles.read([key]).get(key)
            if not isinstance(item, Pointer) or person in item.shared:
                return
            try:
                self.profiles.repoint(item, replace(item, shared=people.claimed(item.shared, person)))
            except Conflict:
                continue
            return
        raise Unavailable("a device is written too often; run the command again")


def _add_identifiers(profile: Profile, identifiers: Identifiers) -> None:
    for kind, values in identifiers.items():
        profile.identifiers.setdefault(kind, set()).update(values)


def _statements(profile: Profile) -> list[tuple[str, Any]]:
    return [
        (name, value)
        for name, best in profile.traits.items()
        for value in (best, *profile.rivals.get(name, {}).values())
    ]


def _add_statements(profile: Profile, said: Profile, folded: Profile) -> None:
    """What was said of them, and what the archive still knows of it where nothing names anybody."""
    statements.join(profile, said)
    for name, value in _statements(folded):
        if MASK not in repr(value.value):
            statements.join(profile, Profile("", traits={name: value}))
    for consents in (said.consents, folded.consents):
        for topic, word in consents.items():
            held = profile.consents.get(topic)
            if held is None or word > held:
                profile.consents[topic] = word


def _instants(memory: Mapping[str, Any]) -> Iterable[int]:
    for held in memory.values():
        for entries in held.values() if isinstance(held, dict) else [held]:
            for at, _, _ in entries:
                yield at


def _with_tokens(event: Event, tokens: Mapping[str, str]) -> Event:
    """The event with the cart tokens that the live profile knows, in place of their hashes."""
    found = {name: tokens.get(str(value), value) for name, value in event.properties.items() if str(value) in tokens}
    token = event.identifiers.get("cart_token", "")
    if not found and token not in tokens:
        return event
    identifiers = {**event.identifiers, "cart_token": tokens[token]} if token in tokens else event.identifiers
    return event.model_copy(update={"properties": {**event.properties, **found}, "identifiers": identifiers})
