"""A year of two real shops through the backtest: who was in which segment, against other code that reads the raw data.

The other code is SQL in DuckDB and pandas, written from the words of docs/segments.md and docs/attributes.md. It knows
nothing of profiles, wake-ups or transitions: at each instant asked it looks at all the orders again.

Common segments are played with many customers, the more demanding ones with fewer: each year takes seconds, not minutes.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks import completejourney, onlineretail
from homing.adapters.files import read_folder
from homing.domain.attributes.rankings import rank
from homing.domain.content.publish import publish
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, parse_instant
from homing.local.backtest import Backtest
from tests.fixtures.real_shops import oracle, rfm

pytestmark = pytest.mark.xdist_group("real shops")
CAMPAIGNS = Path(oracle.__file__).parent
EVERY = sorted(oracle.SEGMENTS.keys() | oracle.STAGES)
# Asked of many: what most shops ask, and what scores are made of.
COMMON = {
    "abroad-or-frequent", "bought-30d", "bought-90d", "lapsed", "old-friends", "orders-in-a-year", "recent-20",
    "regulars", "second-order", "spent-300-in-90d", "two-big-orders",
}  # fmt: skip
Scores = tuple[int, int, int, str]


@dataclass(frozen=True, slots=True)
class Played:
    """What was played, what came of it, and the instants at which to ask."""

    backtest: Backtest
    orders: oracle.Orders
    members: Mapping[str, Mapping[str, list[tuple[int, bool]]]]
    months: list[int]
    instants: list[int]
    # By instant: person to R, F, M and the name of their mixture, under the thresholds of that month's end.
    tables: Mapping[int, Mapping[str, Scores]]

    def at(self, segment: str, instant: int) -> set[str]:
        """Who the bus was told is in it, at an instant."""
        found = set()
        for user, told in self.members.get(segment, {}).items():
            place = bisect_right(told, instant, key=lambda entry: entry[0])
            if place and told[place - 1][1]:
                found.add(user)
        return found


@dataclass(frozen=True, slots=True)
class Shop:
    """Both plays of one shop's year."""

    common: Played
    demanding: Played

    def of(self, segment: str) -> Played:
        """The one in which a segment was worked out."""
        return self.common if segment in COMMON else self.demanding


@pytest.fixture(scope="module")
def retail() -> Iterator[Shop]:
    """Online Retail II, every fourth customer of a year; the demanding segments for every fortieth."""
    if not onlineretail.DATA.exists():
        pytest.skip("Online Retail II is not beside the project (shared/data/online_retail_2009)")
    messages = list(onlineretail.messages())
    with ExitStack() as stack:
        yield _shop(stack, messages, oracle.online_retail, (4, 40), ("2010-01-01", "2010-12-09"), "GBP")


@pytest.fixture(scope="module")
def journey() -> Iterator[Shop]:
    """Complete Journey, every fortieth household of a year, of some 60 baskets each, and every two-hundredth."""
    if not completejourney.DATA.exists():
        pytest.skip("Complete Journey is not beside the project (shared/data/completejourney)")
    with ExitStack() as stack:
        messages = list(completejourney.messages(*completejourney.YEAR, orders=True, every=40))
        yield _shop(stack, messages, oracle.complete_journey, (40, 200), ("2017-02-01", "2018-01-01"), "USD")


