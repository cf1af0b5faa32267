"""``homing backtest --stage``: the stage's state machine plays its archive; here is only waited."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homing.domain.errors import HomingError
from homing.domain.time import DAY, to_datetime

if TYPE_CHECKING:
    from homing.domain.campaigns import Campaigns
    from homing.local.backtests.staged import Staged
    from homing.local.figures import Figures

# What is going on, how many parts of it are done, and how many there are.
Progress = Callable[[str, int, int], None]

# Seconds between two looks.
LOOK = 3.0
_OVER = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})
_WORDS = {"Rank": "Ranking customers", "Play": "Deciding"}


@dataclass(frozen=True)
class Execution:
    """Starts the machine and follows it. ``client`` is botocore's of Step Functions; ``wait`` waits seconds."""

    client: Any
    machine: str
    wait: Callable[[float], None]

    def __call__(self, backtest: str, since: str, progress: Progress) -> None:
        """Comes back when it is done. Raises HomingError when it failed."""
        from homing.adapters.aws_errors import aws_errors

        with aws_errors("asking Step Functions for a backtest"):
            asked = json.dumps({"id": backtest, "since": since})
            started = self.client.start_execution(stateMachineArn=self.machine, name=backtest, input=asked)
            arn = started["executionArn"]
            while True:
                found = self.client.describe_execution(executionArn=arn)
                if found["status"] in _OVER:
                    break
                self._tell(arn, progress)
                self.wait(LOOK)
        if found["status"] != "SUCCEEDED":
            why = ": ".join(filter(None, [found.get("error"), _first_line(found.get("cause", ""))]))
            raise HomingError(
                f"the backtest {backtest} {found['status'].lower().replace('_', ' ')}{f': {why}' if why else ''}."
                f" Step Functions shows where: {arn}"
            )

    def _tell(self, arn: str, progress: Progress) -> None:
        runs = self.client.list_map_runs(executionArn=arn)["mapRuns"]
        if not runs:
            progress("Dividing the archive", 0, 0)
        for run in runs:
            counts = self.client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
            label = run["mapRunArn"].rpartition("/")[2].partition(":")[0]
            progress(_WORDS.get(label, label), counts["succeeded"], counts["total"])


def new_id(now: int) -> str:
    """Sorts by time: 20261127-101500-3f2a."""
    return f"{to_datetime(now):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def play(
    staged: Staged, execution: Execution, backtest: str, here: Campaigns, against: tuple[str, Campaigns] | None,
    since: int, progress: Progress,
) -> Figures:  # fmt: skip
    """Uploads the campaigns, has the archive played since an instant, and reads what it came to."""
    name, there = against or ("", None)
    staged.begin(here, there, name)
    execution(backtest, to_datetime(since).date().isoformat(), progress)
    return staged.result()


def since_of(now: int, days: int) -> int:
    """So many days ago."""
    return now - days * DAY


def _first_line(cause: str) -> str:
    """What a function said before it failed, without its traceback."""
    try:
        told = json.loads(cause)
    except ValueError:
        return cause.partition("\n")[0][:300]
    return str(told.get("errorMessage") or cause)[:300] if isinstance(told, dict) else cause[:300]
