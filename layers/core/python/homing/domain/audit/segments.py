"""What is wrong with segments: sizes, overlaps, conflicts, use, and people who flap."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from homing.domain.audit.facts import Facts, Move, days_before, spoken
from homing.domain.audit.findings import Finding, Severity
from homing.domain.audit.sketch import Overlap, overlap
from homing.domain.audit.sketch import overlaps as all_overlaps
from homing.domain.audit.statistics import robust_z
from homing.domain.audit.uses import segment_reads, users
from homing.domain.time import DAY, format_duration, parse_instant

HISTORY = 28
# A drift is told against at least so many earlier days.
_LEAST_HISTORY = 14
# Fewer people than this in a sample, and shares of it say nothing.
_LEAST_BASIS = 30


@dataclass(frozen=True, slots=True)
class Growth:
    """A segment's size at the end and before; None where that day was not looked at."""

    segment: str
    now: float
    week_ago: float | None
    month_ago: float | None
    exact: bool
    used_by: tuple[str, ...]


def growth(facts: Facts) -> list[Growth]:
    """One line a segment, the largest first."""
    used = users(facts.campaigns)
    lines = []
    for name in facts.segments:
        sizes = facts.sizes.get(name, {})
        sketch = facts.members.get(name)
        week, month = (sizes.get(days_before(facts.until, back)[0]) for back in (7, HISTORY))
        lines.append(
            Growth(name, facts.size(name), week, month, sketch is None or sketch.exact, tuple(used.get(name, ())))
        )
    return sorted(lines, key=lambda line: (-line.now, line.segment))


def drifts(facts: Facts) -> Iterator[Finding]:
    """Sizes far from those of the last 28 days: by the modified z-score, and by a share, and by people.

    The spread is at least √median, the noise of counting, so that a small segment that never moved does not cry.
    """
    rules = facts.campaigns.settings.audit
    for name in facts.segments:
        sizes = facts.sizes.get(name, {})
        days = [day for day in days_before(facts.until, HISTORY) if day in sizes]
        if facts.until not in sizes or len(days) < _LEAST_HISTORY:
            continue
        history, now = [sizes[day] for day in days], sizes[facts.until]
        score, usual = robust_z(now, history, least=math.sqrt(max(1.0, max(history))))
        far = abs(now - usual)
        if abs(score) <= rules.drift_score or far < max(rules.drift_share * usual, rules.too_small):
            continue
        # Since when: the days up to now that are out on the same side.
        since = facts.until
        for day in reversed(days):
            if abs(sizes[day] - usual) < rules.drift_share * usual or (sizes[day] > usual) != (now > usual):
                break
            since = day
        change = f"{now / usual - 1:+.0%}" if usual else "from nobody"
        yield Finding(
            "size_drifted",
            "warning",
            name,
            f"{name} has {_people(now)}; over the last {len(days)} days it usually had {usual:,.0f} ({change})."
            f" It has been outside since {spoken(since)}.",
            {"size": round(now), "usual": round(usual), "score": round(score, 1), "since": since, "days": len(days)},
        )


def overlaps(facts: Facts) -> list[Overlap]:
    """Every pair of segments that holds somebody in common, the most alike first."""
    inhabited = {
        name: facts.members[name] for name in facts.segments if name in facts.members and facts.members[name].ids
    }
    return sorted((o for o in all_overlaps(inhabited) if o.both), key=lambda o: (-o.jaccard, o.a, o.b))


def overlapping(facts: Facts, pairs: Iterable[Overlap]) -> Iterator[Finding]:
    """Near-duplicates and subsets. A segment whose rule names the other lies within it because somebody wrote it so."""
    rules = facts.campaigns.settings.audit
    below = {name: read.segments for name, read in segment_reads(facts.campaigns).items()}
    for pair in pairs:
        small, large = sorted((pair.a, pair.b), key=lambda name: (facts.size(name), name))
        if facts.size(small) < rules.too_small or pair.basis < min(_LEAST_BASIS, rules.too_small):
            continue
        numbers = {
            "jaccard": round(pair.jaccard, 3),
            f"{pair.a} in {pair.b}": round(pair.a_in_b, 3),
            f"{pair.b} in {pair.a}": round(pair.b_in_a, 3),
            "both": round(pair.both),
        }
        about = "" if pair.exact else f" (estimated from {pair.basis:,} people)"
        inside = pair.a_in_b if pair.a == small else pair.b_in_a
        if pair.jaccard >= rules.duplicate:
            words = (
                f"{small} and {large} hold nearly the same people: {pair.jaccard:.0%} of those in either are in both"
                f"{about}. Is one of them enough?"
            )
            yield Finding("near_duplicate", "warning", f"{small}, {large}", words, numbers)
        elif inside >= rules.subset and large not in below.get(small, ()):
            words = f"{small} lies within {large}: {inside:.0%} of its {facts.size(small):,.0f} people are there too{about}."
            yield Finding("subset", "info", f"{small}, {large}", words, numbers)


