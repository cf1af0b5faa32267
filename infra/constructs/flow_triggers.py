"""The bus, and one rule for each trigger that a flow waits for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from homing.domain.bus.commands import COMMANDS
from homing.domain.flows.language import DETAIL_TYPES, Flow
from homing.domain.flows.trigger import PRODUCT_KINDS
from infra.config import StageSettings
from infra.constructs.python_function import PythonFunction

SOURCE = "homing"
# What these wait for comes from nobody's profile: from the clock, or from whoever knows the products.
_FANNED_OUT = frozenset({"schedule", *PRODUCT_KINDS})
_PRODUCT_CHANGED = "ProductChanged"


@dataclass(frozen=True, order=True)
class TriggerRule:
    """What a rule matches: a detail-type and, where the trigger says which one, ``detail.name``."""

    kind: str
    name: str = ""

    @property
    def id(self) -> str:
        """The rule's name: ``cart-abandoned``, ``order-placed-order-1``, ``segment-entered-vip``."""
        return f"{self.kind}-{self.name}".strip("-").replace("_", "-")

    def pattern(self) -> events.EventPattern:
        """Commands may come from any source; everything else must come from Homing itself."""
        if self.kind == "flow_requested":
            return events.EventPattern(detail_type=[name for name in COMMANDS if name != _PRODUCT_CHANGED])
        if self.kind == "product_changed":
            return events.EventPattern(detail_type=[_PRODUCT_CHANGED])
        return events.EventPattern(
            source=[SOURCE],
            detail_type=[DETAIL_TYPES[self.kind]],
            detail={"name": [self.name]} if self.name else None,
        )

    @property
    def description(self) -> str:
        """What the rule is for."""
        if self.kind == "flow_requested":
            return "Hands on what marketers ask of flows"
        if self.kind == "product_changed":
            return "Hands on which products changed"
        return f"Starts flows on {DETAIL_TYPES[self.kind]} {self.name}".strip()


def rules_of(flows: Iterable[Flow]) -> list[TriggerRule]:
    """The rules that these flows need, sorted; that of commands is always there."""
    wanted = {TriggerRule("flow_requested")}
    for flow in flows:
        wanted |= {TriggerRule(signal.kind, signal.name) for signal in flow.all_signals()}
        if flow.on.kind in PRODUCT_KINDS:
            wanted.add(TriggerRule("product_changed"))
        if flow.on.kind not in _FANNED_OUT:
            wanted.add(TriggerRule(flow.on.kind, flow.on.name))
    return sorted(wanted)


class FlowTriggers(Construct):
    """EventBridge bus ``homing-<stage>``; its rules put what flows wait for into the flow inbox."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: StageSettings,
        flows: Iterable[Flow],
        inbox: sqs.IQueue,
        undelivered: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        self.bus = events.EventBus(
            self, "Bus", event_bus_name=f"homing-{stage.name}", description="What customers did, and what is asked"
        )
        for rule in rules_of(flows):
            events.Rule(
                self,
                "".join(part.capitalize() for part in rule.id.split("-")),
                rule_name=stage.named(rule.id)[:64],
                description=rule.description,
                event_bus=self.bus,
                event_pattern=rule.pattern(),
                targets=[
                    targets.SqsQueue(
                        inbox, dead_letter_queue=undelivered, retry_attempts=185, max_event_age=Duration.hours(24)
                    )
                ],
            )

    def allow_publish(self, function: PythonFunction) -> None:
        """Puts Homing's own events on the bus, under no other source."""
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["events:PutEvents"],
                resources=[self.bus.event_bus_arn],
                # One call carries many events: the key holds all their sources.
                conditions={"ForAllValues:StringEquals": {"events:source": [SOURCE]}},
            )
        )
