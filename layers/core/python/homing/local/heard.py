"""Which events, properties and traits a recording holds."""

from __future__ import annotations

from pathlib import Path

from homing.domain.content.checks.heard import Heard
from homing.domain.errors import InvalidInput
from homing.local.recording import expect_lines, read_line
from homing.sources.segment_spec import read_message


def heard_in(path: Path) -> Heard:
    """Reads a recording line by line; what nobody can read counts for nothing. Raises InvalidInput when that is all."""
    heard, begun = Heard(), False
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.removeprefix(b"\xef\xbb\xbf").strip()
            if not line:
                continue
            if not begun:
                begun = True
                expect_lines(path, line)
            try:
                recorded = read_line(line, number)
                event = read_message(recorded.message, received=recorded.at)
            except InvalidInput:
                continue
            heard.add(event.name, event.properties)
    if not heard.events:
        raise InvalidInput(f"{path} holds no event that can be read", code="no_events")
    return heard
