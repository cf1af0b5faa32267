"""The contract of archive and quarantine."""

from __future__ import annotations

import gzip
import json
from typing import Any

import boto3
import pytest

from homing.adapters.memory import MemoryArchive, MemoryQuarantine
from homing.adapters.s3 import S3Archive, S3Quarantine, record_of
from homing.domain.errors import InvalidInput, Unavailable
from homing.services.ports import Rejected


@pytest.fixture
def bucket(aws: str) -> Any:
    client = boto3.client("s3", region_name=aws)
    client.create_bucket(Bucket="store", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return client


def lines_in(client: Any, key: str) -> list[dict[str, Any]]:
    raw = client.get_object(Bucket="store", Key=key)["Body"].read()
    return [json.loads(line) for line in gzip.decompress(raw).splitlines()]


@pytest.fixture(params=["memory", "s3"])
def archive(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        fake = MemoryArchive()
        return fake, lambda key: fake.objects[key]
    client = request.getfixturevalue("bucket")
    return S3Archive(client, "store"), lambda key: lines_in(client, f"{key}.jsonl.gz")


def test_lines_are_archived_under_their_key_and_overwritten_by_the_same_key(archive: Any) -> None:
    port, stored = archive
    port.put("events/date=2026-11-22/shard-1", [{"old": 1}])
    port.put("events/date=2026-11-22/shard-1", [{"n": 1, "name": "Käse"}, {"n": 2}])
    assert stored("events/date=2026-11-22/shard-1") == [{"n": 1, "name": "Käse"}, {"n": 2}]


def test_the_archive_is_read_back_in_the_order_of_keys(archive: Any) -> None:
    port, _ = archive
    for day in ("2026-11-23", "2026-11-22"):
        port.put(f"events/date={day}/shard-1", [{"day": day}, {"n": 2}])
    port.put("audit/date=2026-11-22", [{"audit": 1}])
    assert list(port.keys("events/")) == ["events/date=2026-11-22/shard-1", "events/date=2026-11-23/shard-1"]
    assert list(port.keys("events/date=2026-11-23/")) == ["events/date=2026-11-23/shard-1"]
    assert list(port.keys("elsewhere/")) == []
    assert list(port.read("events/date=2026-11-23/shard-1")) == [{"day": "2026-11-23"}, {"n": 2}]


def test_what_is_not_there_can_not_be_read(archive: Any) -> None:
    port, _ = archive
    with pytest.raises(Unavailable):
        list(port.read("events/nowhere"))


def test_an_object_that_is_no_archive_is_named(bucket: Any) -> None:
    bucket.put_object(Bucket="store", Key="events/torn.jsonl.gz", Body=b"no gzip")
    with pytest.raises(InvalidInput, match="events/torn"):
        S3Archive(bucket, "store").read("events/torn")


@pytest.fixture(params=["memory", "s3"])
def quarantine(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        fake = MemoryQuarantine()
        return fake, lambda key: fake.objects[key]
    client = request.getfixturevalue("bucket")
    return S3Quarantine(client, "store"), lambda key: [record_of(x) for x in lines_in(client, f"{key}.jsonl.gz")]


def test_quarantine_keeps_the_very_bytes_and_the_reason(quarantine: Any) -> None:
    port, stored = quarantine
    record = Rejected(b'\xff{"not json', "json_invalid", "not JSON", "kinesis", 5, "event", {"sequence": "7"})
    port.put("2026-11-22/shard-1", [record])
    assert stored("2026-11-22/shard-1") == [record]


def test_the_same_lines_are_the_same_object(bucket: Any) -> None:
    archive, tags = S3Archive(bucket, "store"), set()
    for _ in range(2):
        archive.put("a", [{"n": 1}])
        tags.add(bucket.head_object(Bucket="store", Key="a.jsonl.gz")["ETag"])
    assert len(tags) == 1


def test_objects_are_encrypted_with_the_given_key(bucket: Any) -> None:
    S3Archive(bucket, "store", kms_key="alias/homing", prefix="archive/").put("a", [{"n": 1}])
    head = bucket.head_object(Bucket="store", Key="archive/a.jsonl.gz")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/homing")
