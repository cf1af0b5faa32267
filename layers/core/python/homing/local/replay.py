"""Recorded events through the local stack: each arrives at its own time, and time passes in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

import orjson

from homing.domain.errors import InvalidInput
from homing.domain.time import MINUTE
from homing.local.collect import collect
from homing.local.host import LocalHost
from homing.local.outputs import Outputs, QuarantineLine
from homing.local.recording import Recorded, Recording, quarantine_line

# Of one request; Segment's own limits are 500 KB and 32 KB a message.
_MESSAGES, _BYTES = 100, 400_000


@dataclass(slots=True)
class Replay:
    """Posts recorded messages and moves time. ``refused`` are messages that the API did not take, with its reason."""

    host: LocalHost
    posted: int = 0
    refused: list[QuarantineLine] = field(default_factory=list)
    unreadable: list[QuarantineLine] = field(default_factory=list)

    def run(self, recording: Recording, until: int | None = None) -> Iterator[int]:
        """Plays events in order of time; yields the number posted so far, after each instant. Stops the clock at the
        recording's end or at ``until``; later events are left out. Unreadable lines go to quarantine."""
        end = recording.end(until)
        self.unreadable = recording.broken
        for at, group in groupby(recording, key=lambda event: event.at):
            if at > end:
                break
            self.host.advance_to(at)
            for batch in _batches(group):
                self._post(batch)
            yield self.posted
        self.host.advance_to(end)
        yield self.posted

    def outputs(self) -> Outputs:
        """What became of it."""
        outputs = collect(self.host)
        return outputs.model_copy(update={"quarantine": [*self.unreadable, *outputs.quarantine, *self.refused]})

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


def start_of(recording: Recording) -> int:
    """When to start the host: a moment before the first event."""
    return recording.begins - MINUTE


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
