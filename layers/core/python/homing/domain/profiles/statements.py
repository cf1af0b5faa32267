"""What is said of a person: for each trait the statement that counts, and those of other sources that it beat.

A trait is a set of statements, of which the latest of each source and weight is kept: the best of these counts, at most
three more are its rivals. That this is a union like every other part of a profile rests on one order: a statement beats
another of its own source exactly when it would beat it anywhere. So whatever three others and a winner pushed out in one
half of a history, they or better ones of their sources push out in the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from homing.domain.events.event import Event
from homing.domain.profiles import bounds
from homing.domain.profiles.profile import EXPLICIT, IMPORTED, INFERRED, Profile, TraitValue

MAX_RIVALS = 3

_SOURCE_WEIGHTS = {"csv": IMPORTED, "import": IMPORTED, "flow": IMPORTED, "inferred": INFERRED}


def stated(event: Event, value: Any) -> TraitValue:
    """A trait as an event states it. ``context.inferred: true`` says that it is a guess, ``context.confidence`` (0 to 1)
    how sure the sender is; a confidence that is no such number is left out."""
    inferred = event.context.get("inferred") is True
    weight = INFERRED if inferred else _SOURCE_WEIGHTS.get(event.source, EXPLICIT)
    said = TraitValue(weight, event.occurred, event.source[: bounds.MAX_NAME], bounds.small(value, bounds.MAX_TRAIT))
    sure = event.context.get("confidence")
    if sure is None or isinstance(sure, bool) or not isinstance(sure, int | float) or not 0 <= sure <= 1:
        return said
    sure = round(float(sure), 3)
    # One spelling of the default, so that equal statements are equal.
    return said if sure == said.confidence else said._replace(stated=sure)


def add(profile: Profile, name: str, said: TraitValue) -> set[str]:
    """Adds a statement on a trait. Returns the inputs of rules that it changes: ``trait:<name>`` when another value counts
    now, ``*review`` when what contradicts what may be different."""
    held = profile.traits.get(name)
    if held is None:
        profile.traits[name] = said
        return {f"trait:{name}"}
    rivals = profile.rivals.get(name)
    if rivals is None and held.source == said.source and held.weight == said.weight:
        # One source, which is nearly all there is.
        if said.order <= held.order:
            return set()
        profile.traits[name] = said
        return set() if _like(held, said) else {f"trait:{name}"}
    return _settle(profile, name, [held, *(rivals or {}).values()], [said])


def join(left: Profile, right: Profile) -> None:
    """Adds to ``left`` all statements of ``right``."""
    for name, said in right.traits.items():
        held = left.traits.get(name)
        theirs = [said, *right.rivals.get(name, {}).values()]
        _settle(left, name, [held, *left.rivals.get(name, {}).values()] if held else [], theirs)


def forget(profile: Profile) -> None:
    """Rivals of traits that are not kept."""
    profile.rivals = {name: held for name, held in profile.rivals.items() if name in profile.traits}


def _settle(profile: Profile, name: str, held: list[TraitValue], more: Iterable[TraitValue]) -> set[str]:
    latest: dict[str, TraitValue] = {}
    for said in (*held, *more):
        if said.voice not in latest or said.order > latest[said.voice].order:
            latest[said.voice] = said
    ranked = sorted(latest.values(), key=lambda said: said.order, reverse=True)
    best, rivals = ranked[0], ranked[1 : 1 + MAX_RIVALS]
    profile.traits[name] = best
    if rivals:
        profile.rivals[name] = {said.voice: said for said in rivals}
    touched = set()
    if not held or not _like(held[0], best):
        touched.add(f"trait:{name}")
    if [best, *rivals] != held:
        touched.add("*review")
    return touched


def _like(left: TraitValue, right: TraitValue) -> bool:
    # As text: 1 and True are different values here.
    return left.value is right.value or repr(left.value) == repr(right.value)
