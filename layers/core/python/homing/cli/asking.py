"""Commands that put events on a stage's bus: where to, under which id, or as a line for the AWS CLI."""

from __future__ import annotations

import json
import shlex
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])
SOURCE = "homing.cli"
# PutEvents takes so many at once, and so many bytes together.
_TOGETHER, _BYTES = 10, 256 * 1024
_PATIENCE, _LOOK = 20.0, 0.5
Found = TypeVar("Found")


def to_bus(command: _Command) -> _Command:
    """``--stage``, ``--bus``, ``--print``: the function gets the :class:`Desk` as the parameter ``desk``."""
    for option in (
        click.option("--print", "printed", is_flag=True, help="Print the line for the AWS CLI instead of asking."),
        click.option("--bus", help="Put it on this bus; nothing else of the stage is looked at."),
        click.option("--stage", help="A deployed stage: prod. Uses your AWS credentials and region."),
    ):
        command = option(command)
    return command


def named(command: _Command) -> _Command:
    """``--request-id`` and ``--by``."""
    for option in (
        click.option("--by", help="Who asks, for the record. [default: nobody]"),
        click.option("--request-id", help="The same id twice is one request. [default: a new one]"),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class Desk:
    """Where a command goes."""

    stage: str | None
    bus: str | None
    printed: bool

    def __post_init__(self) -> None:
        if (self.stage is None) == (self.bus is None):
            raise click.UsageError("say --stage NAME, or --bus NAME")

    @property
    def waits(self) -> bool:
        """Whether what comes of it can be looked up."""
        return self.stage is not None and not self.printed

    def put(self, detail_type: str, details: Sequence[Mapping[str, Any]]) -> None:
        """Puts them on the bus, or prints the lines that do. Raises HomingError, and UsageError for what the stack would
        refuse in any case."""
        from homing.adapters.batches import batches
        from homing.domain.bus.commands import read_command
        from homing.domain.errors import InvalidInput

        for detail in details:
            try:
                read_command(detail_type, detail)
            except InvalidInput as error:
                raise click.UsageError(error.message) from error
        entries = [
            {
                "EventBusName": self.bus or f"homing-{self.stage}", "Source": SOURCE, "DetailType": detail_type,
                "Detail": json.dumps(detail, ensure_ascii=False),
            }
            for detail in details
        ]  # fmt: skip
        for part in batches(
            entries, count=_TOGETHER, size=_BYTES, of=lambda entry: len(entry["Detail"].encode()) + 256
        ):
            if self.printed:
                click.echo(f"aws events put-events --entries {shlex.quote(json.dumps(part, ensure_ascii=False))}")
            else:
                _put(part)

    def wait(self, look: Callable[[], Found | None]) -> Found | None:
        """What came of it, within some seconds."""
        until = time.monotonic() + _PATIENCE
        while (found := look()) is None and time.monotonic() < until:
            time.sleep(_LOOK)
        return found


def request_id_of(given: str | None) -> str:
    """The one that was given, or a new one."""
    return given or f"cli-{uuid.uuid4().hex[:16]}"


def no_answer(what: str) -> str:
    """What to say when nothing was seen."""
    return (
        f"{what}: nothing came of it within {_PATIENCE:.0f} s. If it was refused, FlowRequestRefused on the bus says why, and "
        "so does the log of run_flows; a long queue takes longer"
    )


def _put(entries: list[dict[str, Any]]) -> None:
    from homing.adapters.aws_errors import aws_errors
    from homing.domain.errors import HomingError
    from homing.runtime import parts

    with aws_errors("putting events on the bus"):
        answer = parts.client("events").put_events(Entries=entries)
    for entry in answer["Entries"]:
        if entry.get("ErrorCode"):
            raise HomingError(f"the bus refused it: {entry['ErrorCode']} {entry.get('ErrorMessage', '')}".strip())
