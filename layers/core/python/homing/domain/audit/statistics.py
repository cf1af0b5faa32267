"""The few statistics that the audit needs, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

# For normally distributed values the MAD is 0.6745 standard deviations.
_MAD_OF_SIGMA = 0.6745


def robust_z(value: float, history: Sequence[float], *, least: float) -> tuple[float, float]:
    """How unusual ``value`` is against its history, as (score, median).

    The modified z-score of Iglewicz and Hoaglin (1993, "How to Detect and Handle Outliers"; NIST/SEMATECH e-Handbook,
    1.3.5.17): ``0.6745 (x - median) / MAD``, outlying beyond 3.5. ``least`` is the smallest spread that is believed, in
    the unit of the values: a segment that stood still for weeks has a MAD of 0, and one person more would be infinitely
    unusual.
    """
    middle = median(history)
    spread = median(abs(x - middle) for x in history) / _MAD_OF_SIGMA
    return (value - middle) / max(spread, least), middle


def cohens_h(before: float, after: float) -> float:
    """The size of a difference of two shares, positive for a drop: ``2 asin √p - 2 asin √q``.

    Cohen (1988, "Statistical Power Analysis for the Behavioral Sciences", chapter 6): 0.2 is small, 0.5 medium, 0.8
    large; from 0 to 1 it is π.
    """
    return 2 * math.asin(math.sqrt(before)) - 2 * math.asin(math.sqrt(after))


def fisher_log10(before: tuple[int, int], after: tuple[int, int]) -> float:
    """log10 of the probability that the share fell by chance alone as far as it did, or further.

    Each side is (hits, of how many). One-sided exact test of Fisher (1935; Agresti, "Categorical Data Analysis", 3.5):
    given all hits, those after are hypergeometric. Exact for small numbers, where a z-test of two proportions is not.
    """
    (hits0, n0), (hits1, n1) = before, after
    hits, everybody = hits0 + hits1, n0 + n1
    if not n0 or not n1:
        return 0.0
    log_term = _log_choose(hits, hits1) + _log_choose(everybody - hits, n1 - hits1) - _log_choose(everybody, n1)
    # The terms below, each from the one above it, until they no longer count.
    total, term = 1.0, 1.0
    for x in range(hits1, max(0, n1 - (everybody - hits)), -1):
        term *= x * (everybody - hits - n1 + x) / ((hits - x + 1) * (n1 - x + 1))
        total += term
        if term < total * 1e-17:
            break
    return min(0.0, (log_term + math.log(total)) / math.log(10))


def changed_at(hits: Sequence[int], counts: Sequence[int]) -> int | None:
    """The index from which on the share is lower than before, where two constant shares explain the days best.

    Maximum likelihood over all places to split (Hinkley and Hinkley 1970, "Inference about the change-point in a
    sequence of binomial variables", Biometrika 57). None where no split has a lower share after it.
    """
    all_hits, all_counts = sum(hits), sum(counts)
    best: tuple[float, int] | None = None
    hits0 = n0 = 0
    for index in range(1, len(counts)):
        hits0 += hits[index - 1]
        n0 += counts[index - 1]
        hits1, n1 = all_hits - hits0, all_counts - n0
        if not n0 or not n1 or not counts[index] or hits1 * n0 >= hits0 * n1:
            continue
        likelihood = _binomial(hits0, n0) + _binomial(hits1, n1)
        if best is None or likelihood > best[0]:
            best = (likelihood, index)
    return best[1] if best else None


def _binomial(hits: int, n: int) -> float:
    """The log-likelihood of a share at its best estimate."""
    return sum(part * math.log(part / n) for part in (hits, n - hits) if part)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
