"""A backtest over the archive of a stage: the deployed definition, walked over the deployed handlers, gives what one machine
gives, line for line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from functions.backtest_part.handler import handler as play_part
from functions.backtest_plan.handler import handler as plan
from homing.adapters.files import read_folder
from homing.adapters.memory import MemoryProfiles, MemoryQuarantine
from homing.adapters.s3 import S3Archive
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import publish
from homing.domain.errors import InvalidInput
from homing.domain.profiles.identity import Identity
from homing.domain.time import parse_instant
from homing.local.backtest import LOCAL_SECRET
from homing.local.backtests.deployed import of_bucket
from homing.local.backtests.playing import Playing, only
from homing.local.backtests.running import Running
from homing.local.backtests.sources import ArchiveSource
from homing.local.figures import Figures
from homing.services.update_profiles import StreamItem, UpdateProfiles
from homing.sources.segment_spec import read_message
from infra.constructs.backtests import definition
from tests.account import Account
from tests.fixtures import small_shops
from tests.functions.states import Machine

CAMPAIGNS = Path(__file__).parents[2] / "layers" / "campaigns"
FILES = ("messages", "transitions", "profiles", "quarantine", "differences")


@pytest.fixture(scope="module")
def starter() -> Campaigns:
    return publish(read_folder(CAMPAIGNS))


@pytest.fixture
def archive(account: Account, starter: Campaigns) -> S3Archive:
    """What the stage's updater archived."""
    found = S3Archive(account.client("s3"), "archive")
    update = UpdateProfiles(starter, Identity(b"the stage's"), MemoryProfiles(), found, MemoryQuarantine())
    items = []
    for number, message in enumerate(small_shops.history(5, customers=26)):
        event = read_message(message, received=parse_instant(message["timestamp"]))
        items.append(StreamItem(str(number), event.to_json(), event.received))
    for start in range(0, len(items), 100):
        update(items[start : start + 100], batch=f"{start:06}")
    return found


def machine(account: Account, parts: int) -> Machine:
    def listed(bucket: str, prefix: str) -> list[str]:
        assert bucket == "${Bucket}"
        found = account.client("s3").list_objects_v2(Bucket="archive", Prefix=prefix)
        return [item["Key"] for item in found["Contents"]]

    def planned(event: dict[str, Any]) -> Any:
        return plan({**event, "parts": parts} if event["step"] == "divide" else event, None)

    tasks = {"${Plan}": planned, "${Part}": lambda event: play_part(event, None)}
    return Machine(json.loads(json.dumps(definition())), tasks, listed)


def comparable(figures: Figures | None) -> Any:
    if figures is None:
        return None
    told = figures.to_dict()
    if found := told.get("differences"):
        found["there"] = comparable(figures.differences.there) if figures.differences else None
    return {name: value for name, value in told.items() if name not in {"seconds", "peak", "parts"}}


def on_one_machine(
    archive: S3Archive, campaigns: Campaigns, out: Path, against: tuple[str, Campaigns] | None = None
) -> Figures:
    source = ArchiveSource.read(archive)
    out.mkdir()
    return Running(Playing(campaigns, source.end(), secret=LOCAL_SECRET), against=against)(source, out, lambda *_: None)


def same_files(one: Path, other: Path, names: Sequence[str] = FILES) -> None:
    for name in names:
        left, right = one / f"{name}.jsonl", other / f"{name}.jsonl"
        assert left.exists() == right.exists()
        if left.exists():
            assert left.read_bytes() == right.read_bytes(), name


def test_the_machine_gives_what_one_machine_gives(
    account: Account, archive: S3Archive, starter: Campaigns, tmp_path: Path
) -> None:
    backtest = of_bucket("archive", "try-1")
    fewer = only(starter, ["win-back", "first-order-thank-you"])
    backtest.begin(starter, fewer, "main")

    walked = machine(account, parts=3)
    told = walked.run({"id": "try-1", "since": ""})

    found = backtest.result()
    (tmp_path / "staged").mkdir()
    backtest.fetch(tmp_path / "staged")
    whole = on_one_machine(archive, starter, tmp_path / "whole", ("main", fewer))
    same_files(tmp_path / "staged", tmp_path / "whole")
    assert comparable(found) == comparable(whole)
    assert found.parts == 3
    assert told["events"] == whole.events
    assert found.differences is not None
    assert found.differences.people
    # Scores were asked for, so customers were ranked before anything was decided.
    assert walked.visited == [
        "Divide", "Are there scores?", "Rank", "Part", "Part", "Part", "Count thresholds", "Play", "Part", "Part", "Part",
        "Join",
    ]  # fmt: skip


def test_a_step_that_is_done_again_writes_the_same(account: Account, archive: S3Archive, starter: Campaigns) -> None:
    backtest = of_bucket("archive", "try-2")
    backtest.begin(starter)
    machine(account, parts=2).run({"id": "try-2", "since": ""})
    first = comparable(backtest.result())

    manifest = "backtests/try-2/plan/part-0002.json.gz"
    play_part({"step": "rank", "id": "try-2", "manifest": manifest}, None)
    play_part({"step": "play", "id": "try-2", "manifest": manifest}, None)
    plan({"step": "join", "id": "try-2"}, None)

    assert comparable(backtest.result()) == first


def test_campaigns_without_scores_rank_nobody_and_history_begins_where_somebody_says(
    account: Account, archive: S3Archive, starter: Campaigns
) -> None:
    backtest = of_bucket("archive", "try-3")
    plain = starter.model_copy(
        update={
            "segments": {name: starter.segments[name] for name in ("vip", "open-cart")},
            "flows": {"cart-recovery": starter.flows["cart-recovery"]},
            "templates": {name: starter.templates[name] for name in ("cart-reminder", "cart-vip")},
            "attributes": {}, "choices": {},
        }
    )  # fmt: skip
    backtest.begin(plain)
    walked = machine(account, parts=2)
    walked.run({"id": "try-3", "since": "2026-03-20"})

    assert "Rank" not in walked.visited
    found = backtest.result()
    assert found.begins is not None
    assert found.begins >= parse_instant("2026-03-20T00:00:00Z")


def test_an_archive_without_events_is_told_so(account: Account, starter: Campaigns) -> None:
    of_bucket("archive", "try-4").begin(starter)
    with pytest.raises(InvalidInput, match="holds no events since 2026-03-01"):
        plan({"step": "divide", "id": "try-4", "since": "2026-03-01"}, None)


@pytest.mark.parametrize(
    ("handler", "event", "message"),
    [
        (plan, {"step": "guess", "id": "a"}, "no step 'guess'"),
        (play_part, {"step": "guess", "id": "a", "manifest": "plan/part-0001.json"}, "no step 'guess'"),
        (play_part, {"step": "play", "id": "a", "manifest": "plan/x.json"}, "no manifest of a part"),
        (plan, {"step": "join", "id": "../elsewhere"}, "letters, digits and -"),
    ],
)
def test_what_nobody_means_is_refused(account: Account, handler: Any, event: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        handler(event, None)
