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
from homing.local.backtests.streams import Files
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


@pytest.mark.parametrize("seed", range(3, 9))
def test_what_is_told_as_it_comes_is_what_would_have_been_kept(starter: Campaigns, tmp_path: Path, seed: int) -> None:
    messages = small_shops.history(seed, customers=24)
    kept = Backtest(starter)
    for message in messages:
        kept.message(message, parse_instant(message["timestamp"]))
    end = kept.now + 20 * DAY
    kept.close(end)
    kept.outputs().write(tmp_path / "kept")
    files = Files()
    # Three people are ready to hand, all others lie as bytes.
    told = Backtest(starter, sink=files, live=3)
    for message in messages:
        told.message(message, parse_instant(message["timestamp"]))
    told.close(end)
    files.write(tmp_path / "told")
    for name in ("messages", "transitions", "profiles", "quarantine"):
        assert (tmp_path / f"told/{name}.jsonl").read_bytes() == (tmp_path / f"kept/{name}.jsonl").read_bytes()
    assert told.figures() == kept.figures()
