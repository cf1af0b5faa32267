"""Flows for many people: lists, segments, everybody at a chosen pace, once, also after a crash."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.errors import Unavailable
from homing.domain.flows.job import Job
from homing.domain.time import DAY, HOUR, MINUTE, iso
from homing.services.ports import MEMBER_SHARDS
from tests.fixtures.desk import Desk
from tests.fixtures.shop import campaigns, event, identified, redeploy

PEOPLE = [f"p{number}" for number in range(45)]
VIP = {"trait": {"tier": {"equals": "gold"}}}
FLOW = {"name": "news", "on": "flow_requested", "steps": [{"send": "hello"}]}


def desk(people: list[str] | None = None, **more: Any) -> Desk:
    segments = {"vip": VIP, "guests": {"list": "spring-guests"}, "everybody": {"not": VIP}}
    return Desk(campaigns(segments=segments, flows=[{**FLOW, **more}]), people or PEOPLE)


def job(shop: Desk) -> Job:
    (found,) = [one for one in shop.run.journal.jobs() if one.kind == "start"]
    return found


def again(call: Any, times: int = 1) -> Any:
    """The queue delivers again what failed."""

    def handle(message: Any) -> Any:
        for _ in range(times):
            try:
                return call(message)
            except Unavailable:
                continue
        return call(message)

    return handle


def test_a_whole_segment_gets_the_flow_once_each() -> None:
    shop = desk()
    answer = shop.start(segment="everybody", request_id="r1")
    assert (answer["answer"], answer["kind"], answer["flow"]) == ("Accepted", "start", "news")
    shop.wait()
    assert sorted(name for name, _ in shop.mails) == sorted(PEOPLE)
    (told,) = shop.finished()
    assert (told["request_id"], told["state"], told["people"]) == ("r1", "finished", len(PEOPLE))


def test_a_page_a_minute_at_the_pace_that_was_asked_for() -> None:
    shop = desk()
    shop.start(segment="everybody", per_minute=10)
    begun = shop.now
    seen = []
    for _ in range(6):
        seen.append(len(shop.mails))
        shop.wait(MINUTE)
    assert seen == [10, 20, 30, 40, 45, 45]
    # The last page was shorter than a page: the job was over with it.
    assert job(shop).ended_at == begun + 4 * MINUTE


@pytest.mark.parametrize("per_minute", [1, 2, 3, 7, 44, 45, 46])
def test_nobody_is_left_out_wherever_a_page_ends(per_minute: int) -> None:
    people = [f"p{number}" for number in range(120)]
    shop = desk(people)
    shop.start(segment="everybody", per_minute=per_minute)
    shop.wait(3 * HOUR)
    assert sorted(name for name, _ in shop.mails) == sorted(people)


def test_the_same_request_twice_is_one_request() -> None:
    shop = desk()
    for _ in range(3):
        assert shop.start(segment="everybody", request_id="r1", per_minute=10)["answer"] == "Accepted"
        shop.wait(MINUTE)
    shop.wait(HOUR)
    assert shop.start(segment="everybody", request_id="r1")["answer"] == "Accepted"
    shop.wait(HOUR)
    assert len(shop.mails) == len(PEOPLE)
    # Another request is another one.
    shop.start(segment="everybody", request_id="r2")
    shop.wait()
    assert len(shop.mails) == 2 * len(PEOPLE)


def test_a_message_delivered_twice_mails_nobody_twice() -> None:
    shop = desk()
    put = shop.run.inbox.put
    shop.run.inbox.put = lambda messages: put([*messages, *messages])  # type: ignore[method-assign]
    shop.start(segment="everybody", per_minute=10)
    shop.wait(HOUR)
    assert sorted(name for name, _ in shop.mails) == sorted(PEOPLE)
    assert job(shop).people == len(PEOPLE)


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("operation", ["save_job", "load_job", "members_after", "inbox"])
@pytest.mark.parametrize("minute", range(5))
def test_after_a_crash_it_goes_on_and_nobody_is_left_out_or_mailed_twice(
    operation: str, minute: int, lost: bool
) -> None:
    shop = desk()
    shop.run.flows = again(shop.run.flows)  # type: ignore[assignment]
    for passed in range(8):
        if passed == minute:
            if operation == "inbox":
                shop.run.inbox.faults.plan("put", after=lost)
            else:
                shop.run.journal.faults.plan(operation, after=lost and operation == "save_job")
        if passed == 0:
            shop.start(segment="everybody", per_minute=10, request_id="r1")
        try:
            shop.wait(MINUTE)
        except Unavailable:
            # wake_due itself: the next minute's sweep does it again.
            continue
    shop.wait(HOUR)
    assert sorted(name for name, _ in shop.mails) == sorted(PEOPLE)
    assert (job(shop).state, job(shop).people) == ("finished", len(PEOPLE))


def test_people_are_taken_as_they_are_when_their_page_is_read() -> None:
    shop = desk(["ana", "bob"])
    shop.start(segment="everybody", per_minute=1)
    assert len(shop.mails) == 1
    left = {"ana", "bob"} - {name for name, _ in shop.mails}
    shop.run.run([identified(left.pop(), iso(shop.now), tier="gold")])
    shop.wait(HOUR)
    assert len(shop.mails) == 1


def test_a_segment_in_which_nobody_is_is_over_at_once() -> None:
    shop = desk()
    shop.start(segment="vip")
    assert [(told["state"], told["people"]) for told in shop.finished()] == [("finished", 0)]


def test_a_file_of_people_gets_the_flow() -> None:
    shop = desk(["ana", "bob", "cem", "dee"])
    shop.lists.files["s3://lists/spring.csv"] = b"user_id,email\nana,\n,bob@example.com\n,nobody\nzoe,\nana,\n"
    shop.start(list={"s3": "s3://lists/spring.csv"}, request_id="r1")
    shop.wait()
    assert sorted(name for name, _ in shop.mails) == ["ana", "bob"]
    (told,) = shop.finished()
    assert (told["people"], told["unreadable"]) == (3, 1)


def test_a_file_with_one_identifier_a_line_needs_no_header() -> None:
    shop = desk(["ana", "bob", "cem"])
    shop.lists.files["people.txt"] = b"ana\nBOB@example.com\n\n"
    shop.start(list={"s3": "people.txt"})
    shop.wait()
    assert sorted(name for name, _ in shop.mails) == ["ana", "bob"]


GARBAGE = [
    (b",nobody", "the email is not a mail address"),
    (b",,somebody", "names nobody: user_id, email is empty"),
    (b"M\xfcller,", "the user_id is not UTF-8 text: save the file as CSV UTF-8"),
    (b"a\x00b,", "the user_id has characters that nobody can see"),
    (b"u" * 600 + b",", "an identifier has at most 512 characters"),
    (b"null,undefined@", "the email is not a mail address"),
    (b'"never closed,', "a quote is opened and never closed"),
    (b'x,"never closed', "a quote is opened and never closed"),
]


@pytest.mark.parametrize("per_minute", [1, 7, 100])
def test_garbage_in_a_list_is_told_with_its_lines_and_keeps_nobody_back(per_minute: int) -> None:
    shop = desk()
    lines, wrong = [b"user_id,email,name"], []
    for number, person in enumerate(PEOPLE):
        # A name that is no UTF-8 text, or has a line break in it, is nobody's identifier.
        name = (b"", b",M\xfcller", b',"in two\r\nlines"', b',"a" b')[number % 4]
        lines.append(f"{person},".encode() + name)
        if number % 5 == 4:
            raw, reason = GARBAGE[number // 5 % len(GARBAGE)]
            wrong.append((sum(line.count(b"\n") + 1 for line in lines) + 1, reason))
            lines.append(raw)
    shop.lists.files["people.csv"] = b"\n".join(lines)
    assert shop.start(list={"s3": "people.csv"}, per_minute=per_minute)["answer"] == "Accepted"
    shop.wait(2 * HOUR)
    assert sorted(name for name, _ in shop.mails) == sorted(PEOPLE)
    (told,) = shop.finished()
    assert (told["state"], told["people"], told["unreadable"]) == ("finished", len(PEOPLE), len(wrong))
    assert [(one["line"], one["reason"]) for one in told["unreadable_lines"]] == wrong
    # No answer repeats what stood there.
    assert "ller" not in str(told)


def test_of_much_garbage_the_first_lines_are_told_and_all_are_counted() -> None:
    shop = desk(["ana"])
    shop.lists.files["people.csv"] = b"email\n" + b"?\n" * 50 + b"ana@example.com\n"
    shop.start(list={"s3": "people.csv"})
    shop.wait()
    (told,) = shop.finished()
    assert [one["line"] for one in told["unreadable_lines"]] == list(range(2, 22))
    assert (told["people"], told["unreadable"], [name for name, _ in shop.mails]) == (1, 50, ["ana"])


def test_garbage_where_a_part_of_a_file_ends_keeps_its_line_and_nobody_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from homing.services import fan_out

    people = [f"p{number}" for number in range(30)]
    text = b"user_id,name\n" + b"".join(f'{p},"n\n{p}"\n"open,\n'.encode() for p in people)
    for size in range(len(text) // 3, len(text) // 3 + 40):
        monkeypatch.setattr(fan_out, "_PART", size)
        shop = desk(people)
        shop.lists.files["people.csv"] = text
        shop.start(list={"s3": "people.csv"})
        shop.wait()
        assert sorted(name for name, _ in shop.mails) == sorted(people)
        (told,) = shop.finished()
        assert [one["line"] for one in told["unreadable_lines"]] == [4 + 3 * number for number in range(20)]
        assert told["unreadable"] == len(people)


@pytest.mark.parametrize("per_minute", [1, 7, 44, 45, 46])
def test_a_long_file_is_read_in_pages(per_minute: int) -> None:
    shop = desk()
    shop.lists.files["people.csv"] = b"Customer ID;Name\n" + b"".join(f"{p};N {p}\n".encode() for p in PEOPLE)
    shop.start(list={"s3": "people.csv"}, per_minute=per_minute)
    shop.wait(2 * HOUR)
    assert sorted(name for name, _ in shop.mails) == sorted(PEOPLE)
    assert job(shop).people == len(PEOPLE)


def test_a_list_that_a_segment_asks_for_goes_by_its_name() -> None:
    shop = desk(["ana", "bob"])
    shop.run.run([event("List Joined", iso(shop.now), user_id="ana", list="spring-guests")])
    shop.start(list="spring-guests")
    shop.wait()
    assert [name for name, _ in shop.mails] == ["ana"]


@pytest.mark.parametrize(
    ("detail", "reason", "where"),
    [
        ({"segment": "vips"}, "unknown_segment", "detail.segment"),
        ({"list": "autumn"}, "unknown_list", "detail.list"),
        ({"list": {"s3": "s3://lists/gone.csv"}}, "list_unreadable", "detail.list.s3"),
        ({"list": {"s3": "empty.csv"}}, "empty_list", "detail.list.s3"),
        ({"list": {"s3": "colours.csv"}}, "no_column", "detail.list.s3"),
        ({"list": {"s3": "latin.csv"}}, "encoding", "detail.list.s3"),
        ({"segment": "vip", "user_id": "ana"}, "bad_request", "detail"),
        ({"segment": "vip", "per_minute": 0}, "bad_request", "detail.per_minute"),
        ({"segment": "vip", "per_minut": 10}, "bad_request", "detail.per_minut"),
        ({"user_id": "ana", "per_minute": 10}, "bad_request", "detail"),
        ({"user_id": "ana", "request_id": "ana@example.com"}, "bad_request", "detail.request_id"),
        ({}, "missing_person", "detail"),
        ({"user_id": "zoe"}, "unknown_person", ""),
        ({"user_id": "ana", "flow": "nothing"}, "unknown_flow", "detail.flow"),
        ({"user_id": "ana", "flow": 7}, "unknown_flow", "detail.flow"),
    ],
)
def test_what_can_not_be_done_is_refused_with_the_reason(detail: dict[str, Any], reason: str, where: str) -> None:
    shop = desk(["ana"])
    shop.lists.files |= {
        "empty.csv": b"",
        "colours.csv": b"red,green\n",
        "latin.csv": "user_id,stra\xdfe\n".encode("latin-1"),
    }
    refused = shop.start(**detail)
    assert (refused["answer"], refused["reason"], refused["where"]) == ("Refused", reason, where)
    assert refused["message"]
    assert "example.com" not in str(refused)
    assert shop.run.journal.jobs() == []
    assert shop.mails == []


def test_somebody_whom_the_flow_is_not_for_is_told_apart_from_nobody() -> None:
    shop = desk(["ana"], only_if={"segment": "vip"}, again_after="1d")
    assert shop.start(user_id="ana")["reason"] == "not_for_them"
    shop.run.run([identified("ana", iso(shop.now), tier="gold")])
    assert shop.start(user_id="ana")["people"] == 1
    assert shop.start(user_id="ana")["reason"] == "too_soon"


def test_a_stop_ends_the_job() -> None:
    shop = desk()
    shop.start(segment="everybody", per_minute=10, request_id="r1")
    shop.wait(MINUTE)
    shop.stop()
    shop.wait(HOUR)
    assert len(shop.mails) == 20
    told = [one for one in shop.finished() if one["request_id"] == "r1"]
    assert [(one["state"], one["people"]) for one in told] == [("stopped", 20)]
    # A stopped flow takes no request for many either.
    assert shop.start(segment="everybody")["reason"] == "flow_stopped"


def test_a_pause_holds_the_job_where_it_is() -> None:
    shop = desk()
    shop.start(segment="everybody", per_minute=10)
    shop.pause()
    shop.wait(HOUR)
    assert len(shop.mails) == 10
    assert shop.run.journal.next_wake() is None
    shop.resume()
    shop.wait(HOUR)
    assert sorted(name for name, _ in shop.mails) == sorted(PEOPLE)


def test_a_job_that_was_held_for_too_long_ends() -> None:
    shop = desk(max_age="12h")
    shop.start(segment="everybody", per_minute=10, request_id="r1")
    shop.pause()
    shop.wait(DAY)
    shop.resume()
    shop.wait(HOUR)
    assert len(shop.mails) == 10
    assert job(shop).state == "too_old"


def test_a_job_takes_longer_than_a_trigger_may_be_old() -> None:
    """Who is handed on in the third hour is written to, though the request is older than max_age: their turn is not."""
    shop = desk(max_age="10m")
    shop.start(segment="everybody", per_minute=1)
    shop.wait(HOUR)
    assert len(shop.mails) == len(PEOPLE)


def test_a_flow_that_is_gone_starts_nothing_more() -> None:
    shop = desk()
    shop.start(segment="everybody", per_minute=10)
    redeploy(shop.run, campaigns(segments={"everybody": {"not": VIP}}, flows=[{**FLOW, "name": "other"}]))
    shop.wait(HOUR)
    assert len(shop.mails) == 10
    assert job(shop).state == "finished"


def test_one_of_ten_who_fails_holds_up_none_of_the_others() -> None:
    shop = desk(PEOPLE[:10])
    shop.run.flows = again(shop.run.flows)  # type: ignore[assignment]
    shop.run.journal.faults.plan("start_run")
    shop.start(segment="everybody")
    shop.wait()
    assert sorted(name for name, _ in shop.mails) == sorted(PEOPLE[:10])


def test_data_is_for_the_mail_of_everybody() -> None:
    shop = desk(["ana"])
    shop.start(segment="everybody", data={"title": "Spring"})
    assert [run.data for run in shop.runs] == [{"data": {"title": "Spring"}}]


def test_a_page_reads_no_more_of_the_index_than_it_needs() -> None:
    shop = desk()
    asked: list[tuple[int, int]] = []
    read = shop.run.journal.members_after

    def counted(segment: str, shard: int, after: str, limit: int) -> list[str]:
        found = read(segment, shard, after, limit)
        asked.append((limit, len(found)))
        return found

    shop.run.journal.members_after = counted  # type: ignore[method-assign]
    shop.start(segment="everybody", per_minute=10)
    shop.wait(HOUR)
    assert sum(found for _, found in asked) == len(PEOPLE)
    # One read for each shard, and one more for each page that ends inside of one.
    assert len(asked) <= MEMBER_SHARDS + len(PEOPLE) // 10 + 1
