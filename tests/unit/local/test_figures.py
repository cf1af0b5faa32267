"""The numbers of a backtest: counted decision by decision, added up over parts, written and read."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import orjson

from homing.domain.codes.language import DiscountCode, Minted
from homing.domain.delivery.ledger import Entry
from homing.domain.flows.passage import counted
from homing.domain.flows.run import Run
from homing.domain.time import DAY, HOUR, MINUTE, parse_instant
from homing.local.counting import Counting
from homing.local.figures import EXAMPLES, AfterPurchase, Differences, Figures, joined
from homing.local.outputs import Transition

NOW = parse_instant("2026-03-01T10:00:00Z")


def entry(send_id: str, status: str = "sent", *, at: int = NOW, reason: str = "", flow: str = "win-back") -> Entry:
    return Entry(
        send_id, status, "marketing", flow, "win-back", at, reason=reason, decided_at=NOW,  # type: ignore[arg-type]
        sent_at=at if status == "sent" else 0,
    )  # fmt: skip


def test_a_mail_within_a_day_after_an_order_of_the_same_person_is_one_after_a_purchase() -> None:
    counting = Counting()
    counting.order("mara", NOW - 23 * HOUR, NOW - 23 * HOUR)
    counting.order("ida", NOW - DAY, NOW - DAY)
    for number, person in enumerate(("mara", "ida", "jon")):
        counting.decided(person, entry(str(number)), NOW - 90 * MINUTE, NOW)
    flow = counting.figures().flows["win-back"]
    assert flow.after_purchase == 1
    assert flow.sent == flow.people == 3
    assert flow.quantile(0.5) == 90


def test_an_order_counts_for_the_person_that_two_turned_out_to_be() -> None:
    counting = Counting()
    counting.order("visitor", NOW - HOUR, NOW - HOUR)
    counting.merged("mara", "visitor")
    counting.decided("mara", entry("1"), NOW, NOW)
    assert counting.figures().flows["win-back"].after_purchase == 1


def test_a_decision_that_waited_under_a_cap_is_one_decision_and_one_that_was_capped() -> None:
    counting = Counting()
    for later in range(3):
        counting.decided("mara", entry("1", "deferred", reason="cap", at=NOW + later * HOUR), NOW, NOW + later * HOUR)
    counting.decided("mara", entry("1", at=NOW + DAY), NOW, NOW + DAY)
    counting.decided("ida", entry("2", "dropped", reason="cap_until_expired"), NOW, NOW)
    counting.decided("jon", entry("3"), NOW, NOW)
    counting.decided("eva", entry("4", "deferred", reason="quiet_hours"), NOW, NOW)
    found = counting.figures()
    day = found.days["2026-03-01"]
    assert (day.decided, day.capped, day.expired, day.pressure) == (4, 2, 1, 0.5)
    assert found.decisions() == {"sent": 2, "dropped": 1, "deferred": 1}
    assert found.reasons() == {"cap_until_expired": 1, "quiet_hours": 1}


def test_a_day_is_one_of_the_shop() -> None:
    counting = Counting(ZoneInfo("Europe/Berlin"))
    late = parse_instant("2026-02-28T23:30:00Z")
    counting.decided("mara", replace(entry("1", at=late), decided_at=late), late, late)
    counting.transition(Transition(at=late, profile_id="mara", segment="vip", change="entered"))
    found = counting.figures()
    assert (*found.flows["win-back"].mails, *found.days, *found.segments["vip"].moves) == ("2026-03-01",) * 3


def small(person: str) -> Figures:
    counting = Counting()
    counting.decided(person, entry(person), NOW - HOUR, NOW)
    counting.decided(person, entry(person, flow="other"), NOW - 2 * HOUR, NOW)
    counting.transition(Transition(at=NOW, profile_id=person, segment="vip", change="entered"))
    counting.members(["vip"])
    code = DiscountCode(name="cake", minted=Minted(prefix="CAKE"), valid_for=DAY, value=Decimal(10))
    counting.grants(code, [NOW, NOW + DAY], NOW)
    return replace(counting.figures(), events=5, begins=NOW - DAY, until=NOW)


def test_parts_add_up() -> None:
    found = joined([small("mara"), small("ida")])
    assert (found.events, found.people, found.profiles, found.parts) == (10, 2, 2, 2)
    assert (found.segments["vip"].entered, found.segments["vip"].members) == (2, 2)
    assert (found.codes["cake"].granted, found.codes["cake"].open, found.codes["cake"].liability) == (4, 2, Decimal(40))
    assert found.flows["win-back"].minutes == {60: 2}
    assert found.flows["win-back"].people == 2
    assert found.segments["vip"].moves == {"2026-03-01": 2}


def test_the_first_mails_after_a_purchase_are_told_one_by_one() -> None:
    counting = Counting()
    for number in range(9):
        counting.order(f"p{number}", NOW - HOUR, NOW - HOUR)
        counting.decided(f"p{number}", entry(str(number)), NOW, NOW)
    (flow,) = counting.figures().flows.values()
    assert flow.after_purchase == 9
    assert flow.examples == [AfterPurchase(NOW, NOW - HOUR, f"p{number}", "win-back") for number in range(EXAMPLES)]


def test_what_is_written_is_read() -> None:
    whole = joined([small("mara"), small("ida")])
    line = {"kind": "only_here", "what": "message", "profile_id": "x", "flow": "win-back", "at": "2026-03-01T10:00:00Z"}
    whole.differences = Differences("other", 1, 2, 1, {"win-back": small("x").decisions()}, {}, [line], small("x"))
    run = Run(
        "1", "win-back", "r", "mara", "k", "segment_entered", "t", NOW, NOW, trace=({"step": "0", "did": "send"},)
    )
    whole.differences.new, whole.differences.gone, whole.shop.scored = ["lookers"], ["idlers"], ["champions"]
    whole.flows["win-back"].runs = counted("win-back", "v1", [run])
    assert Figures.from_dict(orjson.loads(orjson.dumps(whole.to_dict()))) == whole
