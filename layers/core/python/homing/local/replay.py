"""Recorded events through the local stack: each arrives at its own time, and time passes in between."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from homing.domain.errors import InvalidInput
from homing.domain.time import DAY, MINUTE, parse_instant
from homing.local.collect import collect, quarantine_line
from homing.local.host import LocalHost
from homing.local.outputs import Outputs, QuarantineLine

# How long time goes on after the last event, so that flows with waits come to their ends.
AFTERWARDS = 7 * DAY
# Of one request; Segment's own limits are 500 KB and 32 KB a message.
_MESSAGES, _BYTES = 100, 400_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line of a recording: a Segment message, and when it happened."""

    at: int
    line: int
    message: dict[str, Any]
    size: int


@dataclass(slots=True)
class Replay:
    """Posts recorded messages and moves time. ``refused`` are messages that the API did not take, with its reason."""

    host: LocalHost
    posted: int = 0
    refused: list[QuarantineLine] = field(default_factory=list)

    def run(self, events: Iterable[Recorded], until: int | None = None) -> Iterator[int]:
        """Plays events in order of time; yields the number posted so far, after each instant. Ends at ``until``, by
        default AFTERWARDS after the last event; later events are left out."""
        last = self.host.now()
        for at, group in groupby(sorted(events, key=lambda e: (e.at, e.line)), key=lambda e: e.at):
            if until is not None and at > until:
                break
            self.host.advance_to(at)
            for batch in _batches(group):
                self._post(batch)
            last = at
            yield self.posted
        self.host.advance_to(until if until is not None else last + AFTERWARDS)
        yield self.posted

    def outputs(self) -> Outputs:
        """What became of it."""
        outputs = collect(self.host)
        return outputs.model_copy(update={"quarantine": [*outputs.quarantine, *self.refused]})

    def _post(self, batch: list[Recorded]) -> None:
        # Each message is received when it happened, so the sender's clock needs no correction.
        messages = [{k: v for k, v in event.message.items() if k != "sentAt"} for event in batch]
        body = orjson.dumps({"batch": messages})
        headers = {**self.host.authorization(), "content-type": "application/json"}
        response = self.host.http("POST", "/v1/batch", headers, body)
        answer = response.json()
        if response.status >= 500:
            raise InvalidInput(f"the API failed at line {batch[0].line}: {answer.get('message')}", code="api_failed")
        rejected = {item["index"]: item for item in answer.get("rejected", [])}
        if response.status >= 400 and not rejected:
            rejected = dict.fromkeys(range(len(batch)), answer)
        self.posted += len(batch) - len(rejected)
        for index, reason in sorted(rejected.items()):
            event = batch[index]
            self.refused.append(
                quarantine_line(
                    orjson.dumps(event.message),
                    at=event.at,
                    source="http",
                    code=reason.get("code", ""),
                    reason=reason.get("message", ""),
                    where=f"line {event.line}",
                )
            )


def read_recording(path: Path) -> list[Recorded]:
    """The messages of a JSON-lines file, by time.

    Raises InvalidInput with file and line for what is not JSON or has no time; other mistakes are the API's to find.
    """
    events = []
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            try:
                message = json.loads(raw)
                stated = message.get("timestamp") or message.get("originalTimestamp")
                at = parse_instant(stated)
            except (ValueError, AttributeError, TypeError) as error:
                text = "a line is a JSON object with an ISO 8601 timestamp"
                raise InvalidInput(text, code="bad_recording", where=f"{path}:{number}") from error
            except InvalidInput as error:
                raise InvalidInput(error.message, code=error.code, where=f"{path}:{number}") from error
            events.append(Recorded(at, number, message, len(raw)))
    if not events:
        raise InvalidInput(f"{path} holds no events", code="bad_recording")
    return sorted(events, key=lambda event: (event.at, event.line))


def start_of(events: list[Recorded]) -> int:
    """When to start the host: a moment before the first event."""
    return events[0].at - MINUTE


def _batches(events: Iterable[Recorded]) -> Iterator[list[Recorded]]:
    batch: list[Recorded] = []
    size = 0
    for event in events:
        if batch and (len(batch) == _MESSAGES or size + event.size > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += event.size
    if batch:
        yield batch
