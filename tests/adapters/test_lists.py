"""The contract of lists: files of people, read in parts."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from homing.adapters.memory import MemoryLists
from homing.adapters.s3_lists import S3Lists
from homing.domain.errors import InvalidInput, Unavailable
from homing.services.ports import ListStore

TEXT = b"user_id\nana\nbob\n"


@pytest.fixture(params=["memory", "s3"])
def lists(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryLists({"people.csv": TEXT, "s3://lists/people.csv": TEXT, "empty.csv": b""})
    region = request.getfixturevalue("aws")
    client = boto3.client("s3", region_name=region)
    client.create_bucket(Bucket="lists", CreateBucketConfiguration={"LocationConstraint": region})
    client.put_object(Bucket="lists", Key="people.csv", Body=TEXT)
    client.put_object(Bucket="lists", Key="empty.csv", Body=b"")
    return S3Lists(client, "lists")


@pytest.mark.parametrize("name", ["people.csv", "s3://lists/people.csv"])
def test_a_file_is_read_in_parts(lists: ListStore, name: str) -> None:
    assert lists.read(name, 0, 8) == b"user_id\n"
    assert lists.read(name, 8, 100) == b"ana\nbob\n"
    assert lists.read(name, len(TEXT), 100) == b""


def test_an_empty_file_is_empty(lists: ListStore) -> None:
    assert lists.read("empty.csv", 0, 100) == b""


@pytest.mark.parametrize("name", ["gone.csv", "s3://lists/gone.csv", "s3://elsewhere/people.csv", "s3://lists"])
def test_a_file_that_is_not_there_is_told_apart_from_a_failure(lists: ListStore, name: str) -> None:
    with pytest.raises(InvalidInput) as error:
        lists.read(name, 0, 10)
    assert error.value.code == "list_unreadable"


class _Denied:
    """What S3 answers somebody who may not see which objects there are."""

    def __init__(self, code: str) -> None:
        self.code = code

    def get_object(self, **_: Any) -> Any:
        from botocore.exceptions import ClientError

        raise ClientError({"Error": {"Code": self.code}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "GetObject")  # type: ignore[typeddict-item]


def test_a_bucket_that_may_not_be_read_names_the_one_that_may() -> None:
    with pytest.raises(InvalidInput, match="put it into s3://lists/"):
        S3Lists(_Denied("AccessDenied"), "lists").read("s3://mine/people.csv", 0, 10)  # type: ignore[arg-type]


def test_a_failure_of_s3_may_work_later() -> None:
    with pytest.raises(Unavailable):
        S3Lists(_Denied("SlowDown"), "lists").read("people.csv", 0, 10)  # type: ignore[arg-type]
