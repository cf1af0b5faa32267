"""Single faults at the worst moment, told as stories."""

from __future__ import annotations

import pytest

from homing.domain.time import MINUTE
from tests.faults import plan
from tests.faults.plan import Fault
from tests.faults.shop import Story, shop, tell
from tests.faults.verdict import judge
from tests.faults.when import END, START
from tests.faults.world import World


def leaves_a_cart(*faults: Fault) -> tuple[World, Story]:
    """Ana agreed, and left a cart at nine; the mail is due at half past."""
    world = World(shop(), START, faults)
    story = Story(world)
    story.knows("1 08:00", "ana")
    story.did("1 09:00", "Product Added", user="ana", cart_id="c", product_id="p")
    return world, story


@pytest.mark.parametrize("site", ["ProfileStore.stops", "ProfileStore.closed_carts", "Journal.save_ledger"])
def test_a_worker_that_wakes_after_its_lease_does_not_send_what_was_withdrawn_meanwhile(site: str) -> None:
    world, story = leaves_a_cart(Fault("send_email", site, plan.ZOMBIE, 1))
    story.unsubscribes("1 09:33", "ana")
    world.run_until(END)
    assert world.struck.total() == 1
    assert not world.post.taken
    assert judge(world).wrong == []


def test_a_worker_that_wakes_after_its_lease_sends_later_what_is_still_wanted() -> None:
    world, _ = leaves_a_cart(Fault("send_email", "Journal.save_ledger", plan.ZOMBIE, 1))
    world.run_until(END)
    assert [mail.template for mail in world.post.taken] == ["reminder", "last-call"]
    assert judge(world).wrong == []


def test_a_claim_whose_reply_was_lost_is_a_claim_and_its_mail_leaves_at_once() -> None:
    world, _ = leaves_a_cart(Fault("send_email", "Journal.save_ledger", plan.LOST, 1))
    world.run_until(END)
    assert [mail.template for mail in world.post.taken] == ["reminder", "last-call"]
    assert judge(world).wrong == []


def test_two_workers_with_one_message_send_it_once() -> None:
    """The first hangs in its call of SES, the second is given the message when the lease is over."""
    world, _ = leaves_a_cart(Fault("send_email", "Mailer.send", plan.ZOMBIE, 1))
    world.run_until(END)
    assert [mail.template for mail in world.post.taken] == ["reminder", "last-call"]
    assert judge(world).wrong == []


def test_a_message_whose_call_of_ses_still_hangs_takes_its_place_under_the_cap() -> None:
    """Three carts a minute apart, two mails a day: the second hangs when the third is weighed."""
    world, story = leaves_a_cart(Fault("send_email", "Mailer.send", plan.ZOMBIE, 1, first=1))
    for minute in (1, 2):
        story.did(f"1 09:0{minute}", "Product Added", user="ana", cart_id=f"c{minute}", product_id="p")
    world.run_until(START + 150 * MINUTE)
    assert len(world.post.taken) == 2
    world.run_until(END)
    assert judge(world).wrong == []


def test_unsubscribing_holds_for_messages_that_wait_in_the_queue() -> None:
    """One click while everybody's mail waits because SES throttles: nothing leaves for her afterwards."""
    world, story = leaves_a_cart(Fault("send_email", "Mailer.send", plan.THROTTLED, plan.FOR_EVER))
    story.knows("1 08:01", "ben")
    story.did("1 09:00", "Product Added", user="ben", cart_id="b", product_id="p")
    story.wants_news_for("1 09:40", "ana")
    story.unsubscribes("1 10:00", "ana")
    world.run_until(START + 150 * MINUTE)
    assert world.outbox.waiting >= 1
    assert not world.post.taken
    world.run_until(END)
    assert {mail.email for mail in world.post.taken} == {"ben@example.com"}
    assert judge(world).wrong == []


def test_a_page_that_was_opened_before_its_profile_was_stored_still_ends_what_is_unticked() -> None:
    world = World(shop(), START)
    tell(world)
    Story(world).unsubscribes("1 07:30", "kim", by="preferences")
    world.run_until(END)
    assert "kim@example.com" not in {mail.email for mail in world.post.taken if mail.template != "thanks"}
