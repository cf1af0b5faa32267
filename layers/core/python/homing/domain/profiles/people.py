"""Who is whom: the rule by which two profiles are one person, two people, or not known to be either.

Strong identifiers name a customer, weak ones a browser or a device. The strongest kind that both sides have decides: one
value in common is one person, none in common are two, whatever weaker identifier, address or device they share. Where
no strong kind can be compared, a weak identifier joins a visitor to whomever it belongs to, and never two known people.
``docs/identity.md`` says it with examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Literal, NamedTuple

from homing.domain.events.event import IdentifierKind
from homing.domain.profiles.bounds import MAX_MERGED
from homing.domain.profiles.profile import Profile

# In the order in which they are compared.
STRONG: tuple[IdentifierKind, ...] = ("user_id", "loyalty_id", "email")
WEAK: tuple[IdentifierKind, ...] = ("anonymous_id", "device_id")
# A device remembers so many people who used it; with one more it is nobody's for good.
MAX_CLAIMS = 4
FOR_GOOD = "*"
# More than these in doubt about one person tell a reviewer nothing new.
MAX_DOUBTS = 20

Identifiers = Mapping[IdentifierKind, AbstractSet[str]] | Mapping[str, AbstractSet[str]]
Verdict = Literal["same", "different", "unproven"]


class Doubt(NamedTuple):
    """Two people who share an identifier of this kind: the id of the other one's profile, as it then was."""

    kind: str
    other: str


def is_known(identifiers: Identifiers) -> bool:
    """Whether a customer is named, not only a browser or a device."""
    return any(identifiers.get(kind) for kind in STRONG)


def compare(left: Identifiers, right: Identifiers) -> Verdict:
    """What the strongest kind that both have says; symmetric."""
    for kind in STRONG:
        mine: AbstractSet[str] = left.get(kind, frozenset())
        theirs: AbstractSet[str] = right.get(kind, frozenset())
        if mine and theirs:
            return "different" if mine.isdisjoint(theirs) else "same"
    return "unproven"


def may_join(left: Identifiers, right: Identifiers, *, by: IdentifierKind | None, stated: bool = False) -> bool:
    """Whether two profiles that one event names may become one.

    ``by`` is the kind of the identifier that led to the right one, None for its profile id. ``stated``: the shop says
    that they are one (an ``alias``); that settles what can't be compared, never a difference.
    """
    verdict = compare(left, right)
    if verdict != "unproven":
        return verdict == "same"
    return stated or by not in WEAK or not (is_known(left) and is_known(right))


def union(left: Identifiers, right: Identifiers) -> dict[str, AbstractSet[str]]:
    """What is named on either side."""
    return {kind: {*left.get(kind, ()), *right.get(kind, ())} for kind in {*left, *right}}


def is_apart(left: Profile, right: Profile) -> bool:
    """Whether somebody decided that these two are not one person."""
    return (bool(left.apart) and not left.apart.isdisjoint(_names(right))) or (
        bool(right.apart) and not right.apart.isdisjoint(_names(left))
    )


def _names(profile: Profile) -> set[str]:
    return {profile.id, *profile.merged}


def mark(kind: str, other: str) -> str:
    """A doubt as it is kept in ``profile.doubts``."""
    return f"{kind}|{other}"


def read_mark(text: str) -> Doubt:
    """Reads :func:`mark`."""
    kind, _, other = text.partition("|")
    return Doubt(kind, other)


def is_noted(profile: Profile, kind: str, other: Profile) -> bool:
    """Whether this doubt is there already, also under an earlier name of the other one, or was dismissed, or no further
    one is kept."""
    if len(profile.doubts) >= MAX_DOUBTS:
        return True
    known = profile.doubts | profile.dismissed
    return bool(known) and any(mark(kind, name) in known for name in _names(other))


def open_doubts(profile: Profile) -> list[Doubt]:
    """What nobody has dismissed or settled, in a stable order."""
    settled = {*_names(profile), *profile.apart}
    doubts = [read_mark(text) for text in sorted(profile.doubts - profile.dismissed)]
    return [doubt for doubt in doubts if doubt.other not in settled]


def moving_mark(winner: str, version: int) -> str:
    """That a profile is being merged into another, as that one was when it was decided."""
    return f"{winner}@{version}"


def read_moving(profile: Profile) -> tuple[str, int] | None:
    """Into whom a profile is being merged, and that one's version when it was decided; None: into nobody."""
    if not profile.moving:
        return None
    winner, _, version = min(profile.moving).rpartition("@")
    return winner, int(version)


def is_decided(loser: Profile, version: int, winner: Profile | None) -> bool:
    """Whether an announced merge holds: it was done already, or nobody has changed the winner since it was decided.
    Otherwise whoever decided it can't write the winner any more, and it is to be decided anew."""
    if winner is None:
        return version == 0
    return winner.version == version or loser.id in winner.merged or len(winner.merged) >= MAX_MERGED


def claimed(claims: AbstractSet[str], person: str) -> frozenset[str]:
    """The people seen with a device, and one more. What is for good stays as it is."""
    if FOR_GOOD in claims or person in claims:
        return frozenset(claims)
    return frozenset({*claims, person if len(claims) < MAX_CLAIMS else FOR_GOOD})
