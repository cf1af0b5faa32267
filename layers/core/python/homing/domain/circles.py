"""Dividing a shop's history by people, so that each part can be played without the others.

People belong together as soon as anything names both: an identifier that two of them used, a cart that one filled and
another ordered; and whoever belongs together with one of them belongs to all (transitively). Everything else that decides
about somebody is of that person alone, or is the same for everybody.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping

from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.profiles import carts
from homing.domain.profiles.identity import Identity


class Circles:
    """Who belongs together, found as events come. A person costs some hundred bytes; an event nothing."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._parents = array("q")
        self._weights = array("q")

    def meet(self, keys: Iterable[str]) -> int:
        """These keys name one event's people: they are of one circle from now on. Returns a number that leads to it."""
        numbers = [self._number(key) for key in keys]
        for other in numbers[1:]:
            self.join(numbers[0], other)
        return numbers[0]

    def weigh(self, number: int) -> None:
        """One more event of this circle."""
        self._weights[number] += 1

    def join(self, one: int, other: int) -> None:
        """Makes one circle of two."""
        one, other = self.root(one), self.root(other)
        if one != other:
            # Towards the one that was known first: shallow, and the same in every run.
            self._parents[max(one, other)] = min(one, other)

    def root(self, number: int) -> int:
        """The number of the circle as it is now."""
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    def weights(self) -> dict[int, int]:
        """Circle → how many events it has."""
        found: dict[int, int] = {}
        for number, weight in enumerate(self._weights):
            if weight:
                root = self.root(number)
                found[root] = found.get(root, 0) + weight
        return found

    def _number(self, key: str) -> int:
        # Two keys with one hash are one circle: that costs balance and nothing else.
        short = int.from_bytes(hashlib.blake2b(key.encode(errors="replace"), digest_size=8).digest(), "big")
        number = self._numbers.get(short)
        if number is None:
            number = self._numbers[short] = len(self._parents)
            self._parents.append(number)
            self._weights.append(0)
        return number


def people_of(event: Event, identity: Identity) -> list[str]:
    """The keys of everybody whom an event names: ids of its identifiers, and of a profile that it names itself."""
    own = event.context.get("profile_id")
    found = [*identity.keys(event.identifiers).values(), *([own] if isinstance(own, str) and own else [])]
    return list(dict.fromkeys(found))


def carts_of(event: Event, identity: Identity) -> list[str]:
    """The carts that an event fills or orders, under all the names that it gives them."""
    if event.name not in carts.CART_EVENTS and event.name != names.ORDER_COMPLETED:
        return []
    return [identity.cart(token) for token in carts.tokens_of(event)]


def divide(weights: Mapping[int, int], parts: int) -> dict[int, int]:
    """Circle → its part (from 0), so that parts have about as many events: the heaviest first, each to the lightest part."""
    loads = [0] * parts
    found = {}
    for circle, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0])):
        part = min(range(parts), key=lambda index: (loads[index], index))
        found[circle] = part
        loads[part] += weight
    return found


def alike(sorted_keys: Iterable[tuple[str, int]]) -> Iterator[tuple[int, int]]:
    """Pairs of numbers that stand under the same key, of pairs sorted by key: what :meth:`Circles.join` wants."""
    key, first = None, 0
    for one, number in sorted_keys:
        if one == key:
            yield first, number
        else:
            key, first = one, number
