"""The nightly thresholds of RFM scores."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from homing.runtime.settings import RankCustomersSettings
from infra.constructs.nightly import each_night
from infra.constructs.python_function import PythonFunction, Workshop
from infra.stacks.data import DataStack

# UTC; before the audit, so that the thresholds are in force from 03:00 on.
_HOUR, _MINUTE = "2", "20"


class Ranking(Construct):
    """``rank_customers``, once a night: reads a sample of customers, writes one small item."""

    def __init__(self, scope: Construct, id: str, *, workshop: Workshop, data: DataStack) -> None:
        super().__init__(scope, id)
        stage = workshop.stage
        self.function: PythonFunction = workshop.make(
            self,
            "rank_customers",
            "Computes the thresholds of RFM scores from a sample of the shop's customers",
            RankCustomersSettings(
                stage=stage.name,
                campaigns=stage.bundle,
                profiles_table=data.profiles.name,
                journal_table=data.journal.name,
            ),
            timeout=Duration.minutes(5),
            memory_mb=1024,
            asynchronous=True,
        )
        data.profiles.allow_read(self.function)
        data.profiles.allow_keep_rankings(self.function)
        data.journal.allow_read_members(self.function)
        each_night(
            self,
            workshop=workshop,
            function=self.function,
            name="each-night-ranking",
            description="Computes the thresholds of RFM scores",
            hour=_HOUR,
            minute=_MINUTE,
        )
