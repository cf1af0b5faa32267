"""The stateful stack: everything that would hurt to lose."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.buckets import PrivateBucket
from infra.constructs.event_stream import EventStream
from infra.constructs.secrets import Secrets
from infra.constructs.tables import JournalTable, ProfilesTable

QUARANTINE_DAYS = 30
# Long enough for a flow that is started for a million people.
LISTS_DAYS = 30
# What a backtest came to, in the archive's bucket.
BACKTESTS_DAYS = 30


class DataStack(Stack):
    """Stream, tables, buckets and secrets; kept when the stack goes, unless the stage says otherwise."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings, **kwargs: Any) -> None:
        super().__init__(scope, id, **kwargs)
        removal = RemovalPolicy.RETAIN if stage.keep_data else RemovalPolicy.DESTROY

        self.events = EventStream(self, "Events", stage=stage, removal_policy=removal)
        self.profiles = ProfilesTable(self, "Profiles", stage=stage, removal_policy=removal)
        self.journal = JournalTable(self, "Journal", stage=stage, removal_policy=removal)
        self.archive = PrivateBucket(
            self, "Archive", removal_policy=removal, passing={"backtests/": Duration.days(BACKTESTS_DAYS)}
        )
        self.quarantine = PrivateBucket(self, "Quarantine", removal_policy=removal, keep=Duration.days(QUARANTINE_DAYS))
        self.lists = PrivateBucket(self, "Lists", removal_policy=removal, keep=Duration.days(LISTS_DAYS))
        self.secrets = Secrets(self, "Secrets", stage=stage, removal_policy=removal)

        for name, value, description in (
            ("IngestSecretName", self.secrets.ingest_name, "Fill in the write keys and the webhook secret here"),
            ("ArchiveBucketName", self.archive.name, "Folded events by date, without names: for analysis and rebuilds"),
            (
                "QuarantineBucketName",
                self.quarantine.name,
                "Records that could not be folded, with the reason, 30 days",
            ),
            (
                "ListsBucketName",
                self.lists.name,
                "Put files of people here whom flows shall be started for; gone after 30 days",
            ),
            ("ProfilesTableName", self.profiles.name, "The one table with personal data"),
            ("EventStreamName", self.events.name, "For producers that put events on Kinesis themselves"),
        ):
            CfnOutput(self, name, value=value, description=description)
