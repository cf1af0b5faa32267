"""The stream of events: Kinesis, partitioned by person."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.python_function import PythonFunction


class EventStream(Construct):
    """Encrypted, kept for two days: a weekend without anybody looking loses nothing."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, id)
        self.stream = kinesis.Stream(
            self,
            "Stream",
            stream_name=stage.named("events"),
            stream_mode=kinesis.StreamMode.ON_DEMAND if stage.shards is None else kinesis.StreamMode.PROVISIONED,
            shard_count=stage.shards,
            # The free day. What a function gives up is kept elsewhere; a longer one costs more than the shard itself.
            retention_period=Duration.hours(24),
            encryption=kinesis.StreamEncryption.MANAGED,
            removal_policy=removal_policy,
        )

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.stream.stream_name

    def allow_put(self, function: PythonFunction) -> None:
        """Events and wake-ups in."""
        function.may(["kinesis:PutRecords"], [self.stream.stream_arn])

    def allow_consume(self, function: PythonFunction) -> None:
        """What an event source mapping needs."""
        function.may(
            [
                "kinesis:DescribeStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ],
            [self.stream.stream_arn],
        )
