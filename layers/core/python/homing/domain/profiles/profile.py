"""A profile: what is known of one person, as a value that forms a join-semilattice.

Every part is a set-like structure whose union is associative, commutative and idempotent, so that folding events in any
order, in any batches, twice, or merging two halves gives the same profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

WAKE_BUCKETS = 8
# What the names of segments start with that Homing keeps for itself, such as the review list.
INTERNAL = "@"

# How much a statement about somebody weighs: what they said beats what was imported beats what was inferred.
EXPLICIT, IMPORTED, INFERRED = 2, 1, 0


# How sure a statement is, 0 to 1, when nobody says: by weight.
CONFIDENCE = {EXPLICIT: 1.0, IMPORTED: 0.8, INFERRED: 0.5}


class TraitValue(NamedTuple):
    """A trait with where it comes from. Ordered: the more explicit, then the newer statement wins; ``value`` None
    means that the trait was removed. ``stated`` is the confidence that came with it, None the usual one."""

    weight: int
    at: int
    source: str
    value: Any
    stated: float | None = None

    @property
    def confidence(self) -> float:
        """How sure it is, 0 to 1."""
        return CONFIDENCE[self.weight] if self.stated is None else self.stated

    @property
    def order(self) -> tuple[int, int, str, str, float]:
        """What beats what: the more explicit, then the newer; the rest only so that two machines agree."""
        return self.weight, self.at, self.source, repr(self.value), self.confidence

    @property
    def voice(self) -> str:
        """Whose statement it is: those of one source and weight follow one another, those of others stand beside them."""
        return f"{self.weight}:{self.source}"


class Consent(NamedTuple):
    """The word that counts on a topic. Ordered: what somebody said of themselves (an event) beats what a storefront
    repeats with every log-in (a trait), then the newer word wins, and a refusal wins a tie."""

    weight: int
    at: int
    refused: bool
    source: str
    wording: str

    @property
    def granted(self) -> bool:
        """Whether they agreed."""
        return not self.refused


class Change(NamedTuple):
    """Something that became true of a profile and that the world shall hear: a transition or a trigger that fired.

    ``kind`` is a trigger kind (``segment_entered``, ``cart_abandoned`` …), ``name`` the segment or other subject, ``key``
    what one run is started for (cart, order, occurrence), ``data`` what the trigger carries (nobody's name).
    """

    kind: str
    name: str
    at: int
    key: str = ""
    data: Mapping[str, Any] = {}


@dataclass(slots=True)
class Profile:
    """One person. Built by :mod:`homing.domain.profiles.fold`; stored by :mod:`homing.domain.profiles.codec`."""

    id: str
    version: int = 0
    # Every value seen of each kind of identifier, normalised; the latest first is not promised.
    identifiers: dict[str, set[str]] = field(default_factory=dict)
    # Ids of stored profiles that were merged into this one: what was sent to them was sent to this person.
    merged: set[str] = field(default_factory=set)
    # Doubts whether this is one person ("email|<profile id>"), and those that somebody dismissed (domain.profiles.people).
    doubts: set[str] = field(default_factory=set)
    dismissed: set[str] = field(default_factory=set)
    # Profiles that somebody decided are other people: they never become one again.
    apart: set[str] = field(default_factory=set)
    # Being merged into that profile (at most one, "<id>@<its version then>"): decided, and not yet done.
    moving: set[str] = field(default_factory=set)
    # Other people seen with the device that this id was made of. Of the id, not of the person: merging leaves it behind.
    shared: set[str] = field(default_factory=set)
    traits: dict[str, TraitValue] = field(default_factory=dict)
    # Trait → what other sources last said of it, the weightiest first (domain.profiles.statements).
    rivals: dict[str, dict[str, TraitValue]] = field(default_factory=dict)
    # List of people that a marketer uploaded → since when they are on it, or (False) no longer.
    lists: dict[str, tuple[int, bool]] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    # Slot id → what that slot remembers (domain.profiles.memory).
    memory: dict[str, Any] = field(default_factory=dict)
    # Cart token ("" without one) → its operations (domain.profiles.carts).
    carts: dict[str, Any] = field(default_factory=dict)
    # Hashes of recent message ids → when they were received.
    seen: dict[str, int] = field(default_factory=dict)
    # Revision of the campaigns that the published state was computed with.
    revision: str = ""
    first_at: int | None = None
    last_at: int | None = None
    # Published state: what the world was told.
    segments: set[str] = field(default_factory=set)
    # Staged attribute (lifecycle, persona) → [stage, since].
    stages: dict[str, list[Any]] = field(default_factory=dict)
    evaluated_at: int = 0
    wake_at: int | None = None
    # What became true with the latest write; the table's stream carries it to the bus.
    changes: list[Change] = field(default_factory=list)
    # What was worked out of the rest and may still hold: no part of what is known, never stored. Whoever looks here makes
    # sure that it does.
    worked: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def wake_bucket(self) -> int:
        """Which bucket of the wake-up index the profile lies in."""
        return sum(self.id.encode()) % WAKE_BUCKETS

    def trait(self, name: str, default: Any = None) -> Any:
        """The value of a trait; dots reach into objects (``address.country``)."""
        held = self.traits.get(name)
        if held is not None:
            return default if held.value is None else held.value
        head, _, rest = name.partition(".")
        if rest:
            held = self.traits.get(head)
            value: Any = held.value if held else None
            for part in rest.split("."):
                if not isinstance(value, Mapping):
                    return default
                value = value.get(part)
            return default if value is None else value
        return default

    def all_traits(self) -> dict[str, Any]:
        """Trait values by name, without the removed ones."""
        return {name: held.value for name, held in self.traits.items() if held.value is not None}

    @property
    def named_segments(self) -> list[str]:
        """The segments that marketers wrote, sorted; the internal ones start with ``@``."""
        return sorted(name for name in self.segments if not name.startswith(INTERNAL))

    @property
    def email(self) -> str | None:
        """Where to write to: the trait, else a single known address."""
        value = self.trait("email")
        if isinstance(value, str) and "@" in value:
            return value.strip()
        known = self.identifiers.get("email", set())
        return min(known) if known else None
