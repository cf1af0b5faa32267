"""Waiting before another try: bounded, growing, jittered. Sleep and randomness are passed in."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """``attempts`` tries; before the n-th retry a random part of ``base * 2**n`` seconds, at most ``most`` ("full
    jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)."""

    attempts: int = 6
    base: float = 0.05
    most: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def tries(self) -> Iterator[int]:
        """Yields the number of each try, waiting before all but the first."""
        for attempt in range(self.attempts):
            if attempt:
                self.sleep(self.random() * min(self.most, self.base * 2**attempt))
            yield attempt
