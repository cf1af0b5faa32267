"""Campaigns tried on a stage's own archive: a state machine that divides it by people and plays the parts side by side."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from homing.runtime.settings import BacktestPartSettings, BacktestPlanSettings
from infra.constructs.acknowledge import acknowledge
from infra.constructs.python_function import PythonFunction, Workshop
from infra.stacks.data import DataStack

# Parts that are played at a time: what is left of the account's functions sends mails.
AT_A_TIME = 40
# What can't be reached, or is used up, is there again soon.
_RETRY = [
    {
        "ErrorEquals": [
            "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
            "Lambda.TooManyRequestsException", "Unavailable",
        ],
        "IntervalSeconds": 2, "MaxAttempts": 5, "BackoffRate": 2, "JitterStrategy": "FULL",
    }
]  # fmt: skip


class Backtests(Construct):
    """``homing backtest --stage`` starts it. It costs nothing while nobody does, so nothing watches it: who started it waits
    for what it says."""

    def __init__(self, scope: Construct, id: str, *, workshop: Workshop, data: DataStack) -> None:
        super().__init__(scope, id)
        stage = workshop.stage
        plan = workshop.make(
            self,
            "backtest_plan",
            "Divides the archive by people for a backtest, and puts its parts together",
            BacktestPlanSettings(stage=stage.name, archive_bucket=data.archive.name),
            timeout=Duration.minutes(15),
            memory_mb=3008,
            disk_mb=10_240,
            watched=False,
        )
        part = workshop.make(
            self,
            "backtest_part",
            "Plays a part of a backtest",
            BacktestPartSettings(stage=stage.name, archive_bucket=data.archive.name),
            timeout=Duration.minutes(15),
            memory_mb=1769,
            disk_mb=2_048,
            watched=False,
        )
        for function in (plan, part):
            data.archive.allow_read(function)
            data.archive.allow_put(function, under="backtests/")
        name = stage.named("backtest")
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            description=f"What {name} may do",
        )
        self.machine = sfn.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=name,
            state_machine_type="STANDARD",
            role_arn=role.role_arn,
            definition_string=json.dumps(definition(), indent=1),
            definition_substitutions={
                "Plan": plan.function_arn, "Part": part.function_arn, "Bucket": data.archive.name,
            },
        )  # fmt: skip
        self._allow(role, [plan, part], data, name)
        acknowledge(
            self.machine,
            "AwsSolutions-SF1",
            "Each execution keeps its own history for 90 days, and the functions log what they did.",
        )
        acknowledge(self.machine, "AwsSolutions-SF2", "A handful of calls by one operator: its history says it all.")

    def _allow(self, role: iam.Role, functions: list[PythonFunction], data: DataStack, name: str) -> None:
        stack = Stack.of(self)
        machine = stack.format_arn(
            service="states", resource="stateMachine", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        # The map over the parts is executions of the machine itself.
        runs = stack.format_arn(
            service="states", resource="execution", resource_name=f"{name}/*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        policy = iam.Policy(
            self,
            "Policy",
            statements=[
                iam.PolicyStatement(
                    actions=["lambda:InvokeFunction"], resources=[function.function_arn for function in functions]
                ),
                iam.PolicyStatement(actions=["s3:ListBucket"], resources=[data.archive.bucket.bucket_arn]),
                iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine]),
                iam.PolicyStatement(actions=["states:DescribeExecution", "states:StopExecution"], resources=[runs]),
            ],
        )
        policy.attach_to_role(role)
        self.machine.node.add_dependency(policy)
        acknowledge(
            policy,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}/*]",
            "A map names its own executions; the star stands for that name.",
        )


def definition() -> dict[str, Any]:
    """In Amazon's language of states; ``${Plan}``, ``${Part}`` and ``${Bucket}`` are filled in by CloudFormation. Input:
    ``{"id": …, "since": "2026-08-29"}``."""
    return {
        "Comment": "Campaigns tried on the archive",
        "StartAt": "Divide",
        "States": {
            "Divide": {
                **_task("Plan", {"step": "divide", "id.$": "$.id", "since.$": "$.since"}),
                "ResultPath": "$.plan",
                "Next": "Are there scores?",
            },
            "Are there scores?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.plan.ranked", "BooleanEquals": True, "Next": "Rank"}],
                "Default": "Play",
            },
            "Rank": {**_parts("rank"), "Next": "Count thresholds"},
            "Count thresholds": {
                **_task("Plan", {"step": "thresholds", "id.$": "$.id"}),
                "ResultPath": None,
                "Next": "Play",
            },
            "Play": {**_parts("play"), "Next": "Join"},
            "Join": {**_task("Plan", {"step": "join", "id.$": "$.id"}), "End": True},
        },
    }


def _task(function: str, parameters: dict[str, str]) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"${{{function}}}", "Parameters": parameters, "Retry": _RETRY}


def _parts(step: str) -> dict[str, Any]:
    """A step of every part: the manifests are listed, and each is an execution of its own."""
    return {
        "Type": "Map",
        "Label": step.capitalize(),
        "MaxConcurrency": AT_A_TIME,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:listObjectsV2",
            "Parameters": {"Bucket": "${Bucket}", "Prefix.$": "States.Format('backtests/{}/plan/', $.id)"},
        },
        "ItemSelector": {"step": step, "id.$": "$.id", "manifest.$": "$$.Map.Item.Value.Key"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Part",
            "States": {"Part": {"Type": "Task", "Resource": "${Part}", "Retry": _RETRY, "End": True}},
        },
        # What the parts came to lies in their files.
        "ResultPath": None,
    }
