"""Thresholds of RFM scores: one item of the profiles table, which whoever evaluates people may read already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from homing.adapters.aws_errors import aws_errors
from homing.adapters.backoff import Backoff
from homing.adapters.blob import pack, unpack
from homing.adapters.dynamodb import Item, at_version, batch_get, number
from homing.domain.attributes.rankings import Thresholds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "ranking#rfm"


class DynamoRankings:
    """Versioned; a page of numbers, a kilobyte."""

    def __init__(self, client: DynamoDBClient, table: str, *, backoff: Backoff | None = None) -> None:
        self._client = client
        self._table = table
        self._backoff = backoff or Backoff()

    def load(self) -> tuple[int, list[Thresholds]]:
        """Strongly consistent."""
        items = batch_get(self._client, self._table, [KEY], ("version", "data"), backoff=self._backoff)
        if not items:
            return 0, []
        known = [Thresholds.from_dict(one) for one in unpack(bytes(items[0]["data"]["B"]))]
        return int(items[0]["version"]["N"]), known

    def save(self, known: Sequence[Thresholds], *, expected: int) -> None:
        """One conditional put."""
        data = pack([one.to_dict() for one in known])
        item: Item = {"id": {"S": KEY}, "version": number(expected + 1), "data": {"B": data}}
        with aws_errors("storing rankings"):
            self._client.put_item(TableName=self._table, Item=item, **at_version(expected, "id"))
