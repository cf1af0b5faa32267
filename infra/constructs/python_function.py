"""One Lambda function of ``functions/``; every function of the stack is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from homing.runtime.settings import Settings, WithCampaigns
from infra import assets
from infra.config import PYTHON_VERSION, StageSettings
from infra.constructs.acknowledge import acknowledge
from infra.constructs.layers import ARCHITECTURE, RUNTIME, Layers

METRICS_NAMESPACE = "Homing"


class PythonFunction(lambda_.Function):
    """``functions.<name>.handler.handler`` with its own role, its own log group and the environment of its settings.

    The role starts with nothing but writing its own log; owners of resources grant the rest.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        description: str,
        stage: StageSettings,
        layers: Layers,
        settings: Settings,
        timeout: Duration,
        memory_mb: int = 512,
        disk_mb: int = 512,
        on_failure: lambda_.IDestination | None = None,
    ) -> None:
        function_name = stage.named(name)
        log_group = logs.LogGroup(
            scope,
            f"{id}Log",
            log_group_name=f"/aws/lambda/{function_name}",
            retention=logs.RetentionDays[_RETENTION[stage.log_retention_days]],
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            scope,
            f"{id}Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {function_name} may do",
        )
        super().__init__(
            scope,
            id,
            function_name=function_name,
            description=description,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            code=lambda_.Code.from_asset(str(assets.functions_code())),
            handler=f"functions.{name}.handler.handler",
            layers=[*layers.code, *([layers.campaigns] if isinstance(settings, WithCampaigns) else [])],
            environment={
                **settings.environment(),
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
            },
            memory_size=memory_mb,
            ephemeral_storage_size=Size.mebibytes(disk_mb) if disk_mb > 512 else None,
            timeout=timeout,
            role=role,
            log_group=log_group,
            # Logs may name no person: parameters of calls stay out of them.
            logging_format=lambda_.LoggingFormat.JSON,
            on_failure=on_failure,
            retry_attempts=2 if on_failure is not None else None,
            max_event_age=Duration.hours(6) if on_failure is not None else None,
        )
        acknowledge(
            self,
            "AwsSolutions-L1",
            f"Python {PYTHON_VERSION} is what the locked wheels, the bytecode and the tests are made for (infra/config.py).",
        )
        self.name = name
        self.own_role = role
        self.may(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn])

    def may(self, actions: Sequence[str], resources: Sequence[str], *, only_keys: Sequence[str] = ()) -> None:
        """Allows actions on resources; ``only_keys`` narrows DynamoDB calls to partition keys like these patterns."""
        self.add_to_role_policy(
            iam.PolicyStatement(
                actions=list(actions),
                resources=list(resources),
                conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(only_keys)}}
                if only_keys
                else None,
            )
        )


@dataclass(frozen=True)
class Workshop:
    """Makes the functions of a stage, and remembers them: dashboards and alarms need them all."""

    stage: StageSettings
    layers: Layers
    undelivered: sqs.IQueue
    made: dict[str, PythonFunction] = field(default_factory=dict)

    def make(
        self,
        scope: Construct,
        name: str,
        description: str,
        settings: Settings,
        *,
        timeout: Duration,
        memory_mb: int = 512,
        disk_mb: int = 512,
        asynchronous: bool = False,
        watched: bool = True,
    ) -> PythonFunction:
        """A function; ``asynchronous`` ones are invoked by EventBridge and leave what fails three times in a queue. One that
        somebody waits for whenever it runs need not be ``watched`` by alarms, which cost something each month."""
        function = PythonFunction(
            scope,
            "".join(part.capitalize() for part in name.split("_")),
            name=name,
            description=description,
            stage=self.stage,
            layers=self.layers,
            settings=settings,
            timeout=timeout,
            memory_mb=memory_mb,
            disk_mb=disk_mb,
            on_failure=destinations.SqsDestination(self.undelivered) if asynchronous else None,
        )
        if watched:
            self.made[name] = function
        return function


_RETENTION = {
    1: "ONE_DAY",
    3: "THREE_DAYS",
    5: "FIVE_DAYS",
    7: "ONE_WEEK",
    14: "TWO_WEEKS",
    30: "ONE_MONTH",
    60: "TWO_MONTHS",
    90: "THREE_MONTHS",
    180: "SIX_MONTHS",
    365: "ONE_YEAR",
}
