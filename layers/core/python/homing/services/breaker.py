"""Which webhooks do not answer, as far as this process has seen: they are left alone for a while, so that nobody waits
behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from homing.domain.time import MINUTE, SECOND

# So many failures in a row, and it rests; each failed probe lets it rest twice as long.
_AFTER = 5
_FIRST, _LONGEST = 30 * SECOND, 5 * MINUTE
# A probe that nobody hears of again (its process was frozen) does not bar the way for longer.
_PROBE = MINUTE


@dataclass(slots=True)
class _State:
    failures: int = 0
    rest: int = 0
    until: int = 0
    probed_until: int = 0


@dataclass
class Breaker:
    """Safe to ask from several threads."""

    _held: dict[str, _State] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def resting(self, webhook: str, now: int) -> int:
        """How long it shall be left alone; 0: call it, and say what came of it. When it has rested, one caller tries."""
        with self._lock:
            state = self._held.get(webhook)
            if state is None or not state.until:
                return 0
            held_up = max(state.until, state.probed_until)
            if now < held_up:
                return held_up - now
            state.probed_until = now + _PROBE
            return 0

    def answered(self, webhook: str) -> None:
        """It answered, whatever it said."""
        with self._lock:
            self._held.pop(webhook, None)

    def failed(self, webhook: str, now: int) -> None:
        """It did not answer, or with an error of its own."""
        with self._lock:
            state = self._held.setdefault(webhook, _State())
            state.failures += 1
            state.probed_until = 0
            if state.failures >= _AFTER and now >= state.until:
                state.rest = min(2 * state.rest, _LONGEST) if state.rest else _FIRST
                state.until = now + state.rest

    def asked_for(self, webhook: str, duration: int, now: int) -> None:
        """It answered that it wants to be left alone for so long; at most a few minutes are believed for all of its calls."""
        with self._lock:
            state = self._held.setdefault(webhook, _State())
            state.until = max(state.until, now + min(duration, _LONGEST))
            state.probed_until = 0
