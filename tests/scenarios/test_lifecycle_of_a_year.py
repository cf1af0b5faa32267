"""A year of real households through the starter's lifecycle: how often people move, with and without hysteresis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from homing.adapters.files import read_folder
from homing.domain.attributes.language import Stage
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import publish
from homing.domain.engine import Engine
from homing.domain.profiles.profile import Profile
from homing.domain.time import to_datetime, to_instant
from tests.fixtures.shop import event, instant

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "completejourney" / "transactions.parquet"
END = instant("2018-01-02T00:00:00Z")
# Every so manieth household: docs/attributes.md has the figures of every sixteenth.
SHARE = 64

GROCER = {
    "when": {"did": "Order Completed", "times": 5, "within": "90d"},
    "keep_while": {"did": "Order Completed", "times": 2, "within": "90d"},
}

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the completejourney data set is not there")


def households() -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Orders of some households: when and how much."""
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql(
        f"select household_id, transaction_timestamp, sum(sales_value) from '{DATA}' "
        f"where household_id::int % {SHARE} = 0 group by all order by 1, 2"
    ).fetchall()
    found: dict[str, list[tuple[int, float]]] = {}
    for household, at, total in rows:
        found.setdefault(str(household), []).append((to_instant(at), round(float(total), 2)))
    yield from found.items()


def lifecycles(*, hysteresis: bool, grocer: bool) -> Campaigns:
    """The starter's lifecycle and nothing else; a grocer's regulars come more often."""
    bundle = publish(read_folder(ROOT / "layers" / "campaigns"))
    lifecycle = bundle.attributes["lifecycle"]
    stages = [
        Stage.model_validate({**stage.model_dump(exclude_none=True, by_alias=True), **GROCER})
        if grocer and stage.name == "loyal"
        else stage
        for stage in lifecycle.stages
    ]
    if not hysteresis:
        stages = [Stage(name=stage.name, when=stage.when) for stage in stages]
    lifecycle = lifecycle.model_copy(update={"stages": stages})
    empty: dict[str, Any] = {"segments": {}, "flows": {}, "templates": {}}
    return bundle.model_copy(update={**empty, "attributes": {"lifecycle": lifecycle}})


def moves(engine: Engine, orders: list[tuple[int, float]]) -> list[tuple[int, str]]:
    """Every stage of a household with the instant at which it began."""
    profile = Profile("household")
    found: list[tuple[int, str]] = []

    def look() -> None:
        if (held := profile.stages.get("lifecycle")) and (not found or found[-1] != (held[1], held[0])):
            found.append((held[1], held[0]))

    def until(at: int) -> None:
        while profile.wake_at is not None and profile.wake_at <= at:
            engine.settle(profile, profile.wake_at)
            look()

    for number, (at, total) in enumerate(orders):
        until(at)
        when = to_datetime(at).isoformat()
        engine.receive(profile, event("Order Completed", when, user_id="one", order_id=str(number), total=total))
        look()
        engine.finish(profile)
    until(END)
    return found


@pytest.mark.parametrize("grocer", [False, True], ids=["the starter's", "a grocer's"])
def test_hysteresis_keeps_households_where_they_are(*, grocer: bool, record_property: Any) -> None:
    with_it = Engine(lifecycles(hysteresis=True, grocer=grocer))
    without = Engine(lifecycles(hysteresis=False, grocer=grocer))
    kept = {stage.name: stage.keep_for for stage in with_it.campaigns.attributes["lifecycle"].stages}
    counts: Counter[str] = Counter()
    for _, orders in households():
        found = moves(with_it, orders)
        for (since, stage), (left, _) in pairwise(found):
            assert left - since >= (kept[stage] or 1), "nobody leaves a stage before its time"
        counts["households"] += 1
        counts["with"] += len(found) - 1
        counts["without"] += len(moves(without, orders)) - 1
    people = counts["households"]
    record_property("changes", f"{counts['with'] / people:.2f}, without hysteresis {counts['without'] / people:.2f}")
    assert people > 30
    assert counts["with"] / people < 3
    assert counts["with"] < counts["without"] * (0.8 if grocer else 1)
