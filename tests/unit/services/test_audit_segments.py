"""The nightly audit over several nights, in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from homing.adapters.memory import MemoryArchive, MemoryJournal
from homing.domain.audit.audit import Audit
from homing.domain.audit.facts import days_before, days_between
from homing.domain.campaigns import Campaigns
from homing.domain.errors import Unavailable
from homing.domain.time import DAY, HOUR, parse_instant
from homing.services.audit_segments import AuditSegments
from tests.fixtures import shop
from tests.unit.audit.support import person, told

FLOW = {"name": "thanks", "on": {"order_placed": {"nth": 1}}, "steps": [{"send": "mail"}]}
RULES: dict[str, Any] = {"vip": {"did": "Order Completed"}, "looks": {"did": "Product Viewed"}}
FIRST = "2026-02-01"
SETTINGS = {"audit": {"ignore": ["never_used", "empty", "too_small", "subset", "near_duplicate", "waits_for_nothing"]}}


class Nights:
    """A shop's archive and member index, and an audit each night."""

    def __init__(self, campaigns: Campaigns | None = None) -> None:
        self.archive, self.journal = MemoryArchive(), MemoryJournal(isolate=False)
        self.campaigns = campaigns or shop.campaigns(segments=RULES, flows=[FLOW], **SETTINGS)
        self.version = 0

    def day(self, day: str, orders: int = 40, objects: int = 4, **properties: Any) -> None:
        """A day of orders and views in the archive."""
        order = {
            "name": "Order Completed",
            "properties": {"order_id": "o", "products": [{"product_id": "p"}], **properties},
        }
        view = {"name": "Product Viewed", "properties": {"product_id": "p"}}
        for number in range(objects):
            self.archive.put(f"events/date={day}/shard-{number:04}", [order] * (orders // objects) + [view] * 10)

    def belong(self, segment: str, *people: int, member: bool = True) -> None:
        self.version += 1
        for number in people:
            self.journal.set_member(segment, person(number), member=member, version=self.version)

    def night(self, until: str) -> Audit:
        """The audit in the night after that day."""
        at = parse_instant(until) + DAY + 2 * HOUR
        return AuditSegments(self.campaigns, self.journal, self.archive, self.archive, lambda: at)()


def test_the_first_night_already_knows_what_was_usual_from_the_archive() -> None:
    nights = Nights()
    for day in days_between(FIRST, "2026-02-25"):
        nights.day(day, orders=40 if day < "2026-02-24" else 0)
    found = nights.night("2026-02-25")
    assert told(found.findings) == [
        ("event_stopped", "error", "Order Completed"),
        ("dead_trigger", "error", "thanks"),
    ]
    assert found.findings[0].numbers["since"] == "2026-02-24"
    assert sum(key.startswith("audit/") for key in nights.archive.objects) == 25


def test_later_nights_read_summaries_and_no_old_events() -> None:
    nights = Nights()
    for day in days_between(FIRST, "2026-02-20"):
        nights.day(day)
    nights.night("2026-02-20")
    for key in [key for key in nights.archive.objects if key.startswith("events/") and key < "events/date=2026-02-20"]:
        nights.archive.objects[key] = []
    nights.day("2026-02-21")
    assert nights.night("2026-02-21").findings == ()


def test_a_property_that_stopped_is_told_every_night_with_the_same_day() -> None:
    nights = Nights()
    since = set()
    for day in days_between(FIRST, "2026-02-22"):
        nights.day(day, **({"coupon": "x"} if day < "2026-02-20" else {}))
        if day >= "2026-02-18":
            since |= {
                (day, str(f.numbers["since"])) for f in nights.night(day).findings if f.code == "property_stopped"
            }
    assert since == {(day, "2026-02-20") for day in ("2026-02-20", "2026-02-21", "2026-02-22")}


def test_of_a_busy_day_a_sample_is_read_evenly_over_it() -> None:
    nights = Nights()
    nights.day("2026-02-20", orders=5000, objects=1000)
    reads: list[str] = []
    plain = nights.archive.read

    def read(key: str) -> Any:
        reads.append(key)
        return plain(key)

    nights.archive.read = read  # type: ignore[method-assign]
    found = nights.night("2026-02-20")
    assert reads == [f"events/date=2026-02-20/shard-{number:04}" for number in range(0, 1000, 5)]
    day = found.facts.arrivals["2026-02-20"]
    assert (day.share, day.events["Order Completed"].n) == (0.2, 1000)


def test_sizes_drift_from_night_to_night() -> None:
    nights = Nights()
    nights.belong("vip", *range(300))
    days = days_between(FIRST, "2026-02-20")
    for day in days:
        nights.day(day)
        nights.night(day)
    nights.belong("vip", *range(200, 300), member=False)
    nights.day("2026-02-21")
    found = nights.night("2026-02-21")
    assert told(found.findings) == [("size_drifted", "warning", "vip")]
    assert found.growth[0].week_ago == 300


def test_who_comes_and_goes_by_night_flaps() -> None:
    nights = Nights()
    nights.belong("looks", *range(50))
    for index, day in enumerate(days_between(FIRST, "2026-02-10")):
        nights.day(day)
        nights.belong("looks", *range(10), member=bool(index % 2))
        found = nights.night(day)
    (finding,) = found.findings
    assert (finding.code, finding.numbers["people"], finding.numbers["worst"]) == ("flapping", 10, 9)
    assert "sampled people" in finding.words


def test_a_night_that_runs_twice_leaves_the_same() -> None:
    nights = Nights()
    nights.belong("vip", *range(30))
    for day in days_between(FIRST, "2026-02-12"):
        nights.day(day)
    first = nights.night("2026-02-12")
    kept = dict(nights.archive.objects)
    assert nights.night("2026-02-12").findings == first.findings
    assert nights.archive.objects == kept


def test_a_night_that_was_missed_is_caught_up_on() -> None:
    nights = Nights()
    for day in days_between(FIRST, "2026-02-20"):
        nights.day(day)
        if day != "2026-02-19":
            found = nights.night(day)
    assert days_before("2026-02-21", 20) == sorted(found.facts.arrivals)
    assert "sizes" not in nights.archive.objects["audit/date=2026-02-19"][0]


def test_a_torn_object_is_counted_and_an_archive_out_of_reach_is_an_error() -> None:
    from homing.domain.errors import InvalidInput

    nights = Nights()
    nights.day("2026-02-20")
    nights.archive.faults.plan("read", error=InvalidInput("torn", code="bad_archive"))
    nights.night("2026-02-20")
    assert nights.archive.objects["audit/date=2026-02-20"][0]["unreadable"] == 1
    nights.archive.faults.plan("read")
    with pytest.raises(Unavailable):
        nights.night("2026-02-20")


def test_before_the_first_event_there_is_nothing_to_say() -> None:
    assert Nights().night("2026-02-20").findings == ()


@pytest.mark.parametrize("overlap", [map, lambda function, items: [function(item) for item in items]])
def test_reads_may_overlap(overlap: Callable[..., Any]) -> None:
    nights = Nights()
    nights.belong("vip", 1, 2, 3)
    nights.day("2026-02-20")
    at = parse_instant("2026-02-21T02:00:00Z")
    found = AuditSegments(nights.campaigns, nights.journal, nights.archive, nights.archive, lambda: at, overlap)()
    assert found.facts.size("vip") == 3
