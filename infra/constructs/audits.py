"""The nightly audit of segments."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from homing.runtime.settings import AuditSegmentsSettings
from infra.constructs.nightly import each_night
from infra.constructs.python_function import PythonFunction, Workshop
from infra.stacks.data import DataStack

# UTC. Yesterday's last events are folded and archived long since, and nobody is at work yet.
_HOUR, _MINUTE = "2", "40"


class Audits(Construct):
    """``audit_segments``, once a night: reads members and a sample of yesterday's archive, writes a small summary."""

    def __init__(self, scope: Construct, id: str, *, workshop: Workshop, data: DataStack) -> None:
        super().__init__(scope, id)
        stage = workshop.stage
        self.function: PythonFunction = workshop.make(
            self,
            "audit_segments",
            "Finds what is wrong with segments and with the events that feed them",
            AuditSegmentsSettings(
                stage=stage.name,
                campaigns=stage.bundle,
                journal_table=data.journal.name,
                archive_bucket=data.archive.name,
            ),
            timeout=Duration.minutes(10),
            memory_mb=1024,
            asynchronous=True,
        )
        data.journal.allow_read_members(self.function)
        data.archive.allow_read(self.function)
        data.archive.allow_put(self.function, under="audit/")
        each_night(
            self,
            workshop=workshop,
            function=self.function,
            name="each-night",
            description="Audits segments",
            hour=_HOUR,
            minute=_MINUTE,
        )
