"""What can be wrong with attributes that have stages, beyond each file for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from homing.domain.attributes.names import AFFINITIES, BUILT_IN
from homing.domain.content.references import references
from homing.domain.content.yaml_source import Located, Path
from homing.domain.errors import InvalidCampaign


def wrong_stages(attributes: Mapping[str, Located], segments: Mapping[str, Located]) -> Iterator[InvalidCampaign]:
    """Names that are taken, and stages that depend on stages, be it by way of segments."""
    taken = {*BUILT_IN, *(prefix.partition(".")[0] for prefix in AFFINITIES)}
    for name, located in attributes.items():
        if name in taken:
            yield located.error(f"{name!r} is computed already: call the file otherwise", code="attribute_name")
        for path, way in _staged(located, attributes, segments, ()):
            yield located.error(
                f"the stages of {name} depend on {' → '.join(way)}, which has stages itself",
                code="attribute_cycle",
                path=path,
            )


def _staged(
    located: Located, attributes: Mapping[str, Located], segments: Mapping[str, Located], seen: tuple[str, ...]
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Where a document asks for a staged attribute, and by way of which segments."""
    for kind, target, path in references(located.value):
        if kind == "computed" and target in attributes:
            yield path, (target,)
        elif kind == "segment" and target in segments and target not in seen and path[0] != "conflicts_with":
            for _, way in _staged(segments[target], attributes, segments, (*seen, target)):
                yield path, (target, *way)
