"""What stories can say, and what they tell when it is not so."""

from __future__ import annotations

import pytest

from tests.unit.stories.support import HEAD, missed, played


def test_a_mail_that_did_not_come_is_told_with_what_came_and_why() -> None:
    ((expected, instead),) = missed(
        "{request: news, for: ana}", "expect: {mail: {to: ben, template: news}}"
    )  # fmt: skip
    assert expected == "1 new mail to ben, news"
    assert instead == "other mails:\n  Mon  2 Mar 2026 14:00 CET  news to ana (ana@example.com): “News”"


def test_a_mail_that_was_held_back_is_told_with_the_decision() -> None:
    ((_, instead),) = missed("advance: 8h", "{request: news, for: ana}", "expect: {mail: {to: ana, template: news}}")
    assert instead.startswith(
        "no mail\nbut:\n  news to ana: waits until 3 Mar 2026, 09:00: it is outside the send window"
    )


def test_times_are_those_of_the_customer() -> None:
    ((expected, instead),) = missed("{request: news, for: ben}", "expect: {decision: {to: ben, status: sent}}")
    assert expected == "a send to ben sent"
    # Two in the afternoon in Vienna is ten in the evening in Tokyo.
    assert instead == "news to ben: waits until 3 Mar 2026, 09:00: it is outside the send window (Asia/Tokyo)"
    assert missed("until: 2026-03-03T01:00", "{request: news, for: ben}", "expect: {mail: {to: ben, at: 10:00}}") == [
        ("news at 10:00", "it left at Tue  3 Mar 2026 09:00 JST")
    ]


def test_a_mail_is_expected_once() -> None:
    steps = ("{request: news, for: ana}", "expect: {mail: news}")
    assert missed(*steps) == []
    ((expected, instead),) = missed(*steps, "expect: {mail: {template: news}}")
    assert expected == "1 new mail, news"
    assert instead.startswith("none that was not expected before:\n  Mon  2 Mar 2026 14:00 CET  news to ana")


def test_two_where_one_is_expected_are_too_many() -> None:
    rang = "ana: {does: Rang}"
    assert missed(rang, rang, "expect: {mail: {template: hello, count: 2}}") == []
    ((expected, instead),) = missed(rang, rang, "expect: {mail: hello}")
    assert expected == "1 new mail, hello"
    assert instead.count("hello to ana") == 2


def test_no_mail_means_ever_and_no_more_mail_since_it_was_expected() -> None:
    steps = ("ana: {does: Rang}", "expect: {mail: hello, no_more_mail: true}")
    assert missed(*steps) == []
    assert [expected for expected, _ in missed(*steps, "expect: {no_mail: true}")] == ["no mail"]
    assert missed(*steps, "expect: {no_mail: {to: ben}, no_more_mail: {template: hello}}") == []
    assert [expected for expected, _ in missed("ana: {does: Rang}", "expect: {no_more_mail: {to: ana}}")] == [
        "no more mail to ana"
    ]


def test_what_a_mail_says() -> None:
    steps = ("ana: {does: Parcel Arrived, order_id: A-1}", "advance: 1h", "ana: {does: Review Posted, rating: 5}")
    assert (
        missed(*steps, "expect: {mail: {template: review-thanks, contains: A-1, not_contains: A-2, topic: notes}}")
        == []
    )
    ((expected, instead),) = missed(*steps, "expect: {mail: {template: review-thanks, contains: A-2}}")
    assert expected == "review-thanks contains “A-2”"
    assert "| We read what you wrote about A-1." in instead
    # Nobody reads what proves whose link it is.
    assert "unsubscribe?t=…" in instead
    ((expected, instead),) = missed(*steps, "expect: {mail: {template: review-thanks, subject: Thanks}}")
    assert (expected, instead) == ("the subject “Thanks”", "“Thank you for your words”")


