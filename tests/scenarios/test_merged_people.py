"""People who turn out to be one: what they were sent under either name counts, and nothing is sent twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from homing.domain.delivery.message import SendRequest, Stop
from homing.domain.errors import Unavailable
from homing.domain.time import DAY, HOUR, MINUTE, iso
from homing.local.backtest import Backtest
from homing.services.ports import Pointer
from tests.fixtures.shop import campaigns, event, instant, mails

TEN = instant("2026-03-02T10:00:00Z")
FLOW = {"name": "hello", "on": "flow_requested", "steps": [{"send": "hello"}]}
ONCE_A_DAY = {"marketing": {"title": "News", "cap": {"messages": 1, "within": "1d"}}}


def at(offset: int) -> str:
    return iso(TEN + offset)


def known(run: Backtest) -> tuple[str, str]:
    """Two profiles of one person: known by an address, and known by a number. Their ids."""
    run.run(
        [
            event("Identified", at(0), email="ana@example.com", consent={"marketing": True}),
            event("Page Viewed", at(0), user_id="ana"),
        ]
    )
    return run.identity.key("email", "ana@example.com"), run.identity.key("user_id", "ana")


def meet(run: Backtest, offset: int) -> None:
    run.run([event("Page Viewed", at(offset), user_id="ana", email="ana@example.com")])


def shop(**settings: Any) -> Backtest:
    return Backtest(campaigns(flows=[FLOW], **settings), isolate=True)


def request(profile_id: str, send_id: str, **more: Any) -> SendRequest:
    asked = SendRequest(send_id, profile_id, "run", "hello", "hello", "marketing", "flow_requested", TEN, TEN)
    return replace(asked, **more)


def statuses(run: Backtest) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for ledger in run.journal.ledgers():
        for entry in ledger.entries.values():
            found.setdefault(entry.send_id, set()).add(f"{entry.status}:{entry.reason}")
    return found


def test_a_request_for_a_profile_that_was_merged_since_is_sent_once() -> None:
    run = shop()
    address, number = known(run)
    meet(run, MINUTE)
    assert run.send(request(address, "s")).status == "sent"
    assert run.send(request(address, "s")).status == "duplicate"
    assert run.send(request(number, "s")).status == "duplicate"
    assert len(run.mailer.sent) == 1
    assert run.mailer.sent[0].mail.tags["homing_profile"] == number


def test_what_was_sent_before_two_profiles_were_merged_is_not_sent_again() -> None:
    run = shop()
    address, _ = known(run)
    assert run.send(request(address, "s")).status == "sent"
    meet(run, MINUTE)
    assert run.send(request(address, "s")).status == "duplicate"
    assert len(run.mailer.sent) == 1


@pytest.mark.parametrize("first_before", [True, False])
def test_the_cap_counts_what_was_sent_under_either_name(first_before: bool) -> None:
    run = shop(topics=ONCE_A_DAY)
    address, number = known(run)
    if first_before:
        run.send(request(address, "s1"))
    meet(run, MINUTE)
    if not first_before:
        run.send(request(address, "s1"))
    assert run.send(request(number, "s2")).status == "deferred"
    assert run.send(request(address, "s3")).status == "deferred"
    assert len(run.mailer.sent) == 1


def test_a_send_that_was_deferred_before_the_merge_leaves_once_and_the_sweep_lets_go_of_it() -> None:
    run = shop(topics=ONCE_A_DAY)
    address, _ = known(run)
    run.send(request(address, "s1"))
    assert run.send(request(address, "s2")).status == "deferred"
    meet(run, MINUTE)
    run.pass_time(TEN + 3 * DAY)
    assert [sent.mail.tags["homing_send"] for sent in run.mailer.sent] == ["s1", "s2"]
    assert statuses(run)["s2"] == {"dropped:merged", "sent:"}
    assert run.journal.next_wake() is None


def test_a_claim_whose_worker_died_before_the_merge_is_not_sent_under_the_new_name() -> None:
    run = shop()
    address, _ = known(run)
    mailer = run.mailer.send

    def die(_: object) -> str:
        raise KeyboardInterrupt

    run.mailer.send = die  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        run.send(request(address, "s"))
    run.mailer.send = mailer  # type: ignore[method-assign]
    meet(run, MINUTE)
    run.now += HOUR
    assert run.send(request(address, "s")).status == "unknown"
    assert run.mailer.sent == []


def test_a_worker_that_has_not_heard_of_the_merge_can_not_claim_what_another_handed_on() -> None:
    run = shop()
    address, _ = known(run)
    load, overtaken = run.journal.load_ledger, []

    def late(profile_id: str) -> Any:
        if not overtaken:
            overtaken.append(True)
            ledger = load(profile_id)
            meet(run, MINUTE)
            assert run.send(request(address, "s")).status == "sent"
            return ledger
        return load(profile_id)

    run.journal.load_ledger = late  # type: ignore[method-assign]
    assert run.send(request(address, "s")).status == "duplicate"
    assert len(run.mailer.sent) == 1


def test_a_stop_under_the_old_name_holds_mail_to_the_new_one() -> None:
    run = shop()
    address, number = known(run)
    meet(run, MINUTE)
    run.profiles.stop(Stop(address, topics={"*": TEN + 2 * MINUTE}))
    assert run.send(request(number, "s")).status == "dropped"


def test_once_per_customer_holds_across_a_merge_and_whatever_they_are_asked_for_by() -> None:
    run = Backtest(campaigns(flows=[{**FLOW, "run_once_per": "customer"}]), isolate=True)
    known(run)
    run.request({"flow": "hello", "email": "ana@example.com", "request_id": "1"})
    meet(run, MINUTE)
    run.request({"flow": "hello", "user_id": "ana", "request_id": "2"})
    run.request({"flow": "hello", "email": "ana@example.com", "request_id": "3"})
    assert mails(run) == [("ana@example.com", "hello")]


def test_a_throttled_send_that_the_queue_loses_is_found_by_the_sweep() -> None:
    run = shop()
    address, _ = known(run)
    run.mailer.fail("throttle")
    with pytest.raises(Unavailable):
        run.send(request(address, "s"))
    run.pass_time(TEN + DAY)
    assert [sent.mail.tags["homing_send"] for sent in run.mailer.sent] == ["s"]
    assert run.journal.next_wake() is None


def test_a_send_that_the_queue_loses_again_and_again_keeps_a_short_reason() -> None:
    run = shop(topics=ONCE_A_DAY)
    address, _ = known(run)
    run.send(request(address, "s1"))
    run.send(request(address, "s2"))
    run.now = TEN + DAY + MINUTE
    for _ in range(20):
        run.wake()
        run.outbox.take()
        run.now += HOUR // 2
    assert statuses(run)["s2"] == {"deferred:cap, queued again"}


def test_what_was_sent_before_three_became_one_is_not_sent_again_when_the_chain_was_shortened() -> None:
    run = shop()
    address, number = known(run)
    run.run([event("Page Viewed", at(MINUTE), loyalty_id="card")])
    card = run.identity.key("loyalty_id", "card")
    # The address becomes the card's; asked for under the address, it is sent under the card.
    run.run([event("Page Viewed", at(2 * MINUTE), loyalty_id="card", email="ana@example.com")])
    assert run.send(request(address, "s")).status == "sent"
    run.run([event("Page Viewed", at(3 * MINUTE), user_id="ana", loyalty_id="card")])
    # The address now leads to the number at once, and nothing shows that the card was in between.
    run.run([event("Page Viewed", at(4 * MINUTE), email="ana@example.com")])
    held = run.profiles.read([address])[address]
    assert isinstance(held, Pointer)
    assert held.target == number
    assert run.profiles.read([card])[card] == Pointer(card, number)
    assert run.send(request(address, "s")).status == "duplicate"
    assert len(run.mailer.sent) == 1
