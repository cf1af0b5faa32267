"""One generated test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.unit.segments.naive_values import Raw
from tests.unit.segments.oracle import Rule


@dataclass
class Case:
    """One test: rules, what happens to one or two profiles that may become one, and until when time passes."""

    seed: int
    zone: str
    segments: dict[str, Rule]
    steps: list[dict[str, Any]] = field(default_factory=list)
    until: int = 0
    # Staged attributes.
    stages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def events(self) -> list[Raw]:
        """The raw events, in order of delivery."""
        return [step["raw"] for step in self.steps if step["do"] == "event"]
