"""A port through which a service calls out: here the planned faults strike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from homing.domain.delivery.ledger import Ledger
from homing.domain.errors import Conflict, Unavailable
from homing.domain.time import MINUTE, SECOND
from homing.local.faults import Crash
from homing.services.ports import Lost, Refused, Throttled
from tests.faults import plan

if TYPE_CHECKING:
    from tests.faults.world import World

Call = Callable[[], Any]
# Certainly no call of SES.
_NOT_CALLED = frozenset({plan.ERROR, plan.THROTTLED, plan.REFUSED})
_PAST = ("read", "load_run", "load_ledger", "due", "load_grant", "pool", "ProgressStore.load")


class Port:
    """Passes calls on to a fake, unless a fault strikes."""

    def __init__(self, world: World, name: str, target: Any) -> None:
        self._world, self._name, self._target = world, name, target
        # The answers of earlier reads, for those that are stale.
        self._seen: dict[str, Any] = {}
        self._seen_at: dict[str, int] = {}
        self._remembers = {fault.site for fault in world.faults if fault.kind == plan.STALE}

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            return self._call(method, args, more)

        return call

    def _call(self, method: str, args: tuple[Any, ...], more: dict[str, Any]) -> Any:
        world = self._world
        site = f"{self._name}.{method}"
        fault = world.strikes(site)
        began = world.now
        if method == "stops" and world.worker is not None:
            world.worker.gate_at = world.now
        if site == "ProfileStore.read" and world.worker is not None:
            world.worker.read_at = world.now
        if site == "Mailer.send" and world.worker is not None:
            world.worker.called = world.worker.called or (fault is None or fault.kind not in _NOT_CALLED)

        def effect() -> Any:
            if site == "Mailer.send":
                return world.accepted(args[0], began)
            answer = getattr(self._target, method)(*args, **more)
            if method == "save_ledger":
                self._claimed(args[0])
            elif site == "ProfileStore.write":
                world.wrote(args[0])
            elif method == "save_run" or (method == "start_run" and answer):
                world.stored(args[0])
            return answer

        if fault is None:
            return self._remember(method, args, effect())
        if site == "Mailer.send":
            return self._ses(fault.kind, effect)
        return self._strike(fault.kind, method, args, effect)

    def _strike(self, kind: str, method: str, args: tuple[Any, ...], effect: Call) -> Any:
        world = self._world
        if kind in {plan.ERROR, plan.THROTTLED}:
            if kind == plan.THROTTLED:
                self._wait(2 * SECOND)
            raise Unavailable(f"{method}: {kind}")
        if kind == plan.LOST:
            effect()
            raise Unavailable(f"{method}: {kind}")
        if kind == plan.TIMED_OUT:
            self._late(effect)
            self._wait(plan.TIMEOUT)
            raise Unavailable(f"{method}: {kind}")
        if kind in {plan.PARTIAL, plan.TWICE, plan.REORDERED}:
            return self._deliver(kind, list(args[0]))
        if kind == plan.STALE and self._past(method):
            return self._stale(method, args, effect)
        if kind == plan.DIES_BEFORE:
            raise Crash(f"{method}: {kind}")
        if kind == plan.DIES_AFTER:
            effect()
            raise Crash(f"{method}: {kind}")
        if kind in {plan.FAST, plan.SLOW} and world.worker is not None:
            world.skewed = True
            world.worker.skew = plan.SKEW if kind == plan.FAST else -plan.SKEW
        answer = self._remember(method, args, effect())
        if kind == plan.ZOMBIE:
            # It knows what it read, or holds what it claimed, and stands still.
            world.pause(plan.PAUSE)
        elif kind == plan.LATE_ANSWER:
            self._wait(plan.TIMEOUT)
        return answer

    def _ses(self, kind: str, effect: Call) -> Any:
        world = self._world
        if kind == plan.ERROR:
            raise Unavailable("SES could not be reached")
        if kind == plan.THROTTLED:
            raise Throttled("maximum sending rate exceeded")
        if kind == plan.REFUSED:
            raise Refused("the message was refused", code="message_refused")
        if kind in {plan.LOST, plan.NEVER_TOOK, plan.TIMED_OUT}:
            if kind == plan.LOST:
                effect()
            elif kind == plan.TIMED_OUT:
                self._late(effect)
                self._wait(plan.TIMEOUT)
            self._cut()
            raise Lost("no reply")
        if kind == plan.DIES_BEFORE:
            raise Crash("before SES was called")
        if kind == plan.DIES_AFTER:
            effect()
            raise Crash("before the reply was read")
        if kind == plan.ZOMBIE:
            # Longer than the lease, but no longer than a signed request is good for.
            world.pause(plan.IN_FLIGHT)
        elif kind == plan.LATE_ANSWER:
            self._wait(plan.TIMEOUT)
        elif kind in {plan.FAST, plan.SLOW} and world.worker is not None:
            world.skewed = True
            world.worker.skew = plan.SKEW if kind == plan.FAST else -plan.SKEW
        return effect()

    def _wait(self, duration: int) -> None:
        # A worker that waits is not gone: the world moves on by so little that nobody takes over.
        self._world.pause(duration)

    def _late(self, effect: Call) -> None:
        """What was asked for happens a minute later, when nobody waits for it any more."""
        world, worker = self._world, self._world.worker

        def land() -> None:
            outer, world.worker = world.worker, worker
            try:
                effect()
            except Conflict:
                pass
            finally:
                if worker is not None and not worker.alive and worker.claim:
                    world.cut.add(worker.claim)
                world.worker = outer

        world.agenda.at(world.now + MINUTE, land)

    def _deliver(self, kind: str, items: list[Any]) -> None:
        if kind == plan.PARTIAL:
            self._target.put(items[: len(items) // 2])
            raise Unavailable("part of the batch was not taken")
        if kind == plan.TWICE:
            self._target.put(items)
            self._target.put(items, delay=self._world.random.choice([0, 1, 90, 900]) * SECOND)
            return
        for item in reversed(items):
            self._target.put([item], delay=self._world.random.choice([0, 20, 60, 240]) * SECOND)

    def _stale(self, method: str, args: tuple[Any, ...], effect: Call) -> Any:
        """What the last reader of the same saw; the first reader sees what is there."""
        if method == "read":
            ids = list(args[0])
            found = self._target.read(ids)
            past = {i: self._copy(self._seen[i]) for i in ids if i in self._seen}
            if past and self._world.worker is not None:
                self._world.worker.read_at = min(self._seen_at[i] for i in past)
            return {**found, **past}
        return self._seen.get(repr(args), None) if repr(args) in self._seen else self._remember(method, args, effect())

    @staticmethod
    def _copy(item: Any) -> Any:
        import copy

        return copy.deepcopy(item)

    def _remember(self, method: str, args: tuple[Any, ...], answer: Any) -> Any:
        if f"{self._name}.{method}" not in self._remembers:
            return answer
        if method == "read":
            self._seen.update({i: self._copy(item) for i, item in answer.items()})
            self._seen_at.update(dict.fromkeys(answer, self._world.now))
        elif self._past(method):
            self._seen[repr(args)] = answer
        return answer

    def _past(self, method: str) -> bool:
        return method in _PAST or f"{self._name}.{method}" in _PAST

    def _claimed(self, ledger: Ledger) -> None:
        """Keeps book of the claim that the running worker holds."""
        worker = self._world.worker
        if worker is None or worker.function != "send_email":
            return
        if worker.claim:
            if ledger.entries[worker.claim].status != "sending":
                worker.claim = ""
            return
        world = self._world
        mine = [
            key for key, entry in ledger.entries.items()
            if entry.status == "sending" and entry.lease not in world.post.leases
        ]  # fmt: skip
        for key in mine:
            world.post.leases.add(ledger.entries[key].lease)
            worker.claim = key

    def _cut(self) -> None:
        worker = self._world.worker
        if worker is not None and worker.claim:
            self._world.cut.add(worker.claim)
