"""rank_customers, as EventBridge calls it, and what the updater then knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.rank_customers.handler import handler
from homing.domain.engine import CUSTOMERS, Engine
from homing.domain.errors import Unavailable
from homing.domain.profiles.profile import Profile
from homing.domain.time import HOUR, iso
from homing.runtime import clock, wiring
from homing.runtime.observability import MemoryTelemetry
from tests.account import Account
from tests.fixtures.shop import campaigns, event

BUNDLE = campaigns(segments={"champions": {"computed": {"rfm_segment": "champions"}}})


@pytest.fixture
def ranked(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Campaigns that ask for scores, and thirty customers."""
    (tmp_path / "ranked.json").write_text(BUNDLE.model_dump_json(by_alias=True))
    monkeypatch.setenv("HOMING_CAMPAIGNS", str(tmp_path / "ranked.json"))
    wiring.reset()
    engine = Engine(BUNDLE)
    for number in range(30):
        profile = Profile(f"person{number:02}", version=1)
        engine.receive(profile, event("Order Completed", iso(clock.now()), user_id=f"u{number}", total=number + 1))
        assert CUSTOMERS in profile.segments
        account.profiles.write(profile, expected=0)
        account.journal.set_member(CUSTOMERS, profile.id, member=True, version=1)
    return account


def test_thresholds_are_stored_and_reach_the_updater_with_the_next_hour(
    ranked: Account, voice: MemoryTelemetry
) -> None:
    assert handler({}, None) == {"customers": 30}
    assert handler({}, None) == {"customers": 30}

    rankings = wiring.update_profiles().engine.attributes._rankings
    now = clock.now()
    assert rankings.at(now) is None
    held = rankings.at(now + HOUR)
    assert held is not None
    assert held.spent == (6_000_000, 12_000_000, 18_000_000, 24_000_000)
    assert voice.counts == {"CustomersRanked": 60}


def test_campaigns_that_ask_for_no_scores_cost_nothing(account: Account, voice: MemoryTelemetry) -> None:
    account.break_table("profiles")
    assert handler({}, None) == {"customers": 0}


def test_a_failure_is_raised_for_another_try(ranked: Account, voice: MemoryTelemetry) -> None:
    ranked.break_table("profiles")
    with pytest.raises(Unavailable):
        handler({}, None)
