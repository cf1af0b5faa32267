"""What new rules ask profiles to remember that the old campaigns did not: of that they know nothing until the archive is
folded again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.profiles.lacking import lacking
from homing.domain.segments.language import Segment


class NewMemory(NamedTuple):
    """A segment or flow (``segments/vip.yaml``) and what it can't know yet, in words."""

    file: str
    what: str


def new_memory(new: Campaigns, old: Campaigns) -> Iterator[NewMemory]:
    """One line for each segment and flow of ``new`` and each thing that profiles under ``old`` do not remember, or not
    enough of. What reads the same (`did: Product Viewed` with one category or another) is said once."""
    yield from dict.fromkeys(_new_memory(new, old))


def _new_memory(new: Campaigns, old: Campaigns) -> Iterator[NewMemory]:
    kept = Engine(old).plan.slots
    # Choices and templates may ask for any segment, and add nothing to what one segment needs.
    nothing: dict[str, object] = {"segments": {}, "flows": {}, "choices": {}, "templates": {}}
    for name in sorted(new.segments):
        needed = Engine(new.model_copy(update={**nothing, "segments": _closure(new, name)})).plan.slots
        own = Engine(new.model_copy(update={**nothing, "segments": _closure(new, name, itself=False)})).plan.slots
        for key, slot in needed.items():
            if own.get(key) != slot and (what := lacking(slot, kept.get(key))):
                yield NewMemory(f"segments/{name}.yaml", what)
    below = Engine(new.model_copy(update={"flows": {}})).plan.slots
    for name, flow in sorted(new.flows.items()):
        for key, slot in Engine(new.model_copy(update={"flows": {name: flow}})).plan.slots.items():
            if below.get(key) != slot and (what := lacking(slot, kept.get(key))):
                yield NewMemory(f"flows/{name}.yaml", what)


def _closure(campaigns: Campaigns, name: str, *, itself: bool = True) -> dict[str, object]:
    """The segments that a segment asks for, at any depth, with it or without what it remembers itself; and those that
    attributes ask for."""
    from homing.domain.content.references import references

    found: dict[str, object] = {}
    stages = [one.model_dump(mode="json", by_alias=True, exclude_unset=True) for one in campaigns.attributes.values()]
    waiting = [name, *(target for one in stages for kind, target, _ in references(one) if kind == "segment")]
    while waiting:
        one = waiting.pop()
        if one in found or one not in campaigns.segments:
            continue
        found[one] = campaigns.segments[one]
        written = campaigns.segments[one].model_dump(mode="json", by_alias=True, exclude_unset=True)
        waiting += [target for kind, target, _ in references(written) if kind == "segment"]
    if not itself and name in found:
        # Others may ask for it (stages do), so it stays, as a rule that needs no memory.
        found[name] = Segment.model_validate({"name": name, "when": {"trait": {"email": {"exists": True}}}})
    return found
