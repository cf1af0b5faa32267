"""A year of two real shops through the backtest: who was in which segment, against other code that reads the raw data.

The other code is SQL in DuckDB, written from the words of docs/segments.md. It knows nothing of profiles, wake-ups or
transitions: at each instant asked it looks at all the orders again.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks import completejourney, onlineretail
from homing.adapters.files import read_folder
from homing.domain.content.publish import publish
from homing.domain.time import DAY, parse_instant
from homing.local.backtest import Backtest
from tests.fixtures.real_shops import oracle

pytestmark = pytest.mark.xdist_group("real shops")
CAMPAIGNS = Path(oracle.__file__).parent


@dataclass(frozen=True, slots=True)
class Shop:
    """What was played, what came of it, and the instants at which to ask."""

    backtest: Backtest
    orders: oracle.Orders
    members: Mapping[str, Mapping[str, list[tuple[int, bool]]]]
    months: list[int]
    instants: list[int]

    def at(self, segment: str, instant: int) -> set[str]:
        """Who the bus was told is in it, at an instant."""
        found = set()
        for user, told in self.members.get(segment, {}).items():
            place = bisect_right(told, instant, key=lambda entry: entry[0])
            if place and told[place - 1][1]:
                found.add(user)
        return found


@pytest.fixture(scope="module")
def retail() -> Iterator[Shop]:
    """All of Online Retail II: 4,312 customers of a year."""
    if not onlineretail.DATA.exists():
        pytest.skip("Online Retail II is not beside the project (shared/data/online_retail_2009)")
    with oracle.online_retail() as orders:
        yield _played(onlineretail.messages(), orders, "2010-01-01", "2010-12-09")


@pytest.fixture(scope="module")
def journey() -> Iterator[Shop]:
    """A quarter of the households of Complete Journey: 617 of a year, 38,318 baskets."""
    if not completejourney.DATA.exists():
        pytest.skip("Complete Journey is not beside the project (shared/data/completejourney)")
    with oracle.complete_journey(every=4) as orders:
        users = {completejourney.user_id(household) for household in orders.customers()}
        messages = (m for m in completejourney.messages(*completejourney.YEAR, orders=True) if m["userId"] in users)
        yield _played(messages, orders, "2017-02-01", "2018-01-01")


@pytest.fixture(params=["retail", "journey"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """One after the other."""
    found: Shop = request.getfixturevalue(request.param)
    return found


def _played(messages: Iterable[Mapping[str, Any]], orders: oracle.Orders, first: str, last: str) -> Shop:
    backtest = Backtest(publish(read_folder(CAMPAIGNS)), keep_mails=False)
    for message in messages:
        backtest.message(message, parse_instant(message["timestamp"]))
    end = parse_instant(f"{last}T00:00:00Z")
    backtest.pass_time(backtest.now + 1)
    assert not backtest.refused
    assert not backtest.quarantine.records
    members: dict[str, dict[str, list[tuple[int, bool]]]] = {}
    for line in sorted(backtest.transitions, key=lambda line: line.at):
        told = members.setdefault(line.segment, {}).setdefault(str(line.user_id), [])
        told.append((line.at, line.change == "entered"))
    months = [month for month in _months(first) if month <= end]
    return Shop(backtest, orders, members, months, [*months, *_others(orders, months)])


def _months(first: str) -> Iterator[int]:
    """The end of each month: midnight before the next."""
    year, month, _ = map(int, first.split("-"))
    for index in range(month - 1, month + 11):
        yield int(datetime(year + index // 12, index % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


def _others(orders: oracle.Orders, months: list[int]) -> Iterator[int]:
    """Instants where time alone changes something, one microsecond on both sides, and some where nothing does."""
    rng = random.Random(11)
    bought = [at for at in orders.instants() if at < months[-1] - 90 * DAY]
    for at in rng.sample(bought, 4):
        for window in (30, 90):
            yield from (at + window * DAY - 1, at + window * DAY)
    yield from (rng.randrange(months[0], months[-1]) for _ in range(6))


def test_cleaned_online_retail_has_the_known_figures() -> None:
    if not onlineretail.DATA.exists():
        pytest.skip("Online Retail II is not beside the project (shared/data/online_retail_2009)")
    messages = list(onlineretail.messages())
    orders = [message["properties"] for message in messages if message.get("event") == "Order Completed"]
    assert sum(len(order["products"]) for order in orders) == 407_664
    assert len(orders) == len({order["order_id"] for order in orders}) == 19_213
    assert len([m for m in messages if m["type"] == "identify"]) == len({m["userId"] for m in messages}) == 4_312
    cents = oracle.total(order["total"] for order in orders)
    assert f"{cents:,.2f}" == "8,832,003.27"
    assert cents == oracle.total(p["price"] * 1000 * p["quantity"] / 1000 for o in orders for p in o["products"])
    assert [m["timestamp"] for m in messages] == sorted(m["timestamp"] for m in messages)


def test_the_shops_own_figures_come_out_of_the_profiles(retail: Shop) -> None:
    profiles = retail.backtest.outputs().profiles
    assert len(profiles) == 4_312
    assert {p.user_id for p in profiles} == {onlineretail.user_id(c) for c in retail.orders.customers()}


@pytest.mark.parametrize("segment", sorted(oracle.SEGMENTS))
def test_a_segment_has_the_members_that_the_raw_orders_say(shop: Shop, segment: str) -> None:
    for instant in shop.instants:
        ours, theirs = shop.at(segment, instant), shop.orders.members(segment, instant)
        assert ours == theirs, f"{segment} at {datetime.fromtimestamp(instant / 1e6, UTC)}"


def test_the_end_of_each_month_finds_somebody_in_most_segments(shop: Shop) -> None:
    """The comparison would say little about empty sets."""
    sizes = {name: [len(shop.at(name, month)) for month in shop.months] for name in oracle.SEGMENTS}
    assert len([name for name, found in sizes.items() if max(found) > 10]) >= 0.8 * len(sizes), sizes


def test_every_file_of_the_campaigns_has_a_second_opinion() -> None:
    assert {path.stem for path in (CAMPAIGNS / "segments").iterdir()} == set(oracle.SEGMENTS)
