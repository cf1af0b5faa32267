"""Facts in a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from homing.domain.audit.facts import Arrivals, Day, Facts, days_before
from homing.domain.audit.findings import Finding
from homing.domain.audit.sketch import Sketch
from homing.domain.campaigns import Campaigns
from homing.domain.profiles.identity import Identity
from homing.domain.segments.language import Segment
from tests.fixtures import shop

# A Sunday.
UNTIL = "2026-03-29"


def days(count: int) -> list[str]:
    """The last days up to UNTIL."""
    return [*days_before(UNTIL, count - 1), UNTIL]


def people(numbers: Iterable[int]) -> Sketch:
    """Everybody of a segment."""
    return Sketch.of(person(number) for number in numbers)


def person(number: int) -> str:
    """An id as profiles have it."""
    return Identity(b"secret").key("user_id", str(number))


def arrivals(counts: Mapping[str, list[int]], properties: Mapping[str, Mapping[str, list[int]]] | None = None) -> Any:
    """Event → a number for each of the last days; event → property → how many of these carried it."""
    length = len(next(iter(counts.values())))
    found = {}
    for index, day in enumerate(days(length)):
        found[day] = Day(
            {
                name: Arrivals(numbers[index], {k: v[index] for k, v in (properties or {}).get(name, {}).items()})
                for name, numbers in counts.items()
                if numbers[index]
            }
        )
    return found


def facts(
    *,
    segments: dict[str, Any] | None = None,
    flows: list[dict[str, Any]] | None = None,
    members: Any = None,
    **more: Any,
) -> Facts:
    """A shop's facts; ``segments`` maps a name to its rule."""
    settings = more.pop("settings", {})
    bundle = more.pop("campaigns", None) or shop.campaigns(segments=segments, flows=flows, **settings)
    return Facts(
        campaigns=bundle,
        until=UNTIL,
        sizes=more.pop("sizes", {}),
        members=members or {},
        arrivals=more.pop("arrivals", {}),
        **more,
    )


def conflicting(bundle: Campaigns, name: str, *others: str) -> Campaigns:
    """The same campaigns, with a segment that excludes others."""
    segment: Segment = bundle.segments[name].model_copy(update={"conflicts_with": list(others)})
    return bundle.model_copy(update={"segments": {**bundle.segments, name: segment}})


def told(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    """Code, severity and subject."""
    return [(finding.code, finding.severity, finding.subject) for finding in findings]
