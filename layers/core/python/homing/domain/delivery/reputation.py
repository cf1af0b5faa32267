"""Bounces and complaints among the last sends, and when they stop the marketing mail.

SES puts an account under review from 5 % hard bounces or 0.1 % complaints on
(https://docs.aws.amazon.com/ses/latest/dg/reputation-dashboard-messages.html), and may then stop all its mail. Homing stops
its marketing mail before, at 4 % and 0.08 %: of a topic, or of all topics together.

A rate alone would stop a shop for one complaint in ten mails. So there is a least number of sends, and the count must be
one that a sender with half the rate would seldom see: the exact binomial chance of so many or more is below 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["bounce", "complaint"]

# Shares of the sends, 0 to 1; and how many sends it takes before they mean anything.
LIMITS: Mapping[Kind, float] = {"bounce": 0.04, "complaint": 0.0008}
LEAST: Mapping[Kind, int] = {"bounce": 250, "complaint": 500}
_CHANCE = 0.05
# The window is the last 9,000 to 10,000 sends, in ten parts of which the oldest is forgotten when the newest is full.
PART = 1_000
PARTS = 10


@dataclass(frozen=True, slots=True)
class Window:
    """The last sends, oldest part first; each part is sends, bounces, complaints."""

    parts: tuple[tuple[int, int, int], ...] = ((0, 0, 0),)

    def sent(self, messages: int) -> Window:
        """With so many more sends."""
        parts = list(self.parts)
        while messages > 0:
            if parts[-1][0] >= PART:
                parts = [*parts, (0, 0, 0)][-PARTS:]
            taken = min(messages, PART - parts[-1][0])
            held = parts[-1]
            parts[-1] = (held[0] + taken, held[1], held[2])
            messages -= taken
        return replace(self, parts=tuple(parts))

    def heard(self, kind: Kind) -> Window:
        """With one bounce or complaint more."""
        sent, bounces, complaints = self.parts[-1]
        last = (sent, bounces + (kind == "bounce"), complaints + (kind == "complaint"))
        return replace(self, parts=(*self.parts[:-1], last))

    def totals(self) -> tuple[int, int, int]:
        """Sends, bounces, complaints of the window."""
        return sum(p[0] for p in self.parts), sum(p[1] for p in self.parts), sum(p[2] for p in self.parts)

    def too_bad(self) -> dict[str, Any] | None:
        """What is wrong, in words for people; None while all is well."""
        sent, bounces, complaints = self.totals()
        counts: tuple[tuple[Kind, int], ...] = (("complaint", complaints), ("bounce", bounces))
        for kind, count in counts:
            limit = LIMITS[kind]
            # Telling takes a while: more may be heard of than was sent in the window.
            base = max(sent, count)
            if base >= LEAST[kind] and count >= limit * base and chance(count, base, limit / 2) < _CHANCE:
                return {"what": kind, "count": count, "of": base, "rate": round(count / base, 5), "limit": limit}
        return None


def chance(count: int, of: int, rate: float) -> float:
    """The exact binomial chance of ``count`` or more in ``of`` at that rate."""
    below = sum(
        math.exp(
            math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
            + k * math.log(rate) + (of - k) * math.log1p(-rate)
        )
        for k in range(min(count, of + 1))
    )  # fmt: skip
    return max(0.0, 1.0 - below)
