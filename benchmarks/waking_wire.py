"""The wake-ups of benchmarks.waking over memory and over moto: the ports are asked the same, and the wire shows its price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3
from moto import mock_aws

from benchmarks.cost import PRICES
from benchmarks.measure import Table, number
from benchmarks.stub import read_units, size_of, write_units
from benchmarks.waking_shop import NINE, World
from homing.adapters.dynamodb_journal import DynamoJournal
from homing.adapters.dynamodb_profiles import DynamoProfiles
from homing.adapters.dynamodb_progress import DynamoProgress
from homing.domain.time import DAY, MINUTE, SECOND


def run(waiting: int, woken: int) -> tuple[Table, list[tuple[str, str, bool]]]:
    """The same story over memory and over moto: the ports are asked the same, and the wire shows what that costs."""

    def story(world: World) -> Counter[str]:
        world.wait(waiting, lambda n: NINE + (n * 5 * MINUTE // woken if n < woken else DAY + n * SECOND))
        for minute in range(1, 6):
            world.sweep(NINE + minute * MINUTE)
            world.work()
        return Counter(world.counts)

    memory = story(World())
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        _table(client, "profiles", "id")
        _table(client, "journal", "pk", "sk")
        units = _Units(client)
        journal = DynamoJournal(units, "journal", clock=lambda: NINE)  # type: ignore[arg-type]
        world = World(DynamoProfiles(units, "profiles"), journal, DynamoProgress(units, "journal"))  # type: ignore[arg-type]
        forget = world.forget

        def begin() -> None:
            forget()
            units.counts.clear()

        world.forget = begin  # type: ignore[method-assign]
        real = story(world)
    each = {name: count / woken for name, count in units.counts.items()}
    price = (
        each["read units"] * PRICES["DynamoDB read unit"]
        + (each["write units, table"] + each["write units, index"]) * PRICES["DynamoDB write unit"]
    )
    # A message is sent with nine others, received with them, deleted with them.
    queue = 0.3 * PRICES["SQS request"]
    rows = [[name, number(each[name], 2)] for name in sorted(each)]
    rows += [
        ["DynamoDB, $ a million", number(price * 1e6, 2)],
        ["inbox (0.3 requests), $ a million", number(queue * 1e6, 2)],
    ]
    same = {name: (count, real[name]) for name, count in memory.items() if real[name] != count}
    return (
        Table("A wake-up on the wire", ("for each wake-up", f"{woken:,} of {waiting:,} runs"), rows, [
            "Counted between the adapters and moto, in five sweeps; a Query's share of the index is in the read units.",
        ]),
        [("memory and DynamoDB are asked the same", f"{len(memory)} counts, {len(same)} differ", not same)],
    )  # fmt: skip


class _Units:
    """A DynamoDB client that counts calls, and units by the sizes of items."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.counts: Counter[str] = Counter()
        self._items: dict[tuple[str, ...], Any] = {}

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**params: Any) -> Any:
            answer = getattr(self._client, method)(**params)
            self.counts[f"calls of {method}"] += 1
            self._count(method, params, answer)
            return answer

        return call

    def _count(self, method: str, params: Any, answer: Any) -> None:
        counts: Any = self.counts
        if method == "query":
            counts["read units"] += read_units(sum(map(size_of, answer["Items"])), consistent=False)
        elif method == "get_item":
            counts["read units"] += read_units(size_of(answer.get("Item", {})))
        elif method == "batch_get_item":
            ((table, request),) = params["RequestItems"].items()
            keys = ((table, key["id"]["S"]) for key in request["Keys"])
            counts["read units"] += sum(read_units(size_of(self._items.get(key, {}))) for key in keys)
        elif method == "put_item":
            item = params["Item"]
            key = (params["TableName"], *(item[name]["S"] for name in ("id", "pk", "sk") if name in item))
            old = self._items.get(key, {})
            counts["write units, table"] += write_units(max(size_of(item), size_of(old)))
            if old.get("wake_at") != item.get("wake_at"):
                counts["write units, index"] += ("wake_at" in old) + ("wake_at" in item)
            self._items[key] = item


def _table(client: Any, name: str, *keys: str) -> None:
    kinds = {**dict.fromkeys(keys, "S"), "wake_bucket": "S", "wake_at": "N"}
    schema = [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]
    index = [{"AttributeName": "wake_bucket", "KeyType": "HASH"}, {"AttributeName": "wake_at", "KeyType": "RANGE"}]
    client.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=schema,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in kinds.items()],
        GlobalSecondaryIndexes=[
            {"IndexName": "wake", "KeySchema": index, "Projection": {"ProjectionType": "KEYS_ONLY"}},
        ],
    )  # fmt: skip
