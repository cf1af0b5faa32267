"""What a plan says: numbers with the right plural, values with what they replace, and nothing where there is nothing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from homing.adapters.files import publish_folder
from homing.local.plans import tables
from homing.local.plans.changes import changes
from homing.local.plans.markdown import markdown
from homing.local.plans.plan import Plan, SegmentRow, compare, judge
from homing.local.plans.text import text
from tests.fixtures.changed import STARTER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STARTER, tmp_path / "changed"))


def planned(folder: Path) -> Plan:
    plan = compare(publish_folder(folder), publish_folder(STARTER), 7)
    plan.history = (0, 1, 10, 5)
    return plan


def rewrite(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def settings(folder: Path) -> str:
    (found,) = changes(publish_folder(folder), publish_folder(STARTER))
    return found.words


def test_a_setting_is_told_with_the_value_before_though_nobody_wrote_that_down(folder: Path) -> None:
    rewrite(folder / "settings.yaml", "after: 30m", "after: 2h")
    assert settings(folder) == "cart.after 30m → 2h"
    rewrite(folder / "settings.yaml", "views: 3 ", "views: 4 ")
    assert settings(folder) == "browse.views 3 → 4, cart.after 30m → 2h"
    rewrite(folder / "settings.yaml", "send_expires_after: 2d", "send_expires_after: 3d")
    assert "send_expires_after 2d → 3d" in settings(folder)


def test_a_part_of_the_settings_that_is_new_or_gone_is_told_as_that(folder: Path) -> None:
    file = folder / "settings.yaml"
    file.write_text(file.read_text() + "cap: {messages: 4, within: 30d}\n")
    assert settings(folder) == "cap new (messages 4, within 30d)"
    (back,) = changes(publish_folder(STARTER), publish_folder(folder))
    assert back.words == "cap removed"


def test_a_segment_that_is_new_had_no_members_before_and_is_told_to_be_new(folder: Path) -> None:
    (folder / "segments" / "fresh.yaml").write_text("name: fresh\ndescription: Fresh\nwhen: {did: Order Completed}\n")
    plan = planned(folder)
    plan.segments = [
        SegmentRow("fresh", 0, 3, ("a", "b", "c"), (), 3, 0, (0, 3)),
        SegmentRow("vip", 0, 1, ("a",), (), 1),
    ]
    rows = {row[0]: row[1:4] for row in tables.segments(plan).rows}
    assert rows == {"fresh": ["new", "3", "3"], "vip": ["0", "1", "1"]}
    assert re.search(r"fresh +new +3", text(plan))
    assert "| fresh | new | 3 |" in markdown(plan)
    assert "; 2 segments with other members." in text(plan)


def test_segments_that_keep_their_members_are_no_part_of_the_first_sentence(folder: Path) -> None:
    rewrite(folder / "settings.yaml", "after: 30m", "after: 2h")
    plan = planned(folder)
    plan.segments = [SegmentRow("vip", 4, 4)]
    assert tables.headline(plan) == "1 change: 0 mails in 7 days at the recent pace, as before."


def test_one_mail_that_is_given_up_is_one_mail(folder: Path) -> None:
    plan = planned(folder)
    for number, words in ((1, "1 mail would be given up"), (2, "2 mails would be given up")):
        plan.expired = (0, number)
        judge(plan, None)
        assert [note.words.partition(" for")[0] for note in plan.notes] == [words]
