"""Where what is said of somebody contradicts itself in earnest, for people to look at.

A rival of a trait's winner is a conflict when

- it comes from another source (what one source says later corrects what it said before),
- both are sure enough: at least ``review.confidence``, 0.7 unless the settings say otherwise. Guesses (0.5 by default)
  then never raise doubts, imports (0.8) and what people or their shop said (1.0) do;
- they say different things: text is compared without case and spaces, numbers by value, and an empty value contradicts
  nobody, since sources send it for what they do not know;
- it is not simply outdated: one that is older than the winner by more than ``review.within`` (30 days) is history. A
  *newer* rival, which lost because it weighs less, is always one: precedence made the older word stand.

The answer depends on the statements alone and not on the present, so it never changes by itself.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from homing.domain.campaigns import Review
from homing.domain.profiles.profile import Profile, TraitValue


class Conflict(NamedTuple):
    """A trait, the statement that counts, and one that contradicts it."""

    trait: str
    winner: TraitValue
    rival: TraitValue


def conflicts(profile: Profile, review: Review) -> list[Conflict]:
    """All conflicts of a profile, by trait, the weightiest rival first."""
    found = []
    for name in sorted(profile.rivals):
        winner = profile.traits.get(name)
        if winner is None or not review.looks_at(name) or winner.confidence < review.confidence:
            continue
        found += [
            Conflict(name, winner, rival)
            for rival in profile.rivals[name].values()
            if rival.source != winner.source
            and rival.confidence >= review.confidence
            and rival.at >= winner.at - review.within
            and disagree(winner.value, rival.value)
        ]
    return found


def disagree(left: Any, right: Any) -> bool:
    """Whether two values of a trait say different things."""
    if _empty(left) or _empty(right):
        return False
    return bool(_plain(left) != _plain(right))


def _empty(value: Any) -> bool:
    return value is None or value == [] or value == {} or (isinstance(value, str) and not value.strip())


def _plain(value: Any) -> Any:
    """A value as it is compared: ``" Köln"`` and ``köln`` are one, and so are ``4``, ``4.0`` and ``"4"``."""
    if isinstance(value, bool):
        return value, "bool"
    if isinstance(value, int | float):
        return _number(str(value))
    if isinstance(value, str):
        text = "".join(value.split()).casefold()
        # A post code keeps its leading zero: 01067 is not 1067.
        return _number(text) if not text.startswith(("0", "+")) or text == "0" or text.startswith("0.") else text
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items() if not _empty(item)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _number(text: str) -> Any:
    if len(text) > 40:
        return text
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text
