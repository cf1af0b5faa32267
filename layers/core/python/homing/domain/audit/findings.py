"""What an audit says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

# Every code, with what it means; docs/audit.md explains each (a test compares).
CODES: dict[str, str] = {
    "nothing_arrives": "no events arrive at all any more",
    "event_stopped": "an event that used to arrive stopped",
    "event_fell": "an event arrives far more rarely than before",
    "property_stopped": "a property of an event is missing more often than before",
    "dead_trigger": "nothing can start a flow: the events it waits for do not arrive",
    "waits_for_nothing": "a segment waits for an event that nobody sends",
    "size_drifted": "a segment's size left its usual range",
    "conflict": "people are in two segments that exclude each other",
    "conflicting_flows": "flows of segments that exclude each other reach the same people",
    "near_duplicate": "two segments hold nearly the same people",
    "subset": "one segment lies within another",
    "flapping": "people enter and leave a segment again and again",
    "never_used": "no flow, template, attribute or other segment uses a segment",
    "empty": "nobody is in a segment",
    "too_small": "a segment is too small to be worth a campaign",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: ``subject`` is what it is about (a segment, a flow, an event), ``numbers`` what the words rest on."""

    code: str
    severity: Severity
    subject: str
    words: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As ``audit.json`` has it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "subject": self.subject,
            "words": self.words,
            "numbers": dict(self.numbers),
        }


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, then in the order of :data:`CODES`."""
    codes = list(CODES)
    return tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), codes.index(f.code), f.subject)))


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of each severity, zeros included."""
    counts = Counter(finding.severity for finding in findings)
    return {severity: counts[severity] for severity in SEVERITIES}
