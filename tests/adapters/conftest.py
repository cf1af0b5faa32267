"""Each port twice, in memory and over moto: what passes here means the same in both."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from homing.adapters.backoff import Backoff
from homing.adapters.dynamodb_journal import DynamoJournal
from homing.adapters.dynamodb_profiles import DynamoProfiles
from homing.adapters.memory import MemoryJournal, MemoryProfiles

WAKE_INDEX = {
    "IndexName": "wake",
    "KeySchema": [
        {"AttributeName": "wake_bucket", "KeyType": "HASH"},
        {"AttributeName": "wake_at", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


def create_table(client: Any, name: str, *keys: str) -> None:
    """A table as the stack makes them: string keys and the wake-up index."""
    types = {**dict.fromkeys(keys, "S"), "wake_bucket": "S", "wake_at": "N"}
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in types.items()],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        GlobalSecondaryIndexes=[WAKE_INDEX],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


@pytest.fixture
def sleeps() -> list[float]:
    """How long was waited, in seconds."""
    return []


@pytest.fixture
def backoff(sleeps: list[float]) -> Backoff:
    """Waits nowhere and says so."""
    return Backoff(attempts=4, sleep=sleeps.append, random=lambda: 1.0)


@pytest.fixture
def dynamodb(aws: str) -> Any:
    client = boto3.client("dynamodb", region_name=aws)
    create_table(client, "profiles", "id")
    create_table(client, "journal", "pk", "sk")
    return client


@pytest.fixture(params=["memory", "memory without isolation", "dynamodb"])
def profiles(request: pytest.FixtureRequest, backoff: Backoff) -> Any:
    if request.param == "dynamodb":
        return DynamoProfiles(request.getfixturevalue("dynamodb"), "profiles", backoff=backoff)
    return MemoryProfiles(isolate=request.param == "memory")


@pytest.fixture(params=["memory", "memory without isolation", "dynamodb"])
def journal(request: pytest.FixtureRequest) -> Any:
    if request.param == "dynamodb":
        return DynamoJournal(request.getfixturevalue("dynamodb"), "journal", clock=lambda: 0)
    return MemoryJournal(isolate=request.param == "memory")
