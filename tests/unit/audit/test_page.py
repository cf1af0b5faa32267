"""The page, the text and the command."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from rich.console import Console

from homing.cli.main import command
from homing.domain.audit.audit import audit
from homing.domain.audit.findings import CODES
from homing.domain.time import DAY, iso, parse_instant
from homing.local.audit.facts import arrivals_of, facts_of
from homing.local.audit.page import page
from homing.local.audit.text import show
from homing.local.outputs import Outputs, ProfileLine, Transition
from homing.local.recording import Recorded
from tests.fixtures import shop
from tests.unit.audit.support import facts

ROOT = Path(__file__).parents[3]
START = parse_instant("2026-03-01T12:00:00Z")


def recorded(day: int, name: str = "Product Viewed", **properties: Any) -> Recorded:
    message = {
        "type": "track",
        "event": name,
        "userId": "ana",
        "timestamp": iso(START + day * DAY),
        "properties": properties,
    }
    return Recorded(START + day * DAY, day, message, 1)


def an_audit() -> Any:
    bundle = shop.campaigns(segments={"seen": {"did": "Product Viewed"}, "bought": {"did": "Order Completed"}})
    lines = [recorded(day, product_id="p", **({"<b>": 1} if day < 20 else {})) for day in range(30) for _ in range(9)]
    outputs = Outputs(
        transitions=[
            Transition(at=START + n * DAY, profile_id=f"{n:x}", segment=name, change="entered")
            for n in range(30)
            for name in ("seen", "bought")
        ],
        profiles=[ProfileLine(profile_id=f"{n:x}", segments=["seen", "bought", "@customers"]) for n in range(30)],
    )
    return audit(facts_of(bundle, outputs, arrivals_of(lines), START + 29 * DAY))


class _Tags(HTMLParser):
    open: list[str]

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in {"meta", "rect", "polygon", "polyline", "path", "line", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "polygon", "polyline", "path", "line"}:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_escapes_what_senders_invent() -> None:
    text = page(an_audit())
    parser = _Tags()
    parser.open = []
    parser.feed(text)
    assert parser.open == []
    assert "<code>&lt;b&gt;</code> was in 100%" in text
    assert "<b>" not in re.sub(r"<b>[+-]?\d[\d,]*</b>", "", text)
    assert "<script" not in text
    assert "Nothing is broken; two things deserve" in text
    assert "Who is where else" in text


def test_a_page_about_nothing_is_a_page() -> None:
    assert "in order" in page(audit(facts()))


def test_the_text_shows_errors_and_warnings_and_notes_when_asked() -> None:
    quiet, loud = Console(record=True, width=160, quiet=False, file=None), Console(record=True, width=160)
    show(an_audit(), everything=False, console=quiet)
    show(an_audit(), everything=True, console=loud)
    assert "never_used" not in (short := quiet.export_text())
    assert "property_stopped" in short
    assert "(--all prints the notes)" in short
    assert "never_used" in loud.export_text()


def test_people_who_became_part_of_another_are_counted_once() -> None:
    bundle = shop.campaigns(segments={"seen": {"did": "Product Viewed"}})
    told = [Transition(at=START, profile_id=who, segment="seen", change="entered") for who in ("loser", "winner")]
    outputs = Outputs(transitions=told, profiles=[ProfileLine(profile_id="winner", segments=["seen"])])
    found = facts_of(bundle, outputs, {}, START + DAY)
    assert found.size("seen") == 1
    assert found.sizes["seen"]["2026-03-02"] == 1


def test_the_last_day_of_a_recording_counts_when_it_is_nearly_over() -> None:
    bundle = shop.campaigns()
    noon, late = parse_instant("2026-03-09T12:00:00Z"), parse_instant("2026-03-09T23:30:00Z")
    assert facts_of(bundle, Outputs(), {}, noon).until == "2026-03-08"
    assert facts_of(bundle, Outputs(), {}, late).until == "2026-03-09"


def a_recording(path: Path, *, orders_until: int) -> Path:
    """A customer who looks and buys each day."""
    lines = []
    for day in range(40):
        for name in ["Product Viewed", *(["Order Completed"] if day < orders_until else [])]:
            for number in range(12):
                at = iso(START + day * DAY + number * 60_000_000)
                user = f"user-{(day + number) % 9}"
                properties = {"product_id": "p", "order_id": f"{day}-{number}", "products": [{"product_id": "p"}]}
                lines.append(
                    {"type": "track", "event": name, "userId": user, "timestamp": at, "properties": properties}
                )
    path.write_text("\n".join(json.dumps(line | {"messageId": f"m{n}"}) for n, line in enumerate(lines)))
    return path


def test_the_command_exits_1_with_errors_and_writes_page_and_document(tmp_path: Path) -> None:
    events = a_recording(tmp_path / "events.jsonl", orders_until=33)
    done = CliRunner().invoke(command, ["audit", str(events), "--out", str(tmp_path / "out")])
    assert done.exit_code == 1, done.output
    assert "`Order Completed` stopped: none since Friday, 3 April 2026" in done.output
    document = json.loads((tmp_path / "out/audit.json").read_text())
    assert document["findings"][0]["code"] == "event_stopped"
    assert {line["segment"] for line in document["segments"]} >= {"vip", "hesitating"}
    assert "are <em" in (tmp_path / "out/audit.html").read_text()


def test_the_command_reads_what_a_backtest_wrote_and_then_finds_the_same(tmp_path: Path) -> None:
    events = a_recording(tmp_path / "events.jsonl", orders_until=40)
    last = iso(START + 39 * DAY + 11 * 60_000_000)
    runner = CliRunner()
    runner.invoke(command, ["backtest", str(events), "--until", last, "--out", str(tmp_path / "run")])
    played = runner.invoke(command, ["audit", str(events), "--json"])
    read = runner.invoke(command, ["audit", str(events), "--results", str(tmp_path / "run"), "--json"])
    assert played.exit_code == read.exit_code == 0
    assert json.loads(played.stdout) == json.loads(read.stdout)
    alone = runner.invoke(command, ["audit", "--results", str(tmp_path / "run"), "--json"])
    assert json.loads(alone.stdout)["segments"][0]["size"] == json.loads(read.stdout)["segments"][0]["size"]


def test_the_command_wants_something_to_audit() -> None:
    assert CliRunner().invoke(command, ["audit"]).exit_code == 2


def test_every_code_is_documented() -> None:
    text = (ROOT / "docs/audit.md").read_text(encoding="utf-8")
    assert [code for code in CODES if f"`{code}`" not in text] == []
