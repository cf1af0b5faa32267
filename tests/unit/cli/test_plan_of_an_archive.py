"""``homing plan --archive`` against ``homing backtest`` of the same archive: mails that were opened count in both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from homing.adapters.folder_archive import FolderArchive
from homing.cli.main import command
from homing.domain.events.event import Event
from homing.domain.events.privacy import archive_line
from homing.domain.profiles.identity import Identity
from homing.domain.time import DAY, HOUR, iso, to_datetime
from homing.local.backtest import LOCAL_SECRET
from homing.sources.segment_spec import read_message
from tests.fixtures import small_history
from tests.fixtures.changed import STARTER

PEOPLE = 18
NEWS = """\
name: news
description: For those who open what they get
on: {schedule: {segment: engaged, at: 10:00}}
steps:
  - send: stay-in-touch
"""


def mails(profile_id: str, number: int, begin: int) -> Iterator[Event]:
    """Six mails over six days: a third of people opens and clicks all, a third one, a third none. The events name nobody but
    the profile, as those of the mail service do."""
    for mail in range(6):
        names = ["Email Sent", "Email Delivered"]
        if number % 3 == 0 or (number % 3 == 1 and mail == 0):
            names += ["Email Opened", "Email Link Clicked"]
        for minute, name in enumerate(names):
            at = to_datetime(begin + mail * DAY + minute * HOUR // 60)
            yield Event(
                message_id=f"ses:{number}-{mail}-{name}", type="track", name=name, identifiers={}, occurred_at=at,
                received_at=at, properties={"send_id": f"{number}-{mail}", "flow": "x", "template": "x"},
                context={"profile_id": profile_id}, source="ses",
            )  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    identity = Identity(LOCAL_SECRET)
    lines: list[tuple[int, dict[str, Any]]] = []
    owners: dict[str, None] = {}
    for one in small_history.recorded(PEOPLE):
        event = read_message(one.message, received=one.at)
        owner = identity.person(event.identifiers) or ""
        owners.setdefault(owner)
        lines.append((one.at, archive_line(event, owner, identity)))
    for number, owner in enumerate(owners):
        lines += [
            (event.received, archive_line(event, owner, identity))
            for event in mails(owner, number, small_history.BEGIN + 10 * DAY)
        ]
    folder = tmp_path_factory.mktemp("archive")
    by_day: dict[str, list[dict[str, Any]]] = {}
    for at, line in lines:
        by_day.setdefault(to_datetime(at).date().isoformat(), []).append(line)
    for day, found in by_day.items():
        FolderArchive(folder).put(f"events/date={day}/1", found)
    return folder


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(command, [*map(str, arguments), "--json"])
    assert done.exit_code in {0, 1}, done.output
    return json.loads(done.stdout)


def test_a_plan_over_an_archive_and_its_backtest_agree_on_who_is_in_which_segment(
    archive: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(STARTER, changed)
    (changed / "flows" / "news.yaml").write_text(NEWS)
    plan = run("plan", "--campaigns", changed, "--against", STARTER, "--archive", archive)
    end = iso(plan["history"][1])
    members: dict[str, tuple[int, int]] = {}
    for side, folder in (("before", STARTER), ("after", changed)):
        out = tmp_path / side
        summary = run("backtest", archive, "--campaigns", folder, "--until", end, "--out", out)
        figures = json.loads((out / "backtest.json").read_text())
        held = {name: one["members"] for name, one in figures["segments"].items() if one["members"]}
        assert {row["name"]: row[side] for row in plan["segments"]} == held
        assert plan["history"][2] == summary["events"]
        members[side] = held["engaged"], held["tired-of-mail"]
    # It would be easy to agree on nobody.
    assert members["before"] == members["after"] == (PEOPLE // 3 * 2, PEOPLE // 3 * 2)
    news = next(row for row in plan["flows"] if row["name"] == "news")
    assert news["history"][1] > news["history"][0] == 0


def test_lines_of_an_archive_that_are_no_events_are_counted_by_the_plan(archive: Path, tmp_path: Path) -> None:
    copy = tmp_path / "archive"
    shutil.copytree(archive, copy)
    bad = [{"hello": 1}, {"received_at": "soon"}, {"received_at": "2026-03-09T10:00:00Z"}]
    FolderArchive(copy).put("events/date=2026-03-09/2", bad)
    arguments = ("--campaigns", STARTER, "--against", STARTER, "--archive", copy)
    assert run("plan", *arguments)["refused"] == {"number": 3, "first": []}
    done = CliRunner().invoke(command, ["plan", *map(str, arguments)])
    assert "3 lines were left out." in done.stdout
