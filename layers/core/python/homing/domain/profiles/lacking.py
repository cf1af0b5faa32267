"""Whether what profiles remember is enough for what somebody asks of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.profiles.memory import Plan, Slot
from homing.domain.time import format_duration


def lacking(wanted: Slot, kept: Slot | None) -> str | None:
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


class Remembered(Plan):
    """The memory that there is: who asks for more is refused. For rules that no longer belong to the campaigns."""

    def need(self, events: Iterable[str], **wanted: Any) -> str:
        """The id of a slot that is kept already; raises InvalidInput with what nobody remembers."""
        asked = Plan()
        key = asked.need(events, **wanted)
        slot, kept = asked.slots[key], self.slots.get(key)
        if what := lacking(slot, kept):
            raise InvalidInput(f"{what}", code="not_remembered")
        if kept is not None and (lost := [name for name in slot.payload if name not in kept.payload]):
            raise InvalidInput(f"{' and '.join(lost)} of {' or '.join(sorted(events))}", code="not_remembered")
        return key
