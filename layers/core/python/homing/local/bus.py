"""EventBridge: rules match what is put on a bus and hand it to queues and functions.

moto refuses Lambda targets, so all routing is done here. A target that can't take an event would be retried on AWS; here
queues always take it and functions are invoked asynchronously, with Lambda's own retries (sources/asynchronous.py).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.time import iso
from homing.local.patterns import Pattern
from homing.local.template import Template
from homing.local.wire import Params, Refusal

_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Published:
    """An event on a bus."""

    at: int
    bus: str
    source: str
    detail_type: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with a pattern, and the ARNs (and fixed inputs, if any) of its targets."""

    name: str
    bus: str
    pattern: Pattern
    targets: tuple[tuple[str, str | None], ...]


@dataclass(slots=True)
class Buses:
    """All buses of a template. ``to_queue`` and ``to_function`` hand on an event by the target's ARN."""

    names: frozenset[str]
    rules: tuple[Rule, ...]
    now: Callable[[], int]
    to_queue: Callable[[str, str], None]
    to_function: Callable[[str, dict[str, Any]], None]
    account: str
    region: str
    published: list[Published] = field(default_factory=list)

    def put_events(self, params: Params) -> dict[str, Any]:
        """The API's PutEvents."""
        entries = params["Entries"]
        if not 0 < len(entries) <= 10:
            raise Refusal("ValidationException", "PutEvents takes one to ten entries")
        return {"FailedEntryCount": 0, "Entries": [self._put(entry) for entry in entries]}

    def _put(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        bus = str(entry.get("EventBusName", _DEFAULT)).rsplit("/", 1)[-1]
        if bus not in self.names:
            raise Refusal("ResourceNotFoundException", f"there is no event bus {bus}")
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        return {"EventId": self.publish(bus, entry["Source"], entry["DetailType"], detail, entry.get("Resources", []))}

    def publish(
        self, bus: str, source: str, detail_type: str, detail: dict[str, Any], resources: list[str] | None = None
    ) -> str:
        """Puts one event on a bus and hands it to every target whose rule matches; gives its id."""
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": self.account,
            "time": iso(self.now() // 1_000_000 * 1_000_000),
            "region": self.region,
            "resources": resources or [],
            "detail": detail,
        }
        self.published.append(Published(self.now(), bus, source, detail_type, detail))
        for rule in self.rules:
            if rule.bus == bus and rule.pattern.matches(event):
                for arn, fixed in rule.targets:
                    self._hand_on(arn, event if fixed is None else json.loads(fixed))
        return str(event["id"])

    def _hand_on(self, arn: str, event: dict[str, Any]) -> None:
        if ":sqs:" in arn:
            self.to_queue(arn, json.dumps(event, separators=(",", ":")))
        else:
            self.to_function(arn, event)


def rules_of(template: Template) -> tuple[Rule, ...]:
    """The enabled rules with a pattern."""
    rules = []
    for resource in template.resources("AWS::Events::Rule"):
        properties = resource.properties
        if "EventPattern" in properties and properties.get("State", "ENABLED") == "ENABLED":
            bus = str(properties.get("EventBusName", _DEFAULT)).rsplit("/", 1)[-1]
            for target in properties.get("Targets", []):
                if {"InputTransformer", "InputPath"} & set(target):
                    raise InvalidInput(
                        f"{resource.logical_id}: input transformers are not hosted here", code="template"
                    )
            targets = tuple((target["Arn"], target.get("Input")) for target in properties.get("Targets", []))
            rules.append(Rule(resource.name, bus, Pattern.parse(properties["EventPattern"]), targets))
    return tuple(rules)


def bus_names(template: Template) -> frozenset[str]:
    """The template's buses, and the default one."""
    return frozenset({_DEFAULT, *(bus.name for bus in template.resources("AWS::Events::EventBus"))})
