"""Reaching a deployed stack from the command line, with the credentials and region of the environment.

What CloudFormation says is there is used; the two resources that no output names have names by convention
(``homing-<stage>-journal``, ``homing-<stage>-keys``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from homing.domain.errors import HomingError, InvalidInput

if TYPE_CHECKING:
    from homing.adapters.dynamodb_journal import DynamoJournal
    from homing.adapters.dynamodb_profiles import DynamoProfiles
    from homing.domain.attributes.rankings import Rankings
    from homing.domain.campaigns import Campaigns
    from homing.domain.profiles.identity import Identity
    from homing.services.batch import Parallel
    from homing.services.ports import ArchiveReader

_Command = TypeVar("_Command")


@dataclass(frozen=True)
class Deployed:
    """What a stage is made of, as far as commands use it."""

    stage: str
    profiles_table: str
    archive_bucket: str
    journal_table: str
    keys_secret: str
    # The campaigns that its functions decide with.
    revision: str
    # Files of people whom flows are started for; empty where the stage was deployed before there was one.
    lists_bucket: str = ""
    # The state machine that plays the archive; empty where the stage was deployed before there was one.
    backtest_machine: str = ""

    @property
    def profiles(self) -> DynamoProfiles:
        """The profiles table."""
        from homing.runtime import parts

        return parts.profiles(self.profiles_table)

    @property
    def rankings(self) -> Rankings:
        """Thresholds of RFM scores, as they are in force."""
        from homing.runtime import parts

        return parts.rankings(self.profiles_table)

    @property
    def journal(self) -> DynamoJournal:
        """The journal table."""
        from homing.runtime import parts

        return parts.journal(self.journal_table)

    @property
    def identity(self) -> Identity:
        """Ids as the stage makes them."""
        from homing.runtime import parts

        return parts.identity(self.keys_secret)

    @property
    def parallel(self) -> Parallel:
        """Calls to AWS overlap."""
        from homing.runtime import parts
        from homing.runtime.parallel import InThreads

        return InThreads(parts.pool())

    def archive(self, folder: Path | None) -> ArchiveReader:
        """The archive bucket, or a copy of it in a folder."""
        from homing.adapters.folder_archive import FolderArchive
        from homing.adapters.s3 import S3Archive
        from homing.runtime import parts

        return FolderArchive(folder) if folder else S3Archive(parts.client("s3"), self.archive_bucket)

    def campaigns(self, folder: Path) -> Campaigns:
        """The campaigns of a folder, which must be those that are deployed: with others, what a command writes would be
        undone, or forgotten, by the next event. Raises InvalidInput when they are not."""
        from homing.adapters.files import publish_folder

        campaigns = publish_folder(folder)
        if campaigns.revision != self.revision:
            raise InvalidInput(
                f"{folder} is revision {campaigns.revision}, but {self.stage} runs {self.revision}: deploy it first, or "
                "check out what is deployed",
                code="other_campaigns",
            )
        return campaigns


def stage_option(command: _Command) -> _Command:
    """``--stage NAME``, required; the function gets the :class:`Deployed` as the parameter ``stage``."""

    def find(_context: click.Context, _parameter: click.Parameter, value: str) -> Deployed:
        return find_stage(value)

    decorated: _Command = click.option(
        "--stage", required=True, callback=find, help="A deployed stage: prod. Uses your AWS credentials and region."
    )(command)  # type: ignore[type-var]
    return decorated


def find_stage(stage: str) -> Deployed:
    """Asks CloudFormation. Raises HomingError when the stage is not deployed here, or AWS does not answer."""
    data, engagement = outputs_of(f"homing-{stage}-data"), outputs_of(f"homing-{stage}-engagement")
    try:
        return Deployed(
            stage=stage,
            profiles_table=data["ProfilesTableName"],
            archive_bucket=data["ArchiveBucketName"],
            journal_table=f"homing-{stage}-journal",
            keys_secret=f"homing-{stage}-keys",
            revision=engagement["CampaignsRevision"],
            lists_bucket=data.get("ListsBucketName", ""),
            backtest_machine=engagement.get("BacktestMachineArn", ""),
        )
    except KeyError as error:
        raise HomingError(f"the stacks of {stage} have no output {error}: deploy them once more") from error


def outputs_of(stack: str) -> dict[str, str]:
    """What CloudFormation says of a stack. Raises HomingError."""
    from botocore.exceptions import BotoCoreError, ClientError

    from homing.runtime import parts

    try:
        found = parts.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        why = "it is not deployed here" if code == "ValidationError" else f"AWS says {code}"
        raise HomingError(f"can't find the stack {stack}: {why}. Are account and region right?") from error
    except BotoCoreError as error:
        raise HomingError(f"can't ask AWS for the stack {stack}: {error}") from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
