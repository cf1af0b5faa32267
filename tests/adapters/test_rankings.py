"""The contract of the store of thresholds."""

from __future__ import annotations

from typing import Any

import pytest

from homing.adapters.backoff import Backoff
from homing.adapters.dynamodb_rankings import DynamoRankings
from homing.adapters.memory import MemoryRankings
from homing.domain.attributes.rankings import Thresholds
from homing.domain.errors import Conflict

FIRST = Thresholds(1, 40, (1, 2, 3, 4), (1, 1, 2, 9), (19_900_000, 10**12, 10**15, 2**62))
SECOND = FIRST._replace(effective_at=2)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest, backoff: Backoff) -> Any:
    if request.param == "memory":
        return MemoryRankings()
    return DynamoRankings(request.getfixturevalue("dynamodb"), "profiles", backoff=backoff)


def test_before_the_first_night_nothing_is_known(store: Any) -> None:
    assert store.load() == (0, [])


def test_what_is_saved_is_what_is_loaded(store: Any) -> None:
    store.save([FIRST], expected=0)
    store.save([FIRST, SECOND], expected=1)

    assert store.load() == (2, [FIRST, SECOND])


def test_of_two_nights_at_once_one_has_to_begin_anew(store: Any) -> None:
    store.save([FIRST], expected=0)

    with pytest.raises(Conflict):
        store.save([SECOND], expected=0)
    assert store.load() == (1, [FIRST])
