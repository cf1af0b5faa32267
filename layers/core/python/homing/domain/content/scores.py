"""Segments that rest on RFM scores, which change with what all customers do."""

from __future__ import annotations

from homing.domain.attributes.names import RANKED
from homing.domain.campaigns import Campaigns
from homing.domain.content.references import references


def scored(campaigns: Campaigns) -> list[str]:
    """Their names: they ask for a score, for an attribute of the shop's own that does, or for such a segment."""
    asked = {
        (kind, name): {
            (what, other)
            for what, other, _ in references(one.model_dump(mode="json", by_alias=True, exclude_none=True))
        }
        for kind, files in (("segment", campaigns.segments), ("computed", campaigns.attributes))
        for name, one in files.items()
    }
    found = {("computed", name) for name in RANKED}
    while more := {node for node, others in asked.items() if node not in found and others & found}:
        found |= more
    return sorted(name for kind, name in found if kind == "segment")
