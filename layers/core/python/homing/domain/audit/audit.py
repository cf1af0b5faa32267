"""An audit: all questions asked of the facts, and the answers as one document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from homing.domain.audit import arrivals, segments
from homing.domain.audit.facts import Facts
from homing.domain.audit.findings import Finding, counted, ranked
from homing.domain.audit.segments import Growth
from homing.domain.audit.sketch import Overlap

# A thousand segments have half a million pairs; the most alike are written down.
_PAIRS = 5_000


@dataclass(frozen=True)
class Audit:
    """What was found, and the tables behind it."""

    facts: Facts
    findings: tuple[Finding, ...]
    growth: list[Growth]
    overlaps: list[Overlap]

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity."""
        return counted(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """``audit.json``."""
        return {
            "until": self.facts.until,
            "campaigns": self.facts.campaigns.revision,
            "counts": self.counts,
            "findings": [finding.to_dict() for finding in self.findings],
            "segments": [
                {
                    "segment": line.segment,
                    "size": round(line.now),
                    "exact": line.exact,
                    "week_ago": None if line.week_ago is None else round(line.week_ago),
                    "month_ago": None if line.month_ago is None else round(line.month_ago),
                    "used_by": list(line.used_by),
                    "days": {day: round(size) for day, size in self.facts.sizes.get(line.segment, {}).items()},
                }
                for line in self.growth
            ],
            "overlaps": [
                {
                    "segments": [pair.a, pair.b],
                    "jaccard": round(pair.jaccard, 4),
                    "first_in_second": round(pair.a_in_b, 4),
                    "second_in_first": round(pair.b_in_a, 4),
                    "both": round(pair.both),
                    "exact": pair.exact,
                }
                for pair in self.overlaps[:_PAIRS]
            ],
            "arrivals": {day: found.to_dict() for day, found in sorted(self.facts.arrivals.items())},
        }


def audit(facts: Facts) -> Audit:
    """Asks everything; ``audit.ignore`` of the settings leaves out what is known."""
    pairs = segments.overlaps(facts)
    ignored = set(facts.campaigns.settings.audit.ignore)
    kept = [f for f in _found(facts, pairs) if f.code not in ignored and f"{f.code} {f.subject}" not in ignored]
    return Audit(facts, ranked(kept), segments.growth(facts), pairs)


def _found(facts: Facts, pairs: list[Overlap]) -> Iterator[Finding]:
    yield from arrivals.stopped(facts)
    yield from arrivals.properties(facts)
    yield from arrivals.waiting(facts)
    yield from segments.conflicts(facts)
    yield from segments.drifts(facts)
    yield from segments.overlapping(facts, pairs)
    yield from segments.flapping(facts)
    yield from segments.unused_and_small(facts)
