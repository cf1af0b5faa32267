"""CloudWatch Logs Insights: what functions wrote into their logs, counted on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from homing.adapters.aws_errors import aws_errors
from homing.domain.errors import Unavailable
from homing.domain.time import SECOND

# A query is asked for its answer every so many seconds, for five minutes at most.
_EVERY, _TRIES = 1.0, 300
# As many rows as a query gives.
MOST_ROWS = 10_000


@dataclass(frozen=True)
class LogQueries:
    """``sleep`` takes seconds; ``client`` is boto3's for ``logs``."""

    client: Any
    sleep: Callable[[float], None]

    def __call__(self, group: str, query: str, start: int, end: int) -> list[dict[str, str]]:
        """The rows of a query over the lines of ``[start, end)``, instants; every value is text. Raises Unavailable where
        AWS does not answer, or not in time."""
        with aws_errors(f"reading the log {group}"):
            asked = self.client.start_query(
                logGroupName=group, startTime=start // SECOND, endTime=-(-end // SECOND), queryString=query, limit=MOST_ROWS
            )["queryId"]  # fmt: skip
        for _ in range(_TRIES):
            with aws_errors(f"reading the log {group}"):
                answer = self.client.get_query_results(queryId=asked)
            if answer["status"] == "Complete":
                return [
                    {cell["field"]: cell["value"] for cell in row if not cell["field"].startswith("@ptr")}
                    for row in answer["results"]
                ]
            if answer["status"] not in {"Scheduled", "Running"}:
                raise Unavailable(f"the query of the log {group} ended as {answer['status']}")
            self.sleep(_EVERY)
        raise Unavailable(f"the query of the log {group} took too long: ask for fewer days")
