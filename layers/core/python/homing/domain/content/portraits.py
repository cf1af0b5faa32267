"""From wishes ("country is AT, three things in the cart") to the variables of a mail, and to a name for the person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.content.checks.conditions import ABSENT, Names
from homing.domain.content.context import RESERVED
from homing.domain.content.samples import sample_context
from homing.domain.content.usage import Use

# What an attribute is, when all that is asked is that it is there.
NATURAL: dict[str, tuple[Any, ...]] = {
    "first_name": ("Mara",), "last_name": ("Lindqvist",), "name": ("Mara Lindqvist",), "country": ("DE",),
    "city": ("Leipzig",), "language": ("en",), "loyalty_tier": ("gold",), "company": ("Lindqvist & Co",),
    "birthday": ("1990-04-14",), "gender": ("female",), "phone": ("+49 341 555 0100",), "price": (18,), "total": (36,),
    "size": (3,), "count": (3,), "variant": ("Moss green",), "brand": ("Tonhaus",), "category": ("Kitchen",),
}  # fmt: skip
_LISTS: dict[str, Names] = {
    "cart": ("cart", "items"),
    "order": ("order", "items"),
    "products": ("products",),
    "recommended": ("recommended",),
}
_NUMBERS = ("nobody", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNTRIES = {
    "AT": "Austria", "BE": "Belgium", "CH": "Switzerland", "CZ": "Czechia", "DE": "Germany", "DK": "Denmark",
    "ES": "Spain", "FI": "Finland", "FR": "France", "GB": "Britain", "IE": "Ireland", "IT": "Italy",
    "NL": "the Netherlands", "NO": "Norway", "PL": "Poland", "PT": "Portugal", "SE": "Sweden", "US": "the USA",
}  # fmt: skip
_LONGEST = 60


def context_of(
    campaigns: Campaigns, template: str, use: Use, wishes: Mapping[Names, Any], *, bare: bool
) -> dict[str, Any]:
    """The variables of a mail to somebody as wished: a sample customer, changed where the wishes say so. What follows from
    a change (the count and total of a cart) follows."""
    context = sample_context(campaigns, template, use, bare=bare)
    # Sizes first: other wishes are about the things that are then there.
    for path, value in sorted(wishes.items(), key=lambda wish: (wish[0][-1] not in {"size", "count"}, len(wish[0]))):
        if path[-1] in {"size", "count"} and str(path[0]) in _LISTS and len(path) <= 3 and isinstance(value, int):
            _resize(context, str(path[0]), value)
        elif str(path[-1]).startswith("contains "):
            _contains(context, path, wanted=value is not ABSENT and value is not False)
        elif path[0] not in RESERVED:
            _put(context, path, value)
            _put(context, ("profile", "traits", *path), value)
        elif path[:2] == ("profile", "traits"):
            _put(context, path, value)
            _put(context, path[2:], value)
        elif path[0] not in {"brand", "topic", "trigger", "now"}:
            _put(context, path, value)
    return context


def _put(context: Any, path: Names, value: Any) -> None:
    """Sets or removes what is at a path; a loop's element (a negative number) is the first of its list."""
    here = context
    for name in path[:-1]:
        if isinstance(name, int):
            if not isinstance(here, list) or not here:
                return
            here = here[max(name, 0) if name < len(here) else 0]
        elif isinstance(here, dict):
            if name not in here and value is ABSENT:
                return
            here = here.setdefault(str(name), {})
    if not isinstance(here, dict):
        return
    if value is ABSENT:
        here.pop(str(path[-1]), None)
        if path[-1] == "price":
            here.pop("total", None)
            if path[0] in {"cart", "order"}:
                context[str(path[0])].pop("total", None)
    else:
        here[str(path[-1])] = value


