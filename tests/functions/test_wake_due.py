"""wake_due, as Lambda calls it."""

from __future__ import annotations

import json

import pytest

from functions.wake_due.handler import handler
from homing.domain.errors import Unavailable
from homing.domain.flows.run import Run
from homing.domain.profiles.profile import Profile
from homing.runtime import clock
from homing.runtime.observability import MemoryTelemetry
from tests.account import Account


def a_run(id_: str, wake_at: int) -> Run:
    return Run(id_, "flow", "rev", "ada", "c1", "cart_abandoned", "t1", 1, 1, wake_at=wake_at)


def test_what_is_due_is_handed_on_and_the_rest_sleeps(account: Account, voice: MemoryTelemetry) -> None:
    now = clock.now()
    for id_, wake_at in (("ada", now - 5), ("bob", now + 3_600_000_000)):
        account.profiles.write(Profile(id_, version=1, wake_at=wake_at), expected=0)
        account.journal.start_run(a_run(f"run-{id_}", wake_at))
    assert handler({}, None) == {"profiles": 1, "runs": 1, "sends": 0, "jobs": 0}
    assert [json.loads(data)["wake"] for data in account.streamed()] == ["ada"]
    assert account.queued("inbox") == [{"wake_run": "run-ada"}]
    assert voice.counts == {"ProfilesWoken": 1, "RunsWoken": 1, "SendsWoken": 0, "JobsWoken": 0}


def test_where_a_sweep_stopped_the_next_one_goes_on(account: Account, voice: MemoryTelemetry) -> None:
    """Two runs that have been due for an hour are handed on once, though nobody works them off."""
    for number in range(2):
        account.journal.start_run(a_run(f"run-{number}", clock.now() - 3_600_000_000 + number))
    assert handler({}, None)["runs"] == 2
    account.queued("inbox")
    assert handler({}, None)["runs"] == 0
    assert voice.lines[0][:2] == ("warning", "handed on late")
    assert voice.lines[0][2]["seconds"] >= 3_600
    assert not voice.lines[0][2]["more"]
    assert len(voice.lines) == 1


def test_a_failure_is_raised_for_the_next_minute(account: Account, voice: MemoryTelemetry) -> None:
    account.break_table("profiles")
    with pytest.raises(Unavailable):
        handler({}, None)
    assert voice.lines[-1][1] == "invocation failed"
