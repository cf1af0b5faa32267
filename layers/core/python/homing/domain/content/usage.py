"""Which flow sends which template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from homing.domain.flows.language import Flow, Send, Step, walk


class Use(NamedTuple):
    """A flow that sends a template, with what starts it and the topic it is sent under."""

    flow: str
    trigger: str
    topic: str


def sends(steps: Iterable[Step]) -> Iterator[str]:
    """The templates of steps and of all branches below them."""
    for _, step in walk(steps):
        if isinstance(step, Send):
            yield step.send


def uses(flows: Mapping[str, Flow]) -> dict[str, list[Use]]:
    """Template → the flows that send it, each once."""
    found: dict[str, list[Use]] = {}
    for flow in flows.values():
        for template in dict.fromkeys(sends(flow.steps)):
            found.setdefault(template, []).append(Use(flow.name, flow.on.kind, flow.topic))
    return found
