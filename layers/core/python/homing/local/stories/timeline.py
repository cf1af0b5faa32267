"""What happened, a line each, on the clock of whoever it concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.explain import words
from homing.domain.explain.messages import decision
from homing.domain.time import DAY, SECOND, parse_instant, to_datetime
from homing.local.stories.stage import Line

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WHY = {
    "too_old": "it is too old", "not_for_them": "it is not for them", "too_soon": "it is too soon after the last run",
    "ignored": "that run has begun already", "nobody": "nobody is known", "stopped": "the flow is stopped",
}  # fmt: skip

# What numbers are called that are times, and what they are then at least: some day of the year 2000.
_MOMENTS = ("_at", "_time", "timestamp", "_date", "_since", "_until")
_EPOCH = 30 * 365 * DAY
MILLISECOND = SECOND // 1000

# From a profile id to the person's name in the story (or what it is called otherwise) and their zone.
Whose = Callable[[str], tuple[str, ZoneInfo]]


def clock(instant: int, zone: ZoneInfo) -> str:
    """``Sun 29 Mar 2026 03:00 CEST``; seconds only where there are some."""
    at = to_datetime(instant).astimezone(zone)
    seconds = f":{at:%S}" if at.second or at.microsecond else ""
    return f"{_DAYS[at.weekday()]} {at.day:>2} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M}{seconds} {at:%Z}"


def values_written(values: Mapping[str, Any], zone: ZoneInfo) -> str:
    """``product_id mug, gift true, products [{product_id: mug}]``: as a story has them."""
    return ", ".join(f"{name} {written(value, zone, name)}" for name, value in values.items())


def written(value: Any, zone: ZoneInfo, name: str) -> str:
    """A value as a story has it; ``name`` is what it is called."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {written(inner, zone, str(key))}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(inner, zone, name) for inner in value)}]"
    if isinstance(value, int | float):
        # A time that a program counts in seconds or milliseconds since 1970.
        for unit in (SECOND, MILLISECOND):
            if name.endswith(_MOMENTS) and _EPOCH <= value * unit < 4 * _EPOCH:
                return " ".join(clock(int(value * unit), zone).split())
    return words.value(value)


def timeline(log: Iterable[Line], whose: Whose, named: Callable[[str], ZoneInfo]) -> list[str]:
    """The lines; segments that change together share one. ``named``: the zone of a person by the name in the story."""
    found = []
    for line, text in _texts(list(log), whose):
        who, zone = (line.who, named(line.who)) if line.who or not line.profile_id else whose(line.profile_id)
        found.append(f"{clock(line.at, zone)}  {f'{who}: ' if who else ''}{text}")
    return found


def _texts(log: list[Line], whose: Whose) -> Iterator[tuple[Line, str]]:
    index = 0
    while index < len(log):
        line = log[index]
        index += 1
        if line.kind == "segment":
            together = [line]
            while index < len(log) and _same(log[index], line):
                together.append(log[index])
                index += 1
            names = ", ".join(one.what.segment for one in together)
            yield line, f"{'is now in' if line.what.change == 'entered' else 'is no longer in'} {names}"
        elif text := _text(line, whose):
            yield line, text


def _same(one: Line, other: Line) -> bool:
    return (one.kind, one.at, one.profile_id) == (other.kind, other.at, other.profile_id) and (
        one.what.change == other.what.change
    )


def _text(line: Line, whose: Whose) -> str:
    zone = whose(line.profile_id)[1] if line.profile_id else ZoneInfo("UTC")
    if line.kind == "run":
        run, note = line.what
        return _run(run, note, zone)
    if line.kind == "mail":
        sent = line.what
        return f"gets {sent.entry.template} ({sent.entry.flow}) at {sent.mail.recipient}: “{sent.mail.subject}”"
    if line.kind == "decision":
        return f"{line.what.template} ({line.what.flow}) {decision(line.what, zone)}"
    if line.kind == "trigger":
        cause, flow, became = line.what
        return f"{cause} does not start {flow}: {_WHY.get(became, became)}"
    return str(line.what)


def _run(run: Any, note: dict[str, Any], zone: ZoneInfo) -> str:
    did, why = str(note["did"]), str(note.get("why", ""))
    if did == "begin":
        return f"{run.flow} begins{f' ({why})' if why else ''}"
    if did == "send":
        # What was decided about it follows.
        return ""
    if did == "wait":
        return f"{run.flow} waits {_until(why, zone)}"
    if did == "wait_for":
        return f"{run.flow} waits for something, {_until(why, zone)}"
    if did in {"then", "else"}:
        return f"{run.flow} goes on with {did}{f': {why}' if why else ''}"
    return f"{run.flow} ends: {why or run.reason}" if did == "end" else f"{run.flow}: {did} {why}".rstrip()


def _until(why: str, zone: ZoneInfo) -> str:
    text, found, moment = why.rpartition("until ")
    return f"{text}until {clock(parse_instant(moment), zone)}" if found else why
