"""Failures to come, planned by a test."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from homing.domain.errors import HomingError, Unavailable


@dataclass(frozen=True, slots=True)
class _Fault:
    error: HomingError
    after: bool


class Faults:
    """A queue of failures for each operation of a fake. ``after=True`` lets the effect happen and loses the reply."""

    def __init__(self) -> None:
        self._planned: dict[str, deque[_Fault]] = {}

    def plan(self, operation: str, *, times: int = 1, after: bool = False, error: HomingError | None = None) -> None:
        """The next ``times`` calls of ``operation`` fail, with Unavailable unless another error is given."""
        fault = _Fault(error or Unavailable(f"{operation}: planned failure"), after)
        self._planned.setdefault(operation, deque()).extend([fault] * times)

    def before(self, operation: str) -> None:
        """Raises when the next failure of the operation comes before its effect."""
        if self._planned:
            self._raise(operation, after=False)

    def after(self, operation: str) -> None:
        """Raises when the next failure of the operation comes after its effect."""
        if self._planned:
            self._raise(operation, after=True)

    def _raise(self, operation: str, *, after: bool) -> None:
        waiting = self._planned.get(operation)
        if waiting and waiting[0].after is after:
            raise waiting.popleft().error
