"""Products, categories and brands that rules and choices ask for, and that the catalog does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from homing.domain.campaigns import Product
from homing.domain.content.suggest import closest, did_you_mean
from homing.domain.content.yaml_source import Located, Path
from homing.domain.errors import InvalidCampaign

# What an attribute's value, or a property of an event, names.
_COMPUTED = {"favourite_product": "product", "favourite_category": "category", "favourite_brand": "brand"}
_PROPERTIES = {"product_id": "product", "category": "category", "brand": "brand"}
_AFFINITY = "affinity."
_WHERE = frozenset({"where", "having"})

# Kind (product, category, brand), name, path, and whether the name is the key there.
Named = tuple[str, str, Path, bool]


def unknown_goods(documents: Iterable[Located], products: Mapping[str, Product]) -> Iterator[InvalidCampaign]:
    """Ids that no product has; categories and brands only where one is called almost so, since events may bring others.
    Nothing without a catalog."""
    if not products:
        return
    known = {
        "product": set(products),
        "category": {one.category for one in products.values() if one.category},
        "brand": {one.brand for one in products.values() if one.brand},
    }
    for located in documents:
        for kind, name, path, key in _named(located.value):
            if name in known[kind]:
                continue
            if kind == "product":
                message = f"there is no product {name!r}{did_you_mean(name, known[kind])}"
                yield located.error(message, code="unknown_product", path=path, key=key)
            elif meant := closest(name, known[kind]):
                message = f"no product has the {kind} {name!r} (did you mean {meant!r}?)"
                yield located.error(message, code=f"unknown_{kind}", path=path, key=key)


def _named(value: Any, path: Path = ()) -> Iterator[Named]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _named(item, (*path, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            below = (*path, key)
            if key == "trait":
                # A shop's own words.
                continue
            if key in _WHERE and isinstance(item, Mapping):
                for name, test in item.items():
                    # products.product_id is a product's id too.
                    if kind := _PROPERTIES.get(str(name).rpartition(".")[2]):
                        yield from _texts(kind, test, (*below, name))
            elif key == "computed" and isinstance(item, Mapping):
                yield from _computed(item, below)
            elif key == "matrix" and isinstance(item, Mapping):
                yield from _matrix(item, below)
            else:
                yield from _named(item, below)


def _computed(asked: Mapping[str, Any], path: Path) -> Iterator[Named]:
    for name, test in asked.items():
        if kind := _COMPUTED.get(str(name)):
            yield from _texts(kind, test, (*path, name))
        elif str(name).startswith(_AFFINITY):
            _, kind, of = (*str(name).split(".", 2), "")[:3]
            if of and kind in {"category", "brand"}:
                yield kind, of, (*path, name), True


def _matrix(matrix: Mapping[str, Any], path: Path) -> Iterator[Named]:
    columns, rows = matrix.get("by"), matrix.get("rows")
    for place, column in enumerate(columns if isinstance(columns, list) else []):
        kind = _COMPUTED.get(str(column.get("computed"))) if isinstance(column, Mapping) else None
        for number, row in enumerate(rows if kind and isinstance(rows, list) else []):
            if kind and isinstance(row, list) and place < len(row) - 1 and row[place] != "*":
                yield from _texts(kind, row[place], (*path, "rows", number, place))


def _texts(kind: str, test: Any, path: Path) -> Iterator[Named]:
    """The texts that a test compares with: ``mug``, ``[mug, rug]``, ``{equals: mug}``, ``{in: [mug, rug]}``."""
    if isinstance(test, str):
        yield kind, test, path, False
    elif isinstance(test, list):
        for index, one in enumerate(test):
            yield from _texts(kind, one, (*path, index))
    elif isinstance(test, Mapping):
        for word in ("equals", "in"):
            if word in test:
                yield from _texts(kind, test[word], (*path, word))
