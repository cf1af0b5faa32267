"""Lists of people: from a marketer's file to what profiles know."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.backoff import Backoff
from homing.adapters.memory import MemoryStream
from homing.cli.lists import command
from homing.domain.errors import HomingError, InvalidInput, Unavailable
from homing.domain.profiles import fold
from homing.domain.profiles.fold import FoldPlan
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.lists import MAX_LISTS
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, SECOND, iso
from homing.local.posting import post
from homing.services.http import HttpRequest
from homing.services.receive_events import ReceiveEvents
from homing.sources.people_list import read_list
from homing.sources.segment_spec import read_message
from tests.fixtures.shop import event, instant

AT = instant("2026-11-22T08:30:00Z")
PLAN = FoldPlan({}, {}, frozenset(), 30 * DAY)


def people(text: str | bytes, **more: Any) -> list[dict[str, Any]]:
    data = text.encode() if isinstance(text, str) else text
    return read_list(data, "spring-guests", **{"joined": True, "at": AT, **more}).messages


def test_each_row_becomes_an_event_that_the_door_understands() -> None:
    messages = people("user_id,email\n42,\n,Ana@Shop.example \n")
    read = [read_message(message, received=AT + SECOND) for message in messages]
    assert [(e.name, dict(e.identifiers), e.properties["list"]) for e in read] == [
        ("List Joined", {"user_id": "42"}, "spring-guests"),
        ("List Joined", {"email": "ana@shop.example"}, "spring-guests"),
    ]
    assert {e.occurred for e in read} == {AT}


def test_a_row_is_known_by_its_strongest_column_so_that_a_list_never_merges_people() -> None:
    (message,) = people("E-Mail;Loyalty ID;Customer_ID\nana@shop.example;L7;42\n")
    assert read_message(message, received=AT).identifiers == {"user_id": "42"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_of_spreadsheets_in_any_country_are_read(separator: str) -> None:
    text = f'\ufeffName{separator}Email Address\r\n"Ana, A.; \nand B."{separator}ana@shop.example\r\n\r\n'
    assert len(people(text)) == 1


def test_a_bad_row_is_told_with_its_line_and_costs_no_other() -> None:
    table = (
        'email,note\nana@shop.example,"two\nlines"\nnot-an-address,\n,nobody\nben@shop.example,\nANA@shop.example,\n'
    )
    reading = read_list(table.encode(), "x", joined=True, at=AT)
    assert [m["properties"]["email"] for m in reading.messages] == ["ana@shop.example", "ben@shop.example"]
    assert [(row.line, row.reason) for row in reading.bad] == [
        (4, "'not-an-address' is not a mail address"),
        (5, "names nobody: email is empty"),
    ]
    assert reading.repeated == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_list"),
        (b"\n\n", "empty_list"),
        (b"name,city\nAna,Bonn\n", "no_column"),
        ("email\nmüller@shop.example".encode("latin-1"), "encoding"),
    ],
)
def test_what_is_no_list_is_refused_whole(data: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as found:
        read_list(data, "x", joined=True, at=AT)
    assert found.value.code == code


def test_the_same_call_makes_the_same_messages_and_another_makes_others() -> None:
    ids = {
        tuple(m["messageId"] for m in people("email\nana@shop.example\n", **more))
        for more in [{}, {}, {"joined": False}, {"at": AT + 1}]
    }
    assert len(ids) == 3


# What profiles make of it.


def said(name: str, at: int, *, joined: bool) -> Any:
    return event("List Joined" if joined else "List Left", iso(at), user_id="ana", list=name)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 140), st.integers(0, 30), st.booleans()), min_size=1, max_size=160
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_the_latest_word_counts_whatever_the_order_and_the_latest_hundred_lists_are_kept(
    words: list[tuple[int, int, bool]], rng: random.Random
) -> None:
    events = [said(f"list-{number}", AT + minute * SECOND, joined=joined) for number, minute, joined in words]
    parts = [Profile(f"p{n}") for n in range(3)]
    for one in rng.sample(events, len(events)):
        part = rng.choice(parts)
        fold.fold(part, one, PLAN)
        if rng.random() < 0.2:
            fold.prune(part, PLAN, AT)
    fold.merge(parts[0], parts[1])
    fold.merge(parts[2], parts[0])
    fold.prune(parts[2], PLAN, AT)
    latest: dict[str, tuple[int, bool]] = {}
    for number, minute, joined in words:
        word = (AT + minute * SECOND, joined)
        latest[f"list-{number}"] = max(latest.get(f"list-{number}", word), word)
    kept = sorted(latest, key=lambda name: (latest[name], name), reverse=True)[:MAX_LISTS]
    assert parts[2].lists == {name: latest[name] for name in kept}


def test_only_a_newer_word_touches_the_rules_that_read_the_list() -> None:
    profile = Profile("p")
    assert "*list:vip" in fold.fold(profile, said("vip", AT, joined=True), PLAN)
    assert "*list:vip" not in fold.fold(profile, said("vip", AT - 1, joined=False), PLAN)
    assert "*list:vip" in fold.fold(profile, said(" vip ", AT + 1, joined=False), PLAN)
    assert profile.lists == {"vip": (AT + 1, False)}


# The command.


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, list(arguments))


def test_the_command_writes_what_replay_can_read(tmp_path: Path) -> None:
    table, out = tmp_path / "guests.csv", tmp_path / "guests.jsonl"
    table.write_text("email\nana@shop.example\nnobody\n")
    result = run("add", "spring-guests", str(table), "--out", str(out), "--at", "2026-11-22T08:30:00Z")
    assert result.exit_code == 1
    assert "1 person joined" in result.output
    assert f"{table}:3: 'nobody' is not a mail address" in result.output
    (line,) = out.read_text().splitlines()
    assert json.loads(line)["properties"] == {"list": "spring-guests", "email": "ana@shop.example"}


def test_the_command_wants_to_know_where_to(tmp_path: Path) -> None:
    table = tmp_path / "guests.csv"
    table.write_text("email\nana@shop.example\n")
    assert run("add", "x", str(table)).exit_code == 2
    assert run("add", "x", str(table), "--url", "https://shop.example/v1/batch").exit_code == 2


class Door:
    """A stack behind a real socket: says no so often, then reads what comes."""

    def __init__(self, failures: list[int]) -> None:
        self.stream = MemoryStream()
        receive = ReceiveEvents(self.stream, Identity(b"k"), frozenset({"key"}), lambda: AT + SECOND)
        self.requests = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(this) -> None:  # noqa: N805
                self.requests += 1
                body = this.rfile.read(int(this.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in this.headers.items()}
                response = receive(HttpRequest("POST", this.path, headers=headers, body=body))
                status = failures.pop(0) if failures else response.status
                this.send_response(status)
                this.end_headers()
                this.wfile.write(response.body.encode() if status == response.status else b"{}")

            def log_message(this, *_: Any) -> None:  # noqa: N805
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/batch"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    made = Door(list(getattr(request, "param", [])))
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_the_command_sends_to_the_stack(door: Door, tmp_path: Path) -> None:
    table = tmp_path / "guests.csv"
    table.write_text("user_id\n" + "".join(f"u{n}\n" for n in range(1_200)))
    result = run("remove", "spring-guests", str(table), "--url", door.url, "--write-key", "key", "--json")
    assert (result.exit_code, json.loads(result.output)["left"]) == (0, 1_200)
    assert door.requests == 3
    assert len(door.stream.take()) == 1_200


PATIENT = Backoff(attempts=3, sleep=lambda _: None, random=lambda: 0.0)


@pytest.mark.parametrize("door", [[503, 429]], indirect=True)
def test_what_was_not_answered_is_sent_again_under_the_same_ids(door: Door) -> None:
    assert list(post(people("user_id\n42\n"), door.url, "key", backoff=PATIENT)) == []
    assert len({record.data for record in door.stream.take()}) == 1


@pytest.mark.parametrize("door", [[503, 503, 503]], indirect=True)
def test_a_stack_that_does_not_answer_is_an_error_that_says_so(door: Door) -> None:
    with pytest.raises(Unavailable, match="can't be reached"):
        list(post(people("user_id\n42\n"), door.url, "key", backoff=PATIENT))


def test_a_wrong_key_is_not_tried_twice(door: Door) -> None:
    with pytest.raises(HomingError, match="write key"):
        list(post(people("user_id\n42\n"), door.url, "wrong", backoff=PATIENT))
    assert door.requests == 1


def test_what_the_stack_refuses_is_told_by_place(door: Door) -> None:
    messages = [*people("user_id\n42\n43\n"), {"type": "track", "event": "List Joined", "properties": {}}]
    assert [place for place, _ in post(messages, door.url, "key", backoff=PATIENT)] == [2]
