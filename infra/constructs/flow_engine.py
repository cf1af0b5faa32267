"""Flows move on: what triggers put into the inbox, and what the clock wakes."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from homing.runtime.settings import RunFlowsSettings, WakeDueSettings
from infra.constructs.flow_triggers import FlowTriggers
from infra.constructs.python_function import Workshop
from infra.constructs.work_queue import WorkQueue
from infra.stacks.data import DataStack

RUN_FLOWS_TIMEOUT = Duration.seconds(60)
# Longer than the service's own budget by as much as a last slow call may take, and shorter than the minute.
WAKE_DUE_TIMEOUT = Duration.seconds(55)
# What a stream on demand begins with: 4,000 records a second.
ON_DEMAND_SHARDS = 4


class FlowEngine(Construct):
    """``run_flows`` works the inbox off; ``wake_due`` looks each minute for profiles, runs and sends that are due."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workshop: Workshop,
        data: DataStack,
        inbox: WorkQueue,
        outbox: WorkQueue,
        calls: WorkQueue | None,
        triggers: FlowTriggers,
    ) -> None:
        super().__init__(scope, id)
        stage = workshop.stage
        run = workshop.make(
            self,
            "run_flows",
            "Starts, advances and ends runs; puts sends on the outbox",
            RunFlowsSettings(
                stage=stage.name,
                keys_secret=data.secrets.keys_arn,
                campaigns=stage.bundle,
                profiles_table=data.profiles.name,
                journal_table=data.journal.name,
                outbox_queue=outbox.url,
                stream=data.events.name,
                inbox_queue=inbox.url,
                calls_queue=calls.url if calls else None,
                bus=triggers.bus.event_bus_name,
                lists_bucket=data.lists.name,
            ),
            timeout=RUN_FLOWS_TIMEOUT,
        )
        data.events.allow_put(run)
        inbox.allow_put(run)
        data.secrets.allow_keys(run)
        data.profiles.allow_read(run)
        data.journal.allow_keep_runs(run)
        data.journal.allow_carry_out(run)
        data.journal.allow_find_due(run)
        data.journal.allow_read_members(run)
        data.lists.allow_get(run)
        triggers.allow_publish(run)
        outbox.allow_put(run)
        if calls:
            calls.allow_put(run)
        inbox.feed(run, batch_size=10)

        wake = workshop.make(
            self,
            "wake_due",
            "Hands on the profiles, runs and sends whose time has come",
            WakeDueSettings(
                stage=stage.name,
                profiles_table=data.profiles.name,
                journal_table=data.journal.name,
                stream=data.events.name,
                shards=stage.shards or ON_DEMAND_SHARDS,
                inbox_queue=inbox.url,
                outbox_queue=outbox.url,
            ),
            timeout=WAKE_DUE_TIMEOUT,
            asynchronous=True,
        )
        data.profiles.allow_find_due(wake)
        data.journal.allow_find_due(wake)
        data.journal.allow_keep_ledgers(wake)
        data.journal.allow_keep_progress(wake)
        data.events.allow_put(wake)
        inbox.allow_put(wake)
        outbox.allow_put(wake)
        events.Rule(
            self,
            "EachMinute",
            rule_name=stage.named("each-minute"),
            description="Wakes what is due",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[
                targets.LambdaFunction(
                    wake,
                    dead_letter_queue=workshop.undelivered,
                    retry_attempts=2,
                    max_event_age=Duration.minutes(5),
                )
            ],
        )
