"""What the numbers of a flow say at each of its steps."""

from __future__ import annotations

from collections import Counter

from homing.domain.flows.language import End, Send, Step
from homing.domain.flows.passage import FlowNumbers

_STATUSES = {
    "sent": "sent", "dropped": "not\u00a0sent", "deferred": "wait", "unknown": "unknown", "sending": "on\u00a0the\u00a0way",
}  # fmt: skip


def came(numbers: FlowNumbers, step: Step, position: str) -> int:
    """How many runs came to a step and did it."""
    if isinstance(step, End):
        return numbers.left.get(position, Counter[str]())[step.end]
    return numbers.did[position]


def left_at(numbers: FlowNumbers | None, step: Step, position: str) -> list[tuple[str, int]]:
    """Why runs ended here instead, the most frequent reason first."""
    reasons = dict(numbers.left.get(position, {})) if numbers else {}
    if isinstance(step, End):
        reasons.pop(step.end, None)
    return sorted(reasons.items(), key=lambda one: (-one[1], one[0]))


def in_box(numbers: FlowNumbers | None, step: Step, position: str) -> str:
    """What became of a step's mails, and how many stand there now."""
    if numbers is None:
        return ""
    parts = []
    if isinstance(step, Send):
        mails = numbers.mails.get(position) or Counter[str]()
        parts = [f"{mails[status]:,}\u00a0{word}" for status, word in _STATUSES.items() if mails.get(status)]
    if (waiting := numbers.waiting[position]) > 0:
        parts.append(f"{waiting:,}\u00a0{'waits' if waiting == 1 else 'wait'}\u00a0here")
    return "\u00a0· ".join(parts)
