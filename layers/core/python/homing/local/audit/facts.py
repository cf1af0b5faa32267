"""The facts of an audit from a recording, and from what a run over it gave."""

from __future__ import annotations

from collections.abc import Iterable

from homing.domain.audit.facts import Day, Facts, Move, day_of, days_between, members_of, sizes_of
from homing.domain.audit.sketch import Sketch
from homing.domain.campaigns import Campaigns
from homing.domain.events import names
from homing.domain.time import HOUR
from homing.local.outputs import Outputs
from homing.local.recording import Recorded

# Nothing is sent in a backtest, so nothing comes back.
_OF_MAILS = frozenset({
    names.EMAIL_SENT, names.EMAIL_DELIVERED, names.EMAIL_OPENED, names.EMAIL_LINK_CLICKED, names.EMAIL_BOUNCED,
    names.EMAIL_MARKED_AS_SPAM, names.UNSUBSCRIBED,
})  # fmt: skip


def arrivals_of(recorded: Iterable[Recorded]) -> dict[str, Day]:
    """What arrived on each day; days between the first and the last without anything are there, and empty."""
    days: dict[str, Day] = {}
    for line in recorded:
        message = line.message
        kind = str(message.get("type", "track"))
        name = message.get("event") if kind == "track" else names.NAMES_OF_CALLS.get(kind)
        properties = message.get("traits" if kind in {"identify", "group"} else "properties")
        if isinstance(name, str):
            days.setdefault(day_of(line.at), Day()).add(name, properties if isinstance(properties, dict) else {})
    return {day: days.get(day, Day()) for day in days_between(min(days), max(days))} if days else {}


def facts_of(campaigns: Campaigns, outputs: Outputs, arrivals: dict[str, Day], end: int) -> Facts:
    """``end`` is the instant at which the recording ends; a day that has an hour or less to go counts as over."""
    people = {line.profile_id for line in outputs.profiles}
    moves = [
        Move(line.at, line.profile_id, line.segment, line.change == "entered")
        for line in outputs.transitions
        # Profiles that became part of another one are told by that one.
        if line.segment in campaigns.segments and (not people or line.profile_id in people)
    ]
    starts = [*([min(arrivals)] if arrivals else []), *([day_of(min(move.at for move in moves))] if moves else [])]
    days = days_between(min(starts, default=day_of(end)), day_of(end))
    members = members_of(moves, campaigns.segments)
    if people:
        members = {
            name: Sketch.of(line.profile_id for line in outputs.profiles if name in line.segments)
            for name in campaigns.segments
        }
    if arrivals:
        # Without any the events themselves were not looked at, only what a run made of them.
        for day in days:
            arrivals.setdefault(day, Day())
    came = {name for found in arrivals.values() for name in found.events}
    return Facts(
        campaigns=campaigns,
        until=day_of(end - 23 * HOUR),
        sizes=sizes_of(moves, days, campaigns.segments),
        members=members,
        arrivals=arrivals,
        moves=moves,
        blind=_OF_MAILS - came,
    )
