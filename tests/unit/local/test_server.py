"""`homing serve`: the deployed paths, the mailbox and the clock, over HTTP."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from homing.domain.time import HOUR, SECOND, parse_instant
from homing.local.server import Served, server
from tests.unit.local import stacks
from tests.unit.local.test_host import API, ECHO

START = parse_instant(stacks.START)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    mail = {"Set": {"Type": "AWS::SES::ConfigurationSet", "Properties": {"Name": "mail"}}}
    with stacks.host(tmp_path, {"Echo": stacks.function("echo"), **API, **mail}, {"echo": ECHO}) as host:
        yield Served(host, real=lambda: START + SECOND, hint="curl <me>")


def send(to: str) -> None:
    boto3.client("sesv2").send_email(
        FromEmailAddress="Shop <shop@example.com>",
        Destination={"ToAddresses": [to]},
        Content={
            "Simple": {
                "Subject": {"Data": "<Hello> & welcome"},
                "Body": {"Html": {"Data": "<p>Your <b>kettle</b></p>"}, "Text": {"Data": "Your kettle"}},
            }
        },
        ConfigurationSetName="mail",
    )


def test_time_follows_the_real_clock_and_runs_ahead_when_told(served: Served) -> None:
    assert served.answer("GET", "/_/clock", {}, b"").json()["now"] == "2026-03-02T08:00:01Z"
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = served.answer("POST", "/_/clock", form, b"advance=1h").json()
    assert (answer["now"], answer["mails"], answer["next_due"]) == ("2026-03-02T09:00:01Z", 0, None)
    served.answer("POST", "/_/clock", {"content-type": "application/json"}, b'{"to": "2026-03-02T10:00:01Z"}')
    assert served.ahead == 2 * HOUR
    browser = served.answer("POST", "/_/clock", {**form, "accept": "text/html"}, b"advance=1d")
    assert (browser.status, browser.headers["location"]) == (303, "/_/mail")


@pytest.mark.parametrize("body", [b"", b"advance=soon", b"\xff"])
def test_a_clock_that_is_told_nonsense_says_so(served: Served, body: bytes) -> None:
    answer = served.answer("POST", "/_/clock", {}, body)
    assert answer.status == 400
    assert "code" in answer.json()


def test_a_clock_that_is_told_to_run_back_says_that_it_does_not(served: Served) -> None:
    answer = served.answer("POST", "/_/clock", {}, b"to=2026-03-01T00:00:00Z")
    assert (answer.status, answer.json()["code"]) == (400, "past")
    assert "it is 2026-03-02T08:00:01Z here" in answer.json()["message"]
    assert served.ahead == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"[]", "bad_event"),
        (b'{"detail-type": "FlowRequested"}', "bad_event"),
        (b'{"detail-type": "FlowRequested", "detail": {}}', "nobody_listens"),
    ],
)
def test_an_event_that_cannot_be_put_on_the_bus_is_answered_with_the_reason(
    served: Served, body: bytes, code: str
) -> None:
    answer = served.answer("POST", "/_/events", {}, body)
    assert (answer.status, answer.json()["code"]) == (400, code)
    assert served.host.bus.published == []


def test_events_are_posted(served: Served) -> None:
    assert served.answer("GET", "/_/events", {}, b"").status == 405


def test_quarantined_records_are_listed_with_their_reasons(served: Served) -> None:
    assert served.answer("GET", "/_/quarantine", {}, b"").json() == []
    (bucket,) = served.host.template.resources("AWS::S3::Bucket")
    line = {"raw": "e30=", "at": stacks.START, "source": "http", "code": "odd", "reason": "it is odd", "where": "x"}
    boto3.client("s3").put_object(Bucket=bucket.name, Key="records/1", Body=json.dumps(line).encode())
    (listed,) = served.answer("GET", "/_/quarantine", {}, b"").json()
    assert (listed["raw"], listed["code"], listed["at"]) == ("{}", "odd", stacks.START)


def test_the_mailbox_shows_the_latest_mail_first_and_escapes_what_it_quotes(served: Served) -> None:
    assert "curl &lt;me&gt;" in served.answer("GET", "/_/mail", {}, b"").text
    send("first@example.com")
    send("second@example.com")
    page = served.answer("GET", "/_/mail", {}, b"").text
    assert page.index("second@example.com") < page.index("first@example.com")
    assert "&lt;Hello&gt; &amp; welcome" in page
    assert "<Hello>" not in page
    assert 'src="/_/mail/1.html"' in page
    assert 'src="/_/mail/0.html"' in served.answer("GET", "/_/mail/0", {}, b"").text
    assert served.answer("GET", "/_/mail/0.html", {}, b"").text == "<p>Your <b>kettle</b></p>"
    listed = served.answer("GET", "/_/mail.json", {}, b"").json()
    assert [(mail["number"], mail["to"]) for mail in listed] == [(0, "first@example.com"), (1, "second@example.com")]
    assert served.answer("GET", "/_/mail/7", {}, b"").status == 404
    assert served.answer("GET", "/_/other", {}, b"").status == 404


def test_a_mail_can_be_opened_by_hand(served: Served) -> None:
    send("ada@example.com")
    answer = served.answer("POST", "/_/mail/0", {}, b"kind=Open")
    assert answer.status == 303
    assert "Email Opened" in [event.detail_type for event in served.host.bus.published]
    assert served.answer("POST", "/_/mail/0", {}, b"kind=Eat").status == 400


def test_deployed_paths_answer_over_a_real_socket(served: Served) -> None:
    http = server(served.answer, 0)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{http.server_port}"
        request = urllib.request.Request(f"{url}/hooks/shop?x=1", b"hello", {"Content-Type": "text/plain"})
        with urllib.request.urlopen(request, timeout=10) as response:
            assert (response.status, response.headers["x-of"]) == (201, "echo")
        with urllib.request.urlopen(f"{url}/", timeout=10) as response:
            assert response.url == f"{url}/_/mail"
            assert "No mail yet" in response.read().decode()
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def test_the_pump_does_what_falls_due_until_it_is_stopped(served: Served) -> None:
    served.stopped.set()
    served.pump()
    thread = threading.Thread(target=served.pump)
    served.stopped.clear()
    thread.start()
    try:
        for _ in range(100):
            if served.host.now() == START + SECOND:
                break
            threading.Event().wait(0.05)
    finally:
        served.stopped.set()
        thread.join()
    assert served.host.now() == START + SECOND
