"""Queries of logs: asked once, waited for, and told as rows."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from homing.adapters.log_queries import LogQueries
from homing.domain.errors import Unavailable
from homing.domain.time import SECOND

ASKED = {
    "logGroupName": "/aws/lambda/f",
    "startTime": 10,
    "endTime": 21,
    "queryString": "stats count(*)",
    "limit": 10_000,
}


def queries(stub: Stubber, slept: list[float]) -> LogQueries:
    return LogQueries(stub.client, slept.append)


@pytest.fixture
def stub() -> Any:
    client = boto3.client("logs", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield stubber


def test_an_answer_is_waited_for_and_comes_as_rows(stub: Stubber) -> None:
    rows = [[{"field": "flow", "value": "f"}, {"field": "times", "value": "3"}, {"field": "@ptr", "value": "x"}]]
    stub.add_response("start_query", {"queryId": "q"}, ASKED)
    for status in ("Scheduled", "Running"):
        stub.add_response("get_query_results", {"status": status, "results": []}, {"queryId": "q"})
    stub.add_response("get_query_results", {"status": "Complete", "results": rows}, {"queryId": "q"})
    slept: list[float] = []
    found = queries(stub, slept)("/aws/lambda/f", "stats count(*)", 10 * SECOND, 20 * SECOND + 1)
    assert found == [{"flow": "f", "times": "3"}]
    assert len(slept) == 2
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_a_query_that_fails_is_unavailable(stub: Stubber, status: str) -> None:
    stub.add_response("start_query", {"queryId": "q"}, ASKED)
    stub.add_response("get_query_results", {"status": status, "results": []}, {"queryId": "q"})
    with pytest.raises(Unavailable, match=status):
        queries(stub, [])("/aws/lambda/f", "stats count(*)", 10 * SECOND, 21 * SECOND)


def test_a_log_that_is_not_there_is_told_by_its_name(stub: Stubber) -> None:
    stub.add_client_error("start_query", "ResourceNotFoundException")
    with pytest.raises(Unavailable, match="/aws/lambda/f: ResourceNotFoundException"):
        queries(stub, [])("/aws/lambda/f", "stats count(*)", 10 * SECOND, 21 * SECOND)
