"""Each night: what is wrong, or going wrong, with segments and with what feeds them."""

from __future__ import annotations

from typing import Any

from homing.runtime import wiring
from homing.runtime.observability import observed, telemetry
from homing.services.audit_segments import AuditSegments

_METRICS = {"error": "AuditErrors", "warning": "AuditWarnings"}
# Lines a night; all of it lies in the archive.
_FINDINGS, _SIZES = 100, 200


@observed("audit_segments")
def handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Answers with the findings by severity. A failure is raised and tried again by Lambda; doing it twice is the same."""
    audit: AuditSegments = wiring.audit_segments()
    found = audit()
    voice = telemetry("audit_segments")
    voice.count({metric: found.counts[severity] for severity, metric in _METRICS.items()})
    for finding in found.findings[:_FINDINGS]:
        say = {"error": voice.error, "warning": voice.warning}.get(finding.severity, voice.info)
        say("finding", code=finding.code, subject=finding.subject, words=finding.words)
    # Lines, not metrics: a metric for each segment would cost more a month than all else that this function does.
    for line in found.growth[:_SIZES]:
        voice.info("segment size", segment=line.segment, size=round(line.now), exact=line.exact)
    return found.counts
