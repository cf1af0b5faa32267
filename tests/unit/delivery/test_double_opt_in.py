"""Double opt-in: a yes is pending until the link in a mail to that address was followed."""

from __future__ import annotations

import re
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.campaigns import Campaigns, Settings, Template
from homing.domain.delivery.gate import refusal
from homing.domain.engine import Engine
from homing.domain.events.event import Event
from homing.domain.profiles import fold
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, MINUTE, iso
from homing.local.backtest import Backtest
from tests.fixtures.shop import BRAND, campaigns, event, identified, instant

NOW = instant("2026-03-02T10:00:00Z")
TOPICS = {
    "marketing": {"title": "News", "double_opt_in": True},
    "carts": {"title": "Carts", "covered_by": "marketing"},
    "tips": {"title": "Tips"},
    "account": {"title": "Account", "transactional": True},
}
ASK = {"name": "ask", "on": "subscription_pending", "topic": "account", "steps": [{"send": "confirm"}]}
NEWS = {"name": "news", "on": "flow_requested", "steps": [{"send": "hello"}]}


def shop() -> Campaigns:
    bundle = campaigns(flows=[ASK, NEWS], topics=TOPICS)
    mail = Template(name="confirm", subject="Really?", html="{{ confirm_url }}", text="{{ confirm_url }}")
    return bundle.model_copy(update={"templates": {**bundle.templates, "confirm": mail}})


def said(name: str, at: int, topic: str = "marketing", *, by_link: bool = False) -> Event:
    made = event(name, iso(NOW + at), user_id="ana", topic=topic)
    return made.model_copy(update={"source": "preferences"}) if by_link else made


def person(*events: Event) -> Profile:
    engine, profile = Engine(shop()), Profile("p")
    engine.receive(profile, identified("ana", "2026-02-01T10:00:00Z", consent={}))
    for each in events:
        engine.receive(profile, each)
    return profile


PLAIN, YES = said("Subscribed", 0), said("Subscribed", HOUR, by_link=True)
NO, AGAIN = said("Unsubscribed", 2 * HOUR), said("Subscribed", 3 * HOUR)
LATER_YES, NOTHING = said("Subscribed", 4 * HOUR, by_link=True), said("Unsubscribed", 2 * HOUR, "*")


@pytest.mark.parametrize(
    ("events", "topic", "why"),
    [
        ([PLAIN], "marketing", "unconfirmed"),
        ([PLAIN, YES], "marketing", None),
        ([PLAIN, YES, AGAIN], "marketing", None),
        ([PLAIN, YES, NO], "marketing", "unsubscribed"),
        # Whoever ended it and is subscribed once more, by whomever, is asked once more.
        ([PLAIN, YES, NO, AGAIN], "marketing", "unconfirmed"),
        ([PLAIN, YES, NO, AGAIN, LATER_YES], "marketing", None),
        ([PLAIN, YES, NOTHING, AGAIN], "marketing", "unconfirmed"),
        # What marketing covers is covered by its confirmation, and needs one where it is named itself.
        ([PLAIN, YES], "carts", None),
        ([said("Subscribed", 0, "carts")], "carts", "unconfirmed"),
        ([said("Subscribed", 0, "tips")], "tips", None),
        ([identified("ana")], "marketing", "unconfirmed"),
        ([PLAIN], "account", None),
    ],
)
def test_the_word_that_counts_with_double_opt_in(events: list[Event], topic: str, why: str | None) -> None:
    assert refusal(person(*events), topic, shop().settings.topics, []) == why


