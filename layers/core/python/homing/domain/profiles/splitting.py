"""Telling apart what was one profile by mistake: which identifier, event, trait and consent is whose.

Somebody names identifiers of the person who shall be told apart. Every archived event goes to the side of its strongest
identifier; identifiers that were not named follow the stronger ones they were seen with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, Protocol

from homing.domain.events.event import PERSON_IDENTIFIERS, Event, IdentifierKind
from homing.domain.profiles import statements
from homing.domain.profiles.people import WEAK
from homing.domain.profiles.profile import Consent, Profile, TraitValue

# Left: who keeps being the profile; apart: who was named; nobody: done on a device that both used.
Side = Literal["left", "apart", "nobody"]


class Line(Protocol):
    """An archived event with the keys of its identifiers."""

    @property
    def event(self) -> Event:
        """The event."""

    @property
    def owner(self) -> str:
        """The profile it was folded into."""

    @property
    def keys(self) -> Mapping[IdentifierKind, str]:
        """What its identifiers were hashed to."""


@dataclass(slots=True)
class Split:
    """Which side each key is on, and what was seen with both."""

    named: frozenset[str]
    sides: dict[str, Side] = field(default_factory=dict)
    # Strong identifiers that were seen with both sides and stay.
    torn: set[str] = field(default_factory=set)

    def of(self, key: str) -> Side:
        """The side of an identifier."""
        return "apart" if key in self.named else self.sides.get(key, "left")

    def of_event(self, line: Line) -> Side:
        """The side of an event: that of its strongest identifier, and without any that of the profile it was told of."""
        return self.of(next(iter(line.keys.values()), line.owner))


def split(named: AbstractSet[str], lines: Sequence[Line]) -> Split:
    """Decides, from strong to weak kinds, on whose side each identifier was seen."""
    found = Split(frozenset(named))
    for position, kind in enumerate(PERSON_IDENTIFIERS[1:], start=1):
        stronger = PERSON_IDENTIFIERS[:position]
        seen: dict[str, set[Side]] = {}
        for line in lines:
            if key := line.keys.get(kind):
                known = any(other in line.keys for other in stronger)
                if known or kind not in WEAK:
                    # A strong identifier that came alone, too, may be somebody's of their own: it does not just follow.
                    seen.setdefault(key, set()).add(found.of_event(line) if known else "left")
        for key, sides in seen.items():
            sides -= {"nobody"}
            if len(sides) == 2:
                if kind in WEAK:
                    found.sides[key] = "nobody"
                elif key not in found.named:
                    found.torn.add(key)
            elif sides:
                found.sides[key] = sides.pop()
    return found


@dataclass(slots=True)
class Said:
    """What was said of one profile, divided. ``unclear``: names of traits that no archived event explains; they stay."""

    left: Profile
    apart: Profile
    unclear: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)


def divide(profile: Profile, parting: Split, lines: Iterable[Line]) -> Said:
    """Traits and consents of a profile, each with the side whose archived event has the same instant and source."""
    sides: dict[tuple[int, str], set[Side]] = {}
    instants: dict[int, set[Side]] = {}
    for line in lines:
        side = parting.of_event(line)
        instants.setdefault(line.event.occurred, set()).add(side)
        if line.event.type == "identify":
            sides.setdefault((line.event.occurred, line.event.source[:100]), set()).add(side)
    said = Said(Profile(profile.id), Profile("apart"))
    for name, best in profile.traits.items():
        for statement in (best, *profile.rivals.get(name, {}).values()):
            where = sides.get((statement.at, statement.source), set())
            if where == {"apart"}:
                statements.join(said.apart, _stating(name, statement))
                said.moved.append(name)
            else:
                statements.join(said.left, _stating(name, statement))
                if where != {"left"}:
                    said.unclear.append(name)
    for topic, word in profile.consents.items():
        _divide_consent(said, topic, word, instants.get(word.at, set()))
    return said


def _stating(name: str, statement: TraitValue) -> Profile:
    return Profile("", traits={name: statement})


def _divide_consent(said: Said, topic: str, word: Consent, where: set[Side]) -> None:
    if where != {"apart"}:
        said.left.consents[topic] = word
    # A refusal that may have been either's is both's.
    if where == {"apart"} or (word.refused and where != {"left"}):
        said.apart.consents[topic] = word
