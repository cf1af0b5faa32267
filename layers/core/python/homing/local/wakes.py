"""The wake-up index of a table, kept sorted: which items want to be woken, and when.

moto answers a Query by looking at every item of the table. This is the same index, kept in step with each write, so that
a tick of the minute schedule that would find nothing is known beforehand.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from typing import Any

from homing.local.wire import NotDirect

_CONDITION = re.compile(r"(#?\w+) = (:\w+) AND (#?\w+) <= (:\w+)")
_KNOWN = frozenset(
    {
        "TableName", "IndexName", "KeyConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
        "Limit", "ExclusiveStartKey",
    }
)  # fmt: skip
Key = tuple[str, ...]
# adapters.buckets.parked_name
_PARKED = "p#"


class WakeIndex:
    """A global secondary index with a text partition key and a number to sort by, keys only. ``table`` is moto's."""

    def __init__(self, table: Any, index: Mapping[str, Any]) -> None:
        self._table = table
        self.name = str(index["IndexName"])
        by_kind = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
        self.bucket, self.at = by_kind["HASH"], by_kind["RANGE"]
        self.keys = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
        self._buckets: dict[str, list[tuple[int, Key]]] = {}
        self._where: dict[Key, tuple[str, int]] = {}
        self._stale = True

    def put(self, item: Mapping[str, Any]) -> None:
        """An item was written, as DynamoDB's API spells it."""
        if self._stale:
            return
        key = tuple(item[name]["S"] for name in self.keys)
        if held := self._where.pop(key, None):
            entries = self._buckets[held[0]]
            del entries[bisect_left(entries, (held[1], key))]
        if self.bucket in item and self.at in item:
            bucket, at = item[self.bucket]["S"], int(item[self.at]["N"])
            insort(self._buckets.setdefault(bucket, []), (at, key))
            self._where[key] = (bucket, at)

    def forget(self) -> None:
        """Something was written in a way that is not followed here: read the table anew when next asked."""
        self._stale = True

    def first(self) -> int | None:
        """The earliest instant of all, but for what is parked: no sweep reads that."""
        self._refresh()
        held = (entries for bucket, entries in self._buckets.items() if entries and not bucket.startswith(_PARKED))
        return min((entries[0][0] for entries in held), default=None)

    def query(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Answers ``#bucket = :b AND #at <= :until``; NotDirect for every other question."""
        match = _CONDITION.fullmatch(params.get("KeyConditionExpression", ""))
        names, values = params.get("ExpressionAttributeNames", {}), params.get("ExpressionAttributeValues", {})
        if not match or not _KNOWN.issuperset(params) or params.get("IndexName") != self.name:
            raise NotDirect
        if [names.get(match[1], match[1]), names.get(match[3], match[3])] != [self.bucket, self.at]:
            raise NotDirect
        self._refresh()
        bucket, until = values[match[2]]["S"], int(values[match[4]]["N"])
        entries = self._buckets.get(bucket, [])
        end = bisect_right(entries, until, key=lambda entry: entry[0])
        begin = 0
        if start := params.get("ExclusiveStartKey"):
            begin = bisect_right(entries, (int(start[self.at]["N"]), tuple(start[name]["S"] for name in self.keys)))
        due = entries[begin : min(end, begin + params.get("Limit", end))]
        items = [self._item(bucket, at, key) for at, key in due]
        more = {"LastEvaluatedKey": items[-1]} if items and begin + len(items) < end else {}
        return {"Items": items, "Count": len(items), "ScannedCount": len(items), **more}

    def _item(self, bucket: str, at: int, key: Key) -> dict[str, Any]:
        keys = {name: {"S": value} for name, value in zip(self.keys, key, strict=True)}
        return {**keys, self.bucket: {"S": bucket}, self.at: {"N": str(at)}}

    def _refresh(self) -> None:
        if not self._stale:
            return
        self._stale = False
        self._buckets, self._where = {}, {}
        for item in self._table.all_items():
            self.put(item.to_json()["Attributes"])
