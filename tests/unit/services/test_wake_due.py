"""Sweeps that find more than they can hand on, queues that are slow, clocks that stood still, workers that die."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.memory import (
    MemoryInbox,
    MemoryJournal,
    MemoryOutbox,
    MemoryProfiles,
    MemoryProgress,
    MemoryStream,
)
from homing.domain.delivery.ledger import RETRY, Entry, Ledger
from homing.domain.delivery.message import SendRequest
from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.flows.job import Job
from homing.domain.flows.run import Run
from homing.domain.profiles.profile import WAKE_BUCKETS, Profile
from homing.domain.progress import LEASE
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, parse_instant
from homing.services import wake_due
from homing.services.ports import StreamRecord
from homing.services.wake_due import CHECKPOINT, MANY, PER_SHARD, WakeDue, WakeResult

NINE = parse_instant("2026-11-27T09:00:00Z")


class Died(Exception):  # noqa: N818 - what happened
    """The process is gone."""


class Shop:
    """Memory adapters behind a clock that moves with each call: ``cost`` is how long a put takes, others a hundredth of
    it. Queues keep what they were given, so nothing is worked off unless :meth:`work` says so."""

    def __init__(self, **settings: Any) -> None:
        self.now, self.cost = NINE, 0
        self.calls: Counter[str] = Counter()
        self.before_put: Callable[[], None] = lambda: None
        self.waited: list[float] = []
        self.profiles, self.journal = MemoryProfiles(isolate=False), MemoryJournal(isolate=False)
        self.progress, self.stream, self.outbox = MemoryProgress(), MemoryStream(), MemoryOutbox()
        self.inbox = MemoryInbox()
        self.settings = settings

    def sweep(self) -> WakeResult:
        return WakeDue(
            _Watched(self, self.profiles), _Watched(self, self.journal), _Watched(self, self.stream),
            _Watched(self, self.inbox), _Watched(self, self.outbox), lambda: self.now,
            progress=_Watched(self, self.progress), wait=self._wait, **self.settings,
        )()  # fmt: skip

    def minute(self) -> WakeResult:
        """The sweep of the next full minute."""
        self.now = (self.now // MINUTE + 1) * MINUTE
        return self.sweep()

    def runs(self, instants: Mapping[str, int]) -> None:
        for id_, at in instants.items():
            run = Run(id_, "flow", "rev", "ada", id_, "cart_abandoned", "t", 1, 1, wake_at=at)
            assert self.journal.start_run(run)

    def work(self, count: int | None = None) -> None:
        """``run_flows`` takes messages: these runs wait no longer."""
        for message in self.inbox.take(count):
            run = self.journal.load_run(message["wake_run"])
            assert run is not None
            if run.wake_at is not None:
                self.journal.save_run(run.change(wake_at=None, version=run.version + 1), expected=run.version)

    def handed_on(self) -> list[str]:
        """The runs in the inbox, in the order in which they were put there."""
        return [message["wake_run"] for message in self.inbox.items]

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += int(seconds * SECOND)


class _Watched:
    """Counts calls, lets time pass, and tells before something is put."""

    def __init__(self, shop: Shop, target: Any) -> None:
        self._shop, self._target = shop, target

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            name = f"{type(self._target).__name__.removeprefix('Memory')}.{method}"
            self._shop.calls[name] += 1
            self._shop.now += self._shop.cost if method == "put" else self._shop.cost // 100
            if method == "put":
                self._shop.before_put()
            return getattr(self._target, method)(*args, **more)

        return call


def many(count: int, at: Callable[[int], int] = lambda _: NINE) -> dict[str, int]:
    return {f"run-{number:05}": at(number) for number in range(count)}


def in_order(**values: Any) -> Iterator[str]:
    """The runs in the order of their time."""
    return (id_ for id_, _ in sorted(values.items(), key=lambda item: item[1]))


def test_an_idle_sweep_reads_each_bucket_of_both_indexes_once_and_does_nothing_else() -> None:
    shop = Shop()
    shop.runs(many(50, lambda n: NINE + HOUR + n))
    assert shop.sweep() == WakeResult({"profiles": 0, "runs": 0, "sends": 0, "jobs": 0})
    assert shop.calls == {"Profiles.due": WAKE_BUCKETS, "Journal.due": WAKE_BUCKETS + 1}


def test_a_sweep_that_is_in_time_reads_the_progress_and_writes_none() -> None:
    shop = Shop()
    shop.runs(many(MANY - 1, lambda n: NINE - n * 50_000))
    assert shop.sweep().counts["runs"] == MANY - 1
    assert shop.calls == {
        "Profiles.due": WAKE_BUCKETS, "Journal.due": WAKE_BUCKETS + 1, "Progress.load": 1, "Inbox.put": 1,
    }  # fmt: skip


def test_more_than_a_page_of_each_bucket_is_handed_on_in_the_order_of_time() -> None:
    shop = Shop()
    due = many(20_000, lambda n: NINE - (n * 7919 % 20_000) * SECOND)
    shop.runs(due)
    result = shop.sweep()
    assert result.counts["runs"] == 20_000
    assert not result.left
    assert result.late == 19_999 * SECOND
    assert shop.handed_on() == list(in_order(**due))


def test_when_time_is_up_the_next_sweep_goes_on_behind() -> None:
    shop = Shop()
    due = many(10_000, lambda n: NINE - DAY + n * SECOND)
    shop.runs(due)
    shop.cost = 10 * SECOND
    first = shop.sweep()
    assert first.left
    handed = len(shop.handed_on())
    assert 0 < handed < 10_000
    sweeps = 1
    while shop.minute().left:
        sweeps += 1
        assert sweeps < 20
    assert shop.handed_on() == list(in_order(**due))


def test_what_a_slow_queue_keeps_is_handed_on_again_once_a_lease_and_no_more() -> None:
    """Nothing is worked off for an hour. Twenty thousand at once are written down at once."""
    shop = Shop()
    shop.runs(many(20_000))
    shop.cost = SECOND // 5
    shop.now += 15 * SECOND
    counts = [shop.sweep().counts["runs"], *(shop.minute().counts["runs"] for _ in range(60))]
    assert [minute for minute, count in enumerate(counts) if count] == [0, 11, 22, 33, 44, 55]
    assert set(counts) == {0, 20_000}


def test_few_in_a_slow_queue_are_handed_on_three_times_before_it_is_written_down() -> None:
    shop = Shop()
    shop.runs(many(5, lambda _: NINE - 20 * SECOND))
    counts = [shop.sweep().counts["runs"], *(shop.minute().counts["runs"] for _ in range(30))]
    assert [minute for minute, count in enumerate(counts) if count] == [0, 1, 2, 12, 22]
    assert shop.calls["Progress.save"] == 3


def test_others_that_come_due_meanwhile_are_handed_on_at_once() -> None:
    shop = Shop()
    shop.runs(many(5, lambda _: NINE - 5 * MINUTE))
    shop.sweep()
    shop.runs({"later": NINE + 30 * SECOND})
    shop.inbox.take()
    shop.minute()
    assert shop.handed_on() == ["later"]


def test_what_is_put_behind_the_places_is_found_when_the_lease_is_over() -> None:
    shop = Shop()
    shop.runs(many(5, lambda _: NINE - 5 * MINUTE))
    shop.sweep()
    shop.work()
    shop.runs({"straggler": NINE - 6 * MINUTE})
    minutes = 0
    while not shop.handed_on():
        shop.minute()
        minutes += 1
    assert minutes == LEASE // MINUTE
    assert shop.handed_on() == ["straggler"]


def test_what_came_due_just_now_is_behind_no_place() -> None:
    """The index shows a write a moment later: an entry from before the last ones that were handed on."""
    shop = Shop()
    shop.runs(many(MANY, lambda n: NINE - n * 1_000))
    shop.sweep()
    shop.work()
    shop.runs({"index was behind": NINE - 2 * SECOND})
    shop.minute()
    assert shop.handed_on() == ["index was behind"]


def test_a_clock_that_stood_still_for_a_day_is_caught_up_in_order_while_new_ones_come_due() -> None:
    shop = Shop()
    backlog = many(14_000, lambda n: NINE - DAY + n * 6 * SECOND)
    shop.runs(backlog)
    # A thousand a sweep: catching up takes longer than the lease of a place.
    shop.cost = 46 * SECOND
    fresh = {f"fresh-{number}": NINE + number * 5 * SECOND for number in range(1, 60)}
    shop.runs(fresh)
    sweeps = 0
    while len(set(shop.handed_on())) < 14_059:
        shop.minute()
        sweeps += 1
        assert sweeps < 30
    assert list(dict.fromkeys(shop.handed_on())) == list(in_order(**backlog, **fresh))
    # Of the backlog nothing twice, though nothing was worked off; of what came due meanwhile only the latest.
    repeated = Counter(shop.handed_on())
    assert {id_ for id_, count in repeated.items() if count > 1} <= fresh.keys()
    assert max(repeated.values()) <= 3


def test_a_sweep_that_dies_repeats_no_more_than_since_it_last_wrote_its_place_down() -> None:
    shop = Shop()
    due = many(20_000, lambda n: NINE - HOUR + n * 1_000)
    shop.runs(due)
    shop.cost = SECOND

    def die() -> None:
        if shop.calls["Inbox.put"] == 16:
            raise Died

    shop.before_put = die
    with pytest.raises(Died):
        shop.sweep()
    told = len(shop.handed_on())
    assert told == 15_000
    while shop.minute().left:
        pass
    repeated = Counter(shop.handed_on())
    assert repeated.keys() == due.keys()
    assert set(repeated.values()) <= {1, 2}
    # A thousand a second here.
    assert 0 < sum(count - 1 for count in repeated.values()) <= 1_000 * (CHECKPOINT // SECOND + 1)
    again = shop.handed_on()[told:]
    assert again == [id_ for id_ in in_order(**due) if id_ in set(again)]


def test_of_two_sweeps_at_once_the_second_to_write_its_place_down_stops() -> None:
    shop = Shop()
    due = many(20_000, lambda n: NINE - HOUR + n * 1_000)
    shop.runs(due)
    shop.cost = SECOND
    inner: list[WakeResult] = []

    def another() -> None:
        if shop.calls["Inbox.put"] == 3:
            inner.append(shop.sweep())

    shop.before_put = another
    outer = shop.sweep()
    assert inner[0].counts["runs"] >= 17_000
    repeated = Counter(shop.handed_on())
    assert repeated.keys() == due.keys()
    assert outer.counts["runs"] == 3_000
    assert sum(count - 1 for count in repeated.values()) == 2_000


def test_a_stream_that_takes_nothing_holds_up_no_run_and_no_send() -> None:
    shop = Shop()
    shop.profiles.write(Profile("ada", version=1, wake_at=NINE - 1), expected=0)
    shop.runs(many(3))
    shop.stream.faults.plan("put", times=2)
    for _ in range(2):
        with pytest.raises(Unavailable):
            shop.minute()
    assert set(shop.handed_on()) == set(many(3))
    assert shop.stream.items == []
    shop.minute()
    assert [json.loads(record.data)["wake"] for record in shop.stream.items] == ["ada"]


def test_an_index_that_can_not_be_read_holds_up_only_what_it_shows() -> None:
    shop = Shop()
    shop.runs(many(3))
    shop.profiles.faults.plan("due", times=2)
    with pytest.raises(Unavailable):
        shop.sweep()
    assert len(shop.handed_on()) == 3


def test_a_place_that_can_not_be_written_down_is_a_failure_after_all_is_handed_on() -> None:
    shop = Shop()
    shop.runs(many(3, lambda _: NINE - HOUR))
    shop.progress.faults.plan("save")
    with pytest.raises(Unavailable):
        shop.sweep()
    assert len(shop.handed_on()) == 3


def test_profiles_take_half_of_what_the_stream_can_and_others_do_not_wait_for_them() -> None:
    shop = Shop(shards=2)
    for number in range(4_000):
        shop.profiles.write(Profile(f"p{number}", version=1, wake_at=NINE - 1), expected=0)
    shop.runs(many(5_000))
    handed: list[tuple[float, int]] = []
    shop.before_put = lambda: handed.append(((shop.now - NINE) / SECOND, len(shop.handed_on())))
    began = shop.now
    shop.sweep()
    assert len(shop.stream.items) == 4_000
    # A chunk of 500 records in half a second; the first at once.
    assert shop.now - began == (4_000 - 500) * SECOND // (2 * PER_SHARD)
    assert sum(shop.waited) == 3.5
    # All runs were handed on before anybody waited.
    assert [at for at, _ in handed if at == 0][-1] == 0
    assert max(count for at, count in handed if at < 1) == 5_000


def test_a_progress_of_a_clock_that_ran_ahead_holds_nobody_up_for_longer_than_a_lease() -> None:
    shop = Shop()
    shop.runs(many(5, lambda _: NINE - 5 * MINUTE))
    shop.now += 2 * HOUR
    shop.sweep()
    shop.now -= 2 * HOUR
    shop.inbox.take()
    shop.minute()
    assert len(shop.handed_on()) == 5


def request(send_id: str) -> SendRequest:
    return SendRequest(send_id, "p", "run", "flow", "hello", "marketing", "flow_requested", 1, 1)


def deferred(send_id: str, at: int, **values: Any) -> Entry:
    entry = Entry(
        send_id, "deferred", "marketing", "flow", "hello", at=1, wake_at=at, request=request(send_id).to_dict()
    )
    return entry.change(**values)


def test_ledgers_leave_the_index_as_they_are_handed_on() -> None:
    shop = Shop()
    for number in range(350):
        shop.journal.save_ledger(Ledger(f"p{number}").put(deferred(f"s{number}", NINE - HOUR + number)), expected=0)
    shop.runs(many(2_000, lambda n: NINE - HOUR + n))
    assert shop.sweep().counts == {"profiles": 0, "runs": 2_000, "sends": 350, "jobs": 0}
    assert [sent.send_id for sent in shop.outbox.items] == [f"s{number}" for number in range(350)]
    # Four chunks of ledgers make four calls of the outbox, not 350.
    assert shop.calls["Outbox.put"] == 4
    assert shop.minute().counts == {"profiles": 0, "runs": 0, "sends": 0, "jobs": 0}
    assert shop.journal.load_ledger("p7").wake_at == NINE + RETRY


def test_a_ledger_that_somebody_else_wrote_meanwhile_is_seen_to_by_the_next_sweep() -> None:
    shop = Shop()
    shop.journal.save_ledger(Ledger("p").put(deferred("s", NINE - HOUR)), expected=0)

    def meanwhile() -> None:
        ledger = shop.journal.load_ledger("p")
        if ledger.version == 1:
            shop.journal.save_ledger(ledger.put(deferred("s2", NINE + HOUR)), expected=1)

    shop.before_put = meanwhile
    assert shop.sweep().counts["sends"] == 0
    assert shop.minute().counts["sends"] == 1
    assert shop.journal.load_ledger("p").entries["s"].wake_at == NINE + MINUTE + RETRY


class _Choosy(MemoryOutbox):
    """Refuses one request for ever, as a queue does with one that is too large."""

    def put(self, requests: Sequence[SendRequest]) -> None:
        if any(request.send_id == "s3" for request in requests):
            raise InvalidInput("too large", code="refused_by_aws")
        super().put(requests)


def test_a_request_that_is_refused_for_ever_holds_up_nobody_elses() -> None:
    shop = Shop()
    shop.outbox = _Choosy()
    for number in range(6):
        shop.journal.save_ledger(Ledger(f"p{number}").put(deferred(f"s{number}", NINE - number)), expected=0)
    for _ in range(2):
        with pytest.raises(InvalidInput):
            shop.minute()
    assert sorted(sent.send_id for sent in shop.outbox.items) == ["s0", "s1", "s2", "s4", "s5"]


def test_the_wake_up_of_a_profile_says_whose_and_when() -> None:
    shop = Shop()
    shop.profiles.write(Profile("ada", version=1, wake_at=NINE - 1), expected=0)
    shop.sweep()
    assert shop.stream.items == [StreamRecord("ada", f'{{"wake":"ada","at":{NINE}}}'.encode())]


def test_the_budget_of_a_sweep_leaves_room_for_a_slow_last_call() -> None:
    from infra.constructs.flow_engine import WAKE_DUE_TIMEOUT

    assert wake_due.BUDGET + 10 * SECOND <= WAKE_DUE_TIMEOUT.to_seconds() * SECOND < MINUTE


# What happens in a minute: new runs (seconds from now), how many are worked off, whether the sweep dies at a put.
MINUTES = st.lists(
    st.tuples(
        st.lists(st.integers(-5_000, 600), max_size=12),
        st.none() | st.integers(0, 12),
        st.integers(0, 3),
        st.integers(0, 9),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(MINUTES)
def test_nothing_is_lost_whatever_is_late_slow_or_dies(minutes: list[tuple[list[int], int | None, int, int]]) -> None:
    shop = Shop(many=4, budget=45 * SECOND)
    passes: Counter[str] = Counter()
    for number, (instants, worked, deaths, cost) in enumerate(minutes):
        shop.runs({f"run-{number}-{n}": shop.now + at * SECOND for n, at in enumerate(instants)})
        shop.cost = cost * SECOND // 4
        puts = shop.calls["Inbox.put"]
        doomed = deaths

        def die(puts: int = puts, doomed: int = doomed) -> None:
            if doomed and shop.calls["Inbox.put"] == puts + doomed:
                raise Died

        shop.before_put = die
        before = len(shop.inbox.items)
        with suppress(Died):
            shop.minute()
        handed = shop.handed_on()[before:]
        assert len(handed) == len(set(handed))
        passes.update(handed)
        shop.work(worked)
    shop.cost, shop.before_put = 0, lambda: None
    for _ in range(10 + 2 * LEASE // MINUTE):
        shop.minute()
        shop.work()
    assert shop.journal.next_wake() is None


def test_a_job_whose_time_has_come_is_handed_on_without_a_look_at_runs() -> None:
    shop = Shop()
    job = Job("news/r1", "start", ("news",), "r1", NINE, of={"segment": "vip"}, wake_at=NINE)
    shop.journal.save_job(job, expected=0)
    shop.journal.save_job(replace(job, id="news/r2", wake_at=NINE + MINUTE), expected=0)
    assert shop.sweep().counts["jobs"] == 1
    assert [message for message in shop.inbox.items if "wake_job" in message] == [{"wake_job": "news/r1"}]