words = st.lists(
    st.builds(
        lambda name, at, topic, by_link: said(name, at * MINUTE, topic, by_link=by_link),
        st.sampled_from(["Subscribed", "Unsubscribed"]), st.integers(0, 5), st.sampled_from(["marketing", "carts", "*"]),
        st.booleans(),
    ),
    max_size=7,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(words, st.randoms(use_true_random=False), st.integers(0, 7))
def test_pending_and_confirmed_do_not_depend_on_order_repetition_or_merging(
    events: list[Event], order: Random, cut: int
) -> None:
    engine = Engine(shop())

    def folded(some: list[Event]) -> Profile:
        profile = Profile("p", version=1)
        for each in some:
            fold.fold(profile, each, engine.plan)
        return profile

    whole = folded(events)
    shuffled = events + events[:2]
    order.shuffle(shuffled)
    left, right = folded(shuffled[:cut]), folded(shuffled[cut:])
    fold.merge(left, right)
    assert left.consents == whole.consents


def test_no_event_from_outside_confirms_whatever_it_calls_its_topic() -> None:
    forged = event("Subscribed", iso(NOW), user_id="ana", topic=f"marketing{fold.FIRM}", source="preferences")
    assert refusal(person(PLAIN, forged), "marketing", shop().settings.topics, []) == "unconfirmed"
    trait = identified("ana", consent={f"marketing{fold.FIRM}": True})
    assert refusal(person(PLAIN, trait), "marketing", shop().settings.topics, []) == "unconfirmed"


def test_every_order_of_a_confirmed_yes_and_a_refusal_gives_the_later_word() -> None:
    for order in permutations([PLAIN, YES, NO]):
        assert refusal(person(*order), "marketing", shop().settings.topics, []) == "unsubscribed"


# The whole way


def world(*events: Event) -> Backtest:
    backtest = Backtest(shop())
    backtest.run([identified("ana", "2026-03-01T10:00:00Z", consent={}), *events])
    return backtest


def statuses(backtest: Backtest) -> list[tuple[str, str, str]]:
    return [(line.flow, line.status, line.reason) for line in backtest.outputs().messages]


def test_who_subscribes_is_asked_and_gets_nothing_else_before_the_answer() -> None:
    backtest = world(PLAIN)
    backtest.pass_time(NOW + MINUTE)
    backtest.request({"flow": "news", "user_id": "ana"})
    assert sorted(statuses(backtest)) == [("ask", "sent", ""), ("news", "dropped", "unconfirmed")]
    mail = backtest.mailer.sent[0].mail
    assert re.search(r"https://homing\.example/confirm\?t=[\w-]{80,}", mail.text)
    assert "List-Unsubscribe" not in mail.headers


def test_they_are_asked_at_most_once_a_day() -> None:
    again = [said("Subscribed", hours * HOUR) for hours in (1, 23, 25)]
    backtest = world(PLAIN, *again)
    assert [reason or status for _, status, reason in statuses(backtest)] == [
        "sent", "asked_already", "asked_already", "sent",
    ]  # fmt: skip


def test_who_confirmed_is_not_asked_again() -> None:
    backtest = world(PLAIN, YES, said("Subscribed", 3 * DAY))
    assert len(backtest.mailer.sent) == 1
    backtest.request({"flow": "news", "user_id": "ana"})
    assert statuses(backtest)[-1] == ("news", "sent", "")


def test_an_import_of_traits_asks_nobody() -> None:
    backtest = world(identified("ana", iso(NOW)))
    backtest.pass_time(NOW + DAY)
    assert backtest.mailer.sent == []


def test_without_double_opt_in_nothing_more_is_remembered() -> None:
    plain = Settings.model_validate({"brand": BRAND})
    engine = Engine(campaigns())
    assert engine.plan.confirmed == frozenset()
    profile = Profile("p")
    engine.receive(profile, YES)
    engine.receive(profile, NO)
    assert set(profile.consents) == {"marketing"}
    assert not plain.topics["marketing"].double_opt_in


def outcome(backtest: Backtest) -> Any:
    return backtest.outputs().profiles[0].consents


def test_reports_show_topics_and_no_bookkeeping() -> None:
    assert outcome(world(PLAIN, YES)) == {"marketing": True}
