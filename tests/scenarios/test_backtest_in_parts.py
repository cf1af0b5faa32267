"""A history that is divided by people gives, part by part, what it gives as a whole: every line of every file, every number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from homing.adapters.files import read_folder
from homing.adapters.folder_archive import FolderArchive
from homing.adapters.memory import MemoryProfiles, MemoryQuarantine
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import publish
from homing.domain.profiles.identity import Identity
from homing.domain.time import DAY, parse_instant
from homing.local.backtest import LOCAL_SECRET
from homing.local.backtests.dividing import divided
from homing.local.backtests.playing import Playing
from homing.local.backtests.running import Running
from homing.local.backtests.sources import ArchiveSource, Source
from homing.local.figures import Figures
from homing.local.recording import read_recording
from homing.services.update_profiles import StreamItem, UpdateProfiles
from homing.sources.segment_spec import read_message
from tests.fixtures import otto, small_shops

CAMPAIGNS = Path(__file__).parents[2] / "layers" / "campaigns"
FILES = ("messages", "transitions", "profiles", "quarantine")


@pytest.fixture(scope="module")
def starter() -> Campaigns:
    return publish(read_folder(CAMPAIGNS))


def recorded(path: Path, messages: Sequence[dict[str, Any]]) -> Source:
    path.write_text("".join(json.dumps(message) + "\n" for message in messages))
    return read_recording(path)


def played(campaigns: Campaigns, source: Source, end: int, out: Path, parts: int, jobs: int = 1) -> dict[str, Any]:
    running = Running(Playing(campaigns, end, keep_mails=True), parts, jobs)
    out.mkdir()
    return comparable(running(source, out, lambda *_: None))


def comparable(figures: Figures) -> dict[str, Any]:
    told = figures.to_dict()
    for name in ("seconds", "peak", "parts"):
        del told[name]
    return told


def assert_same(campaigns: Campaigns, source: Source, end: int, tmp_path: Path, *parts: int) -> dict[str, Any]:
    whole = played(campaigns, source, end, tmp_path / "whole", 1)
    for count in parts:
        folder = tmp_path / f"in-{count}"
        assert played(campaigns, source, end, folder, count) == whole
        for name in FILES:
            assert (folder / f"{name}.jsonl").read_bytes() == (tmp_path / "whole" / f"{name}.jsonl").read_bytes(), name
    return whole


def bad(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With some that the API would refuse."""
    at = messages[len(messages) // 2]["timestamp"]
    return [*messages, {"type": "nonsense", "timestamp": at}, {"type": "track", "event": "Nobody", "timestamp": at}]


@pytest.mark.parametrize("seed", range(4))
def test_of_small_shops(starter: Campaigns, tmp_path: Path, seed: int) -> None:
    messages = small_shops.history(seed, people=10 + seed, customers=30 if seed % 2 else 0)
    source = recorded(tmp_path / "events.jsonl", bad(messages))
    whole = assert_same(starter, source, small_shops.BEGIN + 60 * DAY, tmp_path, 2, 5)
    assert whole["quarantined"] == 2
    assert whole["people"] > 5
    # Scores of the shop's customers move people, though each part knows only some of them.
    assert ("champions" in whole["segments"]) == bool(seed % 2)


def test_of_the_sessions_of_otto(starter: Campaigns, tmp_path: Path) -> None:
    messages = sorted((m for s in otto.sessions() for m in otto.messages(s)), key=lambda m: m["timestamp"])
    source = recorded(tmp_path / "events.jsonl", messages)
    assert_same(starter, source, parse_instant(messages[-1]["timestamp"]) + 7 * DAY, tmp_path, 2, 7)


def test_in_two_processes(starter: Campaigns, tmp_path: Path) -> None:
    source = recorded(tmp_path / "events.jsonl", small_shops.history(3, customers=30))
    end = small_shops.BEGIN + 60 * DAY
    assert played(starter, source, end, tmp_path / "two", 2, 2) == played(starter, source, end, tmp_path / "one", 1)
    for name in FILES:
        assert (tmp_path / f"two/{name}.jsonl").read_bytes() == (tmp_path / f"one/{name}.jsonl").read_bytes()


def test_of_an_archive_where_ids_stand_for_people(starter: Campaigns, tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    update = UpdateProfiles(starter, Identity(LOCAL_SECRET), MemoryProfiles(), archive, MemoryQuarantine())
    for number, message in enumerate(small_shops.history(5, customers=30)):
        event = read_message(message, received=parse_instant(message["timestamp"]))
        update([StreamItem(str(number), event.to_json(), event.received)], batch=f"{number:06}")
    source = ArchiveSource.read(archive)
    whole = assert_same(starter, source, small_shops.BEGIN + 60 * DAY, tmp_path, 4)
    assert whole["people"] > 5


def test_who_shares_a_browser_or_a_cart_is_in_one_part_and_parts_weigh_about_the_same(tmp_path: Path) -> None:
    messages = small_shops.history(2, people=40, customers=60)
    source = recorded(tmp_path / "events.jsonl", messages)
    found = divided(source, LOCAL_SECRET, 3, tmp_path)
    where: dict[str, set[int]] = {}
    for index, part in enumerate(found.parts):
        for one in part:
            said = one.message
            properties = said.get("properties", {})
            names = [
                said.get("userId"),
                said.get("anonymousId"),
                properties.get("cart_id"),
                properties.get("checkout_id"),
            ]
            for name in filter(None, names):
                where.setdefault(name, set()).add(index)
    assert all(len(parts) == 1 for parts in where.values())
    counts = [part.count for part in found.parts]
    assert sum(counts) == len(messages)
    assert max(counts) < 1.2 * len(messages) / 3