def _resize(context: dict[str, Any], root: str, size: int) -> None:
    holder = context.get(root)
    items = holder if isinstance(holder, list) else (holder or {}).get("items")
    if not isinstance(items, list):
        return
    pool = items or [
        {"product_id": "1", "name": "Item 1", "quantity": 1, "url": context["brand"]["cart_url"], "currency": "EUR"}
    ]
    changed = [dict(pool[index % len(pool)]) for index in range(min(size, 12))]
    for item in changed:
        item["quantity"] = 1
        if "price" in item:
            item["total"] = item["price"]
    if isinstance(holder, list):
        context[root] = changed
        return
    context[root] = {**(holder or {}), "items": changed, "count": len(changed)}
    if "total" in context[root] and changed and all("total" in item for item in changed):
        context[root]["total"] = sum(item["total"] for item in changed)


def _contains(context: dict[str, Any], path: Names, *, wanted: bool) -> None:
    word = str(path[-1]).removeprefix("contains ")
    here: Any = context
    for name in path[:-1]:
        here = here.get(name) if isinstance(here, dict) else None
    if isinstance(here, list):
        if wanted and word not in here:
            here.append(word)
        elif not wanted and word in here:
            here.remove(word)
    else:
        _put(context, path[:-1], word if wanted else ABSENT)


def described(wishes: Mapping[Names, Any], context: Mapping[str, Any], *, bare: bool) -> str:
    """Who it is, as one would tell a colleague."""
    traits = context["profile"]["traits"]
    tier = wishes.get(("loyalty_tier",), ABSENT)
    who = f"{tier} customer" if isinstance(tier, str) else ("stranger" if bare and not traits else "customer")
    if ("first_name",) in wishes and "first_name" not in traits:
        who += " without a name"
    country = traits.get("country")
    if not bare or ("country",) in wishes:
        where = _COUNTRIES.get(str(country), str(country)) if country else "a country nobody knows"
        who += f" in {where}"
    said = [who, *_brought(context), *_shelf(wishes, context)]
    for path, value in wishes.items():
        if path in {("loyalty_tier",), ("country",), ("first_name",)} or _counted(path):
            continue
        if path[0] in {"brand", "topic", "trigger"}:
            continue
        said.append(_wish(path, value))
    return ", ".join(dict.fromkeys(part for part in said if part))


def _counted(path: Names) -> bool:
    """What is told of what the trigger brought."""
    return path[-1] in {"size", "count"} and path[0] in _LISTS


def _brought(context: Mapping[str, Any]) -> list[str]:
    words = {"cart": "cart of", "order": "order of", "products": "looked at"}
    said = []
    for root, phrase in words.items():
        holder = context.get(root)
        items = holder if isinstance(holder, list) else (holder or {}).get("items")
        if isinstance(items, list):
            number = _NUMBERS[len(items)] if len(items) < len(_NUMBERS) else str(len(items))
            said.append(f"{phrase} {number}" if items else "nothing in it")
    return said


def _shelf(wishes: Mapping[Names, Any], context: Mapping[str, Any]) -> list[str]:
    """How much is recommended, where that makes the difference."""
    if not any(_counted(path) and path[0] == "recommended" for path in wishes):
        return []
    number = len(context.get("recommended") or ())
    return [f"{_NUMBERS[number] if 0 < number < len(_NUMBERS) else number or 'nothing'} recommended"]


def _item(name: str, value: Any) -> str:
    shown = {"image_url": "picture"}.get(name, name.replace("_", " "))
    if value is ABSENT or value is False:
        return f"without {shown}"
    if value is True or name == "image_url":
        return f"with {shown}"
    return f"with {shown} {str(value)[:_LONGEST]}"


def _wish(path: Names, value: Any) -> str:
    named = [str(name) for name in path if not isinstance(name, int) and name not in {"items", "profile", "traits"}]
    if any(isinstance(name, int) for name in path):
        return f"an item {_item(named[-1], value)}"
    if named[-1].startswith("contains "):
        word = named[-1].removeprefix("contains ")
        return f"{'' if value is not ABSENT and value is not False else 'not '}in {word}"
    name = " ".join(named).replace("_", " ")
    if value is ABSENT or value is False:
        return f"{name} not known" if value is ABSENT else f"not {name}"
    return name if value is True or path[-1] == "image_url" else f"{name} {str(value)[:_LONGEST]}"
