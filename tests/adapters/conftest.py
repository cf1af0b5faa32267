"""Each port twice, in memory and over moto: what passes here means the same in both."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from homing.adapters.backoff import Backoff
from homing.adapters.dynamodb_journal import DynamoJournal
from homing.adapters.dynamodb_profiles import DynamoProfiles
from homing.adapters.memory import MemoryJournal, MemoryProfiles
from tests.account import create_table


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
