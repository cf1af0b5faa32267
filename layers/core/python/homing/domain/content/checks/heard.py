"""What campaigns listen for, held against what a shop really sends: events, properties and traits that never came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from homing.domain.content.publish import Sources
from homing.domain.content.references import references
from homing.domain.content.suggest import slip_or_known
from homing.domain.content.yaml_source import Located, Path
from homing.domain.errors import InvalidCampaign
from homing.domain.events import names
from homing.domain.explain import words
from homing.domain.flows.trigger import Trigger
from homing.domain.profiles.local_time import day_of
from homing.domain.triggers.triggers import BIRTHDAY_TRAITS, SIGNUP_TRAITS

# Homing sends these itself; a recording of the shop has none of them.
_OWN = frozenset({
    names.EMAIL_SENT, names.EMAIL_DELIVERED, names.EMAIL_OPENED, names.EMAIL_LINK_CLICKED, names.EMAIL_BOUNCED,
    names.EMAIL_MARKED_AS_SPAM, names.UNSUBSCRIBED, names.SUBSCRIBED, names.LIST_JOINED, names.LIST_LEFT, names.IDENTIFIED,
})  # fmt: skip
# Which events the triggers without a name of one rest on: any of them.
_NEEDED: dict[str, frozenset[str]] = {
    "cart_abandoned": frozenset({names.PRODUCT_ADDED, names.CART_UPDATED, names.CHECKOUT_STARTED}),
    "browse_abandoned": frozenset({names.PRODUCT_VIEWED}),
    "order_placed": frozenset({names.ORDER_COMPLETED}),
    "price_dropped": frozenset({names.PRODUCT_VIEWED}),
    "back_in_stock": frozenset({names.PRODUCT_VIEWED}),
}
# Traits that triggers read as dates.
_DATES = {"birthday": BIRTHDAY_TRAITS, "signup_anniversary": SIGNUP_TRAITS}
# Of an event that came less often nothing is said about its properties.
_ENOUGH = 20


@dataclass(slots=True)
class Heard:
    """What a recording holds: how often each event came, how often with each property (``items.price`` of lists and objects
    inside too), which traits were told, and of those that are no dates how often, with the first such value; in which
    currencies orders were, as far as they say."""

    events: dict[str, int] = field(default_factory=dict)
    properties: dict[str, dict[str, int]] = field(default_factory=dict)
    traits: dict[str, int] = field(default_factory=dict)
    no_dates: dict[str, tuple[int, str]] = field(default_factory=dict)
    currencies: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, properties: Mapping[str, Any]) -> None:
        """One event."""
        self.events[name] = self.events.get(name, 0) + 1
        if (
            name == names.ORDER_COMPLETED
            and isinstance(currency := properties.get("currency"), str)
            and currency.strip()
        ):
            self.currencies[currency.strip().upper()] += 1
        held = self.traits if name == names.IDENTIFIED else self.properties.setdefault(name, {})
        for path, value in _paths(properties):
            held[path] = held.get(path, 0) + 1
            if held is self.traits and day_of(value) is None:
                times, first = self.no_dates.get(path, (0, str(value)))
                self.no_dates[path] = times + 1, first


def _paths(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if inner is not None:
            yield f"{prefix}{name}", inner
        if isinstance(inner, Mapping) and depth < 3:
            yield from _paths(inner, f"{prefix}{name}.", depth + 1)


def never_heard(sources: Sources, heard: Heard) -> Iterator[InvalidCampaign]:
    """Findings in segments, attributes, choices and flows."""
    if not heard.events:
        return
    yield from _other_currency(sources, heard)
    for folder in (sources.segments, sources.attributes, sources.choices, sources.flows):
        for located in folder.values():
            told: set[str] = set()
            for kind, name, path in references(located.value):
                if kind == "event" and name not in heard.events and name not in _OWN | told:
                    told.add(name)
                    yield located.error(_unheard(name, heard), code="never_sent", path=path)
            yield from _properties(located, located.value, (), heard)
    for name, flow in sources.parsed_flows.items():
        located, on = sources.flows[name], flow.on
        needed = _NEEDED.get(on.kind)
        if needed and not any(event in heard.events for event in needed):
            shown = words.listed(sorted(needed), "or")
            yield located.error(f"{on.kind} rests on {shown}, and nobody sends it", code="never_sent", path=("on",))
        if on.kind == "date_reached" and on.trait and heard.traits and on.trait not in heard.traits:
            message = f"nobody was ever told to have a {on.trait!r}{_hint(on.trait, heard.traits)}"
            yield located.error(message, code="never_sent", path=("on",))
        yield from _no_dates(flow.on, located, heard)


def _other_currency(sources: Sources, heard: Heard) -> Iterator[InvalidCampaign]:
    """Amounts in another currency than the shop's are not added up: where that is most of them, it is a slip."""
    located, settings = sources.settings, sources.parsed_settings
    if located is None or settings is None or not heard.currencies:
        return
    currency, times = max(heard.currencies.items(), key=lambda item: (item[1], item[0]))
    total = heard.events[names.ORDER_COMPLETED]
    if currency != settings.currency and 2 * times > total:
        message = (
            f"{times:,} of {total:,} orders are in {currency}, and the shop counts in {settings.currency}: amounts in another"
            f" currency count for nothing (spent, average order value, RFM). If they are right, write currency: {currency}"
        )
        path: Path = ("currency",) if "currency" in located.value else ()
        yield located.error(message, code="other_currency", path=path)


