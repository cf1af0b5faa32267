"""The profiles table in memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import NamedTuple

from homing.adapters.memory.faults import Faults
from homing.adapters.memory.wakes import WakeIndex
from homing.domain.delivery.message import Stop
from homing.domain.errors import Conflict
from homing.domain.profiles.codec import decode, encode
from homing.domain.profiles.profile import Profile
from homing.domain.progress import Place
from homing.services.ports import Pointer


class _Stored(NamedTuple):
    # The version is kept apart: without isolation the object itself may have been changed since.
    version: int
    profile: Profile | bytes


class MemoryProfiles:
    """``isolate=True`` keeps encoded copies, as the table does, so that aliasing and encoding bugs show;
    ``isolate=False`` keeps the very objects, for the backtest's speed: whoever reads one may change it if they write
    it afterwards. ``live`` is how many objects at most; the others, whom nobody asked about for longest, lie as bytes until
    somebody does.

    ``on_write`` is the table's stream: it is called with the profile after every write that carries changes.
    """

    def __init__(
        self,
        *,
        isolate: bool = True,
        live: int | None = None,
        on_write: Callable[[Profile], None] | None = None,
    ) -> None:
        self.faults = Faults()
        self.on_write = on_write
        self.writes = 0
        self._isolate = isolate
        self._most = live
        self._live: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()
        self._profiles: dict[str, _Stored] = {}
        self._pointers: dict[str, Pointer] = {}
        self._carts: dict[str, int] = {}
        self._closed: deque[tuple[int, str]] = deque()
        self._stops: dict[str, Stop] = {}
        self._wakes = WakeIndex()

    def read(self, ids: Iterable[str]) -> dict[str, Profile | Pointer]:
        """What is stored under the ids."""
        self.faults.before("read")
        found: dict[str, Profile | Pointer] = {}
        for id_ in ids:
            if (stored := self._profiles.get(id_)) is not None:
                held = stored.profile
                if not isinstance(held, Profile):
                    held = decode(id_, stored.version, held)
                    if not self._isolate:
                        self._profiles[id_] = _Stored(stored.version, held)
                found[id_] = held
                self._used(id_)
            elif (pointer := self._pointers.get(id_)) is not None:
                found[id_] = pointer
        return found

    def write(self, profile: Profile, *, expected: int) -> None:
        """A conditional put of the whole profile."""
        self.faults.before("write")
        kept = encode(profile) if self._isolate else profile
        with self._lock:
            self._expect(profile.id, expected)
            self._profiles[profile.id] = _Stored(profile.version, kept)
            self._used(profile.id)
            self._wakes.set(profile.id, profile.wake_bucket, profile.wake_at)
            self.writes += 1
        if self.on_write is not None and profile.changes:
            self.on_write(profile)
        self.faults.after("write")

    def point(self, id: str, target: str, *, expected: int, shared: frozenset[str] = frozenset()) -> None:
        """A conditional put of a pointer."""
        self.faults.before("point")
        with self._lock:
            held = self._pointers.get(id)
            if held is None or held.target != target or not shared <= held.shared:
                self._expect(id, expected)
                self._live.pop(id, None)
                if (stored := self._profiles.pop(id, None)) is not None:
                    self._wakes.set(id, Profile(id, stored.version).wake_bucket, None)
                self._pointers[id] = Pointer(id, target, shared)
                self.writes += 1
        self.faults.after("point")

    def repoint(self, old: Pointer, new: Pointer) -> None:
        """A conditional put of a pointer where one is."""
        self.faults.before("repoint")
        with self._lock:
            if self._pointers.get(old.id) != old:
                raise Conflict(f"{old.id} does not point to {old.target} any more")
            self._pointers[old.id] = new
            self.writes += 1
        self.faults.after("repoint")

    def due(self, bucket: int, until: int, limit: int, after: Place | None = None) -> list[tuple[str, int]]:
        """Profiles whose time has come."""
        self.faults.before("due")
        with self._lock:
            return self._wakes.due(bucket, until, limit, after and (after.at, after.id))

    def due_buckets(self, until: int) -> list[int]:
        """The buckets in which somebody's time may have come."""
        with self._lock:
            return self._wakes.buckets(until)

    def next_wake(self) -> int | None:
        """The earliest wake-up of all profiles: where a virtual clock may jump to."""
        with self._lock:
            return self._wakes.next()

    def close_cart(self, cart: str, at: int) -> None:
        """The latest instant wins."""
        self.faults.before("close_cart")
        self._carts[cart] = max(at, self._carts.get(cart, at))
        if self._most is not None:
            self._closed.append((at, cart))
        self.faults.after("close_cart")

    def closed_carts(self, carts: Iterable[str]) -> dict[str, int]:
        """Which of them were ordered."""
        self.faults.before("closed_carts")
        return {cart: self._carts[cart] for cart in carts if cart in self._carts}

    def stop(self, stop: Stop) -> None:
        """Adds to what is known."""
        self.faults.before("stop")
        with self._lock:
            known = self._stops.get(stop.id)
            self._stops[stop.id] = known.merge(stop) if known else stop
        self.faults.after("stop")

    def stops(self, ids: Iterable[str]) -> dict[str, Stop]:
        """Stops by their ids."""
        self.faults.before("stops")
        return {id_: self._stops[id_] for id_ in ids if id_ in self._stops}

    def forget_carts(self, until: int) -> None:
        """Carts that were closed by an instant are forgotten, as the table forgets them; only where ``live`` is bounded."""
        while self._closed and self._closed[0][0] <= until:
            _, cart = self._closed.popleft()
            if self._carts.get(cart, until + 1) <= until:
                del self._carts[cart]

    def each(self) -> Iterator[Profile]:
        """All profiles by their ids, to be looked at and no more."""
        for id_ in sorted(self._profiles):
            version, held = self._profiles[id_]
            yield held if isinstance(held, Profile) else decode(id_, version, held)

    def ids(self) -> list[str]:
        """All profiles (no pointers): for reports and tests; the table has no such operation."""
        return list(self._profiles)

    def _used(self, id_: str) -> None:
        if self._most is None or self._isolate:
            return
        self._live[id_] = None
        self._live.move_to_end(id_)
        while len(self._live) > self._most:
            idle, _ = self._live.popitem(last=False)
            version, held = self._profiles[idle]
            if isinstance(held, Profile):
                self._profiles[idle] = _Stored(version, encode(held))

    def _expect(self, id_: str, expected: int) -> None:
        stored = self._profiles.get(id_)
        if id_ in self._pointers or (stored.version if stored else 0) != expected:
            raise Conflict(f"profile {id_} is not at version {expected}")
