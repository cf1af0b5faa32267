"""The contract of the one item that all workers share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from homing.adapters.dynamodb_book import DynamoBook
from homing.adapters.memory import MemoryBook
from homing.domain.delivery.book import Book
from homing.domain.errors import Conflict


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Any:
    return MemoryBook() if request.param == "memory" else DynamoBook(request.getfixturevalue("dynamodb"), "journal")


def test_it_comes_back_as_it_was_stored(store: Any) -> None:
    assert store.load() == Book()
    lanes, _ = Book().lanes.lease("w", 5, (7, 7))  # type: ignore[misc]
    book = replace(Book(version=1, lanes=lanes, day="2026-12-01", taken=7).sent({"marketing": 1_300}))
    book, _ = book.heard("marketing", "bounce", "s1", 3)
    book = replace(book, stopped={"marketing": {"at": 3, "what": "bounce"}})
    store.save(book, expected=0)
    assert store.load() == book


def test_of_two_writers_one_has_to_look_again(store: Any) -> None:
    store.save(Book(version=1), expected=0)
    for expected in (0, 2):
        with pytest.raises(Conflict):
            store.save(Book(version=9), expected=expected)
    store.save(Book(version=2, taken=1), expected=1)
    assert store.load().taken == 1
