"""From the stream into profiles, and from profiles onto the bus."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from homing.runtime.settings import PublishChangesSettings, UpdateProfilesSettings
from infra.constructs.flow_triggers import FlowTriggers
from infra.constructs.python_function import Workshop
from infra.constructs.stream_source import StreamSource
from infra.stacks.data import DataStack

# What 1,769 MB buy is one whole vCPU.
ONE_CPU_MB = 1769


class ProfileUpdates(Construct):
    """``update_profiles`` writes profiles with what changed; ``publish_changes`` tells it, and nothing untold is lost."""

    def __init__(
        self, scope: Construct, id: str, *, workshop: Workshop, data: DataStack, triggers: FlowTriggers
    ) -> None:
        super().__init__(scope, id)
        stage = workshop.stage
        self.update = workshop.make(
            self,
            "update_profiles",
            "Folds events into profiles, one conditional write per profile and batch",
            UpdateProfilesSettings(
                stage=stage.name,
                keys_secret=data.secrets.keys_arn,
                campaigns=stage.bundle,
                profiles_table=data.profiles.name,
                archive_bucket=data.archive.name,
                quarantine_bucket=data.quarantine.name,
            ),
            timeout=Duration.seconds(120),
            memory_mb=ONE_CPU_MB,
        )
        data.secrets.allow_keys(self.update)
        data.profiles.allow_update(self.update)
        data.archive.allow_put(self.update)
        data.quarantine.allow_put(self.update)
        data.events.allow_consume(self.update)
        StreamSource(
            self,
            "Events",
            function=self.update,
            source_arn=data.events.stream.stream_arn,
            quarantine=data.quarantine,
            batch_size=1000,
            batching_window_seconds=1,
        )

        self.publish = workshop.make(
            self,
            "publish_changes",
            "Publishes what changed in profiles, and keeps the member index",
            PublishChangesSettings(stage=stage.name, bus=triggers.bus.event_bus_name, journal_table=data.journal.name),
            timeout=Duration.seconds(60),
        )
        triggers.allow_publish(self.publish)
        data.journal.allow_keep_members(self.publish)
        data.profiles.allow_consume(self.publish)
        assert data.profiles.table.table_stream_arn is not None
        StreamSource(
            self,
            "Changes",
            function=self.publish,
            source_arn=data.profiles.table.table_stream_arn,
            quarantine=data.quarantine,
            batch_size=100,
            batching_window_seconds=1,
            # Most writes publish nothing: Lambda filters for free, an invocation costs.
            pattern={"dynamodb": {"NewImage": {"changes": {"B": [{"exists": True}]}}}},
        )
