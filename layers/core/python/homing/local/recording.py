"""Recorded events: a JSON-lines file of Segment messages, each with the time at which it happened."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from homing.domain.errors import InvalidInput
from homing.domain.time import DAY, iso, parse_instant
from homing.local.outputs import QuarantineLine

# How long time goes on after the last event, so that flows with waits come to their ends.
AFTERWARDS = 7 * DAY


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line of a recording: a Segment message, and when it happened."""

    at: int
    line: int
    message: dict[str, Any]
    size: int


@dataclass(frozen=True, slots=True)
class Recording:
    """The messages of a file by time, at least one; and the lines that nobody can place in time, for the quarantine."""

    messages: list[Recorded]
    broken: list[QuarantineLine] = field(default_factory=list)

    def end(self, until: int | None = None) -> int:
        """Where a run's clock stops: at ``until``, by default AFTERWARDS after the last event.

        Raises InvalidInput when that is before the first event.
        """
        if until is None:
            return self.messages[-1].at + AFTERWARDS
        if until < (first := self.messages[0].at):
            raise InvalidInput(
                f"{iso(until)} is before the recording begins: its first event is of {iso(first)}", code="too_early"
            )
        return until


def read_recording(path: Path) -> Recording:
    """Reads a file. Raises InvalidInput when no line of it is an event with a time."""
    messages, broken = [], []
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            raw = raw.removeprefix(b"\xef\xbb\xbf").strip()
            if not raw:
                continue
            try:
                messages.append(read_line(raw, number))
            except InvalidInput as error:
                where = f"{path}:{number}"
                broken.append(quarantine_line(raw, source="file", code=error.code, reason=error.message, where=where))
    if not messages:
        first = f"; {broken[0].where}: {broken[0].reason}" if broken else ""
        raise InvalidInput(f"{path} holds no events{first}", code="bad_recording")
    return Recording(sorted(messages, key=lambda event: (event.at, event.line)), broken)


def quarantine_line(raw: bytes, **fields: Any) -> QuarantineLine:
    """A line with its raw bytes as text where they are text."""
    try:
        return QuarantineLine(raw=raw.decode(), **fields)
    except UnicodeDecodeError:
        return QuarantineLine(raw=base64.b64encode(raw).decode(), encoding="base64", **fields)


def read_line(raw: bytes, number: int) -> Recorded:
    """Other mistakes than these are the API's to find."""
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the line is not JSON: {error}", code="bad_json") from error
    if not isinstance(message, dict):
        raise InvalidInput("the line is not a JSON object", code="bad_json")
    stated = message.get("timestamp") or message.get("originalTimestamp")
    if stated is None:
        raise InvalidInput("the message has no timestamp, so it has no place in time", code="missing_timestamp")
    if not isinstance(stated, str):
        raise InvalidInput("the timestamp is not a text such as 2026-11-22T08:30:00Z", code="bad_time")
    return Recorded(parse_instant(stated), number, message, len(raw))
