"""What new rules ask profiles to remember that the old campaigns did not: of that they know nothing until the archive is
folded again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.profiles.memory import Slot
from homing.domain.time import format_duration


class NewMemory(NamedTuple):
    """A segment or flow (``segments/vip.yaml``) and what it can't know yet, in words."""

    file: str
    what: str


def new_memory(new: Campaigns, old: Campaigns) -> Iterator[NewMemory]:
    """One line for each segment and flow of ``new`` and each thing that profiles under ``old`` do not remember, or not
    enough of."""
    kept = Engine(old).plan.slots
    nothing: dict[str, object] = {"segments": {}, "flows": {}}
    for name in sorted(new.segments):
        needed = Engine(new.model_copy(update={**nothing, "segments": _closure(new, name)})).plan.slots
        own = Engine(new.model_copy(update={**nothing, "segments": _closure(new, name, itself=False)})).plan.slots
        for key, slot in needed.items():
            if own.get(key) != slot and (what := _lacking(slot, kept.get(key))):
                yield NewMemory(f"segments/{name}.yaml", what)
    below = Engine(new.model_copy(update={"flows": {}})).plan.slots
    for name, flow in sorted(new.flows.items()):
        for key, slot in Engine(new.model_copy(update={"flows": {name: flow}})).plan.slots.items():
            if below.get(key) != slot and (what := _lacking(slot, kept.get(key))):
                yield NewMemory(f"flows/{name}.yaml", what)


def _closure(campaigns: Campaigns, name: str, *, itself: bool = True) -> dict[str, object]:
    """The segments that a segment asks for, at any depth, with it or without it."""
    from homing.domain.content.references import references

    found: dict[str, object] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in found or one not in campaigns.segments:
            continue
        found[one] = campaigns.segments[one]
        written = campaigns.segments[one].model_dump(mode="json", by_alias=True, exclude_unset=True)
        waiting += [target for kind, target, _ in references(written) if kind == "segment"]
    if not itself:
        found.pop(name, None)
    return found


def _lacking(wanted: Slot, kept: Slot | None) -> str | None:
    """In words; None where what is kept is enough."""
    what = " or ".join(sorted(wanted.events))
    if wanted.where:
        what += " with " + ", ".join(path for path, _ in wanted.where)
    if wanted.same is not None:
        what += f" by {wanted.same}"
    if kept is None:
        return f"{what}, which nothing remembered so far"
    if kept.window is not None and (wanted.window is None or wanted.window > kept.window):
        longer = "ever" if wanted.window is None else f"within {format_duration(wanted.window)}"
        return f"{what} {longer}, which was remembered for {format_duration(kept.window)}"
    if wanted.keep > kept.keep:
        return f"the latest {wanted.keep} of {what}, of which {kept.keep} were remembered"
    if wanted.keep_values > kept.keep_values and wanted.same is not None:
        return f"{wanted.keep_values} values of {what}, of which {kept.keep_values} were remembered"
    if lost := [name for name in wanted.values if name not in kept.values]:
        return f"{' and '.join(lost)} of {what}, which nothing remembered so far"
    return None
