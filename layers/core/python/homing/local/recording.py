"""Recorded events: a JSON-lines file of Segment messages, each with the time at which it happened."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from homing.domain.errors import InvalidInput
from homing.domain.time import DAY, iso, parse_instant
from homing.local.backtests.spool import Spool, instant_key
from homing.local.outputs import QuarantineLine

# How long time goes on after the last event, so that flows with waits come to their ends.
AFTERWARDS = 7 * DAY
# Time passes sweep by sweep: a slip of the pen must not make it pass for thousands of years.
_TOO_LATE = parse_instant("2100-01-01T00:00:00Z")
# How files begin that have to be unpacked.
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line of a recording: a Segment message, and when it happened."""

    at: int
    line: int
    message: dict[str, Any]
    size: int


@dataclass(slots=True)
class Recording:
    """A file of messages: at least one that has a place in time. Read line by line whenever it is gone through, so memory
    does not grow with it; where the lines are not in order of time, temporary files sort them first."""

    path: Path
    count: int
    begins: int
    ends: int
    # The lines that nobody can place in time, for the quarantine.
    broken: list[QuarantineLine] = field(default_factory=list)
    _sorted: Spool | None = None
    archived: bool = False

    def __iter__(self) -> Iterator[Recorded]:
        """The messages by time; those of one instant as they stand in the file."""
        lines = _numbered(self.path) if self._sorted is None else map(_from_spool, self._sorted.keyed())
        for number, raw in lines:
            try:
                recorded = read_line(raw, number)
            except InvalidInput:
                continue
            yield recorded

    @property
    def messages(self) -> list[Recorded]:
        """All at once, for small ones."""
        return list(self)

    def end(self, until: int | None = None) -> int:
        """Where a run's clock stops: at ``until``, by default AFTERWARDS after the last event.

        Raises InvalidInput when that is before the first event.
        """
        if until is None:
            return self.ends + AFTERWARDS
        if until < self.begins:
            raise InvalidInput(
                f"{iso(until)} is before the recording begins: its first event is of {iso(self.begins)}",
                code="too_early",
            )
        return until


def read_recording(path: Path) -> Recording:
    """Looks through a file. Raises InvalidInput when no line of it is an event with a time."""
    found = Recording(path, 0, 0, 0)
    # What comes through a pipe can be read only once.
    spool = None if path.is_file() else Spool()
    in_order = True
    for number, raw in _numbered(path):
        try:
            at = read_line(raw, number).at
        except InvalidInput as error:
            where = f"{path}:{number}"
            found.broken.append(quarantine_line(raw, source="file", code=error.code, reason=error.message, where=where))
            continue
        if spool is not None:
            spool.add(instant_key(at, number), raw)
        in_order = in_order and (not found.count or at >= found.ends)
        found.begins = min(at, found.begins) if found.count else at
        found.ends = max(at, found.ends) if found.count else at
        found.count += 1
    if not found.count:
        first = found.broken[0] if found.broken else None
        raise _no_events(path, "" if first is None else f"{first.where}: {first.reason}")
    found._sorted = spool if in_order or spool is not None else _sort(path)
    return found


def expect_events(path: Path) -> None:
    """As :func:`read_recording` does, but only as far as the first event. Raises InvalidInput when there is none."""
    first = ""
    for number, raw in _numbered(path):
        try:
            read_line(raw, number)
        except InvalidInput as error:
            first = first or f"{path}:{number}: {error.message}"
        else:
            return
    raise _no_events(path, first)


def _no_events(path: Path, first: str) -> InvalidInput:
    return InvalidInput(f"{path} holds no events{f'; {first}' if first else ''}", code="bad_recording")


def _sort(path: Path) -> Spool:
    spool = Spool()
    for number, raw in _numbered(path):
        with contextlib.suppress(InvalidInput):
            spool.add(instant_key(read_line(raw, number).at, number), raw)
    return spool


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        begun = False
        for number, raw in enumerate(file, start=1):
            if line := raw.removeprefix(b"\xef\xbb\xbf").strip():
                if not begun:
                    begun = True
                    expect_lines(path, line)
                yield number, line


def expect_lines(path: Path, first: bytes) -> None:
    """Raises InvalidInput when the first line that is not empty shows that the file is no JSON lines at all: compressed, or one
    array."""
    for magic, packed in _PACKED.items():
        if first.startswith(magic):
            raise InvalidInput(f"{path} is compressed ({packed}): unpack it first", code="bad_recording")
    if first.startswith(b"[") and _is_array(first):
        raise InvalidInput(
            f"{path} is one JSON array: write one message a line (JSON lines), as `jq -c '.[]'` does",
            code="bad_recording",
        )


def _is_array(first: bytes) -> bool:
    try:
        found = orjson.loads(first)
    except orjson.JSONDecodeError:
        # It goes on in the next line.
        return True
    return isinstance(found, list) and any(isinstance(one, dict) for one in found)


def _from_spool(keyed: bytes) -> tuple[int, bytes]:
    key, _, raw = keyed.partition(b"\t")
    return int(key.rpartition(b"\x1f")[2]), raw


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
    at = parse_instant(stated)
    if at >= _TOO_LATE:
        raise InvalidInput(f"{stated} lies too far ahead: playing until then would take for ever", code="bad_time")
    return Recorded(at, number, message, len(raw))
