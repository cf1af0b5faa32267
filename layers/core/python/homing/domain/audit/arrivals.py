"""What stopped arriving: everything, an event, a property of an event; and what therefore waits for nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise

from homing.domain.audit.facts import Facts, days_between, spoken
from homing.domain.audit.findings import Finding, Severity
from homing.domain.audit.statistics import changed_at, cohens_h, fisher_log10
from homing.domain.audit.uses import needed, segment_reads, trigger_events
from homing.domain.content.suggest import slip
from homing.domain.events.names import KNOWN

# So much of the past is compared with.
WINDOW = 35
# A usual rhythm is known after so many days, on so many of which something came.
_LEAST_SPAN, _LEAST_ACTIVE = 7, 4
# Chance is ruled out below these: a shop has hundreds of properties, each looked at every night.
_CHANCE_PROPERTY = -6.0
_CHANCE_SILENCE = 1e-3
# Cohen's medium effect: from 100 % to 94 %, from 50 % to 26 %, from 6 % to nothing.
_EFFECT = 0.5
_FELL = 0.3
_WEEK, _LEAST_WEEK = 7, 30


def silences(facts: Facts) -> dict[str, tuple[str, int, float]]:
    """Event → (first silent day, silent days, its usual number a day), for those that stopped.

    Silent for more than twice as long as ever before in the window, and so long that a Poisson process of the usual rate
    would be that still with less than 1 in 1,000: ``exp(-rate · days) < 0.001``.
    """
    found = {}
    days = _days(facts)
    for name in {name for day in days for name in facts.arrivals[day].events}:
        counts = [facts.arrivals[day].events[name].n if name in facts.arrivals[day].events else 0 for day in days]
        if silence := _silence(days, counts):
            found[name] = silence
    return found


def everything(facts: Facts) -> tuple[str, int, float] | None:
    """The same of all events together."""
    days = _days(facts)
    return _silence(days, [facts.arrivals[day].n for day in days])


def _silence(days: list[str], counts: list[int]) -> tuple[str, int, float] | None:
    active = [index for index, count in enumerate(counts) if count]
    if len(active) < _LEAST_ACTIVE or _between(days[active[0]], days[active[-1]]) < _LEAST_SPAN:
        return None
    last = active[-1]
    if last == len(days) - 1:
        return None
    first_silent = days[last + 1]
    silent = _between(days[last], days[-1])
    longest = max(_between(days[a], days[b]) - 1 for a, b in pairwise(active))
    rate = sum(counts) / (_between(days[active[0]], days[last]) + 1)
    if silent <= 2 * longest or math.exp(-rate * silent) >= _CHANCE_SILENCE:
        return None
    return first_silent, silent, rate


def stopped(facts: Facts) -> Iterator[Finding]:
    """Events that no longer arrive, or far more rarely. An error where campaigns work with them."""
    if total := everything(facts):
        since, silent, rate = total
        words = f"No event has arrived since {spoken(since)} ({silent} days); usually {rate:,.0f} a day do."
        yield Finding(
            "nothing_arrives", "error", "all events", words, {"since": since, "days": silent, "usual": round(rate)}
        )
        return
    used = needed(facts.campaigns)
    quiet = silences(facts)
    for name, (since, silent, rate) in sorted(quiet.items()):
        if name in facts.blind:
            continue
        usual = f"{rate:,.0f}" if rate >= 1 else f"{rate:.1f}"
        words = f"`{name}` stopped: none since {spoken(since)}; before, {usual} came a day."
        numbers = {"since": since, "days": silent, "usual": round(rate, 1)}
        yield Finding("event_stopped", "error" if name in used else "warning", name, words, numbers)
    yield from _fell(facts, used, quiet)


def _fell(facts: Facts, used: Mapping[str, set[str]], quiet: Mapping[str, object]) -> Iterator[Finding]:
    """The last whole week against the poorest of the weeks before it: weekdays and closed Sundays cancel out."""
    days = _days(facts)
    if len(days) < 4 * _WEEK:
        return
    weeks = [days[len(days) - _WEEK * (back + 1) : len(days) - _WEEK * back] for back in range(len(days) // _WEEK)]
    for name in sorted({name for day in days for name in facts.arrivals[day].events} - set(quiet) - facts.blind):
        sums = [sum(_scaled(facts, day, name) for day in week) for week in weeks]
        least = min(sums[1:])
        if least >= _LEAST_WEEK and sums[0] < _FELL * least:
            words = (
                f"`{name}` came {sums[0]:,.0f} times in the week to {spoken(days[-1])};"
                f" in the {len(sums) - 1} weeks before, {least:,.0f} times at least."
            )
            numbers = {"week": round(sums[0]), "least": round(least), "weeks": len(sums) - 1}
            yield Finding("event_fell", "error" if name in used else "warning", name, words, numbers)


def properties(facts: Facts) -> Iterator[Finding]:
    """Properties that a smaller share of their event carries than before, with the day since when."""
    used = needed(facts.campaigns)
    # A day that is still going on says as much of shares as any other.
    days = sorted(facts.arrivals)[-WINDOW:]
    for name in sorted({name for day in days for name in facts.arrivals[day].events}):
        seen = [day for day in days if name in facts.arrivals[day].events]
        counts = [facts.arrivals[day].events[name].n for day in seen]
        for key in sorted({key for day in seen for key in facts.arrivals[day].events[name].properties}):
            hits = [facts.arrivals[day].events[name].properties.get(key, 0) for day in seen]
            if (split := changed_at(hits, counts)) is None or split < _LEAST_ACTIVE:
                continue
            before, after = (sum(hits[:split]), sum(counts[:split])), (sum(hits[split:]), sum(counts[split:]))
            was, now = before[0] / before[1], after[0] / after[1]
            if cohens_h(was, now) < _EFFECT or fisher_log10(before, after) > _CHANCE_PROPERTY:
                continue
            since = seen[split]
            words = f"`{key}` was in {was:.0%} of `{name}`, since {spoken(since)} in {now:.0%}."
            numbers = {
                "since": since, "was": round(was, 4), "now": round(now, 4), "before": list(before), "after": list(after),
            }  # fmt: skip
            plain = key.partition("[")[0]
            matters = plain in used.get(name, ())
            yield Finding("property_stopped", "error" if matters else "warning", f"{name}.{key}", words, numbers)


def waiting(facts: Facts) -> Iterator[Finding]:
    """Flows that nothing can start any more, and segments that wait for events which nobody sends."""
    days = _days(facts)
    if len(days) < _LEAST_SPAN or everything(facts):
        return
    quiet = silences(facts)
    ever = {name for day in facts.arrivals.values() for name in day.events}
    below = segment_reads(facts.campaigns)
    for flow in facts.campaigns.flows.values():
        events = trigger_events(flow, below) - facts.blind
        if not events or events & (ever - set(quiet)):
            continue
        # Time alone lets people enter segments ("not bought for 90 days"), as long as there were such events once.
        if flow.on.segment is not None and (events & ever or facts.size(flow.on.segment)):
            continue
        since = max((quiet[name][0] for name in events & set(quiet)), default=None)
        when = f"since {spoken(since)}" if since else f"in the {len(days)} days looked at"
        shown = ", ".join(f"`{name}`" for name in sorted(events))
        words = f"Nothing can start {flow.name} ({flow.on.kind}): {shown} did not arrive {when}."
        yield Finding(
            "dead_trigger",
            "error" if since else "warning",
            flow.name,
            words,
            {"since": since, "events": sorted(events)},
        )
    for segment, read in below.items():
        for name in sorted(set(read.events) - ever - facts.blind):
            # A name of the catalogue is no slip of the pen.
            meant = None if name in KNOWN else slip(name, ever)
            hint = f" (did you mean {meant!r}?)" if meant else ""
            words = f"{segment} waits for `{name}`, which did not arrive in the {len(days)} days looked at{hint}."
            severity: Severity = "info" if facts.size(segment) else "warning"
            yield Finding("waits_for_nothing", severity, segment, words, {"event": name, "days": len(days)})


def _days(facts: Facts) -> list[str]:
    """Whole days that were looked at, oldest first."""
    known = sorted(day for day in facts.arrivals if day <= facts.until)[-WINDOW:]
    return [day for day in days_between(known[0], known[-1]) if day in facts.arrivals] if known else []


def _scaled(facts: Facts, day: str, name: str) -> float:
    found = facts.arrivals[day]
    return found.events[name].n / found.share if name in found.events and found.share else 0.0


def _between(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
