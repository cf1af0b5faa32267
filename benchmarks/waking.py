"""What waits, and what wakes it: reads and writes of a wake-up while more and more runs wait, a minute in which everything
comes due at once, a clock that stood still for a day, and the same counts on the wire of the real adapters."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from benchmarks import waking_calls, waking_wire
from benchmarks.cost import WAKE_QUERIES
from benchmarks.measure import Report, Table, number
from benchmarks.waking_calls import Calls
from benchmarks.waking_shop import NINE, Workers, World, run_of
from homing.domain.delivery.ledger import Entry, Ledger
from homing.domain.delivery.message import SendRequest
from homing.domain.profiles.profile import WAKE_BUCKETS, Profile
from homing.domain.time import DAY, MINUTE, SECOND
from homing.services.wake_due import BUDGET

# So many come due in the minutes that are counted, however many wait.
_WOKEN, _MINUTES = 1_000, 20
_PER_WAKE = {
    "index keys read": "index keys", "runs read": "journal.load_run", "profiles read": "profiles.read",
    "runs written": "journal.save_run", "messages to run_flows": "inbox.put", "sends asked for": "outbox.put",
}  # fmt: skip
# The sweep begins so long after everything came due: hardly a minute, the worst that the clock does.
_PHASE = 59 * SECOND


def run(*, quick: bool) -> Report:
    """A million waiting runs take some 2 GB of memory and two minutes; with ``quick`` it is ten thousand."""
    report = Report("waking", "Waking what waits")
    report.intro = (
        "The services as deployed on the in-memory adapters, every call of a port counted. What a call takes is measured"
        f" (the real adapters and botocore, on the {waking_calls.SHARE:.0%} of a vCPU that 512 MB are, and"
        f" {waking_calls.WAIT * 1000:.0f} ms of waiting), and a simulated clock moves by it."
    )
    calls = waking_calls.measure(2 if quick else 7)
    sizes = (1_000, 3_000, 10_000) if quick else (1_000, 100_000, 1_000_000)
    hot = 2_000 if quick else 100_000
    growth, verdicts = _growth(sizes)
    minute, found = _hot(sizes[-1], hot, calls)
    outage, caught = _outage(sizes[-1], hot, calls)
    wire, same = waking_wire.run(200 if quick else 2_000, 40 if quick else 200)
    report.tables = [growth, minute, outage, wire, _times(calls)]
    report.verdicts = [*verdicts, *found, *caught, *same]
    return report


def _growth(sizes: tuple[int, ...]) -> tuple[Table, list[tuple[str, str, bool]]]:
    rows: dict[str, list[str]] = {name: [] for name in ("Queries a sweep", "read units of an idle sweep", *_PER_WAKE)}
    rows |= {"progress read, a sweep": [], "progress written": [], "CPU of wake_due, µs": []}
    per_wake: list[dict[str, float]] = []
    for size in sizes:
        world = World()
        rng = random.Random(3)
        world.wait(
            size,
            lambda n, rng=rng: (
                NINE + (n * _MINUTES * MINUTE // _WOKEN if n < _WOKEN else DAY + rng.randrange(30 * DAY))
            ),
        )
        world.sweep(NINE - 1)
        idle = Counter(world.counts)
        world.forget()
        cpu = 0.0
        for minute in range(1, _MINUTES + 1):
            began = time.process_time()
            world.sweep(NINE + minute * MINUTE)
            cpu += time.process_time() - began
            world.work()
        assert world.counts["inbox.put"] == _WOKEN
        per_wake.append({name: world.counts[key] / _WOKEN for name, key in _PER_WAKE.items()})
        rows["Queries a sweep"].append(number(world.counts["index queries"] / _MINUTES, 1))
        rows["read units of an idle sweep"].append(number(idle["index half units"] / 2, 1))
        for name, value in per_wake[-1].items():
            rows[name].append(number(value, 2))
        rows["progress read, a sweep"].append(number(world.counts["progress.load"] / _MINUTES, 1))
        rows["progress written"].append(number(world.counts["progress.save"]))
        rows["CPU of wake_due, µs"].append(number(cpu / _WOKEN * 1e6))
    table = Table(
        "A wake-up, by how many runs wait",
        ("for each wake-up, where not said otherwise", *(f"{size:,} waiting" for size in sizes)),
        [[name, *values] for name, values in rows.items()],
        [f"{_WOKEN:,} runs come due in {_MINUTES} minutes; the others wait for up to a month. Each is woken, asks for a"
         " message and waits again."],
    )  # fmt: skip
    same = all(counts == per_wake[0] for counts in per_wake)
    text = (
        f"{sum(per_wake[-1].values()):.2f} reads, writes and messages at each of {', '.join(f'{n:,}' for n in sizes)}"
    )
    queries, units = idle["index queries"], idle["index half units"] / 2
    return table, [
        ("a wake-up costs the same however many runs wait", text, same),
        (f"an idle sweep reads {WAKE_QUERIES / 2} units, as standing still is reckoned", f"{units} in {queries} Queries",
         (queries, 2 * units) == (WAKE_QUERIES, WAKE_QUERIES)),
    ]  # fmt: skip


def _hot(waiting: int, hot: int, calls: Calls) -> tuple[Table, list[tuple[str, str, bool]]]:
    """All at nine: first runs, with workers as Lambda scales them, then slow ones; then sends, then profiles."""
    rows, verdicts = [], []
    for name, workers, remembers in (
        ("runs", Workers(calls.worked_off()), True),
        ("runs, run_flows manages 500 a second", Workers(1.0, most=500.0), True),
        ("the same, if no place were remembered", Workers(1.0, most=500.0), False),
    ):
        world = World(calls=calls)
        rng = random.Random(4)
        world.wait(waiting, lambda n, rng=rng: NINE if n < hot else NINE + DAY + rng.randrange(30 * DAY))
        if not remembers:
            world.wake = replace(world.wake, progress=None)
        if workers.most == 500.0:
            workers.seconds = 1e-6
        sweeps = _play(world, hot, workers)
        rows.append([name, *_told(world, sweeps, workers)])
        if remembers:
            lost = hot - len(world.ids)
            twice = sum(world.ids.values()) - len(world.ids)
            verdicts.append(
                (
                    f"a hot minute of {hot:,} {name}: none lost, none twice",
                    f"{lost} lost, {twice} twice",
                    not lost + twice,
                )
            )
        if name == "runs":
            late = (world.handed[-1][0] - NINE) / SECOND
            verdicts.append((f"the last of {hot:,} is handed on within two sweeps", f"{late:.0f} s after", late <= 120))
    for name, prepare in (("deferred sends", _deferred), ("profiles", _sleepers)):
        world = World(calls=calls)
        finish = prepare(world, hot)
        sweeps = _play(world, hot, None, finish)
        rows.append([name, *_told(world, sweeps, None)])
        assert len(world.ids) == hot
        assert sum(world.ids.values()) == hot
    columns = ("100,000 at 9:00".replace("100,000", f"{hot:,}"), "sweeps", "first after, s", "half after, s",
               "last after, s", "handed on again", "index read units", "progress writes", "worked off after, s")  # fmt: skip
    notes = [
        f"{waiting:,} runs wait in all. The first sweep begins {_PHASE // SECOND} s after nine, the worst that the minute"
        f" clock does, and each hands on for {BUDGET // SECOND} s at most. run_flows: five batches of ten at once, 300"
        " copies more a minute, and no more than 4,000 runs a second, which is what eight buckets of the index take.",
        "Sends leave the index as they are handed on; profiles go through the stream at half of what its shard takes.",
    ]
    return Table("A minute in which all come due", columns, rows, notes), verdicts


def _play(world: World, expected: int, workers: Workers | None, finish: Callable[[], None] | None = None) -> int:
    """Sweeps until everything is handed on and worked off; how many of them handed anything on."""
    at, sweeps, waited = NINE + _PHASE, 0, 0
    while waited < 300:
        before = len(world.handed)
        world.sweep(at)
        sweeps += len(world.handed) > before
        at += MINUTE
        waited += 1
        if workers:
            arrivals = [(when, count) for when, call, count in world.handed if call == "inbox.put"]
            world.work(workers.between(at - MINUTE, at, arrivals))
        if finish:
            finish()
        if len(world.ids) >= expected and (workers is None or not world.inbox.items):
            break
    return sweeps


def _told(world: World, sweeps: int, workers: Workers | None) -> list[str]:
    handed, half = 0, 0
    for at, _, count in world.handed:
        handed += count
        if not half and handed * 2 >= len(world.ids):
            half = at
    seen, last = 0, 0
    for at, _, count in world.handed:
        seen += count
        last = at
        if seen >= len(world.ids):
            break
    again = sum(world.ids.values()) - len(world.ids)
    return [
        number(sweeps), *(number((at - NINE) / SECOND) for at in (world.handed[0][0], half, last)), number(again),
        number(world.counts["index half units"] / 2), number(world.counts["progress.save"]),
        number((workers.last - NINE) / SECOND) if workers else "",
    ]  # fmt: skip


def _deferred(world: World, count: int) -> Callable[[], None]:
    for n in range(count):
        send = SendRequest(f"{n:032x}", "p", "r", "later", "win-back", "marketing", "flow_requested", 1, 2).to_dict()
        entry = Entry(f"{n:032x}", "deferred", "marketing", "later", "win-back", at=1, wake_at=NINE, request=send)
        world.journal.save_ledger(Ledger(f"{n:026x}").put(entry), expected=0)
    return world.outbox.items.clear


def _sleepers(world: World, count: int) -> Callable[[], None]:
    for n in range(count):
        world.profiles.write(Profile(f"{n:026x}", version=1, wake_at=NINE), expected=0)

    def awake() -> None:
        for record in world.stream.take():
            world.profiles.write(Profile(record.key, version=2), expected=1)

    return awake


def _outage(waiting: int, due: int, calls: Calls) -> tuple[Table, list[tuple[str, str, bool]]]:
    """The clock stood still from nine to nine; since then as many came due, evenly."""
    world, workers = World(calls=calls), Workers(calls.worked_off())
    rng = random.Random(5)
    instants = [NINE - DAY + n * DAY // due for n in range(due)]
    rng.shuffle(instants)
    world.wait(waiting, lambda n: instants[n] if n < due else NINE + DAY + rng.randrange(30 * DAY))
    came = {}
    for bucket in range(WAKE_BUCKETS):
        came |= {found.id: found.at for found in world.journal.due(bucket, NINE, due)}
    assert len(came) == due
    sweeps = _play(world, due, workers)
    order = [came[id_] for id_ in world.order]
    back = sum(earlier > later for earlier, later in pairwise(order))
    lost, twice = due - len(world.ids), len(world.order) - len(world.ids)
    rows = [
        ["came due while the clock stood still", number(due)],
        ["sweeps until all were handed on", number(sweeps)],
        ["handed on after the clock went on, s", number((world.handed[-1][0] - NINE - _PHASE) / SECOND)],
        ["worked off after it went on, s", number((workers.last - NINE - _PHASE) / SECOND)],
        ["handed on before an earlier one", number(back)],
        ["lost, handed on again", f"{lost}, {twice}"],
        ["index read units", number(world.counts["index half units"] / 2)],
        ["progress writes", number(world.counts["progress.save"])],
    ]
    assert all(run_of(world, id_).position != "1" for id_ in list(came)[:100])
    text = f"{back} out of order, {lost} lost, {twice} twice"
    return (
        Table("A clock that stood still for a day", ("", f"{waiting:,} runs wait"), rows),
        [("a day's outage is caught up in order", text, not back + lost + twice)],
    )


def _times(calls: Calls) -> Table:
    share = waking_calls.SHARE
    each = [
        ("Query that finds nothing", calls.empty, 1), ("Query of 1,000 entries", calls.page, 1),
        ("SendMessageBatch of 10", calls.messages, 1), ("PutRecords of 500", calls.records, 1),
        ("100 ledgers read, queued and written", calls.ledger, 100), ("GetItem of a run", calls.run, 1),
    ]  # fmt: skip
    rows = [
        [name, replace(spread, median=spread.median * n * 1e3, low=spread.low * n * 1e3, high=spread.high * n * 1e3).text(2),
         number(spread.median * n * 1e3 / share, 1)]
        for name, spread, n in each
    ]  # fmt: skip
    per_second = 1_000 / calls.put_messages(1_000), 100 / calls.ledgers(100)
    return Table(
        "What the calls of a sweep take",
        ("call", "CPU ms", f"on {share:.0%} of a vCPU, ms"),
        rows,
        [f"So a sweep puts {per_second[0]:,.0f} runs a second on their queue, and {per_second[1]:,.0f} deferred sends;"
         " TLS and the network come on top."],
    )  # fmt: skip
