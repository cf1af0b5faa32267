"""What a user would pick instead: recomputing all segments every so often, in ClickHouse (chDB) or in DuckDB.

The same rules over the same events, at the same instant, with the same members as result. Each engine runs in a process of
its own and has the events in a sorted columnar table of its own, in two orders; the quicker one counts.
``python -m benchmarks.recompute ENGINE EVENTS.parquet INSTANT REPETITIONS`` prints JSON.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import completejourney, inputs, recompute_rules, year
from benchmarks.measure import Report, Spread, Table, number

_DAY_MINUTES = 1_440
_DAY_SECONDS = 86_400
ENGINES = {"clickhouse": "chdb", "duckdb": "duckdb"}
ORDERS = ("person, name, happened", "name, happened")
Members = dict[str, set[int]]


def run(*, quick: bool) -> Report:
    """CPU seconds of one recomputation, and from which interval on recomputing is the cheaper way."""
    report = Report("recompute", "Against recomputing segments every so often")
    missing = [package for package in ENGINES.values() if importlib.util.find_spec(package) is None]
    if not inputs.has_real_orders():
        report.skipped = "../shared/data/completejourney is missing."
        return report
    if missing:
        report.skipped = f"not installed: {', '.join(missing)} (pip install {' '.join(missing)})."
        return report
    start, until, careful = ("2017-12-01", "2017-12-18", 2) if quick else ("2017-01-01", "2017-12-18", 30)
    instant = f"{until}T12:34:56Z"
    ours = year.played(start, careful, instant, orders=False, more="recompute", measure=False)
    a_day = ours.careful_cpu / careful
    rows, verdicts = [], []
    with tempfile.TemporaryDirectory() as folder:
        for copies in (1,) if quick else (1, 8):
            events = Path(folder) / f"events-{copies}.parquet"
            count = _write(events, start, until, copies)
            for engine in ENGINES:
                found = _child(engine, events, instant, 5 if quick else 15)
                if copies == 1:
                    _compare(engine, ours.members, found["members"])
                cpu = Spread.of(found["cpu"])
                day = cpu.median * _DAY_MINUTES
                own = a_day * copies
                rows.append([
                    f"{engine} {found['version']}", f"{count:,}", f"{found['people']:,}", found["order"],
                    f"{cpu.text(3)}", f"{Spread.of(found['wall']).median:,.3f}", number(day, 1), number(own, 2),
                    f"{day / own:,.0f} ×", _interval(own / cpu.median),
                ])  # fmt: skip
                report.facts[f"{engine} {copies}"] = (cpu.median, own)
                if copies == 1:
                    verdicts.append((day / own, engine))
    least, engine = min(verdicts)
    report.verdicts = [("cheaper than recomputing each minute", f"{least:,.0f} × at least ({engine})", least > 1)]
    columns = (
        "engine", "events", "people", "sorted by", "CPU s, one recomputation", "by the clock, s",
        "CPU s a day, each minute", "Homing, CPU s a day", "ratio", "same cost when recomputed every",
    )  # fmt: skip
    segments = recompute_rules.segments()
    report.tables = [
        Table(f"{len(segments)} segments of Complete Journey, {start} to {until}", columns, rows, _notes(ours, careful))
    ]
    return report


def _notes(ours: year.Played, days: int) -> Sequence[str]:
    return [
        f"Segments: {', '.join(recompute_rules.segments())}. All three engines found the same members of each at"
        " the same instant; a run with different ones fails.",
        f"Homing: the last {days} days through the updater in memory, a batch for each minute with events, wake-ups"
        f" included: {ours.careful_events:,} events and {ours.woken:,} wake-ups, {ours.careful_cpu:.1f} s of CPU,"
        f" {ours.careful_cpu / max(ours.careful_events, 1) * 1e6:,.0f} µs an event,"
        f" {ours.careful_writes / max(ours.careful_events, 1):.2f} writes an event. Its cost grows with the events of the"
        " day; eight times the people are counted as eight times of it, not measured.",
        "The others: all segments in one statement, whose main part is one pass over the events that some rule needs"
        " (orders of all time, the rest of 7 to 60 days) and which groups once more where a rule asks for the same value."
        " The tables are sorted as named, the quicker of two orders; nothing else runs beside it. Their cost grows with"
        " the history that the rules look at.",
        "Left out in their favour: taking the events in, keeping the parts of the table merged, finding out who came and"
        " went, telling anybody. Left out in ours: the network and what a table in the cloud costs a write, which the"
        " section on cost has.",
        "What it does not show: these engines also answer questions that nobody thought of before, over all of history,"
        " and a new rule costs them nothing. A shop whose segments may be hours old is served well by a nightly query.",
    ]


def _interval(recomputations: float) -> str:
    """How often a day the others can recompute for our CPU, as an interval."""
    seconds = _DAY_SECONDS / recomputations
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:.1f} h"


def _write(path: Path, start: str, until: str, copies: int) -> int:
    """The full stream as rows, straight from the raw data: nothing of Homing's converter is trusted."""
    import duckdb

    connection = duckdb.connect()
    transactions, products = completejourney.DATA / "transactions.parquet", completejourney.DATA / "products.parquet"
    connection.execute(
        f"""
        create table lines as
        select household_id, basket_id, transaction_timestamp as bought, t.product_id, sales_value,
               coalesce(department, '') as category, count(*) over (partition by basket_id) as lines,
               row_number() over (partition by basket_id order by t.product_id, sales_value, quantity) as line
        from '{transactions}' t left join '{products}' p using (product_id)
        where transaction_timestamp >= '{start}' and transaction_timestamp < cast('{until}' as date) + interval 1 day;
        create table events as
        select household_id as person, 'Product Added' as name,
               bought - to_seconds(lines - line + 1) as happened, cast(product_id as varchar) as product, category,
               cast(null as boolean) as machine, cast(null as decimal(12, 2)) as total from lines
        union all
        select household_id, 'Order Completed', any_value(bought), null, null, null, sum(cast(sales_value as decimal(12, 2)))
        from lines group by household_id, basket_id;
        copy (
            select cast(person + copy * 10000 as uinteger) as person, name, happened, product, category, machine, total
            from events, range({copies}) as copies(copy)
        ) to '{path}' (format parquet)
        """
    )
    ((count,),) = connection.execute(f"select count(*) from '{path}'").fetchall()
    return int(count)


