"""Other systems in memory: they take every call, or answer as scripted."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homing.domain.errors import HomingError
from homing.services.ports import Answer


@dataclass(frozen=True, slots=True)
class Called:
    """A request as it came."""

    url: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def said(self) -> dict[str, Any]:
        """The body, read."""
        value: dict[str, Any] = json.loads(self.body)
        return value


class MemoryCaller:
    """Keeps every call in ``calls``, those among them that got no answer."""

    def __init__(self) -> None:
        self.calls: list[Called] = []
        self._script: dict[str, deque[Answer | HomingError]] = {}
        self._always: dict[str, Answer | HomingError] = {}

    def answer(self, url: str, *answers: Answer | HomingError | int) -> None:
        """What the next calls of an address are answered (a number is a status), in order; then 200 again."""
        self._script.setdefault(url, deque()).extend(_answer(one) for one in answers)

    def always(self, url: str, answer: Answer | HomingError | int | None) -> None:
        """What every call of an address is answered from now on that has no script; None: 200 again."""
        if answer is None:
            self._always.pop(url, None)
        else:
            self._always[url] = _answer(answer)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """As scripted."""
        self.calls.append(Called(url, body, dict(headers)))
        script = self._script.get(url)
        answer = script.popleft() if script else self._always.get(url, Answer(200))
        if isinstance(answer, HomingError):
            raise answer
        return answer


def _answer(one: Answer | HomingError | int) -> Answer | HomingError:
    return Answer(one) if isinstance(one, int) else one
