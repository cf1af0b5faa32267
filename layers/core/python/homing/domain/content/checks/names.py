"""Names of segments and products that conditions of templates compare with, and that there are not."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from homing.domain.content.checks.branches import branches_of, tag_of
from homing.domain.content.checks.conditions import Atom
from homing.domain.content.source import Source
from homing.domain.content.suggest import did_you_mean
from homing.domain.errors import InvalidCampaign

_CONTAINS = "contains "


def unknown_names(
    source: Source, segments: Collection[str], products: Collection[str]
) -> Iterator[InvalidCampaign]:  # fmt: skip
    """``profile.segments contains "vipp"``, ``segment == "vipp"``, ``item.product_id == "mugg"``: each name once."""
    from liquid.exceptions import LiquidError

    try:
        found = branches_of(source.text)
    except LiquidError:
        return
    told: set[tuple[str, str]] = set()
    for branch in found:
        for atom in (atom for way in branch.when for atom in way):
            for kind, name, known in _named(atom, segments, products):
                if name not in known and (kind, name) not in told:
                    told.add((kind, name))
                    message = f"there is no {kind} {name!r}{did_you_mean(name, known)}"
                    yield source.error(message, code=f"unknown_{kind}", index=tag_of(source.text, branch))


def _named(
    atom: Atom, segments: Collection[str], products: Collection[str]
) -> Iterator[tuple[str, str, Collection[str]]]:  # fmt: skip
    last = str(atom.path[-1])
    if atom.path[:2] == ("profile", "segments") and last.startswith(_CONTAINS):
        yield "segment", last.removeprefix(_CONTAINS), segments
    elif atom.path == ("segment",) and isinstance(atom.value, str):
        yield "segment", atom.value, segments
    elif last == "product_id" and isinstance(atom.value, str) and products:
        yield "product", atom.value, products