def _compare(engine: str, ours: dict[str, list[str]], theirs: dict[str, list[int]]) -> None:
    for name in recompute_rules.segments():
        mine = set(ours.get(name, ()))
        other = {completejourney.user_id(person) for person in theirs[name]}
        if mine != other:
            raise RuntimeError(
                f"{engine} finds {len(other)} people in {name}, Homing {len(mine)};"
                f" in one only: {sorted(mine ^ other)[:5]}"
            )


def _child(engine: str, events: Path, instant: str, repetitions: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.recompute", engine, str(events), instant, str(repetitions)]
    done = subprocess.run(command, cwd=inputs.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{engine} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measure(engine: str, events: str, instant: str, repetitions: int) -> dict[str, Any]:
    version, tables = (_clickhouse if engine == "clickhouse" else _duckdb)(events, instant)
    best: dict[str, Any] = {}
    for order, (ask, read) in tables.items():
        ask()
        cpu, wall = [], []
        for _ in range(repetitions):
            began, clock = time.process_time(), time.perf_counter()
            ask()
            cpu.append(time.process_time() - began)
            wall.append(time.perf_counter() - clock)
        if not best or Spread.of(cpu).median < Spread.of(best["cpu"]).median:
            names, rows = recompute_rules.segments(), read()
            members = {name: [row[0] for row in rows if row[1 + index]] for index, name in enumerate(names)}
            best = {"order": order, "cpu": cpu, "wall": wall, "members": members, "people": len(rows)}
    return {**best, "version": version}


# By order: asks and takes the answer in the engine's own columns, which is timed; asks for rows.
Tables = dict[str, tuple[Callable[[], object], Callable[[], list[tuple[Any, ...]]]]]


def _duckdb(events: str, instant: str) -> tuple[str, Tables]:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"create view raw as from '{events}'")
    spelling = {
        "COUNT": "count(*) filter (where {test})",
        "SUM": "sum({value}) filter (where {test})",
        "AVG": "avg({value}) filter (where {test})",
        "MAX": "max({value}) filter (where {test})",
        "MIN": "min({value}) filter (where {test})",
        "DISTINCT": "count(distinct {value}) filter (where {test})",
    }
    at = f"timestamp '{instant[:10]} {instant[11:19]}'"
    tables: Tables = {}
    for index, order in enumerate(ORDERS):
        connection.execute(f"create schema s{index}; use s{index}")
        # Enumerations, as ClickHouse's LowCardinality: names are compared as numbers.
        for column in ("name", "category"):
            known = f"select distinct {column} from main.raw where {column} is not null order by 1"
            connection.execute(f"create type {column}s as enum ({known})")
        connection.execute(
            f"create table events as select * replace (name::names as name, category::categorys as category)"
            f" from main.raw order by {order}"
        )
        connection.execute(
            "create table people as select distinct person, cast(null as varchar) as loyalty_tier from events"
            f" where happened <= {at}"
        )
        text = recompute_rules.query(spelling, at, f"({at} - interval {{days}} day)")

        def ask(schema: str = f"s{index}", text: str = text) -> duckdb.DuckDBPyConnection:
            connection.execute(f"use {schema}")
            return connection.execute(text)

        tables[order] = (lambda ask=ask: ask().fetchnumpy()), (lambda ask=ask: ask().fetchall())  # type: ignore[misc]
    return duckdb.__version__, tables


def _clickhouse(events: str, instant: str) -> tuple[str, Tables]:
    from chdb import session

    connection = session.Session()
    spelling = {
        "COUNT": "countIf({test})",
        "SUM": "sumIf({value}, {test})",
        "AVG": "avgIf({value}, {test})",
        "MAX": "maxIf({value}, {test})",
        "MIN": "minIf({value}, {test})",
        "DISTINCT": "uniqExactIf({value}, {test})",
    }
    at = f"toDateTime64('{instant[:10]} {instant[11:19]}', 3, 'UTC')"
    tables: Tables = {}
    for index, order in enumerate(ORDERS):
        connection.query(f"create database s{index}")
        connection.query(
            f"create table s{index}.events (person UInt32, name LowCardinality(String), happened DateTime64(3, 'UTC'),"
            " product String, category LowCardinality(String), machine Nullable(Bool),"
            f" total Decimal(12, 2)) engine = MergeTree order by ({order})"
        )
        connection.query(
            f"insert into s{index}.events select person, name, toDateTime64(happened, 3, 'UTC'), coalesce(product, ''),"
            f" coalesce(category, ''), machine, coalesce(total, 0) from file('{events}', Parquet)"
        )
        connection.query(f"optimize table s{index}.events final")
        connection.query(
            f"create table s{index}.people (person UInt32, loyalty_tier Nullable(String)) engine = MergeTree order by person"
        )
        connection.query(
            f"insert into s{index}.people select distinct person, null from s{index}.events where happened <= {at}"
        )
        text = recompute_rules.query(spelling, at, f"({at} - toIntervalDay({{days}}))")
        text = text.replace("from events", f"from s{index}.events").replace("from people", f"from s{index}.people")
        text += " settings join_use_nulls = 1"

        def read(text: str = text) -> list[tuple[Any, ...]]:
            answer = str(connection.query(text, "JSONCompactEachRow"))
            return [tuple(json.loads(line)) for line in answer.splitlines()]

        tables[order] = (lambda text=text: connection.query(text, "Native")), read  # type: ignore[misc]
    return str(connection.query("select version()", "TSV")).strip(), tables


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))))
