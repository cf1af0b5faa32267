"""`homing flows`: a page, pictures and numbers."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from click.testing import CliRunner

from homing.adapters.files import read_folder
from homing.cli.flows import command
from homing.domain.content.publish import publish
from homing.domain.flows.language import version

ROOT = Path(__file__).parents[3]
STARTER = ROOT / "layers" / "campaigns"
CLOSED = {"meta", "br", "img", "hr", "input", "link"}


class Tags(HTMLParser):
    """Every tag is closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in CLOSED:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def recording(folder: Path) -> Path:
    lines = []
    for n in range(6):
        who = {"userId": f"u{n}", "type": "track"}
        said = {
            "email": f"u{n}@shop.example",
            "consent": {"marketing": n != 5},
            "loyalty_tier": "gold" if n == 0 else "none",
        }
        lines.append({**who, "type": "identify", "traits": said, "timestamp": "2026-03-02T08:00:00Z"})
        cart = {"product_id": "p", "quantity": 1, "cart_id": f"c{n}"}
        lines.append({**who, "event": "Product Added", "properties": cart, "timestamp": "2026-03-02T10:00:00Z"})
    path = folder / "events.jsonl"
    path.write_text("\n".join(json.dumps({**line, "messageId": str(n)}) for n, line in enumerate(lines)))
    return path


def test_the_page_of_a_backtest_counts_flows_that_had_runs_and_says_that_nothing_was_sent(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(
        command, ["--campaigns", str(STARTER), "--events", str(recording(tmp_path)), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    html = (out / "flows.html").read_text()
    numbers = json.loads((out / "flows.json").read_text())
    busy = sum(1 for one in numbers.values() if one["runs"])
    assert 0 < busy < len(numbers)
    assert f"through <em>{busy} of {len(numbers)} flows</em>" in html
    assert "mails would have been sent" in html
    assert not re.search("mails were sent|mails sent", html)


def test_where_flows_are_lists_nothing_is_said_of_thick_lines(tmp_path: Path) -> None:
    CliRunner().invoke(
        command, ["--campaigns", str(STARTER), "--events", str(recording(tmp_path)), "--out", str(tmp_path / "out")]
    )
    html = (tmp_path / "out" / "flows.html").read_text()
    assert '<span class="lines">A line is the thicker' in html
    assert '<span class="listed">The number of a step is how many came to it' in html
    narrow = html[html.index("@media (max-width: 620px) {\n  main.flows") :]
    assert "body:has(article.flow.broad) footer .lines { display: none; }" in narrow


def test_a_backtest_puts_its_numbers_on_the_pictures(tmp_path: Path) -> None:
    out = tmp_path / "out"
    events = str(recording(tmp_path))
    result = CliRunner().invoke(command, ["--campaigns", str(STARTER), "--events", events, "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    numbers = json.loads(result.output)
    assert numbers == json.loads((out / "flows.json").read_text())
    cart = numbers["cart-recovery"]
    assert (cart["runs"], cart["ways"]) == (6, {"0.then": 1, "0.else": 5})
    assert cart["mails"] == {"0.then.0": {"sent": 1}, "0.else.0": {"dropped": 1, "sent": 4}}
    html = (out / "flows.html").read_text(encoding="utf-8")
    parser = Tags()
    parser.feed(html)
    assert parser.open == []
    assert "6 runs" in html
    assert "4\u00a0sent\u00a0· 1\u00a0not\u00a0sent" in html
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", html)
    assert {path.stem for path in out.glob("*.svg")} == set(publish(read_folder(STARTER)).flows)


def test_without_numbers_it_is_the_plan_alone(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--campaigns", str(STARTER), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    html = (tmp_path / "flows.html").read_text(encoding="utf-8")
    assert "runs" not in re.sub(r"<style>.*?</style>|<footer>.*", "", html, flags=re.DOTALL).replace("runs began", "")
    assert json.loads((tmp_path / "flows.json").read_text()) == {}


def test_a_recording_and_a_stage_are_two_sources(tmp_path: Path) -> None:
    events = str(recording(tmp_path))
    result = CliRunner().invoke(
        command, ["--campaigns", str(STARTER), "--events", events, "--stage", "prod", "--out", str(tmp_path)]
    )
    assert result.exit_code == 2
    assert "not both" in result.output


def test_a_version_does_not_depend_on_words_about_it() -> None:
    flow = publish(read_folder(STARTER)).flows["cart-recovery"]
    assert version(flow) == version(flow.model_copy(update={"description": "other words"}))
