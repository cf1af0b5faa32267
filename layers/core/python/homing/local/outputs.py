"""What a run over recorded or simulated events gives: the files that ``replay``, ``demo`` and ``backtest`` write.

Instants are microseconds since the epoch in these models and ISO 8601 in UTC in the files. A line of ``messages.jsonl``
is one *decision* to send: it became a mail (``sent``), waits (``deferred``), or was dropped, and says why.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from homing.domain.time import iso, parse_instant

Instant = Annotated[
    int,
    BeforeValidator(lambda value: parse_instant(value) if isinstance(value, str) else value),
    PlainSerializer(iso, return_type=str, when_used="json"),
]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", ignored_types=(cached_property,))


class Message(_Line):
    """A decided send. ``to``, ``subject``, ``html``, ``text`` and ``headers`` are those of the mail itself and empty
    where none was made. ``status``: sent, deferred, dropped, unknown, sending, or queued (asked for, not yet tried)."""

    message_id: str
    profile_id: str
    to: str | None = None
    flow: str = ""
    run_id: str = ""
    template: str = ""
    variant: str | None = None
    # Why that variant: the branch of each choice, with what it saw.
    because: str = ""
    trigger: str = ""
    triggered_at: Instant | None = None
    decided_at: Instant | None = None
    sent_at: Instant | None = None
    status: str
    reason: str = ""
    subject: str = ""
    html: str = ""
    text: str = ""
    headers: dict[str, str] = {}


class Transition(_Line):
    """A profile entered or left a segment, as the bus was told."""

    at: Instant
    profile_id: str
    user_id: str | None = None
    segment: str
    change: Literal["entered", "left"]


class CallLine(_Line):
    """A call of a webhook that was asked for; nobody was called. ``body`` is what would have been said, where that is known
    (not in a backtest, which reads no profile for it)."""

    call_id: str
    at: Instant
    webhook: str
    flow: str = ""
    run_id: str = ""
    step: str = ""
    profile_id: str = ""
    data: dict[str, Any] = {}
    body: dict[str, Any] = {}


class ProfileLine(_Line):
    """A profile at the end. ``consents`` maps a topic to whether it is granted."""

    profile_id: str
    user_id: str | None = None
    email: str | None = None
    identifiers: dict[str, list[str]] = {}
    traits: dict[str, Any] = {}
    consents: dict[str, bool] = {}
    segments: list[str] = []
    first_at: Instant | None = None
    last_at: Instant | None = None
    wake_at: Instant | None = None


class QuarantineLine(_Line):
    """A record that could not be folded; ``raw`` is its text, or base64 where it is not UTF-8 (``encoding``)."""

    at: Instant | None = None
    source: str = ""
    code: str = ""
    reason: str = ""
    where: str = ""
    raw: str = ""
    encoding: Literal["utf-8", "base64"] = "utf-8"


class Outputs(_Line):
    """Everything, each list in its natural order (messages by decision, transitions and events by time).

    ``events`` are the archived events as stored (JSON objects with a profile id and nobody's name); on disk they lie
    under ``archive/`` in the layout of the archive bucket: ``archive`` maps object keys to their bytes.
    """

    messages: Sequence[Message] = ()
    transitions: Sequence[Transition] = ()
    profiles: Sequence[ProfileLine] = ()
    quarantine: Sequence[QuarantineLine] = ()
    calls: Sequence[CallLine] = ()
    archive: dict[str, bytes] = Field(default={}, repr=False)

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The archived events of all objects, by object key; duplicates across retries are kept."""
        return [line for key in sorted(self.archive) for line in _lines_of(self.archive[key])]

    def write(self, directory: Path) -> None:
        """Writes ``messages``, ``transitions``, ``profiles`` and ``quarantine.jsonl``, ``archive/``, and ``calls.jsonl`` if
        there are any; the report is written by :mod:`homing.local.report`."""
        directory.mkdir(parents=True, exist_ok=True)
        if (directory / "messages.jsonl").exists():
            # An earlier run's archive has other names and would be read with this one.
            shutil.rmtree(directory / "archive", ignore_errors=True)
        for name in _FILES:
            _write_lines(directory / f"{name}.jsonl", getattr(self, name))
        if self.calls:
            _write_lines(directory / "calls.jsonl", self.calls)
        else:
            (directory / "calls.jsonl").unlink(missing_ok=True)
        for key, body in self.archive.items():
            path = directory / "archive" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)

    @classmethod
    def read(cls, directory: Path) -> Outputs:
        """Reads :meth:`write`; a missing file is an empty list."""
        archive = directory / "archive"
        return cls(
            messages=_read_lines(directory / "messages.jsonl", Message),
            transitions=_read_lines(directory / "transitions.jsonl", Transition),
            profiles=_read_lines(directory / "profiles.jsonl", ProfileLine),
            quarantine=_read_lines(directory / "quarantine.jsonl", QuarantineLine),
            calls=_read_lines(directory / "calls.jsonl", CallLine),
            archive={
                path.relative_to(archive).as_posix(): path.read_bytes()
                for path in sorted(archive.rglob("*"))
                if path.is_file()
            },
        )


_FILES = ("messages", "transitions", "profiles", "quarantine")
_L = TypeVar("_L", bound=_Line)


def _write_lines(path: Path, lines: Iterable[BaseModel]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(line.model_dump_json() + "\n")


def _read_lines(path: Path, model: type[_L]) -> tuple[_L, ...]:
    if not path.exists():
        return ()
    with path.open(encoding="utf-8") as file:
        return tuple(model.model_validate_json(line) for line in file if line.strip())


def decompress(body: bytes) -> bytes:
    """An archive or quarantine object as stored: plain, gzip or zstd, told by its first bytes."""
    if body.startswith(b"\x1f\x8b"):
        return gzip.decompress(body)
    if body.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
            return bytes(reader.read())
    return body


def _lines_of(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in decompress(body).splitlines() if line.strip()]
