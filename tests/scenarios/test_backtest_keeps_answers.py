"""What was worked out of a person is kept as long as it holds. Nobody can tell: where every profile is read from its bytes
again and again, and everything asked anew, the same is decided, down to each wake-up and write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homing.adapters.files import read_folder
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import publish
from homing.domain.time import DAY, parse_instant
from homing.local.backtest import Backtest
from homing.local.outputs import Outputs
from tests.fixtures import otto, small_shops

CAMPAIGNS = Path(__file__).parents[2] / "layers" / "campaigns"


@pytest.fixture(scope="module")
def starter() -> Campaigns:
    return publish(read_folder(CAMPAIGNS))


def played(campaigns: Campaigns, messages: list[dict[str, Any]], *, isolate: bool) -> Outputs:
    backtest = Backtest(campaigns, isolate=isolate)
    for message in messages:
        backtest.message(message, parse_instant(message["timestamp"]))
    backtest.pass_time(backtest.now + 20 * DAY)
    return backtest.outputs()


def assert_same(campaigns: Campaigns, messages: list[dict[str, Any]]) -> None:
    kept, anew = (played(campaigns, messages, isolate=isolate) for isolate in (False, True))
    assert kept.messages == anew.messages
    assert kept.transitions == anew.transitions
    assert kept.profiles == anew.profiles
    assert kept.transitions


@pytest.mark.parametrize("seed", range(6))
def test_of_small_shops(starter: Campaigns, seed: int) -> None:
    assert_same(starter, small_shops.history(seed, customers=24 if seed % 2 else 0))


def test_of_the_sessions_of_otto(starter: Campaigns) -> None:
    assert_same(starter, sorted((m for s in otto.sessions() for m in otto.messages(s)), key=lambda m: m["timestamp"]))
