"""Overlapping calls that wait for AWS, in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from homing.domain.errors import Unavailable

# Each worker holds one connection; the clients' pools are as large.
WORKERS = 16


class InThreads:
    """Runs tasks that don't depend on each other. The pool lives as long as the process."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def __call__(self, tasks: Sequence[Callable[[], None]]) -> list[Exception | None]:
        """For each task what it raised of the retryable errors, or None. Any other error is raised once all are done."""
        if len(tasks) == 1:
            return [_outcome(tasks[0])]
        return list(self._pool.map(_outcome, tasks))


def _outcome(task: Callable[[], None]) -> Exception | None:
    try:
        task()
    except Unavailable as error:
        return error
    return None
