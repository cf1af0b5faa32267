"""The contract of the store of discount codes, and the promise that is made with it: one code for one customer."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from homing.adapters.dynamodb_codes import DynamoCodes
from homing.adapters.memory import MemoryCodes
from homing.domain.codes.grant import Grant, Pool
from homing.domain.codes.language import DiscountCode
from homing.domain.codes.minting import Mint
from homing.domain.delivery.message import SendRequest
from homing.domain.errors import Conflict, Unavailable
from homing.domain.time import DAY
from homing.services.codes import Codes, Drawn, NoCode
from tests.fixtures.shop import START, campaigns, instant

NOW = instant(START)
GRANT = Grant("f#ana", 1, 1, NOW, NOW + DAY, number=1, holders=("s1",))


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryCodes()
    return DynamoCodes(request.getfixturevalue("dynamodb"), "journal")


def codes(store: Any, **more: Any) -> Codes:
    spring = DiscountCode.model_validate({"name": "spring", "pool": True, "valid_for": "14d", **more})
    bundle = campaigns().model_copy(update={"codes": {"spring": spring}})
    return Codes(bundle, store, Mint(b"secret"))


def request(person: str, send_id: str, run: str = "r") -> SendRequest:
    return SendRequest(send_id, person, run, "f", "t", "marketing", "birthday", NOW, NOW, code="spring")


def draw(service: Codes, person: str, send_id: str, now: int = NOW, run: str = "r") -> str:
    drawn = service.draw(request(person, send_id, run), [person], now)
    return drawn.text if isinstance(drawn, Drawn) else drawn.reason


def test_an_import_can_be_repeated_and_continued(store: Any) -> None:
    assert store.add("spring", ["A", "B", "A"]) == 2
    assert store.add("spring", ["B", "C"]) == 1
    assert store.pool("spring") == Pool(3, 1)
    assert store.pool("autumn") == Pool()


def test_a_code_is_taken_by_one_and_by_them_again(store: Any) -> None:
    store.add("spring", ["A"])
    assert [store.claim("spring", 1, owner) for owner in ("x", "y", "x")] == ["A", None, "A"]
    store.free("spring", 1, "y")
    assert store.claim("spring", 1, "y") is None
    store.free("spring", 1, "x")
    assert store.claim("spring", 1, "y") == "A"


def test_a_pool_goes_on_behind_what_is_taken_and_comes_back_to_what_was_returned(store: Any) -> None:
    store.add("spring", ["A", "B"])
    store.passed("spring", 1)
    store.passed("spring", 1)
    assert store.pool("spring") == Pool(2, 2)
    store.put_back("spring", 1)
    store.put_back("spring", 1)
    assert store.pool("spring") == Pool(2, 2, frozenset({1}))
    assert store.pool("spring").left == 2
    store.passed("spring", 1)
    assert store.pool("spring") == Pool(2, 2)


def test_of_two_writes_of_a_grant_one_has_to_begin_anew(store: Any) -> None:
    store.save_grant("spring", GRANT, expected=0)
    with pytest.raises(Conflict):
        store.save_grant("spring", GRANT, expected=0)
    store.save_grant("spring", GRANT.change(text="A"), expected=1)
    assert store.load_grant("spring", "f#ana").text == "A"
    assert [grant.key for grant in store.grants("spring")] == ["f#ana"]
    assert store.load_grant("spring", "f#ben") is None


def test_a_customer_gets_one_code_however_often_they_are_asked_for(store: Any) -> None:
    store.add("spring", ["A", "B"])
    service = codes(store)
    assert [draw(service, "ana", send) for send in ("s1", "s1", "s2")] == ["A", "A", "A"]
    assert draw(service, "ben", "s3") == "B"
    assert draw(service, "eve", "s4") == "no_code_left"
    store.add("spring", ["C"])
    assert draw(service, "eve", "s4") == "C"


def test_a_code_whose_message_is_not_sent_is_somebody_elses_unless_another_message_carries_it(store: Any) -> None:
    store.add("spring", ["A"])
    service = codes(store)
    draw(service, "ana", "s1")
    draw(service, "ana", "s2")
    service.release(request("ana", "s1"), ["ana"])
    service.release(request("ana", "s1"), ["ana"])
    assert draw(service, "ben", "s3") == "no_code_left"
    service.release(request("ana", "s2"), ["ana"])
    service.release(request("ana", "s2"), ["ana"])
    assert draw(service, "ben", "s3") == "A"
    service.release(request("ana", "s2"), ["ana"])
    assert draw(service, "ben", "s3") == "A"
    assert draw(service, "ana", "s4") == "no_code_left"


def test_who_was_merged_keeps_the_code_of_the_earlier_profile(store: Any) -> None:
    store.add("spring", ["A", "B"])
    service = codes(store)
    draw(service, "anonymous", "s1")
    drawn = service.draw(request("ana", "s2"), ["ana", "anonymous"], NOW)
    assert isinstance(drawn, Drawn)
    assert drawn.text == "A"


def test_each_run_has_its_own_where_that_is_said(store: Any) -> None:
    store.add("spring", ["A", "B"])
    service = codes(store, once_per="run")
    assert [draw(service, "ana", f"s{run}", run=run) for run in ("r1", "r2", "r1")] == ["A", "B", "A"]


def test_a_code_is_valid_until_the_end_of_its_last_day_and_no_longer_than_the_discount(store: Any) -> None:
    store.add("spring", ["A", "B"])
    drawn = codes(store).draw(request("ana", "s1"), ["ana"], NOW)
    assert drawn == Drawn("A", instant("2026-03-17T00:00:00Z"), low=True)
    assert draw(codes(store), "ana", "s2", now=NOW + 20 * DAY) == "code_expired"
    short = codes(store, valid_until="2026-03-05")
    assert short.draw(request("ben", "s3"), ["ben"], NOW) == Drawn("B", instant("2026-03-06T00:00:00Z"), low=True)
    assert short.draw(request("eve", "s4"), ["eve"], NOW + 10 * DAY) == NoCode("code_ended")


def test_many_at_once_never_share_a_code() -> None:
    store = MemoryCodes()
    store.add("spring", [f"C{n}" for n in range(60)])
    service = codes(store)

    def customer(number: int) -> tuple[str, str]:
        person = f"p{number % 70}"
        return person, draw(service, person, f"s{number}")

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(customer, range(280)))
    by_person = {person: {code for name, code in got if name == person} for person, _ in got}
    given = [next(iter(held)) for held in by_person.values() if held != {"no_code_left"}]
    assert all(len(held) == 1 for held in by_person.values())
    assert len(given) == len(set(given)) == 60


class Interrupted:
    """A store in which another worker does something before each of the calls, or whose process dies there."""

    def __init__(self, store: Any, before: Callable[[str], None]) -> None:
        self._store, self._before = store, before

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            self._before(name)
            return operation(*arguments, **keywords)

        return call


class Died(Exception):  # noqa: N818
    """The process ended here."""


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_between_two_calls_nobody_has_anothers_code(store: Any, seed: int) -> None:
    """Between any two calls of one worker others draw, release and die; seeded, to be repeated."""
    chance = random.Random(seed)
    store.add("spring", [f"C{n}" for n in range(6)])
    plain = codes(store)
    sent: dict[str, tuple[str, str]] = {}
    dropped: set[str] = set()
    counter = iter(range(10_000))
    depth = 0

    def work(service: Codes) -> None:
        person, send = f"p{chance.randrange(4)}", f"s{next(counter)}"
        try:
            drawn = service.draw(request(person, send), [person], NOW)
            if isinstance(drawn, Drawn) and chance.random() < 0.5:
                sent[send] = (person, drawn.text)
                return
            dropped.add(send)
            service.release(request(person, send), [person])
        except (Died, Unavailable):
            # Nothing was sent; the hold stays, which costs a code and gives it to nobody else.
            dropped.add(send)

    def between(_: str) -> None:
        nonlocal depth
        if chance.random() < 0.03:
            raise Died
        if depth < 2 and chance.random() < 0.2:
            depth += 1
            work(codes(Interrupted(store, between)))
            depth -= 1

    for _ in range(12):
        depth = 0
        work(codes(Interrupted(store, between)))
    holders: dict[str, set[str]] = {}
    for person, text in sent.values():
        holders.setdefault(text, set()).add(person)
    assert sent
    assert all(len(people) == 1 for people in holders.values())
    assert all(len({text for who, text in sent.values() if who == person}) == 1 for person, _ in sent.values())
    # What died is gone on with: with codes enough, each of them gets one, and it is the one that was mailed to them.
    store.add("spring", [f"D{n}" for n in range(10)])
    final = {person: draw(plain, person, f"last-{person}") for person in ("p0", "p1", "p2", "p3")}
    assert len(set(final.values())) == 4
    assert all(final[person] == text for person, text in sent.values())


def test_a_store_in_memory_can_be_kept_in_a_file() -> None:
    store = MemoryCodes()
    store.add("spring", ["A", "B"])
    draw(codes(store), "ana", "s1")
    again = MemoryCodes.from_json(store.to_json())
    assert draw(codes(again), "ana", "s2") == "A"
    assert draw(codes(again), "ben", "s3") == "B"