@pytest.fixture(params=["retail", "journey"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """One after the other."""
    found: Shop = request.getfixturevalue(request.param)
    return found


def _shop(
    stack: ExitStack,
    messages: list[dict[str, Any]],
    open_: Callable[[int], AbstractContextManager[oracle.Orders]],
    shares: tuple[int, int],
    months: tuple[str, str],
    currency: str,
) -> Shop:
    found = []
    for every, asked in zip(shares, (COMMON, set(EVERY) - COMMON), strict=True):
        orders = stack.enter_context(open_(every))
        chosen = (message for message in messages if int(message["userId"].rpartition("-")[2]) % every == 0)
        found.append(_played(chosen, orders, asked, months, currency))
    return Shop(*found)


def _played(
    messages: Iterable[Mapping[str, Any]],
    orders: oracle.Orders,
    asked: set[str],
    between: tuple[str, str],
    currency: str,
) -> Played:
    files = {
        name: content
        for name, content in read_folder(CAMPAIGNS).items()
        if not name.startswith("segments/") or Path(name).stem in asked
    }
    files["settings.yaml"] = files["settings.yaml"].replace(b"currency: GBP", b"currency: " + currency.encode())
    backtest = Backtest(publish(files), keep_mails=False)
    first, last = between
    months = [month for month in _months(first) if month <= parse_instant(f"{last}T00:00:00Z")]
    tables: dict[int, dict[str, Scores]] = {}
    # At each month's end customers are ranked, an hour later the thresholds are in force. No segment asks for scores, or
    # everybody would be looked at every week; `orders`, `spent` and `recency` keep what scores are made of.
    due = [entry for month in months for entry in ((month, _rank), (month + HOUR, _scores))] if asked is COMMON else []
    for message in messages:
        at = parse_instant(message["timestamp"])
        while due and due[0][0] < at:
            instant, do = due.pop(0)
            backtest.pass_time(instant)
            if (table := do(backtest, instant)) is not None:
                tables[instant] = table
        backtest.message(message, at)
    backtest.pass_time(backtest.now + 1)
    assert not backtest.telling.refused
    assert not backtest.quarantine.records
    members: dict[str, dict[str, list[tuple[int, bool]]]] = {}
    for line in sorted(backtest.telling.transitions, key=lambda line: line.at):
        told = members.setdefault(line.segment, {}).setdefault(str(line.user_id), [])
        told.append((line.at, line.change == "entered"))
    return Played(backtest, orders, members, months, [*months, *_others(orders, months)], tables)


def _profiles(backtest: Backtest) -> Iterator[tuple[str, Profile]]:
    for profile in backtest.profiles.read(backtest.profiles.ids()).values():
        if isinstance(profile, Profile):
            (user,) = profile.identifiers["user_id"]
            yield user, profile


def _rank(backtest: Backtest, now: int) -> None:
    attributes = backtest.update.engine.attributes
    standings = [attributes.standing(profile, now) for _, profile in _profiles(backtest)]
    found = rank([standing for standing in standings if standing], now)
    assert found is not None
    assert found.effective_at == now + HOUR
    backtest.rankings.add(found)


def _scores(backtest: Backtest, now: int) -> dict[str, Scores]:
    get = backtest.update.engine.attributes.get
    r, f, m, name = (get(name) for name in ("r_score", "f_score", "m_score", "rfm_segment"))
    return {
        user: (r.value(profile, now), f.value(profile, now), m.value(profile, now), name.value(profile, now))
        for user, profile in _profiles(backtest)
        if r.value(profile, now) is not None
    }


def _months(first: str) -> Iterator[int]:
    """The end of each month: midnight before the next."""
    year, month, _ = map(int, first.split("-"))
    for index in range(month - 1, month + 11):
        yield int(datetime(year + index // 12, index % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


def _others(orders: oracle.Orders, months: list[int]) -> Iterator[int]:
    """Instants where time alone changes something, one microsecond on both sides, and some where nothing does."""
    rng = random.Random(11)
    bought = [at for at in orders.instants() if at < months[-1] - 120 * DAY]
    for window, at in zip((30, 60, 90, 120), rng.sample(bought, 4), strict=True):
        yield from (at + window * DAY - 1, at + window * DAY)
    yield from (rng.randrange(months[0], months[-1]) for _ in range(2))


def _when(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1e6, UTC).isoformat()


def test_cleaned_online_retail_has_the_known_figures() -> None:
    if not onlineretail.DATA.exists():
        pytest.skip("Online Retail II is not beside the project (shared/data/online_retail_2009)")
    messages = list(onlineretail.messages())
    orders = [message["properties"] for message in messages if message.get("event") == "Order Completed"]
    assert sum(len(order["products"]) for order in orders) == 407_664
    assert len(orders) == len({order["order_id"] for order in orders}) == 19_213
    assert len([m for m in messages if m["type"] == "identify"]) == len({m["userId"] for m in messages}) == 4_312
    sales = oracle.total(order["total"] for order in orders)
    assert f"{sales:,.2f}" == "8,832,003.27"
    assert sales == oracle.total(p["price"] * 1000 * p["quantity"] / 1000 for o in orders for p in o["products"])
    assert [m["timestamp"] for m in messages] == sorted(m["timestamp"] for m in messages)


def test_the_shops_own_figures_come_out_of_the_profiles(shop: Shop) -> None:
    played = shop.common
    attributes = played.backtest.update.engine.attributes
    # What is remembered is what matters from the end on.
    at = played.backtest.now
    table = rfm.standings(played.orders.frame(), at)
    ours = {user: attributes.standing(profile, at) for user, profile in _profiles(played.backtest)}
    known = {user: standing for user, standing in ours.items() if standing is not None}
    assert {user: standing.orders for user, standing in known.items()} == table.orders.to_dict()
    spent = {user: standing.spent for user, standing in known.items()}
    assert spent == {user: round(amount * 1_000_000) for user, amount in table.spent.items()}


@pytest.mark.parametrize("segment", EVERY)
def test_a_segment_has_the_members_that_the_raw_orders_say(shop: Shop, segment: str) -> None:
    played = shop.of(segment)
    for instant in played.instants:
        ours, (least, most) = played.at(segment, instant), played.orders.members(segment, instant)
        assert not least - ours, f"{segment} at {_when(instant)}: missing"
        assert not ours - most, f"{segment} at {_when(instant)}: too many"


def test_the_end_of_each_month_finds_somebody_in_most_segments(shop: Shop) -> None:
    """The comparison would say little about empty sets."""
    sizes = {name: [len(shop.of(name).at(name, month)) for month in shop.of(name).months] for name in EVERY}
    assert len([name for name, found in sizes.items() if max(found) > 0]) >= 0.9 * len(sizes), sizes


def test_rfm_scores_at_the_end_of_each_month_are_those_that_pandas_finds(shop: Shop) -> None:
    orders = shop.common.orders.frame()
    assert len(shop.common.tables) >= 11
    for instant, ours in shop.common.tables.items():
        limits = rfm.thresholds(rfm.standings(orders, instant - HOUR))
        theirs = rfm.scores(rfm.standings(orders, instant), limits)
        assert {user: (row, theirs.get(user)) for user, row in ours.items() if row != theirs.get(user)} == {}
        assert ours.keys() == theirs.keys(), _when(instant)
        assert len({row[3] for row in ours.values()}) >= 5


def test_every_file_of_the_campaigns_has_a_second_opinion() -> None:
    assert {path.stem for path in (CAMPAIGNS / "segments").iterdir()} == set(EVERY)
