"""The audit's statistics against the slow and obvious way."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.domain.audit.statistics import changed_at, cohens_h, fisher_log10, robust_z


def fisher_by_counting(before: tuple[int, int], after: tuple[int, int]) -> Fraction:
    """All ways to draw those after out of everybody, and among them those with as few hits or fewer."""
    (hits0, n0), (hits1, n1) = before, after
    hits, misses = hits0 + hits1, n0 + n1 - hits0 - hits1
    ways = sum(math.comb(hits, x) * math.comb(misses, n1 - x) for x in range(hits1 + 1) if n1 - x >= 0)
    return Fraction(ways, math.comb(n0 + n1, n1))


sides = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(sides, sides)
def test_fishers_test_is_exact(before: tuple[int, int], after: tuple[int, int]) -> None:
    exact = fisher_by_counting(before, after)
    assert 10 ** fisher_log10(before, after) == pytest.approx(float(exact), rel=1e-9)


def test_fishers_test_bears_the_numbers_of_a_big_shop() -> None:
    assert fisher_log10((1_000_000, 1_000_000), (30_000, 1_000_000)) < -300_000
    assert fisher_log10((990_000, 1_000_000), (99_000, 100_000)) == pytest.approx(math.log10(0.5), abs=0.1)
    assert fisher_log10((5, 10), (0, 0)) == 0.0


@given(st.lists(sides, min_size=2, max_size=12))
def test_a_change_is_where_two_shares_explain_the_days_best(pairs: list[tuple[int, int]]) -> None:
    hits, counts = [h for h, _ in pairs], [n for _, n in pairs]

    def share(part: slice) -> Fraction:
        return Fraction(sum(hits[part]), sum(counts[part]))

    def likelihood(part: slice) -> float:
        p = share(part)
        return sum(
            (h * math.log(p) if h else 0.0) + ((n - h) * math.log(1 - p) if n - h else 0.0)
            for h, n in zip(hits[part], counts[part], strict=True)
        )

    splits = {
        index: likelihood(slice(None, index)) + likelihood(slice(index, None))
        for index in range(1, len(pairs))
        if share(slice(index, None)) < share(slice(None, index))
    }
    found = changed_at(hits, counts)
    assert (found is None) is (not splits)
    if found is not None:
        assert splits[found] == pytest.approx(max(splits.values()))


def test_a_change_is_never_put_on_a_day_without_events() -> None:
    assert changed_at([50, 50, 0, 0, 0], [50, 50, 0, 50, 50]) == 3


def test_cohens_h_of_the_numbers_in_the_docs() -> None:
    assert cohens_h(1, 0) == pytest.approx(math.pi)
    for was, now in ((1.0, 0.94), (0.5, 0.26), (0.062, 0.0)):
        assert cohens_h(was, now) == pytest.approx(0.5, abs=0.03)
    assert cohens_h(0.2, 0.4) < 0


def test_a_robust_score_is_not_moved_by_a_few_wild_days() -> None:
    calm = [100, 101, 99, 102, 98, 100, 101]
    score, usual = robust_z(130, [*calm, 900, 0], least=1)
    assert usual == 100
    assert score == pytest.approx(0.6745 * 30)
    # Nothing ever moved: the least spread that is believed.
    assert robust_z(103, [100] * 20, least=10) == (pytest.approx(0.3), 100)


@given(st.floats(0.1, 1000), st.integers(0, 10_000))
def test_steady_growth_never_looks_unusual(slope: float, start: int) -> None:
    sizes = [start + slope * day for day in range(29)]
    score, _ = robust_z(sizes[-1], sizes[:-1], least=1e-9)
    assert score < 1.5