def test_a_run_that_is_elsewhere_is_shown_where_it_is() -> None:
    begun = "ana: {does: Trail Begun}"
    assert missed(begun, "expect: {run: {flow: two-notes, of: ana, state: waiting, step: 1}}") == []
    ((expected, instead),) = missed(begun, "expect: {run: {flow: two-notes, of: ana, ended: done}}")
    assert expected == "1 run of two-notes for ana, ended with done"
    assert instead == (
        "two-notes for ana, begun Mon  2 Mar 2026 14:00 CET, waiting until Wed  4 Mar 2026 14:00 CET before step 1 (send)"
    )
    assert missed("expect: {run: two-notes}") == [("1 run of two-notes", "it did not begin")]
    assert [expected for expected, _ in missed(begun, "expect: {no_run: {of: ana}}")] == ["no run for ana"]


def test_what_is_known_of_people() -> None:
    steps = ("ana: {does: Rang}", "ana: {says: {city: Graz, age: 1}}", "ana: {does: Subscribed, topic: letter}")
    assert missed(*steps, "expect: {trait: {ana: {city: Graz, town: null}}, consent: {ana: {letter: true}}}") == []
    assert missed(*steps, "expect: {trait: {ana: {city: Linz, age: true}}}") == [
        ("ana's city is Linz", "it is Graz"), ("ana's age is true", "it is 1"),
    ]  # fmt: skip
    assert missed("expect: {in_segment: {ana: fans}, not_on_list: {ana: reviewers}}") == [
        ("ana is in fans", "in no segment")
    ]
    ((expected, instead),) = missed("expect: {consent: {ana: {notes: false}}}")
    assert (expected, instead) == ("ana did not agree to notes", "yes, through the shop's SDK on 2026-03-02 14:00")


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("ana: {opens: hello}", "ana has got no mail hello so far"),
        ("ana: {unsubscribes: page}", "ana has got no mail so far"),
        ("until: 2026-03-01T10:00", "it is Mon  2 Mar 2026 14:00 CET already, after Sun  1 Mar 2026 10:00 CET"),
        ("{outage: 1h, meanwhile: [{advance: 2h}]}", "the outage ends Mon  2 Mar 2026 15:00 CET, before all of `meanwhile`"),
        (f"ana: {{does: Rang, note: {'x' * 40_000}}}", "a message has at most 32,768 bytes"),
    ],
)  # fmt: skip
def test_what_can_t_be_done_ends_the_story_and_says_why(step: str, why: str) -> None:
    ((expected, instead),) = missed(step, "expect: {mail: hello}")
    assert expected == "this can be done"
    assert instead.startswith(why)


def test_a_click_where_there_is_no_such_link_is_told() -> None:
    found = missed("ana: {does: Rang}", "ana: {clicks: hello, link: /nowhere}")
    assert [instead for _, instead in found] == ["no link in hello contains '/nowhere'"]


def test_reactions_are_those_of_people_and_of_machines() -> None:
    asked = ("ana: {does: Parcel Arrived, order_id: A-1}", "until: 2026-03-06T10:00")
    waits, clicked = ("expect: {run: {flow: review, " + how for how in ("state: waiting}}", "ended: clicked}}"))
    assert missed(*asked, "ana: {clicks: review-please, link: /review, machine: true}", waits) == []
    assert missed(*asked, "ana: {clicks: review-please, link: /review}", clicked) == []


def test_told_twice_is_told_once_and_two_alike_are_two() -> None:
    assert missed("ana: {does: Rang, twice: true}", "expect: {mail: hello, no_more_mail: true}") == []
    assert missed("ana: {does: Rang}", "ana: {does: Rang}", "expect: {mail: {template: hello, count: 2}}") == []


def test_nothing_works_during_an_outage_but_the_pages_that_people_need() -> None:
    steps = (
        "ana: {does: Rang}", "expect: {mail: hello}",
        "{outage: 2h, meanwhile: [{ana: {unsubscribes: one_click}}, {advance: 30m}, {ben: {does: Rang}}]}",
        # The welcome was due during the outage, after she had left; for Ben it is night.
        "expect: {no_more_mail: true, decision: {to: ana, template: welcome, status: dropped, reason: unsubscribed}}",
        "expect: {decision: {to: ben, template: hello, status: deferred, reason: quiet_hours}}",
    )  # fmt: skip
    assert missed(*steps) == []