def conflicts(facts: Facts) -> Iterator[Finding]:
    """People in two segments that say ``conflicts_with`` of each other, and the flows that reach them twice."""
    segments = facts.campaigns.segments
    declared = {
        tuple(sorted((name, other)))
        for name, segment in segments.items()
        for other in segment.conflicts_with
        if other in segments and other != name
    }
    starts: dict[str, list[str]] = {}
    for flow in facts.campaigns.flows.values():
        if flow.on.kind == "segment_entered" and flow.on.segment:
            starts.setdefault(flow.on.segment, []).append(flow.name)
    for a, b in sorted(declared):
        if a not in facts.members or b not in facts.members:
            continue
        pair = overlap(a, facts.members[a], b, facts.members[b])
        if not pair.both:
            continue
        about = "" if pair.exact else f" (estimated from {pair.basis:,} people)"
        people = f"{pair.both:,.0f} {'person is' if round(pair.both) == 1 else 'people are'}"
        examples = sorted(facts.members[a].ids & facts.members[b].ids)[:5]
        numbers = {"both": round(pair.both), f"of {a}": round(pair.a_in_b, 3), f"of {b}": round(pair.b_in_a, 3)}
        words = f"{people} in both {a} and {b}, which exclude each other{about}. `homing explain` tells why."
        yield Finding("conflict", "error", f"{a}, {b}", words, {**numbers, "examples": examples})
        for first in starts.get(a, ()):
            for second in starts.get(b, ()):
                told = f"{first} starts on entering {a}, {second} on entering {b}: {people} in both and may get both."
                yield Finding("conflicting_flows", "warning", f"{first}, {second}", told, {"both": round(pair.both)})


def unused_and_small(facts: Facts) -> Iterator[Finding]:
    """Segments that nobody uses, that are empty, or too small."""
    least = facts.campaigns.settings.audit.too_small
    for line in growth(facts):
        if not line.used_by:
            words = f"No flow, template, attribute or other segment uses {line.segment}. Is it still needed?"
            yield Finding("never_used", "info", line.segment, words, {"size": round(line.now)})
        severity: Severity = "warning" if line.used_by else "info"
        use = (
            f", and {' and '.join(line.used_by)} use{'s' if len(line.used_by) == 1 else ''} it" if line.used_by else ""
        )
        if line.segment not in facts.members:
            continue
        if not line.now:
            ever = max(facts.sizes.get(line.segment, {}).values(), default=0)
            before = f" (at most {ever:,.0f} in the time looked at)" if ever else ""
            yield Finding("empty", severity, line.segment, f"Nobody is in {line.segment}{before}{use}.", {"most": ever})
        elif line.now < least:
            words = f"Only {line.now:,.0f} {'person is' if line.now == 1 else 'people are'} in {line.segment}{use}."
            yield Finding("too_small", severity, line.segment, words, {"size": round(line.now), "least": least})


def flapping(facts: Facts) -> Iterator[Finding]:
    """People with so many changes of one segment within a window; a warning when they are one in twenty or more."""
    rules = facts.campaigns.settings.audit
    by_person: dict[str, dict[str, list[int]]] = {}
    for move in facts.moves:
        by_person.setdefault(move.segment, {}).setdefault(move.profile_id, []).append(move.at)
    for segment in facts.segments:
        worst: tuple[int, str] = (0, "")
        people = 0
        for person, moves in by_person.get(segment, {}).items():
            if len(moves) >= rules.flaps and (most := _most_within(sorted(moves), rules.flaps_within)) >= rules.flaps:
                people += 1
                worst = max(worst, (most, person))
        if not people:
            continue
        ever = len(by_person[segment])
        sampled = "sampled people" if facts.sampled else "people"
        who = f"{people:,} of {ever:,} {sampled} who entered or left {segment} did so"
        yield Finding(
            "flapping",
            "warning" if people >= ever / 20 else "info",
            segment,
            f"{who} {rules.flaps} times or more within {format_duration(rules.flaps_within)};"
            f" the worst {worst[0]} times ({worst[1]}).",
            {"people": people, "ever": ever, "worst": worst[0], "example": worst[1]},
        )


def _people(number: float) -> str:
    return f"{number:,.0f} {'person' if round(number) == 1 else 'people'}"


def _most_within(moves: list[int], window: int) -> int:
    """The most of these instants that lie in any half-open window of that length."""
    most = first = 0
    for last, at in enumerate(moves):
        while moves[first] <= at - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def moves_between(nights: dict[str, dict[str, set[str]]], below: dict[str, dict[str, str | None]]) -> Iterator[Move]:
    """Moves as far as nightly samples show them: who is in the sample of one night and not of the next.

    Day → segment → ids, and the threshold up to which they are complete. A person who left and came back within a day
    is not seen, so what is found is too little, never too much.
    """
    days = sorted(nights)
    for before, after in pairwise(days):
        at = parse_instant(after) + DAY - 1
        for segment in nights[before].keys() & nights[after].keys():
            edges = [edge for day in (before, after) if (edge := below[day].get(segment)) is not None]
            old, new = nights[before][segment], nights[after][segment]
            for person in old ^ new:
                if all(person < edge for edge in edges):
                    yield Move(at, person, segment, person in new)
