"""Names that lead somewhere else: segments in rules, templates and topics in flows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from homing.domain.attributes.names import computed_names, is_computed
from homing.domain.content.suggest import did_you_mean
from homing.domain.content.yaml_source import Located, Path
from homing.domain.errors import InvalidCampaign

_KINDS = {"send": "template", "segment": "segment", "segment_entered": "segment", "segment_left": "segment"}
# In flows alone: elsewhere a marketer may call a text so.
_OF_FLOWS = _KINDS | {"message": "template", "left": "segment", "start": "flow", "call": "webhook"}
# What stands below these are names and values of the shop's own.
_THEIRS = frozenset({"trait", "where", "having", "update", "data", "brings"})
# Of flows that say nothing.
_USUAL_TOPIC = "marketing"
_EVENTS = frozenset({"did", "did_not", "first", "last", "rate"})


def references(value: Any, path: Path = (), kinds: Mapping[str, str] = _KINDS) -> Iterator[tuple[str, str, Path]]:
    """Kind (``segment``, ``template``, ``event``, ``computed``), name and path of every reference as it was written.

    Only the shapes of the languages count: the trait ``segment`` in ``trait: {segment: gold}`` names no segment.
    """
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, (*path, index), kinds)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key in _THEIRS:
                continue
            if key == "computed":
                yield from (("computed", str(one), (*path, key, one)) for one in item if isinstance(item, Mapping))
                continue
            if key == "conflicts_with" and isinstance(item, list):
                yield from (("segment", one, (*path, key, n)) for n, one in enumerate(item) if isinstance(one, str))
            elif key in kinds and isinstance(item, str):
                yield kinds[key], item, (*path, key)
            elif key in {"segment_entered", "segment_left"} and isinstance(item, Mapping):
                if isinstance(item.get("segment"), str):
                    yield "segment", item["segment"], (*path, key, "segment")
            elif (key in _EVENTS or (key == "of" and "rate" in value)) and isinstance(item, str):
                yield "event", item, (*path, key)
            else:
                yield from references(item, (*path, key), kinds)


def traits(value: Any) -> Iterator[str]:
    """Names of the traits that a document's rules ask for, without what is inside them (``address.country``)."""
    if isinstance(value, list):
        for item in value:
            yield from traits(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key == "trait" and isinstance(item, Mapping):
                yield from (str(name).partition(".")[0] for name in item)
            elif key == "trait" and isinstance(item, str):
                yield item.partition(".")[0]
            elif key != "where":
                yield from traits(item)


def unknown(
    located: Located,
    *,
    segments: Collection[str],
    templates: Collection[str],
    topics: Collection[str] | None,
    staged: Collection[str] = (),
    flows: Mapping[str, Collection[str]] | None = None,
) -> Iterator[InvalidCampaign]:
    """References of a segment, attribute or flow that lead nowhere; ``topics`` None where nobody knows them. ``flows``, for
    flows alone: what else they may name, by kind (``flow``, ``webhook``)."""
    for kind, name, path in references(located.value, kinds=_KINDS if flows is None else _OF_FLOWS):
        if kind == "computed" and not is_computed(name, staged):
            hint = did_you_mean(name, computed_names(staged))
            message = f"there is no computed attribute {name!r}{hint}"
            yield located.error(message, code="unknown_attribute", path=path, key=True)
        known = {"segment": segments, "template": templates, **(flows or {})}.get(kind)
        if known is not None and name not in known:
            hint = did_you_mean(name, known)
            yield located.error(f"there is no {kind} {name!r}{hint}", code=f"unknown_{kind}", path=path)
    topic = located.value.get("topic") if isinstance(located.value, dict) else None
    if topics is not None and isinstance(topic, str) and topic not in topics:
        hint = did_you_mean(topic, topics)
        yield located.error(f"there is no topic {topic!r}{hint}", code="unknown_topic", path=("topic",))
    if topics is not None and flows is not None and topic is None and _USUAL_TOPIC not in topics:
        hint = did_you_mean(_USUAL_TOPIC, topics)
        message = f"without a `topic` it is sent under {_USUAL_TOPIC!r}, which settings.yaml does not have{hint}"
        yield located.error(message, code="unknown_topic")


def cycles(documents: Mapping[str, Located]) -> Iterator[InvalidCampaign]:
    """Segments that lead back to themselves, each circle once."""
    edges = {
        name: [
            (target, path)
            for kind, target, path in references(located.value)
            if kind == "segment" and path[0] != "conflicts_with"
        ]
        for name, located in documents.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> Iterator[InvalidCampaign]:
        for target, path in edges.get(name, []):
            if target in trail or target == name:
                circle = [*trail[trail.index(target) :], name] if target in trail else [name]
                shown = " → ".join([*circle, target])
                message = f"segments go round in a circle: {shown}"
                yield documents[name].error(message, code="segment_cycle", path=path)
            elif target not in done:
                yield from visit(target, [*trail, name])
        done.add(name)

    for name in sorted(documents):
        if name not in done:
            yield from visit(name, [])