def test_the_timeline_tells_what_happened_and_why_nothing_did() -> None:
    found = played(
        "ana: {does: Rang, door: 2}", "expect: {description: She is greeted, mail: hello}", "stop: two-notes",
        "advance: 1m", "ana: {does: Trail Begun, late: 30s}", "{request: offer, for: ben}", "advance: 59m",
        "expect: {description: Never, no_mail: true}",
    ).timeline  # fmt: skip
    assert found == [
        "Mon  2 Mar 2026 14:00 CET  ana: Rang (door 2)",
        "Mon  2 Mar 2026 14:00 CET  ana: hello begins (Rang)",
        "Mon  2 Mar 2026 14:00 CET  ana: hello ends: done",
        "Mon  2 Mar 2026 14:00 CET  ana: welcome begins (Rang)",
        "Mon  2 Mar 2026 14:00 CET  ana: welcome waits 1h",
        "Mon  2 Mar 2026 14:00 CET  ana: gets hello (hello) at ana@example.com: “Hello”",
        "Mon  2 Mar 2026 14:00 CET  ✓ She is greeted",
        "Mon  2 Mar 2026 14:00 CET  a marketer stops two-notes",
        "Mon  2 Mar 2026 14:01 CET  ana: Trail Begun, 30s ago, told now",
        "Mon  2 Mar 2026 14:01 CET  ana: Trail Begun does not start two-notes: the flow is stopped",
        "Mon  2 Mar 2026 14:01 CET  a marketer asks for offer for ben",
        "Mon  2 Mar 2026 22:01 JST  ben: offer begins (flow requested)",
        "Mon  2 Mar 2026 22:01 JST  ben: offer ends: done",
        "Mon  2 Mar 2026 22:01 JST  ben: offer (offer) waits until 3 Mar 2026, 08:00: it is night for them (Asia/Tokyo)",
        "Mon  2 Mar 2026 15:00 CET  ana: welcome ends: done",
        "Mon  2 Mar 2026 15:00 CET  ana: gets welcome (welcome) at ana@example.com: “Welcome”",
        "Mon  2 Mar 2026 15:00 CET  ✗ Never (line 14)",
    ]


def test_somebody_without_an_account_is_known_by_what_they_have() -> None:
    head = HEAD.replace("  ben:", "  guest: {anonymous_id: b-1}\n  ben:")
    found = played(
        "guest: {does: Rang}", "expect: {decision: {to: guest, template: hello, status: dropped, reason: no_address}}",
        "guest: {is_also: {email: guest@example.com}}", "guest: {says: {consent: {notes: true}}}", "guest: {does: Rang}",
        "expect: {mail: {to: guest@example.com, template: hello}, no_mail: {to: ana}}", head=head,
    )  # fmt: skip
    assert found.failures == []


def test_values_are_shown_as_a_story_has_them_and_never_as_a_program_does() -> None:
    told = played(
        "ana: {does: Rang, door: null, loud: true, more: {a: 1, b: [x, false]}, none: [], seen_at: 1772460000, big: 1234567.25}",
        "ben: {does: Rang, seen_at: 1772460000000, number: 1772460000}",
        "ana: {says: {city: null, member: false, tags: [a, b]}}",
        "advance: 1h",
        "ana: {prefers: {notes: false, letter: true}}",
        "expect: {trait: {ana: {member: {since: null}}}}",
    )
    texts = [line.partition("  ana: ")[2] or line.partition("  ben: ")[2] for line in told.timeline]
    assert (
        "Rang (door null, loud true, more {a: 1, b: [x, false]}, none [], seen_at Mon 2 Mar 2026 15:00 CET, big 1234567.25)"
        in texts
    )
    # On his own clock; what is called otherwise may be any number.
    assert "Rang (seen_at Mon 2 Mar 2026 23:00 JST, number 1772460000)" in texts
    assert "says city null, member false, tags [a, b]" in texts
    assert "saves the preference page: notes off, letter on" in texts
    assert [(one.expected, one.instead) for one in told.failures] == [("ana's member is {since: null}", "it is false")]
    assert not any(word in line for line in told.timeline for word in ("None", "True", "False"))
