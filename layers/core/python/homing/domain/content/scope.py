"""What the variables of a template are: their attributes, and which of them may be missing.

Written down once, from :mod:`homing.domain.content.context`, for static analysis and for the reference page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from homing.domain.attributes.names import BUILT_IN
from homing.domain.campaigns import Brand
from homing.domain.content.choices.language import Choice
from homing.domain.content.context import BROUGHT


class Shape(NamedTuple):
    """``attributes``: name → shape of the value; ``optional``: those that may be absent. ``item``: shape of a list's
    elements. ``open``: may have any attribute."""

    attributes: dict[str, Shape]
    optional: frozenset[str] = frozenset()
    item: Shape | None = None
    open: bool = False

    def get(self, name: str) -> Shape | None:
        """The shape of an attribute; None when there is no such attribute."""
        if self.item is not None:
            return {"first": self.item, "last": self.item, "size": VALUE}.get(name)
        if self.open:
            return self.attributes.get(name, ANYTHING)
        return self.attributes.get(name) or (VALUE if name == "size" else None)


VALUE = Shape({})
ANYTHING = Shape({}, open=True)


def _object(required: str, optional: str = "", **shapes: Shape) -> Shape:
    names = [*required.split(), *optional.split()]
    return Shape({name: shapes.get(name, VALUE) for name in names}, frozenset(optional.split()))


def listed(item: Shape) -> Shape:
    """The shape of a list."""
    return Shape({}, item=item)


PRODUCT = _object(
    "product_id name quantity url currency", "price total price_before image_url variant category brand"
)  # fmt: skip
PRODUCTS = listed(PRODUCT)
_BRAND_OPTIONAL = frozenset(name for name, info in Brand.model_fields.items() if info.default is None)

VARIABLES: dict[str, Shape] = {
    "profile": _object("id segments traits", "email", traits=Shape({}, open=True), segments=listed(VALUE)),
    "brand": Shape(dict.fromkeys(Brand.model_fields, VALUE), _BRAND_OPTIONAL),
    "topic": _object("name title transactional"),
    "trigger": _object("kind at"),
    "unsubscribe_url": VALUE,
    "preferences_url": VALUE,
    "now": VALUE,
    "cart": _object("items count currency url last_activity", "total", items=PRODUCTS),
    "products": PRODUCTS,
    "order": _object("items count currency", "order_id total", items=PRODUCTS),
    "nth": VALUE,
    "views": VALUE,
    "year": VALUE,
    "years": VALUE,
    "segment": VALUE,
    "data": ANYTHING,
    "event": ANYTHING,
    "date": VALUE,
    "recommended": PRODUCTS,
    "code": _object("text expires"),
}


# What some triggers always tell of the things that mails show, where others may not.
_CARRIED: dict[str, dict[str, frozenset[str]]] = {
    "price_dropped": {"products": frozenset({"price", "total", "price_before"})},
}


def variables(triggers: Iterable[str]) -> Mapping[str, Shape]:
    """The variables of a template that flows with these triggers send: what each of them that brings a list always tells of
    the things in it is never missing."""
    found = dict(VARIABLES)
    kinds = frozenset(triggers)
    for root in {root for kind in kinds for root in _CARRIED.get(kind, ())}:
        always = frozenset.intersection(
            *(_CARRIED.get(kind, {}).get(root, frozenset()) for kind in kinds if root in BROUGHT[kind])
        )
        item = found[root].item or ANYTHING
        found[root] = listed(item._replace(optional=item.optional - always))
    return found


def computed(staged: Iterable[str]) -> Shape:
    """The shape of ``computed``: nearly everything may be unknown of somebody."""
    shares = Shape({}, open=True)
    optional = [name for name in BUILT_IN if name not in _ALWAYS_COMPUTED]
    affinity = _object("", "category brand", category=shares, brand=shares)
    return _object(
        " ".join(_ALWAYS_COMPUTED),
        " ".join((*optional, *staged, "affinity")),
        favourite_product=PRODUCT,
        affinity=affinity,
    )


_ALWAYS_COMPUTED = ("orders", "spent", "engagement_score")


def choices(names: Iterable[str], parsed: Mapping[str, Choice]) -> Shape:
    """The shape of ``choice``: each is a text, or values by name, of which a variant may leave some out."""
    shapes: dict[str, Shape] = {}
    for name in names:
        if name not in parsed:
            shapes[name] = ANYTHING
            continue
        variants = [set(one) if isinstance(one, dict) else set() for one in parsed[name].variants()]
        every, some = set.intersection(*variants), set.union(*variants)
        shapes[name] = Shape(dict.fromkeys(sorted(some), VALUE), frozenset(some - every)) if some else VALUE
    return Shape(shapes)


VARIABLES["computed"] = computed(())
VARIABLES["confirm_url"] = VALUE
VARIABLES["choice"] = choices((), {})
FORLOOP = _object("name length index index0 rindex rindex0 first last parentloop")

# Traits of Segment's spec, in snake_case: what a misspelt name probably meant.
COMMON_TRAITS = (
    "first_name", "last_name", "name", "email", "phone", "birthday", "gender", "title", "username", "company",
    "created_at", "country", "city", "language", "time_zone", "loyalty_tier",
)  # fmt: skip
# Known as well, but nobody is led to them.
OTHER_SPELLINGS = ("timezone",)
