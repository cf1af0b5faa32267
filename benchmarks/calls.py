"""What the stack asks of AWS for 1,000 events: calls by operation, DynamoDB units by item sizes, invocations."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from benchmarks import inputs
from benchmarks.measure import Report, Table, number, percentile
from benchmarks.stub import read_units, size_of, write_units
from homing.domain.events.event import Event
from homing.domain.time import MINUTE, SECOND, iso
from homing.local.host import WEBHOOK_SECRET, WRITE_KEY, LocalHost
from homing.local.hosting import Functions
from homing.local.simulation import Drive
from homing.local.synth import SynthFailed
from homing.services.update_profiles import StreamItem

# See the cost of standing still.
_NIGHTLY = frozenset({"audit_segments", "rank_customers"})
# In the order of an event's way.
_WAY = ("kinesis", "dynamodb", "events", "sqs", "s3", "sesv2", "secretsmanager")


@dataclass
class Meter:
    """Counts while a host runs. DynamoDB items are remembered as stored: an overwritten item and an index count too."""

    calls: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    # By function and kind: read, write and index units, records, bytes, entries of the bus, mails.
    units: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    cpu: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    invocations: Counter[str] = field(default_factory=Counter)
    items: dict[tuple[str, ...], Mapping[str, Any]] = field(default_factory=dict)
    function: str = "host"

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Notes whose call it is, and how much CPU each function took (what moto does for it included)."""
        invoke = Functions.invoke

        def watched(functions: Functions, name: str, event: dict[str, Any]) -> Any:
            before, self.function = self.function, functions.find(name).short
            self.invocations[self.function] += 1
            began = time.process_time()
            try:
                return invoke(functions, name, event)
            finally:
                self.cpu[self.function] += time.process_time() - began
                self.function = before

        with patch.object(Functions, "invoke", watched):
            yield

    def attach(self, host: LocalHost) -> None:
        """Listens on the wire between clients and moto."""
        call: Callable[..., dict[str, Any]] = host.wire.call

        def counted(client: Any, operation: str, params: Mapping[str, Any], long_way: Any) -> dict[str, Any]:
            service = str(client.meta.service_model.service_name)
            self.calls[self.function, service, operation] += 1
            answer: dict[str, Any] = {}
            try:
                answer = call(client, operation, params, long_way)
                return answer
            finally:
                self._count(service, operation, params, answer)

        host.wire.call = counted  # type: ignore[method-assign]

    def begin(self) -> None:
        """Forgets what was counted, not what is stored."""
        for counted in (self.calls, self.units, self.cpu, self.invocations):
            counted.clear()

    def total(self, kind: str) -> float:
        """Of all functions."""
        return sum(count for (_, named), count in self.units.items() if named == kind)

    def _add(self, kind: str, count: float) -> None:
        self.units[self.function, kind] += count

    def _count(self, service: str, operation: str, params: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        if self.function in _NIGHTLY:
            # A night costs the same whatever comes in.
            return
        if service == "dynamodb":
            self._dynamodb(operation, params, answer)
        elif operation == "PutRecords":
            self._add("records", len(params["Records"]))
            sizes = [len(record["Data"]) + len(record["PartitionKey"]) for record in params["Records"]]
            self._add("stream_bytes", sum(sizes))
            self._add("stream_units", sum(-(-size // 25_600) for size in sizes))
        elif operation == "PutEvents":
            self._add("bus_events", len(params["Entries"]))
        elif operation == "SendEmail":
            self._add("mails", 1)

    def _dynamodb(self, operation: str, params: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        if operation == "PutItem":
            item, key = params["Item"], _key(params["TableName"], params["Item"])
            old = self.items.get(key)
            self._add("write", write_units(max(size_of(item), size_of(old) if old else 0)))
            if answer:
                self.items[key] = item
                self._add("index", _index_writes(old or {}, item))
        elif operation == "Query" and self.function == "wake_due":
            # Costs the same whatever comes in: see the cost of standing still.
            return
        elif operation == "Query":
            self._add("read", read_units(sum(size_of(item) for item in answer.get("Items", [])), consistent=False))
        elif operation == "GetItem":
            item = answer.get("Item")
            self._add("read", read_units(size_of(item) if item else 0))
        elif operation == "BatchGetItem":
            for table, request in params["RequestItems"].items():
                for asked in request["Keys"]:
                    # What is read counts, not what is projected.
                    item = self.items.get(_key(table, asked))
                    self._add("read", read_units(size_of(item) if item else 0))
        else:
            raise AssertionError(f"the benchmark does not know what {operation} costs")

    def profile_sizes(self) -> list[int]:
        """Bytes of each profile's item."""
        return [size_of(item) for item in self.items.values() if "data" in item and "pk" not in item]


def _key(table: str, item: Mapping[str, Any]) -> tuple[str, ...]:
    return (table, *(item[name]["S"] for name in ("id", "pk", "sk") if name in item))


def _index_writes(old: Mapping[str, Any], new: Mapping[str, Any]) -> int:
    """Of the wake-up index: one to put an entry or to take it away, both when the time changes."""
    before, after = (
        (item["wake_bucket"]["S"], item["wake_at"]["N"]) if "wake_at" in item else None for item in (old, new)
    )
    return 0 if before == after else (before is not None) + (after is not None)


def run(*, quick: bool) -> Report:
    """Two kinds of traffic; ``facts`` holds for each the counts per 1,000 events."""
    report = Report("calls", "Calls to AWS, DynamoDB units, items")
    report.intro = (
        "The synthesized stack on the local host (moto), its own batch windows and batch sizes, every call counted on the wire."
        " Units are computed from item sizes: 1 KB a write (the larger of old and new item), 4 KB a consistent read; index"
        " writes are those of the wake-up index. Idle sweeps of wake_due are left to the cost of standing still below."
    )
    try:
        kinds = {
            "spread (an event at a time)": _spread(2 if quick else 7, 80 if quick else 200),
            "dense (batches of 1,000)": _dense(2_000 if quick else 6_000),
        }
    except SynthFailed as error:
        report.skipped = str(error)
        return report
    report.facts = {name: facts for name, (_, facts) in kinds.items()}
    operations = sorted(
        {call for _, facts in kinds.values() for call in facts["calls"]},
        key=lambda call: (_WAY.index(call.split()[0]), call),
    )
    rows = [
        [operation, *(number(facts["calls"].get(operation, 0), 1) for _, facts in kinds.values())]
        for operation in operations
    ]
    for label, key in (
        ("write units, tables", "write"), ("write units, index", "index"), ("read units", "read"),
        ("Lambda invocations", "invocations"), ("records on the stream", "records"), ("mails", "mails"),
    ):  # fmt: skip
        rows.append([label, *(number(facts[key], 1) for _, facts in kinds.values())])
    columns = ["", *kinds]
    notes = [
        f"{name}: {number(facts['thousands'] * 1000)} events, {facts['people']:,} profiles."
        for name, (_, facts) in kinds.items()
    ]
    notes.append(
        "spread: customers of a small shop, each browser posting by itself: hardly two events share a batch, the dearest way."
        " dense: 1,000 customers at once, 1,000 events a second, then two hours in which their carts are abandoned."
    )
    report.tables = [Table("For 1,000 events", columns, rows, notes), _sizes(kinds)]
    medians = {name: percentile(meter.profile_sizes(), 0.5) for name, (meter, _) in kinds.items()}
    report.verdicts = [
        ("median profile item under 1 KB", f"{number(size)} bytes, {name}", size < 1024)
        for name, size in medians.items()
    ]
    return report


def _sizes(kinds: Mapping[str, tuple[Meter, Mapping[str, Any]]]) -> Table:
    rows = []
    for name, (meter, _) in kinds.items():
        sizes = meter.profile_sizes()
        under = sum(size <= 1024 for size in sizes) / len(sizes)
        rows.append([
            name, number(len(sizes)), number(percentile(sizes, 0.5)), number(percentile(sizes, 0.9)),
            number(percentile(sizes, 0.99)), number(max(sizes)), f"{under:.0%}",
        ])  # fmt: skip
    columns = ("profiles of", "count", "median", "90 %", "99 %", "largest", "within 1 KB")
    return Table("Profile items, bytes as DynamoDB counts them", columns, rows)


def _spread(days: int, customers: int) -> tuple[Meter, dict[str, Any]]:
    meter = Meter()
    with meter.watch(), LocalHost.deployed(start=inputs.START, follow=frozenset({"Send"})) as host:
        meter.attach(host)
        *_, tally = Drive(inputs.shop(days, customers, WRITE_KEY, WEBHOOK_SECRET), host).run()
        return meter, _facts(meter, host, tally.events)


def _dense(events: int) -> tuple[Meter, dict[str, Any]]:
    meter = Meter()
    records = inputs.crowd(inputs.CROWD + events)
    with meter.watch(), LocalHost.deployed(start=inputs.START, follow=frozenset({"Send"})) as host:
        meter.attach(host)
        _post(host, records[: inputs.CROWD])
        host.advance(MINUTE)
        meter.begin()
        _post(host, records[inputs.CROWD :])
        host.advance(120 * MINUTE)
        return meter, _facts(meter, host, events)


def _post(host: LocalHost, records: list[StreamItem]) -> None:
    headers = {**host.authorization(), "content-type": "application/json", "content-encoding": "gzip"}
    for start in range(0, len(records), 100):
        batch = [_message(Event.from_json(record.data), host.now()) for record in records[start : start + 100]]
        response = host.http("POST", "/v1/batch", headers, gzip.compress(json.dumps({"batch": batch}).encode()))
        assert response.status == 200, response.body
        host.advance(SECOND // 10)


def _message(event: Event, now: int) -> dict[str, Any]:
    kinds = {"user_id": "userId", "anonymous_id": "anonymousId"}
    said = (
        {"traits": event.properties}
        if event.type == "identify"
        else {"event": event.name, "properties": event.properties}
    )
    return {
        "type": event.type, "messageId": event.message_id, "timestamp": iso(now), "context": event.context, **said,
        **{kinds[kind]: value for kind, value in event.identifiers.items() if kind in kinds},
    }  # fmt: skip


def _facts(meter: Meter, host: LocalHost, events: int) -> dict[str, Any]:
    """Everything per 1,000 events; per function what the cost follows from. Raises RuntimeError when a function failed."""
    if host.functions.errors:
        raise RuntimeError(f"functions failed, so nothing was counted: {host.functions.raised[-1]}")
    thousands = events / 1000
    memory = {function.short: function.memory_mb for function in host.functions.functions.values()}
    calls = Counter[str]()
    by_function: dict[str, Counter[str]] = {}
    for (function, service, operation), count in meter.calls.items():
        if not _idle(function, operation):
            calls[f"{service} {operation}"] += count
            by_function.setdefault(function, Counter())[f"{service} {operation}"] += count
    functions = {}
    for name, count in meter.invocations.items():
        if name in {"wake_due", *_NIGHTLY}:
            # A minute and a night cost the same whatever comes in; what is handed on is counted.
            count = 0
        units = {kind: number / thousands for (function, kind), number in meter.units.items() if function == name}
        functions[name] = {
            "invocations": count / thousands, "memory_mb": memory[name],
            "cpu_ms": 0.0 if name in {"wake_due", *_NIGHTLY} else meter.cpu[name] * 1000 / thousands,
            "calls": {call: number / thousands for call, number in by_function.get(name, {}).items()}, "units": units,
        }  # fmt: skip
    return {
        "thousands": thousands,
        "people": len(meter.profile_sizes()),
        **{kind: meter.total(kind) / thousands for kind in ("write", "index", "read", "mails", "records")},
        "calls": {call: count / thousands for call, count in calls.items()},
        "invocations": sum(function["invocations"] for function in functions.values()),
        "by_function": functions,
    }


def _idle(function: str, operation: str) -> bool:
    return function in {"host", *_NIGHTLY} or (function == "wake_due" and operation == "Query")
