"""One stage: the two stacks, and the data stack first."""

from __future__ import annotations

from aws_cdk import Environment, Stage, Tags
from constructs import Construct

from homing.domain.campaigns import Campaigns
from infra.config import StageSettings
from infra.stacks.data import DataStack
from infra.stacks.engagement import EngagementStack


class HomingStage(Stage):
    """``Homing-<stage>``, deployed by ``cdk deploy 'Homing-<stage>/*'``."""

    def __init__(self, scope: Construct, id: str, *, settings: StageSettings, campaigns: Campaigns) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(account=settings.account, region=settings.region)
            if settings.account or settings.region
            else None,
        )
        self.data = DataStack(
            self,
            "Data",
            stage=settings,
            stack_name=settings.named("data"),
            description="Homing: stream, tables, buckets and secrets",
        )
        self.engagement = EngagementStack(
            self,
            "Engagement",
            stage=settings,
            campaigns=campaigns,
            data=self.data,
            stack_name=settings.named("engagement"),
            description="Homing: functions, flows, mail, alarms",
        )
        Tags.of(self).add("app", "homing")
        Tags.of(self).add("stage", settings.name)
