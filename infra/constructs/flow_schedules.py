"""The clock of flows with a schedule. EventBridge's cron speaks UTC, and the shop's zone has summer time: a flow has a rule
for each time of the day in UTC at which its time can come, and run_flows tells which stroke is the right one today."""

from __future__ import annotations

import hashlib

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from homing.domain.campaigns import Campaigns
from homing.domain.flows.schedule import LATE, strokes
from homing.domain.time import SECOND, zone
from infra.config import StageSettings

# A rule's name has no more characters.
_LONGEST = 64


class FlowSchedules(Construct):
    """Rules of flows with ``on: {schedule: …}``; none, and no cost, where no flow has one."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: StageSettings,
        campaigns: Campaigns,
        inbox: sqs.IQueue,
        undelivered: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        settings = campaigns.settings
        for name, flow in sorted(campaigns.flows.items()):
            if flow.on.kind != "schedule":
                continue
            for utc in strokes(flow.on, flow.on.at or settings.celebrate_at, zone(settings.time_zone)):
                hour, minute = utc.split(":")
                events.Rule(
                    self,
                    f"{name}-{hour}{minute}",
                    rule_name=_name(stage, name, utc),
                    description=f"When {name} may begin, by UTC",
                    schedule=events.Schedule.cron(hour=str(int(hour)), minute=str(int(minute))),
                    targets=[
                        targets.SqsQueue(
                            inbox,
                            message=events.RuleTargetInput.from_object({"schedule": name, "utc": utc}),
                            dead_letter_queue=undelivered,
                            retry_attempts=185,
                            max_event_age=Duration.seconds(LATE // SECOND),
                        )
                    ],
                )


def _name(stage: StageSettings, flow: str, utc: str) -> str:
    name = stage.named(f"schedule-{utc.replace(':', '')}-{flow}")
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 7]}-{hashlib.blake2b(flow.encode(), digest_size=3).hexdigest()}"
