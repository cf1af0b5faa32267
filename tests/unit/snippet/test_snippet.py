"""The storefront snippet, run in Node against the real service."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from homing.adapters.memory import MemoryStream
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity
from homing.domain.time import parse_instant
from homing.services.http import HttpRequest
from homing.services.receive_events import ReceiveEvents

SNIPPET = Path(__file__).resolve().parents[3] / "docs" / "snippet.js"

# A browser as far as the snippet looks: storage that lasts, a network that answers from a list.
BROWSER = """
const fs = require("fs"), kept = {}, sent = [], beacons = [], handlers = {};
let answers = ANSWERS;
globalThis.localStorage = {
  getItem: k => k in kept ? kept[k] : null, setItem: (k, v) => { kept[k] = v; }, removeItem: k => { delete kept[k]; }
};
globalThis.location = {origin: "https://shop.example", pathname: "/p/1"};
globalThis.document = {title: "Teapot", addEventListener() {}};
Object.defineProperty(globalThis, "navigator", {
  value: {language: "de-DE", sendBeacon: (url, text) => { beacons.push(text); return true; }}, configurable: true
});
globalThis.addEventListener = (name, f) => { handlers[name] = f; };
globalThis.fetch = (url, init) => {
  const status = answers.length ? answers.shift() : 200;
  sent.push({url, status, headers: init.headers, body: init.body});
  return status ? Promise.resolve({status}) : Promise.reject(new Error("no network"));
};
eval(fs.readFileSync(process.argv[2], "utf8"));
homing.load({key: "K", url: "https://api.example/"});
(async () => { SCRIPT; console.log(JSON.stringify({sent, beacons, kept})); process.exit(0); })();
"""


def node() -> str:
    beside = Path(sys.executable).parent / "node"
    found = str(beside) if beside.exists() else shutil.which("node")
    if not found:
        pytest.skip("Node is not installed (it comes with the extra 'deploy')")
    return found


def browse(script: str, answers: list[int] | None = None) -> dict[str, Any]:
    """Runs a script in the browser; answers 0 mean no network."""
    program = BROWSER.replace("SCRIPT", script).replace("ANSWERS", json.dumps(answers or []))
    done = subprocess.run(
        [node(), "-", str(SNIPPET)], input=program, capture_output=True, text=True, timeout=30, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def stored(*bodies: str) -> list[Event]:
    stream = MemoryStream()
    now = max(parse_instant(json.loads(body)["sentAt"]) for body in bodies)
    receive = ReceiveEvents(stream, Identity(b"s"), frozenset({"K"}), lambda: now)
    for body in bodies:
        headers = {"content-type": "text/plain;charset=UTF-8"}
        answer = receive(HttpRequest("POST", "/v1/batch", headers, {}, body.encode()))
        assert answer.status == 200, answer.body
        assert json.loads(answer.body)["rejected"] == []
    return [Event.from_json(record.data) for record in stream.items]


def test_everything_it_sends_is_understood() -> None:
    script = """
      homing.page();
      homing.track("Product Viewed", {product_id: "p-1"});
      homing.cart("c-1", [{product_id: "p-1", quantity: 1}], "EUR");
      homing.identify("u-1", {email: "ana@example.com"});
      homing.subscribe("marketing", "Yes please");
      await homing.flush()"""
    (request,) = browse(script)["sent"]
    assert request["url"] == "https://api.example/v1/batch"
    assert request["headers"] == {"Content-Type": "text/plain;charset=UTF-8"}
    events = stored(request["body"])
    assert [e.name for e in events] == ["Page Viewed", "Product Viewed", "Cart Updated", "Identified", "Subscribed"]
    assert len({e.identifiers["anonymous_id"] for e in events}) == 1
    assert events[2].identifiers["cart_token"] == "c-1"
    assert [e.identifiers.get("user_id") for e in events] == [None, None, None, "u-1", "u-1"]
    assert events[4].properties["wording"] == "Yes please"
    assert b'"K"' not in events[0].to_json()


@pytest.mark.parametrize("trouble", [0, 503, 429])
def test_a_failed_request_is_sent_again_with_the_same_ids(trouble: int) -> None:
    script = """homing.track("A"); await homing.flush(); homing.track("B"); await homing.flush()"""
    first, second = browse(script, [trouble, 200])["sent"]
    ids = [[m["messageId"] for m in json.loads(r["body"])["batch"]] for r in (first, second)]
    assert len(ids[1]) == 2
    assert ids[1][0] == ids[0][0]


def test_a_refused_request_is_not_sent_again() -> None:
    got = browse("""homing.track("A"); await homing.flush(); await homing.flush()""", [400])
    assert len(got["sent"]) == 1


def test_what_was_not_sent_leaves_with_the_page() -> None:
    (beacon,) = browse("""homing.track("A"); handlers.pagehide()""")["beacons"]
    assert [event.name for event in stored(beacon)] == ["A"]


def test_what_can_t_leave_with_the_page_goes_with_the_next() -> None:
    script = """navigator.sendBeacon = () => false; homing.track("A"); handlers.pagehide();
      homing.load({key: "K", url: "https://api.example"}); await homing.flush()"""
    got = browse(script)
    assert [event.name for event in stored(got["sent"][0]["body"])] == ["A"]
    assert "homing.queue" not in got["kept"]


def test_without_consent_nothing_is_kept_in_the_browser() -> None:
    script = """homing.load({key: "K", url: "https://api.example", persist: false});
      homing.track("A"); homing.track("B"); await homing.flush()"""
    got = browse(script)
    assert got["kept"] == {}
    assert len({event.identifiers["anonymous_id"] for event in stored(got["sent"][0]["body"])}) == 1
    allowed = browse(script + "; homing.allow()")
    assert "homing.anonymous" in allowed["kept"]


def test_after_log_out_it_is_somebody_else() -> None:
    script = """homing.identify("u-1"); homing.reset(); homing.track("A"); await homing.flush(); await homing.flush()"""
    got = browse(script)
    events = stored(*[request["body"] for request in got["sent"]])
    assert events[0].identifiers["anonymous_id"] != events[1].identifiers["anonymous_id"]
    assert "user_id" not in events[1].identifiers
