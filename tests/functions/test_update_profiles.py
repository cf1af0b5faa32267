"""update_profiles, as Lambda calls it."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.update_profiles.handler import handler
from homing.domain.events.event import Event
from homing.domain.profiles.profile import Profile
from homing.runtime.observability import MemoryTelemetry
from tests.account import Account, failures, kinesis_event

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def viewed(person: str, message_id: str, **values: Any) -> Event:
    return Event(
        message_id=message_id,
        type="track",
        name="Product Viewed",
        identifiers={"user_id": person, "email": f"{person}@example.com"},
        occurred_at=NOON,
        received_at=NOON,
        properties={"product_id": "p1"},
        **values,
    )


def profile_of(account: Account, person: str) -> Profile | None:
    id_ = account.identity.key("user_id", person)
    found = account.profiles.read([id_]).get(id_)
    return found if isinstance(found, Profile) else None


def test_events_become_profiles_with_one_write_each(account: Account, voice: MemoryTelemetry) -> None:
    answer = handler(kinesis_event(viewed("ada", "1"), viewed("bob", "2"), viewed("ada", "3")), None)
    assert failures(answer) == []
    ada = profile_of(account, "ada")
    assert ada is not None
    assert (ada.version, ada.identifiers["email"]) == (1, {"ada@example.com"})
    assert voice.counts["EventsFolded"] == 3
    assert voice.counts["ProfilesWritten"] == 2


def test_what_was_folded_is_archived_and_names_nobody(account: Account, voice: MemoryTelemetry) -> None:
    handler(kinesis_event(viewed("ada", "1"), viewed("bob", "2"), first=70), None)
    ((key, raw),) = account.objects("archive").items()
    assert key == "events/date=2026-11-22/shardId-000000000000-70.jsonl.gz"
    text = gzip.decompress(raw).decode()
    assert len([json.loads(line) for line in text.splitlines()]) == 2
    assert "ada" not in text
    assert "example.com" not in text


def test_a_batch_that_comes_again_changes_nothing(account: Account, voice: MemoryTelemetry) -> None:
    for _ in range(2):
        handler(kinesis_event(viewed("ada", "1")), None)
    ada = profile_of(account, "ada")
    assert ada is not None
    assert ada.version == 1
    assert len(account.objects("archive")) == 1
    assert voice.counts["EventsDuplicate"] == 1


def test_a_bad_record_is_quarantined_and_holds_up_nobody(account: Account, voice: MemoryTelemetry) -> None:
    answer = handler(kinesis_event(viewed("ada", "1"), b"\xff not an event", viewed("bob", "2")), None)
    assert failures(answer) == []
    assert profile_of(account, "bob") is not None
    ((_key, raw),) = account.objects("quarantine").items()
    assert json.loads(gzip.decompress(raw))["code"]
    assert voice.counts["RecordsQuarantined"] == 1


def test_when_the_table_is_away_the_batch_comes_again(account: Account, voice: MemoryTelemetry) -> None:
    account.break_table("profiles")
    answer = handler(kinesis_event(viewed("ada", "1"), viewed("bob", "2"), first=5), None)
    assert failures(answer) == ["5"]
    assert account.objects("archive") == {}
    assert voice.lines[-1][:2] == ("warning", "part of a batch comes again")


def test_a_missing_setting_is_named(account: Account, monkeypatch: pytest.MonkeyPatch, voice: MemoryTelemetry) -> None:
    monkeypatch.delenv("HOMING_ARCHIVE_BUCKET")
    with pytest.raises(Exception, match="HOMING_ARCHIVE_BUCKET"):
        handler(kinesis_event(viewed("ada", "1")), None)
    assert voice.lines[-1][1] == "invocation failed"


def test_nothing_that_is_said_names_anybody(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    handler(kinesis_event(viewed("ada", "1"), b'{"email": "ada@example.com"}'), None)
    said = capsys.readouterr().out
    assert '"EventsFolded":[1.0]' in said.replace(" ", "")
    assert "ada" not in said
