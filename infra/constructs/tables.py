"""The two tables: profiles, the only home of personal data, and the journal of what Homing did."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.python_function import PythonFunction

WAKE_INDEX = "wake"


class _Table(Construct):
    """What both tables share: on demand, encrypted, point-in-time recovery, TTL, the sparse index of wake-ups."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        partition_key: str,
        sort_key: str | None,
        stream: dynamodb.StreamViewType | None,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, id)
        self.table = dynamodb.Table(
            self,
            "Table",
            table_name=name,
            partition_key=_text(partition_key),
            sort_key=_text(sort_key) if sort_key else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=removal_policy == RemovalPolicy.RETAIN,
            time_to_live_attribute="expires_at",
            stream=stream,
            removal_policy=removal_policy,
        )
        self.table.add_global_secondary_index(
            index_name=WAKE_INDEX,
            partition_key=_text("wake_bucket"),
            sort_key=dynamodb.Attribute(name="wake_at", type=dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.table_name

    def allow_find_due(self, function: PythonFunction) -> None:
        """The index of wake-ups, a bucket at a time."""
        function.may(["dynamodb:Query"], [f"{self.table.table_arn}/index/{WAKE_INDEX}"])

    def _allow_write(self, function: PythonFunction, *keys: str) -> None:
        # Every write is a conditional put of a whole item.
        function.may(["dynamodb:PutItem"], [self.table.table_arn], only_keys=keys)


class ProfilesTable(_Table):
    """Profiles, pointers, cart markers and stops; its stream is the outbox of what changed."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings, removal_policy: RemovalPolicy) -> None:
        super().__init__(
            scope,
            id,
            name=stage.named("profiles"),
            partition_key="id",
            sort_key=None,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            removal_policy=removal_policy,
        )

    def allow_read(self, function: PythonFunction) -> None:
        """Items by key; never a scan."""
        function.may(["dynamodb:BatchGetItem"], [self.table.table_arn])

    def allow_update(self, function: PythonFunction) -> None:
        """Reads and conditional writes of whole profiles."""
        self.allow_read(function)
        self._allow_write(function)

    def allow_stop(self, function: PythonFunction) -> None:
        """Reads and adds stops, and nothing else."""
        function.may(["dynamodb:BatchGetItem"], [self.table.table_arn], only_keys=["stop#*"])
        self._allow_write(function, "stop#*")

    def allow_keep_rankings(self, function: PythonFunction) -> None:
        """Stores the thresholds of RFM scores, and nothing else."""
        self._allow_write(function, "ranking#*")

    def allow_consume(self, function: PythonFunction) -> None:
        """What an event source mapping on the table's stream needs."""
        assert self.table.table_stream_arn is not None
        function.may(
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
            [self.table.table_stream_arn],
        )


class JournalTable(_Table):
    """Runs, ledgers and the member index; it names nobody."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings, removal_policy: RemovalPolicy) -> None:
        super().__init__(
            scope,
            id,
            name=stage.named("journal"),
            partition_key="pk",
            sort_key="sk",
            stream=None,
            removal_policy=removal_policy,
        )

    def allow_keep_runs(self, function: PythonFunction) -> None:
        """Starts and advances runs, keeps agendas and the versions of flows that runs go by."""
        self._allow_read(function)
        self._allow_write(function, "run#*", "agenda#*", "flow#*")

    def allow_carry_out(self, function: PythonFunction) -> None:
        """Pauses and stops flows, keeps jobs, and lets go what a pause held."""
        self._allow_write(function, "control#*", "job#*", "hold#*", "ledger#*")

    def allow_hold(self, function: PythonFunction) -> None:
        """Notes what waits for a paused flow, and nothing else."""
        self._allow_write(function, "hold#*")

    def allow_keep_ledgers(self, function: PythonFunction) -> None:
        """Claims and settles sends."""
        self._allow_read(function)
        self._allow_write(function, "ledger#*")

    def allow_draw_codes(self, function: PythonFunction) -> None:
        """Draws and takes back discount codes, and nothing else."""
        self._allow_read(function)
        self._allow_write(function, "codes#*")
        function.may(["dynamodb:UpdateItem"], [self.table.table_arn], only_keys=["codes#*"])

    def allow_keep_pace(self, function: PythonFunction) -> None:
        """Shares the sending rate, counts bounces and complaints, and nothing else."""
        self._allow_read(function)
        self._allow_write(function, "pace#*")

    def allow_keep_progress(self, function: PythonFunction) -> None:
        """Writes down how far the sweeps have come, and nothing else."""
        self._allow_read(function)
        self._allow_write(function, "sweep#*")

    def allow_keep_members(self, function: PythonFunction) -> None:
        """Keeps the member index."""
        self._allow_write(function, "segment#*")

    def allow_read_members(self, function: PythonFunction) -> None:
        """Reads the member index, a shard of a segment at a time."""
        function.may(["dynamodb:Query"], [self.table.table_arn], only_keys=["segment#*"])

    def _allow_read(self, function: PythonFunction) -> None:
        function.may(["dynamodb:GetItem"], [self.table.table_arn])


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
