"""rebuild, unmerge and review against a deployed stage, as CloudFormation describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from homing.adapters.files import read_folder
from homing.adapters.s3 import S3Archive
from homing.cli.main import command
from homing.domain.content.publish import publish
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity
from homing.runtime import parts
from homing.services.publish_changes import ProfileImage, PublishChanges
from homing.services.update_profiles import StreamItem, UpdateProfiles
from tests.account import KEYS, create_table
from tests.fixtures.shop import event

CAMPAIGNS = Path(__file__).parents[3] / "layers/campaigns"


class Stacks:
    """CloudFormation, as far as it describes what was deployed (moto's needs packages that nothing else here does)."""

    def __init__(self, revision: str) -> None:
        self.outputs = {
            "homing-try-data": {"ProfilesTableName": "homing-try-profiles", "ArchiveBucketName": "homing-try-archive"},
            "homing-try-engagement": {"CampaignsRevision": revision},
        }

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName not in self.outputs:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs[StackName].items()]
        return {"Stacks": [{"Outputs": outputs}]}


class Stage:
    """A stage ``try`` with two people who share an address, and the archive of what they did."""

    def __init__(self, region: str) -> None:
        self.campaigns = publish(read_folder(CAMPAIGNS))
        dynamodb, s3 = boto3.client("dynamodb", region_name=region), boto3.client("s3", region_name=region)
        create_table(dynamodb, "homing-try-profiles", "id")
        create_table(dynamodb, "homing-try-journal", "pk", "sk")
        s3.create_bucket(Bucket="homing-try-archive", CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]
        boto3.client("secretsmanager", region_name=region).create_secret(Name="homing-try-keys", SecretString=KEYS)
        self.identity = Identity(KEYS.encode())
        self.profiles, self.journal = parts.profiles("homing-try-profiles"), parts.journal("homing-try-journal")
        self.archive = S3Archive(s3, "homing-try-archive")
        self.number = 0

    def deliver(self, *events: Event) -> None:
        """As the stack does, member index included."""
        images: list[ProfileImage] = []
        write = self.profiles.write

        def told(profile: Any, *, expected: int) -> None:
            images.append(ProfileImage(profile.id, profile.version, list(profile.changes)))
            write(profile, expected=expected)

        self.profiles.write = told  # type: ignore[method-assign]
        update = UpdateProfiles(self.campaigns, self.identity, self.profiles, self.archive, _Nowhere())
        self.number += 1
        records = [StreamItem(str(100 + n), e.to_json(), e.received) for n, e in enumerate(events)]
        assert update(records, batch=f"b{self.number}").failed is None
        PublishChanges(_Nowhere(), self.journal)(images)
        self.profiles.write = write  # type: ignore[method-assign]


class _Nowhere:
    def put(self, *_: Any) -> None:
        """Forgets it."""


@pytest.fixture
def stage(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", aws)
    parts.reset()
    made = Stage(aws)
    client, stacks = parts.client, Stacks(made.campaigns.revision)
    monkeypatch.setattr(
        parts, "client", lambda name, *more: stacks if name == "cloudformation" else client(name, *more)
    )
    made.deliver(
        event("Page Viewed", "2026-03-02T10:00:00Z", user_id="ana", email="family@x.example"),
        event("Page Viewed", "2026-03-02T11:00:00Z", user_id="ben", email="family@x.example"),
        event("Page Viewed", "2026-03-02T12:00:00Z", user_id="cleo", email="cleo@x.example"),
        event("Identified", "2026-03-02T13:00:00Z", user_id="cleo", email="dora@x.example", plan="gold"),
    )
    yield made
    monkeypatch.undo()
    parts.reset()


def homing(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=True)


def test_the_review_list_says_in_words_who_shares_what(stage: Stage) -> None:
    result = homing("review", "--stage", "try")
    assert result.exit_code == 1
    assert "user_id ana" in result.output
    assert "shares an e-mail address with user_id ben" in result.output
    assert "their user_id differ, so they stay two people" in result.output
    assert "2 to look at" in result.output
    listed = json.loads(homing("review", "--stage", "try", "--json").output)
    assert {person["name"] for person in listed} == {"user_id ana", "user_id ben"}


def test_what_is_dismissed_is_gone_for_both_and_does_not_come_back(stage: Stage) -> None:
    assert "1 dismissed" in homing("review", "--stage", "try", "--dismiss", "user_id:ana").output
    stage.deliver(event("Page Viewed", "2026-03-03T11:00:00Z", user_id="ben", email="family@x.example"))
    assert homing("review", "--stage", "try").exit_code == 0


def test_two_who_are_one_can_be_merged_by_hand(stage: Stage) -> None:
    result = homing("review", "--stage", "try", "--merge", "user_id:ana", "user_id:ben")
    assert stage.identity.key("user_id", "ana") in result.output
    assert homing("review", "--stage", "try").exit_code == 0
    again = homing("review", "--stage", "try", "--merge", "user_id:ana", "user_id:ben")
    assert "one person already" in str(again.exception)


def test_unmerge_divides_and_says_what_it_did(stage: Stage) -> None:
    planned = homing("unmerge", "user_id:cleo", "--stage", "try", "--apart", "email:dora@x.example", "--dry-run")
    assert "would be two people" in planned.output
    done = json.loads(
        homing("unmerge", "user_id:cleo", "--stage", "try", "--apart", "email:dora@x.example", "--json").output
    )
    assert done["identifiers_moved"] == 1
    assert done["second_id"] != stage.identity.key("user_id", "cleo")
    wrong = homing("unmerge", "user_id:cleo", "--stage", "try", "--apart", "ana")
    assert wrong.exit_code == 2
    assert "write KIND:VALUE" in wrong.output


def test_rebuild_counts_and_remembers_which_parts_are_done(stage: Stage, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    first = homing("rebuild", "--stage", "try", "--parts", "2", "--state", str(state), "--json")
    assert json.loads(first.output)["people"] == 3
    assert (
        "every part was done already"
        in homing("rebuild", "--stage", "try", "--parts", "2", "--state", str(state)).output
    )
    assert "4 archived events read" in homing("rebuild", "--stage", "try", "--part", "1/1").output


def test_an_archive_in_a_folder_does_as_well(stage: Stage, tmp_path: Path) -> None:
    for key in stage.archive.keys("events/"):
        file = tmp_path / f"{key}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(line) + "\n" for line in stage.archive.read(key)))
    result = homing("rebuild", "--stage", "try", "--archive", str(tmp_path), "--json")
    assert json.loads(result.output)["people"] == 3


def test_campaigns_that_are_not_the_deployed_ones_are_refused(stage: Stage, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "campaigns"
    shutil.copytree(CAMPAIGNS, other)
    (other / "segments/another.yaml").write_text("name: another\nwhen: {did: Page Viewed}\n")
    result = homing("rebuild", "--stage", "try", "--campaigns", str(other))
    assert "deploy it first" in str(result.exception)


def test_a_stage_that_is_not_there_is_said_so(stage: Stage) -> None:
    result = homing("review", "--stage", "nowhere")
    assert "not deployed here" in str(result.exception)
