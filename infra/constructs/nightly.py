"""What runs once a night."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.constructs.python_function import PythonFunction, Workshop


def each_night(
    scope: Construct,
    *,
    workshop: Workshop,
    function: PythonFunction,
    name: str,
    description: str,
    hour: str,
    minute: str,
) -> events.Rule:
    """Wakes a function at that time, UTC; what it can't be given within two hours goes where undelivered things go."""
    target = targets.LambdaFunction(
        function, dead_letter_queue=workshop.undelivered, retry_attempts=2, max_event_age=Duration.hours(2)
    )
    return events.Rule(
        scope,
        "EachNight",
        rule_name=workshop.stage.named(name),
        description=description,
        schedule=events.Schedule.cron(hour=hour, minute=minute),
        targets=[target],
    )
