"""What campaigns read: which events and properties their rules and triggers wait for, and who uses which segment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.events import names
from homing.domain.flows.language import Flow
from homing.domain.profiles import carts

_EVENT_KEYS = ("did", "did_not", "first", "last", "rate")
_AMOUNTS = ("distinct", "sum", "average", "maximum", "minimum")
_WORDS_OF_PEOPLE = {"trait", "computed", "where", "having"}

# What each trigger waits for; any one of them is enough to start something.
TRIGGER_EVENTS: dict[str, frozenset[str]] = {
    "cart_abandoned": frozenset(carts.CART_EVENTS),
    "browse_abandoned": frozenset({names.PRODUCT_VIEWED}),
    "order_placed": frozenset({names.ORDER_COMPLETED}),
    "price_dropped": frozenset({names.PRODUCT_VIEWED}),
    "back_in_stock": frozenset({names.PRODUCT_VIEWED}),
}
# Without these properties a trigger, a cart or a mail can't do its work, whatever the rules say.
ESSENTIAL: dict[str, frozenset[str]] = {
    names.PRODUCT_VIEWED: frozenset({"product_id"}),
    names.PRODUCT_ADDED: frozenset({"product_id", "cart_id"}),
    names.ORDER_COMPLETED: frozenset({"order_id", "products"}),
}


@dataclass(slots=True)
class Reads:
    """Events, with the properties asked of each, segments, and whether anything computed."""

    events: dict[str, set[str]] = field(default_factory=dict)
    segments: set[str] = field(default_factory=set)
    computed: bool = False

    def add(self, other: Reads) -> None:
        """What the other reads too."""
        for event, properties in other.events.items():
            self.events.setdefault(event, set()).update(properties)
        self.segments |= other.segments
        self.computed |= other.computed


def reads(rule: Any) -> Reads:
    """What a rule (a model, or what it dumps to) asks for, without looking into the segments that it names."""
    found = Reads()
    dump = getattr(rule, "model_dump", None)
    for node in _nodes(dump(mode="json", by_alias=True, exclude_defaults=True) if dump else rule):
        if isinstance(node.get("segment"), str):
            found.segments.add(node["segment"])
        found.computed |= "computed" in node
        asked = _properties(node)
        for key in _EVENT_KEYS:
            if isinstance(node.get(key), str):
                found.events.setdefault(node[key], set()).update(asked)
        if isinstance(node.get("rate"), str) and isinstance(node.get("of"), str):
            found.events.setdefault(node["of"], set()).update({node["by"]} if "by" in node else ())
        if isinstance(node.get("sequence"), list) and isinstance(node.get("same"), str):
            for step in node["sequence"]:
                if "did" in step:
                    found.events.setdefault(step["did"], set()).add(node["same"])
    return found


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)
    elif isinstance(value, Mapping):
        yield value
        for key, item in value.items():
            if key not in _WORDS_OF_PEOPLE:
                yield from _nodes(item)


def _properties(node: Mapping[str, Any]) -> set[str]:
    asked = {name for key in ("where", "having") for name in node.get(key) or () if isinstance(node.get(key), Mapping)}
    asked |= {node[key] for key in ("same", "by") if isinstance(node.get(key), str)}
    asked |= {node[key]["of"] for key in _AMOUNTS if isinstance(node.get(key), Mapping) and "of" in node[key]}
    # `exists: false` asks for absence: such a property may stay away.
    absent = {
        name
        for key in ("where", "having")
        for name, test in (node.get(key) or {}).items()
        if isinstance(test, Mapping) and test.get("exists") is False
    }
    return {name.partition(".")[0] for name in asked - absent if not name.startswith("context.")}


def segment_reads(campaigns: Campaigns) -> dict[str, Reads]:
    """Segment → what its rule reads, with the segments below it."""
    own = {name: reads(segment.when) for name, segment in campaigns.segments.items()}

    def whole(name: str, seen: frozenset[str]) -> Reads:
        found = Reads()
        if name in own and name not in seen:
            found.add(own[name])
            for below in own[name].segments:
                found.add(whole(below, seen | {name}))
        return found

    return {name: whole(name, frozenset()) for name in own}


def trigger_events(flow: Flow, below: Mapping[str, Reads]) -> frozenset[str]:
    """The events of which some must arrive for the flow ever to start; empty where it needs none (birthdays)."""
    if flow.on.segment is not None and flow.on.segment in below:
        return frozenset(below[flow.on.segment].events)
    if flow.on.did is not None:
        return frozenset({flow.on.did})
    return TRIGGER_EVENTS.get(flow.on.kind, frozenset())


def flow_reads(flow: Flow) -> Reads:
    """What its trigger, branches and goal ask for."""
    found = reads([step.model_dump(mode="json", by_alias=True, exclude_defaults=True) for step in flow.steps])
    for condition in (flow.stop_when, flow.exit_when, flow.only_if):
        if condition is not None:
            found.add(reads(condition))
    for signal in flow.all_signals():
        if signal.kind == "event":
            asked = {path.partition(".")[0] for path, test in signal.where if test.exists is not False}
            found.events.setdefault(signal.did, set()).update(asked)
        else:
            found.segments.add(signal.name)
    if flow.on.segment is not None:
        found.segments.add(flow.on.segment)
    if flow.on.did is not None:
        asked = {path.partition(".")[0] for path, test in flow.on.where.items() if test.exists is not False}
        found.events.setdefault(flow.on.did, set()).update(asked | set(flow.on.brings))
    return found


def needed(campaigns: Campaigns) -> dict[str, set[str]]:
    """Event → properties that some segment, trigger or branch works with."""
    found = Reads()
    for read in segment_reads(campaigns).values():
        found.add(read)
    for flow in campaigns.flows.values():
        found.add(flow_reads(flow))
        found.add(Reads({event: set() for event in TRIGGER_EVENTS.get(flow.on.kind, ())}))
    for attribute in campaigns.attributes.values():
        found.add(reads(attribute))
    if found.computed or any(template.computed for template in campaigns.templates.values()):
        # Most of what is computed of people is made of their orders.
        found.add(Reads({names.ORDER_COMPLETED: set()}))
    return {event: asked | ESSENTIAL.get(event, frozenset()) for event, asked in found.events.items()}


def users(campaigns: Campaigns) -> dict[str, list[str]]:
    """Segment → who uses it: ``flow win-back``, ``segment vip``, ``attribute lifecycle``."""
    found: dict[str, list[str]] = {name: [] for name in campaigns.segments}
    for flow in campaigns.flows.values():
        for name in flow_reads(flow).segments:
            found.setdefault(name, []).append(f"flow {flow.name}")
    for segment in campaigns.segments.values():
        for name in reads(segment.when).segments:
            found.setdefault(name, []).append(f"segment {segment.name}")
    for attribute in campaigns.attributes.values():
        for name in reads(attribute).segments:
            found.setdefault(name, []).append(f"attribute {attribute.name}")
    for template in campaigns.templates.values():
        text = f"{template.subject}\n{template.html}\n{template.text}"
        for name in campaigns.segments:
            if "segments" in text and re.search(rf"""["']{re.escape(name)}["']""", text):
                found[name].append(f"template {template.name}")
    return {name: sorted(who) for name, who in found.items() if name in campaigns.segments}
