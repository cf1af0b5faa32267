"""What somebody likes, and where they look: from their latest touches of products, the older the lighter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from homing.domain.attributes.attribute import future
from homing.domain.campaigns import Product, Settings
from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.events.properties import device_of
from homing.domain.profiles import bounds
from homing.domain.profiles.memory import Entry, Plan
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Test

KEEP = 60
MAX_PRODUCTS = 20
# Characters of one event: all touches together stay below what domain.profiles.bounds reckons with.
MAX_TEXT = 400
_MAX_LINES = 200
WEIGHTS = {names.PRODUCT_VIEWED: 1, names.PRODUCT_ADDED: 3, names.ORDER_COMPLETED: 5}
_IDS = ("product_id", "sku", "id")
_OF_PRODUCTS = frozenset({"category", "brand", "product"})
# Where in a line of a touch the category and the brand stand.
_PLACES = {"category": 1, "brand": 2}
_NONE: list[Entry] = []
_KEYS = count()

# Something touched: what, how much it weighs, when, and in which place of the memory (0 is the latest).
Touch = tuple[str, float, int]


class Touches:
    """The memory of touches. Entries carry the products' ids (``p``), what the catalog does not say of them (``c``, ``b``),
    the device (``d``) and the weight (``w``, 1 where it is missing): as far as some attribute asks for it."""

    def __init__(self, settings: Settings, plan: Plan, products: Mapping[str, Product]) -> None:
        self._plan = plan
        self._products = products
        self._half_life = settings.computed.half_life
        self._asked: set[str] = set()
        # By name the last answer and what it was made of: several attributes ask for the same of one person.
        self._known: dict[str, tuple[list[Entry], dict[str, float]]] = {}
        self._latest: tuple[list[Entry], list[Entry]] = (_NONE, _NONE)
        # Under which key a profile carries along what its touches come to.
        self._key = f"touches:{next(_KEYS)}"

    def reads(self, *asked: str) -> frozenset[str]:
        """Plans the memory, with ``category``, ``brand``, ``product`` or ``device`` in it. Returns the slot."""
        self._asked |= set(asked)
        return frozenset({self._plan.need(WEIGHTS, id="c.touches", keep=KEEP, take=self._take)})

    def _take(self, event: Event) -> dict[str, Any]:
        carried: dict[str, Any] = {}
        if (weight := WEIGHTS[event.name]) != 1:
            carried["w"] = weight
        if "device" in self._asked and (device := device_of(event.context)):
            carried["d"] = device
        if event.name != names.ORDER_COMPLETED:
            # One product.
            line = self._line(event.properties) if self._asked & _OF_PRODUCTS else None
            if line is not None and sum(map(len, line)) <= MAX_TEXT:
                carried["p"] = [list(line)]
        elif self._asked & _OF_PRODUCTS:
            lines: dict[tuple[str, ...], int] = {}
            room = MAX_TEXT
            for product in _products(event.properties.get("products")):
                if (line := self._line(product)) is None:
                    continue
                if line not in lines and (room := room - sum(map(len, line))) < 0:
                    break
                lines[line] = lines.get(line, 0) + 1
            if lines:
                carried["p"] = [[*line, count] if count > 1 else list(line) for line, count in lines.items()]
        return carried

    def _line(self, product: Mapping[str, Any]) -> tuple[str, ...] | None:
        """``(id,)`` or ``(id, category, brand)``: what the catalog says as well is not stored with everybody, and neither
        is an id that nobody asks for."""
        found = ""
        for name in _IDS:
            if value := product.get(name):
                found = str(value)
                break
        known = self._products.get(found)
        said = []
        for name in ("category", "brand"):
            value = product.get(name)
            text = bounds.label(value) if name in self._asked and isinstance(value, str) and value.strip() else ""
            said.append("" if known is not None and text == getattr(known, name) else text)
        if known is None and "product" not in self._asked:
            found = ""
        if not found and not any(said):
            return None
        return (bounds.label(found), *said) if any(said) else (bounds.label(found),)

    def entries(self, profile: Profile, t: int) -> list[Entry]:
        """The latest touches by ``t``."""
        held: list[Entry] = profile.memory.get("c.touches", _NONE)
        if not held or held[0][0] > t:
            return [entry for entry in held if entry[0] <= t][:KEEP]
        if len(held) <= KEEP:
            return held
        if self._latest[0] is not held:
            # Until the profile is pruned one more is remembered; who asks again gets the same list.
            self._latest = (held, held[:KEEP])
        return self._latest[1]

    def ahead(self, profile: Profile, t: int) -> int | None:
        """The first touch after ``t``."""
        held: list[Entry] = profile.memory.get("c.touches", _NONE)
        return None if not held or held[0][0] <= t else future(held, t)

    def weighed(self, entries: list[Entry]) -> Iterator[tuple[Entry, float]]:
        """Each with its weight, relative to the latest: as all decay alike, nothing depends on the instant."""
        for entry in entries:
            carried = entry[2] or {}
            yield entry, carried.get("w", 1) * 2.0 ** ((entry[0] - entries[0][0]) / self._half_life)

    def sums(self, name: str, entries: list[Entry]) -> dict[str, float]:
        """The weight of each category, brand or product."""
        known = self._known.get(name)
        # The lists of a memory are replaced when they change.
        if known is not None and known[0] is entries:
            return known[1]
        sums: dict[str, float] = {}
        place = _PLACES.get(name)
        latest, half_life = entries[0][0] if entries else 0, self._half_life
        # As :meth:`of` gives them, added up at once: there are hundreds of touches, and each event asks.
        for at, _, carried in entries:
            if not carried or not (lines := carried.get("p")):
                continue
            weight = carried.get("w", 1) * 2.0 ** ((at - latest) / half_life)
            for line in lines:
                value = line[place] if place and len(line) > 2 else ""
                if value or (value := self._named(name, line)):
                    count = line[-1]
                    sums[value] = sums.get(value, 0.0) + weight * (count if count.__class__ is int else 1)
        self._known[name] = (entries, sums)
        return sums

    def has(self, name: str, of: str, profile: Profile, entries: list[Entry]) -> bool | None:
        """Whether any touch is of that category or brand; None where no touch tells of any. Most rules ask for one that most
        people never touch, and with each touch: what the others came to is known, and only what is new is looked at."""
        key = f"{self._key}:{name}"
        known: tuple[list[Entry], dict[str, int]] | None = profile.worked.get(key)
        if known is None or known[0] is not entries:
            counts = self._moved(name, entries, *known) if known is not None else None
            if counts is None:
                counts = dict(Counter(value for entry in entries for value in self._values(name, entry)))
            known = profile.worked[key] = (entries, counts)
        counts = known[1]
        return of in counts if counts else None

    def _moved(
        self, name: str, entries: list[Entry], before: list[Entry], counts: dict[str, int]
    ) -> dict[str, int] | None:
        """The counts after one more touch, the oldest perhaps forgotten; None where it is something else."""
        kept = len(entries) - 1
        if not entries or kept > len(before) or entries[1:] != before[:kept]:
            return None
        for value in self._values(name, entries[0]):
            counts[value] = counts.get(value, 0) + 1
        for gone in before[kept:]:
            for value in self._values(name, gone):
                if counts[value] > 1:
                    counts[value] -= 1
                else:
                    del counts[value]
        return counts

    def _values(self, name: str, entry: Entry) -> list[str]:
        return [value for line in (entry[2] or {}).get("p", ()) if (value := self._named(name, line))]

    def of(self, name: str, entries: list[Entry]) -> Iterator[Touch]:
        """Touches of categories, brands or products."""
        for place, (entry, weight) in enumerate(self.weighed(entries)):
            for line in (entry[2] or {}).get("p", ()):
                # The last of a line may be how many products it stands for.
                count = line[-1] if isinstance(line[-1], int) else 1
                if value := self._named(name, line):
                    yield value, weight * count, place

    def _named(self, name: str, line: list[Any]) -> str | None:
        if name == "product":
            return line[0] or None
        said = line[1 if name == "category" else 2] if len(line) > 2 else ""
        if said:
            return said
        product = self._products.get(line[0])
        found = getattr(product, name) if product else None
        return found if isinstance(found, str) else None


def _products(products: Any) -> list[Mapping[str, Any]]:
    """Of an order each product once, as far as they can be told apart; the first few."""
    if not isinstance(products, list):
        return []
    told = {next((str(p[n]) for n in _IDS if p.get(n)), str(place)): p for place, p in enumerate(products[:_MAX_LINES])
            if isinstance(p, Mapping)}  # fmt: skip
    return list(told.values())[:MAX_PRODUCTS]


def favourite(touches: Iterable[Touch]) -> str | None:
    """The heaviest; of equals the one touched last, then the first by name."""
    sums: dict[str, list[float]] = {}
    last: dict[str, int] = {}
    for value, weight, place in touches:
        sums.setdefault(value, []).append(weight)
        last.setdefault(value, place)
    if not sums:
        return None
    # Sums of the same weights in another order are the same: added up from the smallest.
    return min(sums, key=lambda value: (-sum(sorted(sums[value])), last[value], value))


class _OfTouches:
    """Changes only with an event."""

    reads: frozenset[str]
    lasting = True

    def __init__(self, touches: Touches) -> None:
        self._touches = touches

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """When a touch that lies ahead arrives."""
        return self._touches.ahead(profile, t)


class Favourite(_OfTouches):
    """The category, brand or product that weighs most."""

    def __init__(self, touches: Touches, name: str) -> None:
        super().__init__(touches)
        self._name = name
        self.reads = touches.reads(name)

    def value(self, profile: Profile, t: int) -> str | None:
        """None where none is known."""
        return favourite(self._touches.of(self._name, self._touches.entries(profile, t)))


class Affinities(_OfTouches):
    """The share of each category or brand, for templates."""

    def __init__(self, touches: Touches, name: str) -> None:
        super().__init__(touches)
        self._name = name
        self.reads = touches.reads(name)

    def value(self, profile: Profile, t: int) -> dict[str, float] | None:
        """Shares by name, the greatest first."""
        sums = self._touches.sums(self._name, self._touches.entries(profile, t))
        total = sum(sums.values())
        if not total:
            return None
        return {value: round(weight / total, 4) for value, weight in sorted(sums.items(), key=lambda i: (-i[1], i[0]))}


class Affinity(_OfTouches):
    """The share of one category or brand."""

    at_once = True

    def __init__(self, touches: Touches, name: str, of: str) -> None:
        super().__init__(touches)
        self._name = name
        self._of = of
        self.reads = touches.reads(name)

    def value(self, profile: Profile, t: int) -> float | None:
        """0 to 1; None where no touch tells."""
        entries = self._touches.entries(profile, t)
        if not (has := self._touches.has(self._name, self._of, profile, entries)):
            return None if has is None else 0.0
        sums = self._touches.sums(self._name, entries)
        return round(sums.get(self._of, 0.0) / sum(sums.values()), 4) if sums else None

    def answer(self, profile: Profile, t: int, passes: Callable[[Any], bool]) -> tuple[bool, int | None]:
        """Whether the value passes, and when a touch that lies ahead arrives."""
        return passes(self.value(profile, t)), self._touches.ahead(profile, t)


class Device(_OfTouches):
    """What most touches were made with."""

    def __init__(self, touches: Touches) -> None:
        super().__init__(touches)
        self.reads = touches.reads("device")

    def value(self, profile: Profile, t: int) -> str | None:
        """None where no event tells."""
        entries = self._touches.entries(profile, t)
        return favourite(
            (entry[2]["d"], weight, place)
            for place, (entry, weight) in enumerate(self._touches.weighed(entries))
            if (entry[2] or {}).get("d")
        )