def _no_dates(on: Trigger, located: Located, heard: Heard) -> Iterator[InvalidCampaign]:
    """Of whom a date is told that is none: the flow passes them over, and nobody would notice."""
    for trait in _DATES.get(on.kind, (on.trait,) if on.kind == "date_reached" else ()):
        times, first = heard.no_dates.get(trait or "", (0, ""))
        if times:
            shown = first if len(first) <= 40 else f"{first[:39]}…"
            total = heard.traits[trait or ""]
            message = f"{times:,} of {total:,} values of {trait!r} are no dates, such as {shown!r}: write 2026-05-01"
            yield located.error(message, code="no_date", path=("on",))


def _properties(located: Located, value: Any, path: Path, heard: Heard) -> Iterator[InvalidCampaign]:
    """Properties that a condition or a trigger asks of an event, and that never came with it."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _properties(located, item, (*path, index), heard)
    if not isinstance(value, Mapping):
        return
    event = next((value[key] for key in ("did", "did_not", "first", "last") if isinstance(value.get(key), str)), None)
    if event is not None and heard.events.get(event, 0) >= _ENOUGH and event not in _OWN:
        asked = {name: (*path, "where", name) for name in _keys(value.get("where"))}
        asked |= {name: (*path, "having", name) for name in _keys(value.get("having"))}
        brings = value.get("brings")
        if isinstance(brings, list):
            asked |= {name: (*path, "brings", n) for n, name in enumerate(brings) if isinstance(name, str)}
        held = heard.properties.get(event, {})
        for name, place in asked.items():
            if name not in held and not name.startswith("context.") and not _absence(value, name):
                message = f"{event} never came with {name!r}{_hint(name, held, 'it')}"
                yield located.error(message, code="never_sent", path=place, key="where" in place or "having" in place)
    for key, inner in value.items():
        if key not in {"where", "having", "brings", "trait", "data", "update"}:
            yield from _properties(located, inner, (*path, key), heard)


def _absence(value: Mapping[str, Any], name: str) -> bool:
    """Who asks that it is not there is answered."""
    where = value.get("where")
    asked = where.get(name) if isinstance(where, Mapping) else None
    return isinstance(asked, Mapping) and asked.get("exists") is False


def _keys(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, Mapping) else []


def _unheard(name: str, heard: Heard) -> str:
    return f"nobody sends {name!r}{_hint(name, heard.events)}"


def _hint(name: str, known: Mapping[str, int], whose: str = "the recording") -> str:
    return slip_or_known(name, known, whose)
