"""The page of a backtest: its numbers against those of messages.jsonl, counted anew; the same for parts that were joined."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from homing.adapters.files import read_folder
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import publish
from homing.domain.delivery.ledger import Entry
from homing.domain.time import DAY, parse_instant, to_datetime
from homing.local.backtest import Backtest
from homing.local.backtests.charts import EDGES, buckets
from homing.local.backtests.page import page
from homing.local.backtests.spoken import lasting, why
from homing.local.counting import Counting
from homing.local.figures import (
    CodeFigures,
    DayFigures,
    Differences,
    Figures,
    FlowFigures,
    SegmentFigures,
    Shop,
    joined,
)
from homing.local.outputs import Message, Outputs, Transition
from homing.local.recording import Recorded
from homing.local.report.text import share
from tests.fixtures import small_history
from tests.fixtures.changed import STARTER

BERLIN = ZoneInfo("Europe/Berlin")


@cache
def starter() -> Campaigns:
    return publish(read_folder(STARTER))


def played(recorded: Sequence[Recorded]) -> tuple[Figures, Outputs]:
    backtest = Backtest(starter(), keep_mails=False)
    for one in recorded:
        backtest.message(one.message, one.at)
    backtest.pass_time(small_history.BEGIN + 30 * DAY)
    return backtest.figures(), backtest.outputs()


@pytest.fixture(scope="module")
def small() -> tuple[Figures, Outputs]:
    return played(small_history.recorded())


class _Tables(HTMLParser):
    """Rows of a page's tables as lists of text, and text of sections by id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[tuple[str, list[str]]] = []
        self.text: dict[str, str] = {}
        self._section = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._section = dict(attrs).get("id") or ""
        elif tag == "tr":
            self.rows.append((self._section, []))
        elif tag in {"th", "td"} and self.rows:
            self.rows[-1][1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self.rows.append((self._section, []))

    def handle_data(self, data: str) -> None:
        self.text[self._section] = self.text.get(self._section, "") + data
        if self.rows and self.rows[-1][1]:
            self.rows[-1][1][-1] += data

    def of(self, section: str) -> list[list[str]]:
        return [row for name, row in self.rows if row and name == section]


def sent(outputs: Outputs) -> list[Message]:
    return [message for message in outputs.messages if message.status == "sent"]


def test_mails_and_people_of_each_flow_are_those_of_the_messages(small: tuple[Figures, Outputs]) -> None:
    figures, outputs = small
    told = {row[0]: row[1:3] for row in _Tables(page(figures)).of("mails") if len(row) == 5}
    mails = Counter(message.flow for message in sent(outputs))
    labels = {
        "browse-follow-up": "Browse follow up",
        "cart-recovery": "Cart recovery",
        "first-order-thank-you": "First order thank you",
    }
    assert mails.keys() == labels.keys()
    for flow, label in labels.items():
        people = {message.profile_id for message in sent(outputs) if message.flow == flow}
        (found,) = (cells for name, cells in told.items() if name.startswith(label))
        assert found == [str(mails[flow]), str(len(people))]
    assert told["All"] == [str(mails.total()), str(len({message.profile_id for message in sent(outputs)}))]


def test_the_bars_of_a_day_are_the_mails_of_that_day(small: tuple[Figures, Outputs]) -> None:
    figures, outputs = small
    days = Counter(to_datetime(message.sent_at or 0).astimezone(BERLIN).date() for message in sent(outputs))
    told = {row[0]: row[-1] for row in _Tables(page(figures)).of("mails") if re.match(r"\w{3} \d", row[0])}
    assert len(told) == 31
    first = to_datetime(small_history.BEGIN).astimezone(BERLIN).date()
    for offset in range(31):
        day = first + timedelta(days=offset)
        assert told[f"{day:%a} {day.day} {day:%b}"] == str(days[day])


def test_mails_after_a_purchase_are_counted_and_named(small: tuple[Figures, Outputs]) -> None:
    figures, outputs = small
    ordered = [
        (one.message["userId"], one.at) for one in small_history.recorded() if one.message.get("event") == "Order Completed"
    ]  # fmt: skip
    users = {profile.profile_id: profile.user_id for profile in outputs.profiles}
    after = Counter(
        message.flow
        for message in sent(outputs)
        if any(user == users[message.profile_id] and 0 <= (message.sent_at or 0) - at < DAY for user, at in ordered)
    )
    assert after["first-order-thank-you"] >= small_history.PEOPLE
    html = page(figures)
    told = _Tables(html)
    assert f"{after.total()} of {len(sent(outputs))} mails" in told.text["purchases"]
    assert {row[0].split("Starts")[0].strip(): row[1] for row in told.of("purchases")[1:]} == {
        "First order thank you": str(after["first-order-thank-you"])
    }
    assert all(example.profile_id in html for example in figures.flows["first-order-thank-you"].examples[:3])


def test_who_is_in_a_segment_at_the_end_is_drawn(small: tuple[Figures, Outputs]) -> None:
    figures, outputs = small
    vips = sum("vip" in profile.segments for profile in outputs.profiles)
    assert vips == 4
    assert re.search(rf"<h3>VIP</h3>.*?<p class=\"now\">{vips} <small>at the end", page(figures), re.S)
    assert sum(figures.segments["vip"].moves.values()) == vips


def test_each_flow_that_somebody_came_into_is_drawn_with_its_numbers(small: tuple[Figures, Outputs]) -> None:
    html = page(small[0])
    assert html.count('class="flow-picture"') == 3
    assert "Nobody came into Birthday, Come back" in html
    assert f'<p class="soft">{small_history.PEOPLE} runs</p>' in html


def test_parts_that_were_joined_give_the_same_page() -> None:
    recorded = small_history.recorded()
    whole, _ = played(recorded)
    halves = [
        played([one for one in recorded if int(one.message["userId"].split("-")[1]) % 2 == part])[0]
        for part in range(2)
    ]
    assert page(joined(halves)) == page(whole)


def test_the_page_comes_from_backtest_json_alone(small: tuple[Figures, Outputs]) -> None:
    figures, _ = small
    assert page(Figures.from_dict(json.loads(json.dumps(figures.to_dict())))) == page(figures)


def test_nothing_is_loaded_run_or_left_unescaped(small: tuple[Figures, Outputs]) -> None:
    figures = replace(small[0], shop=replace(small[0].shop, name="<b>Shop</b> & Sons"))
    html = page(figures)
    assert "&lt;b&gt;Shop&lt;/b&gt; &amp; Sons" in html
    assert "<b>Shop" not in html
    assert not re.search(r"<script|https?://(?!www\.w3\.org/2000/svg)", html)


def test_what_history_cannot_know_is_said(small: tuple[Figures, Outputs]) -> None:
    text = " ".join(_Tables(page(small[0])).text["unknown"].split())
    assert "Reactions to mail that was never sent." in text
    assert "Every mail counts as delivered" in text


def test_a_history_without_anything_has_a_page_too() -> None:
    assert "Nobody would have got <em>a mail</em>" in page(Figures())


def years() -> Figures:
    """A million mails in four years."""
    day = to_datetime(small_history.BEGIN).date()
    mails = Counter({(day + timedelta(days=offset)).isoformat(): 700 for offset in range(1461)})
    minutes = Counter(dict.fromkeys(range(40000), 25))
    flow = FlowFigures(mails, {"sent": Counter({"": mails.total()})}, 900_000, 5, minutes)
    days = {name: DayFigures(1000, 200, 20) for name in mails}
    until = small_history.BEGIN + 1461 * DAY
    return Figures(
        events=10**8, begins=small_history.BEGIN, until=until, profiles=10**6, people=900_000, flows={"win-back": flow},
        days=days, segments={"vip": SegmentFigures(10, 2, 8, Counter(mails))}, shop=Shop("Shop"),
    )  # fmt: skip


def test_its_size_follows_neither_events_nor_people() -> None:
    html = page(years())
    assert len(html) < 400_000
    assert "Mails week by week" in html
    assert "met a frequency cap (20%)" in html


def test_what_is_otherwise_is_told_in_totals_by_flow_and_person_by_person(small: tuple[Figures, Outputs]) -> None:
    figures = replace(small[0])
    lines = [
        {"what": "message", "kind": "only_here", "profile_id": "p1", "flow": "win-back", "template": "win-back",
         "at": "2026-03-03T13:05:00Z"},
        {"what": "message", "kind": "only_there", "profile_id": "p2", "flow": "cart-recovery", "there_template": "cart-vip",
         "there_at": "2026-03-03T14:05:00Z"},
        {"what": "message", "kind": "other_time", "profile_id": "p2", "flow": "win-back", "template": "win-back",
         "at": "2026-03-04T13:05:00Z", "there_at": "2026-03-03T13:05:00Z"},
        {"what": "segment", "kind": "only_there", "profile_id": "p3", "segment": "vip", "change": "entered",
         "there_at": "2026-03-05T13:05:00Z"},
    ]  # fmt: skip
    messages = {"win-back": Counter(only_here=1, other_time=1), "cart-recovery": Counter(only_there=1)}
    moves = {"vip": Counter(only_there=1)}
    figures.differences = Differences("main", 3, 18, 18, messages, moves, lines, small[0])
    told = _Tables(page(figures))
    text = " ".join(told.text["differences"].split())
    assert "Held against main over the same history: 3 people would notice, 25% of all." in text
    assert "Gains the mail Win back on Tue 3 Mar, 14:05" in text
    assert "Loses the mail Cart VIP of the flow Cart recovery on Tue 3 Mar, 15:05" in text
    assert "Gets the mail Win back on Wed 4 Mar, 14:05, 24 hours later than before" in text
    assert "No longer enters VIP on Thu 5 Mar, 14:05" in text
    assert ["Win back", "0", "0", "±0", "1", "–", "1", "–"] in told.of("differences")
    assert 'href="differences.jsonl"' in page(figures)


def test_header_text_bars_and_segments_speak_of_the_same_days_those_of_the_shop() -> None:
    # Midnight to midnight in Berlin, which is 22:00 to 22:00 in UTC.
    begins, until = parse_instant("2022-07-31T22:00:00Z"), parse_instant("2022-09-04T21:59:57Z")
    counting = Counting(BERLIN)
    late = parse_instant("2022-08-31T22:30:00Z")
    sent_late = Entry("1", "sent", "marketing", "win-back", "win-back", late, decided_at=late, sent_at=late)
    counting.decided("mara", sent_late, late, late)
    counting.transition(Transition(at=begins, profile_id="mara", segment="vip", change="entered"))
    counting.members(["vip"])
    shop = Shop("Shop", time_zone="Europe/Berlin")
    figures = replace(counting.figures(), events=1, begins=begins, until=until, shop=shop)
    html = page(figures)
    told = _Tables(html)
    assert "backtest, 1 August to 4 September 2022" in html
    assert "in 35 days." in html
    assert "from 1 Aug 2022 to 4 Sep 2022" in told.text["segments"]
    rows = [row for row in told.of("mails") if re.match(r"\w{3} \d", row[0])]
    assert (len(rows), rows[0][0], rows[-1][0]) == (35, "Mon 1 Aug", "Sun 4 Sep")
    assert [row[0] for row in rows if row[-1] == "1"] == ["Thu 1 Sep"]
    assert "UTC" not in html


def held_against(small: Figures, **found: Any) -> Figures:
    there = replace(small, segments={name: one for name, one in small.segments.items() if name != "lookers"})
    return replace(small, differences=Differences("main", there=there, **found))


def test_a_segment_that_only_one_side_has_is_called_new_or_gone(small: tuple[Figures, Outputs]) -> None:
    segments = small[0].segments | {"lookers": SegmentFigures(9, 2, 7)}
    told = _Tables(page(held_against(replace(small[0], segments=segments), new=["lookers"], gone=["idlers"])))
    assert ["Lookers", "7", "–", "new", "–"] in told.of("differences")
    assert ["Idlers", "–", "0", "gone", "–"] in told.of("differences")
    assert "Person by person" not in told.text["differences"]


def test_other_moves_are_explained_where_they_are_counted(small: tuple[Figures, Outputs]) -> None:
    moves = {"vip": Counter(only_here=2), "champions": Counter(other_time=3)}
    figures = held_against(small[0], transitions=moves)
    assert figures.shop.scored == ["champions", "promising", "slipping-away"]
    figures.segments["champions"] = SegmentFigures(3, 0, 3)
    told = _Tables(page(figures)).text["differences"]
    assert "Other moves: how often somebody enters or leaves the segment on one of the two sides only" in told
    assert "Champions rests on RFM scores: somebody is scored anew at their next order or wake-up" in told
    assert "RFM" not in _Tables(page(held_against(small[0], transitions={"vip": moves["vip"]}))).text["differences"]


def test_mails_come_before_segments_in_the_list_of_people(small: tuple[Figures, Outputs]) -> None:
    lines = [
        {"what": "segment", "kind": "only_here", "profile_id": "p1", "segment": "new-customers", "change": "entered",
         "at": "2026-03-01T13:05:00Z"},
        {"what": "message", "kind": "only_here", "profile_id": "p2", "flow": "cart-recovery", "template": "birthday",
         "at": "2026-03-03T13:05:00Z"},
    ]  # fmt: skip
    moves = {"new-customers": Counter(only_here=1)}
    figures = held_against(small[0], messages={"cart-recovery": Counter(only_here=1)}, transitions=moves, first=lines)
    told = _Tables(page(figures)).text["differences"]
    assert told.index("Gains the mail Birthday of the flow Cart recovery") < told.index("Enters New customers on")


def test_amounts_and_changes_are_never_broken_over_two_lines(small: tuple[Figures, Outputs]) -> None:
    figures = held_against(replace(small[0], codes={"birthday": CodeFigures(104, 104, Decimal(10))}), people=1,
                           transitions={"vip": Counter(only_here=1)})  # fmt: skip
    assert figures.differences is not None
    assert figures.differences.there is not None
    figures.differences.there.codes = {}
    html = page(figures)
    assert '<span class="whole">+€1,040.00</span>' in html
    assert re.search(r"\.whole \{ white-space: nowrap; \}", html)


def test_the_line_of_a_segment_says_how_high_it_is() -> None:
    moves = Counter({"2026-03-02": 1204, "2026-03-03": -1200})
    days = {"2026-03-02": DayFigures(), "2026-03-05": DayFigures()}
    html = page(Figures(days=days, segments={"vip": SegmentFigures(1204, 1200, 4, moves)}))
    assert '<p class="soft peak">at most 1,204</p>' in html


@pytest.mark.parametrize(
    ("part", "words"), [(0, "0%"), (7, "under 1%"), (22, "2%"), (600, "60%"), (999, "over 99%"), (1000, "100%")]
)
def test_shares_are_whole_per_cents_everywhere(part: int, words: str) -> None:
    assert share(part, 1000) == words


def test_who_has_no_address_may_well_be_known() -> None:
    assert why("dropped", "no_address") == "No e-mail address of theirs is known."


def test_every_mail_falls_into_one_bucket_of_the_scale() -> None:
    minutes = Counter({0: 3, 1: 2, 59: 1, 60: 4, EDGES[-1]: 5})
    found = buckets(minutes)
    assert sum(found) == 15
    assert (found[0], found[1], found[4], found[5], found[-1]) == (3, 2, 1, 4, 5)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "a minute"), (2, "2 minutes"), (60, "1 hour"), (90, "1½ hours"), (20 * 60, "20 hours"), (47 * 60, "47 hours"),
     (60 * 60, "2½ days"), (14 * 24 * 60, "14 days")],
)  # fmt: skip
def test_durations_are_told_as_people_tell_them(minutes: int, words: str) -> None:
    assert lasting(minutes) == words


def test_decisions_have_a_sentence_each() -> None:
    assert why("sent", "") == "Would have gone out."
    assert why("deferred", "cap") == "Still waits at the end. They had enough mails for now: the frequency cap."
    assert why("dropped", "no_consent") == "They never agreed to mails on this topic."
    assert why("dropped", "some_new_reason") == "Some new reason."


def test_the_command_writes_it(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from homing.cli.backtest import command

    events = tmp_path / "events.jsonl"
    events.write_text("".join(json.dumps(message) + "\n" for message in small_history.messages(4)))
    done = CliRunner().invoke(command, [str(events), "--campaigns", str(STARTER), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    html = (tmp_path / "out" / "report.html").read_text()
    held = json.loads((tmp_path / "out" / "backtest.json").read_text())
    assert html == page(Figures.from_dict(held))
    assert parse_instant(small_history.messages(4)[0]["timestamp"]) == held["begins"]
