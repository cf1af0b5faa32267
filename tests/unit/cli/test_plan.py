"""``homing plan``: its numbers against runs of the plain backtest, counted anew; what it finds worth a look; its comment."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from homing.adapters.files import read_folder, write_bundle
from homing.adapters.folder_archive import FolderArchive
from homing.adapters.memory import MemoryJournal
from homing.cli import deployed
from homing.cli.plan import command
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import publish
from homing.domain.events.privacy import archive_line
from homing.domain.flows.run import Run
from homing.domain.profiles.identity import Identity
from homing.domain.time import DAY, to_datetime
from homing.local.backtest import LOCAL_SECRET, Backtest
from homing.local.outputs import Message
from homing.local.plans import live
from homing.local.plans.changes import changes
from homing.local.plans.plan import compare, judge
from homing.local.plans.runs import Fate, OnTheWay
from homing.services.ports import FirstMembers
from homing.sources.segment_spec import read_message
from tests.fixtures import small_history
from tests.fixtures.changed import STARTER, changed_starter

GOLDEN = Path(__file__).parent / "plan.md"
# Weeks of a shop end here, with runs on their way.
PEOPLE = 40


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("history") / "events.jsonl"
    file.write_text("".join(json.dumps(message) + "\n" for message in small_history.messages(PEOPLE)))
    return file


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return changed_starter(tmp_path_factory.mktemp("campaigns") / "changed")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def told(events: Path, changed: Path) -> dict[str, Any]:
    done = run("--campaigns", changed, "--against", STARTER, "--events", events, "--json")
    assert done.exit_code == 1, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@dataclass(frozen=True)
class Counted:
    messages: list[Message]
    members: Mapping[str, set[str]]


@cache
def counted(folder: Path, days: int = 0) -> Counted:
    """Independent of the plan: a plain backtest, and its lines."""
    backtest = Backtest(publish(read_folder(folder)), keep_mails=False)
    recorded = small_history.recorded(PEOPLE)
    for one in recorded:
        backtest.message(one.message, one.at)
    backtest.pass_time(recorded[-1].at + days * DAY)
    outputs = backtest.outputs()
    members: dict[str, set[str]] = {}
    for profile in outputs.profiles:
        for segment in profile.segments:
            members.setdefault(segment, set()).add(profile.profile_id)
    return Counted([message for message in outputs.messages if message.status == "sent"], members)


def test_the_mails_of_history_are_those_of_two_backtests(told: dict[str, Any], changed: Path) -> None:
    was, now = (Counter(message.flow for message in counted(folder).messages) for folder in (STARTER, changed))
    rows = {row["name"]: row["history"] for row in told["flows"] if any(row["history"])}
    assert rows == {name: [was[name], now[name]] for name in was.keys() | now.keys()}
    assert now["cart-recovery"] > was["cart-recovery"] > 0


def test_the_mails_at_the_recent_pace_are_a_week_of_the_last_four(told: dict[str, Any], changed: Path) -> None:
    end = small_history.recorded(PEOPLE)[-1].at // DAY
    begin = small_history.recorded(PEOPLE)[0].at // DAY
    paced = min(28, end - begin + 1)
    assert told["paced"] == paced
    for side, folder in enumerate((STARTER, changed)):
        recent = [message for message in counted(folder).messages if (message.sent_at or 0) // DAY > end - paced]
        assert told["pace"][side] == round(len(recent) * 7 / paced, 1)


def test_the_mails_that_come_due_as_it_is_are_those_of_a_backtest_that_goes_on(told: dict[str, Any]) -> None:
    due = Counter(message.flow for message in counted(STARTER, 7).messages)
    due.subtract(message.flow for message in counted(STARTER).messages)
    assert {row["name"]: row["due"][0] for row in told["flows"] if row["due"][0]} == {n: c for n, c in due.items() if c}
    assert sum(due.values()) > 0


def test_who_enters_and_leaves_a_segment_is_counted_and_sampled(told: dict[str, Any], changed: Path) -> None:
    for row in told["segments"]:
        was, now = (counted(folder).members.get(row["name"], set()) for folder in (STARTER, changed))
        assert (row["before"], row["after"], row["gains"], row["losses"]) == (
            len(was),
            len(now),
            len(now - was),
            len(was - now),
        )
        assert row["gained"] == sorted(now - was)[:5]
        assert row["lost"] == sorted(was - now)[:5]
    assert {row["name"]: row["gains"] for row in told["segments"]}["vip"] > 0


def test_mails_within_a_day_after_an_order_are_counted(told: dict[str, Any], changed: Path) -> None:
    orders: dict[str, list[int]] = {}
    identity = Identity(LOCAL_SECRET)
    for one in small_history.recorded(PEOPLE):
        if one.message.get("event") == "Order Completed":
            orders.setdefault(identity.key("user_id", one.message["userId"]), []).append(one.at)
    for side, folder in enumerate((STARTER, changed)):
        soon = [
            message for message in counted(folder).messages
            if any(0 <= (message.sent_at or 0) - at < DAY for at in orders.get(message.profile_id, ()))
        ]  # fmt: skip
        assert told["after_purchase"][side] == len(soon)


def test_runs_of_a_flow_that_is_gone_would_end_and_those_of_one_that_changed_finish(
    tmp_path: Path, changed: Path
) -> None:
    lines = small_history.messages(8)
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = json.loads(run("--campaigns", changed, "--against", STARTER, "--events", file, "--json").stdout)
    fates = {one["flow"]: one["fates"] for one in found["runs"]}
    assert fates["browse-follow-up"] == {"removed": sum(number % 5 == 1 for number in range(8))}
    assert "runs_end" in {note["code"] for note in found["notes"]}
    # Before the orders of the last day, while carts wait for their second mail.
    file.write_text("".join(json.dumps(line) + "\n" for line in lines if not line["messageId"].endswith("order-9")))
    back = json.loads(run("--campaigns", STARTER, "--against", changed, "--events", file, "--json").stdout)
    assert {one["flow"]: one["fates"] for one in back["runs"]}["cart-recovery"]["finish"] > 0


def test_runs_whose_condition_nobody_remembers_any_more_are_told_with_what_to_do(tmp_path: Path, events: Path) -> None:
    old = changed_starter(tmp_path / "old")
    flow = old / "flows" / "first-order-thank-you.yaml"
    asks = "  - if: {did: Review Posted}\n    then:\n      - end: reviewed\n"
    flow.write_text(flow.read_text() + asks)
    new = changed_starter(tmp_path / "new")
    # History ends while everybody waits for the second mail.
    lines = [line for line in small_history.messages(6) if line["messageId"].endswith(("id", "order-0"))]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("--campaigns", new, "--against", old, "--events", file)
    assert done.exit_code == 0
    assert "move to the new version (their own asks for Review Posted, which nothing remembered so far)" in done.stdout
    shorter = new / "flows" / "first-order-thank-you.yaml"
    shorter.write_text(f"{shorter.read_text().partition('steps:')[0]}steps:\n  - send: first-order-thank-you\n")
    done = run("--campaigns", new, "--against", old, "--events", file)
    assert done.exit_code == 1
    assert "a condition of their version asks for Review Posted, which nothing remembered so far" in done.stdout
    assert "keep a segment that asks for it until they are done, or say `when_changed: move`" in done.stdout


def test_versions_of_a_flow_whose_runs_end_for_the_same_reason_need_one_look(changed: Path) -> None:
    plan = compare(publish(read_folder(changed)), publish(read_folder(STARTER)), 7)
    gone: Counter[Fate] = Counter({"removed": 3})
    plan.runs = [
        OnTheWay("browse-follow-up", "v1", gone),
        OnTheWay("browse-follow-up", "v2", Counter(gone)),
        OnTheWay("cart-recovery", "v1", Counter({"end": 1})),
    ]
    judge(plan, None)
    told = [note.words.partition(":")[0] for note in plan.notes if note.code == "runs_end"]
    assert told == [
        "6 runs of Browse follow up on the way would end with the deployment",
        "1 run of Cart recovery on the way would end with the deployment",
    ]
    assert len({note.words for note in plan.notes}) == len(plan.notes)


def test_codes_over_a_limit_need_a_look(tmp_path: Path) -> None:
    changed = changed_starter(tmp_path / "changed")
    first = changed / "flows" / "first-order-thank-you.yaml"
    first.write_text(
        first.read_text().replace("- send: first-order-thank-you", "- send: first-order-thank-you\n    code: thanks")
    )
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(message) + "\n" for message in small_history.messages(6)))
    arguments = ("--campaigns", changed, "--against", STARTER, "--events", file, "--json")
    found = json.loads(run(*arguments, "--max-liability", "29.99").stdout)
    assert found["liability"] == ["0", "30"]
    assert found["codes"] == [{"name": "thanks", "granted": [0, 6], "cost": ["0", "30"]}]
    assert {note["code"] for note in found["notes"]} >= {"liability"}
    within = json.loads(run(*arguments, "--max-liability", "30").stdout)
    assert "liability" not in {note["code"] for note in within["notes"]}


def test_people_who_wait_for_room_under_a_cap_are_counted(tmp_path: Path) -> None:
    tight = changed_starter(tmp_path / "tight")
    settings = tight / "settings.yaml"
    settings.write_text(settings.read_text() + "cap: {messages: 1, within: 30d}\n")
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(message) + "\n" for message in small_history.messages(6)))
    found = json.loads(run("--campaigns", tight, "--against", STARTER, "--events", file, "--json").stdout)
    assert found["capped_people"][1] > found["capped_people"][0] == 0
    assert "caps" in {note["code"] for note in found["notes"]}


def test_a_rule_that_asks_for_what_nobody_remembers_needs_a_look(tmp_path: Path) -> None:
    new = changed_starter(tmp_path / "new")
    (new / "segments" / "reviewers.yaml").write_text("when: {did: Review Posted}\n")
    done = run("--campaigns", new, "--against", STARTER)
    assert done.exit_code == 1
    assert "segments/reviewers.yaml asks for Review Posted, which nothing remembered so far" in done.stdout


def test_what_changes_is_told_in_words(changed: Path) -> None:
    new, old = (publish(read_folder(folder)) for folder in (changed, STARTER))
    told = {f"{change.part}/{change.name}": change.words for change in changes(new, old)}
    assert told == {
        "segments/lapsed": "its rule: within 90d → 21d",
        "segments/vip": "its rule: times.at_least 3 → 2",
        "flows/browse-follow-up": "gone",
        "flows/cart-recovery": "its description, its steps",
        "flows/fifth-order": "its description, its steps: code none → thanks",
        "templates/browse-follow-up": "gone",
        "codes/thanks": "new",
        "settings/settings": "topics.marketing.cap.messages 3 → 2",
    }


def test_without_a_change_nothing_needs_a_look(tmp_path: Path, events: Path) -> None:
    bundle = tmp_path / "campaigns.json"
    write_bundle(publish(read_folder(STARTER)), bundle)
    done = run("--campaigns", STARTER, "--against", bundle, "--events", events)
    assert done.exit_code == 0, done.output
    assert "Nothing changes." in done.stdout
    assert "Needs a look" not in done.stdout


def test_the_comment_of_a_pull_request_is_as_it_was_looked_at(events: Path, changed: Path) -> None:
    done = run("--campaigns", changed, "--against", STARTER, "--events", events, "--markdown", "--max-liability", "500")
    revisions = [publish(read_folder(folder)).revision for folder in (STARTER, changed)]
    text = done.stdout.replace(revisions[0], "REVISION-1").replace(revisions[1], "REVISION-2")
    text = re.sub(r"\| [0-9a-f]{8} \|", "| VERSION |", text)
    assert text == GOLDEN.read_text()


def test_an_archive_is_history_too_and_keeps_the_ids_of_people(
    tmp_path: Path, changed: Path, told: dict[str, Any]
) -> None:
    identity = Identity(LOCAL_SECRET)
    by_day: dict[str, list[dict[str, Any]]] = {}
    for one in small_history.recorded(PEOPLE):
        event = read_message(one.message, received=one.at)
        line = archive_line(event, identity.person(event.identifiers) or "", identity)
        by_day.setdefault(to_datetime(one.at).date().isoformat(), []).append(line)
    archive = FolderArchive(tmp_path)
    for day, lines in by_day.items():
        archive.put(f"events/date={day}/1", lines)
    done = run("--campaigns", changed, "--against", STARTER, "--archive", tmp_path, "--json")
    found = json.loads(done.stdout)
    assert {row["name"]: row["history"] for row in found["flows"]} == {
        row["name"]: row["history"] for row in told["flows"]
    }
    vips, known = (next(row["gained"] for row in one["segments"] if row["name"] == "vip") for one in (found, told))
    assert vips == known


def waiting(flow: str, version: str, number: int, now: int) -> Run:
    return Run(
        f"run-{number}", flow, "r", f"p{number}", "k", "cart_abandoned", "t", now - DAY, now - DAY, wake_at=now + DAY,
        flow_version=version,
    )  # fmt: skip


def test_of_a_stage_members_and_waiting_runs_are_counted_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: Path
) -> None:
    from homing.domain.flows.language import version
    from homing.runtime import clock

    old: Campaigns = publish(read_folder(STARTER))
    journal = MemoryJournal()
    now = clock.now()
    flow = old.flows["browse-follow-up"]
    for number in range(3):
        journal.start_run(waiting(flow.name, version(flow), number, now))
    journal.start_run(waiting("birthday", version(old.flows["birthday"]), 9, now))
    for number in range(7):
        journal.set_member("vip", f"{number:026x}", member=True, version=1)
    before = (journal.runs(), list(journal.members("vip")))

    @dataclass(frozen=True)
    class Here(deployed.Deployed):
        @property
        def journal(self) -> MemoryJournal:  # type: ignore[override]
            return journal

    stage = Here("prod", "profiles", "archive", "journal", "keys", old.revision)
    monkeypatch.setattr(deployed, "find_stage", lambda name: stage)
    arguments = ("--campaigns", changed, "--against", STARTER, "--stage", "prod", "--archive", tmp_path)
    done = run(*arguments, "--json")
    assert done.exit_code == 1, done.output
    found = json.loads(done.stdout)
    assert [(one["flow"], one["fates"]) for one in found["runs"]] == [("browse-follow-up", {"removed": 3})]
    assert (found["stage"], found["looked_at"], found["more_runs"]) == ("prod", 4, False)
    assert {row["name"]: row["live"] for row in found["segments"]} == {"lapsed": 0, "vip": 7}
    words = run(*arguments).stdout
    assert "the archive of prod has no events of that time" in words
    assert re.search(r"vip( +–){5} +7$", words, re.M)
    assert "Of prod, all 4 that wait." in words
    assert (journal.runs(), list(journal.members("vip"))) == before
    other = run("--campaigns", changed, "--against", changed, "--stage", "prod", "--archive", tmp_path)
    assert other.exit_code == 2
    assert "check out what is deployed" in other.output


def test_live_members_of_a_large_segment_are_estimated(changed: Path) -> None:
    class Many(MemoryJournal):
        def first_members(self, segment: str, limit: int) -> FirstMembers:
            ids = [f"{number * 2**90:026x}" for number in range(1, limit + 1)]
            return FirstMembers(ids, ids[-1])

    from homing.local.plans.plan import SegmentRow

    plan = compare(publish(read_folder(changed)), publish(read_folder(STARTER)), 7)
    plan.segments = [SegmentRow("vip", 1, 2)]
    live.add_members(plan, Many())
    row = next(row for row in plan.segments if row.name == "vip")
    # Ids 2^90 apart in a space of 2^104.
    assert row.about
    assert row.live == pytest.approx(2**14, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--events", "EVENTS", "--stage", "prod"), "not both"),
        (("--json", "--markdown"), "not both"),
        (("--max-liability", "much"), "is no amount"),
        (("--against", "EVENTS"), "is no bundle: write one with `homing publish`"),
    ],
)
def test_wrong_use_is_told(arguments: tuple[str, ...], words: str, events: Path) -> None:
    given = [str(events) if one == "EVENTS" else one for one in arguments]
    against = () if "--against" in arguments else ("--against", STARTER)
    done = run("--campaigns", STARTER, *against, *given)
    assert done.exit_code == 2
    assert words in done.output
