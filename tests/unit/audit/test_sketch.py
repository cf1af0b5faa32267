"""Sizes and overlaps from the first few ids, against the whole sets."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from homing.domain.audit.sketch import Sketch, overlap, place
from tests.unit.audit.support import person

IDS = [person(number) for number in range(20_000)]


def first(ids: set[str], k: int) -> Sketch:
    """As the journal reads it."""
    ordered = sorted(ids)
    return Sketch.of(ordered[:k], ordered[k - 1] if len(ordered) > k else None)


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)))
def test_of_whole_segments_everything_is_exact(left: set[int], right: set[int]) -> None:
    a, b = {IDS[i] for i in left}, {IDS[i] for i in right}
    found = overlap("a", first(a, 1000), "b", first(b, 1000))
    assert found.exact
    assert first(a, 1000).size == len(a)
    assert found.both == len(a & b)
    assert found.jaccard == (len(a & b) / len(a | b) if a | b else 0)
    assert found.a_in_b == (len(a & b) / len(a) if a else 0)
    assert found.b_in_a == (len(a & b) / len(b) if b else 0)


windows = st.tuples(st.integers(0, 10_000), st.integers(3_000, 10_000)).map(lambda w: slice(w[0], w[0] + w[1]))


@hypothesis_settings(max_examples=60)
@given(windows, windows)
def test_estimates_keep_within_five_standard_errors(left: slice, right: slice) -> None:
    """The exact answer, of the sets; and the same of the samples, counted the slow way."""
    k = 1024
    a, b = set(IDS[left]), set(IDS[right])
    found = overlap("a", first(a, k), "b", first(b, k))
    assert not found.exact
    below = min(sorted(a)[k - 1], sorted(b)[k - 1])
    ours, theirs = ({id_ for id_ in ids if id_ < below} for ids in (a, b))
    assert found.jaccard == len(ours & theirs) / len(ours | theirs)
    assert found.a_in_b == len(ours & theirs) / len(ours)
    assert found.basis == len(ours | theirs)
    assert first(a, k).size == pytest.approx(len(a), rel=5 / math.sqrt(k - 2))
    jaccard = len(a & b) / len(a | b)
    error = math.sqrt(max(jaccard * (1 - jaccard), 1 / found.basis) / found.basis)
    assert abs(found.jaccard - jaccard) <= 5 * error
    assert found.both == pytest.approx(len(a & b), abs=5 * error * len(a | b) + 5 * len(a & b) / math.sqrt(k - 2))


def test_the_estimate_of_a_size_is_unbiased() -> None:
    """Over many segments of 5,000 the mean error is small against that of one: 3.1 %."""
    sizes = [
        first({person(number) for number in range(start, start + 5000)}, 1024).size for start in range(0, 100_000, 5000)
    ]
    assert sum(sizes) / len(sizes) == pytest.approx(5000, rel=0.02)


def test_a_part_of_a_large_segment_is_seen_to_be_one() -> None:
    large, small = set(IDS), set(IDS[:5000])
    found = overlap("small", first(small, 512), "large", first(large, 512))
    assert found.a_in_b == 1.0
    assert found.b_in_a == pytest.approx(0.25, abs=0.1)


def test_a_threshold_that_is_no_members_id_counts_only_those_below() -> None:
    """Where a bounded part of the index was read, the last id read may be of somebody who left."""
    ids = sorted(IDS[:4000])
    seen = Sketch.of(ids[:1000], ids[1000])
    assert seen.size == pytest.approx(4000, rel=0.1)


def test_places_are_fractions_of_all_ids() -> None:
    assert place("8" + 25 * "0") == 0.5
    assert place("f" * 26) == pytest.approx(1.0)
    assert sum(place(id_) < 0.1 for id_ in IDS) == pytest.approx(2000, rel=0.1)
