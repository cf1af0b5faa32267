"""How far the sweeps have come, over DynamoDB: one item of the journal table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homing.adapters.aws_errors import aws_errors
from homing.adapters.blob import pack, unpack
from homing.adapters.dynamodb import Item, at_version, number
from homing.domain.progress import Progress

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEY: Item = {"pk": {"S": "sweep#due"}, "sk": {"S": "sweep"}}


class DynamoProgress:
    """One strongly consistent read, one conditional put."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def load(self) -> Progress:
        """The progress, or none yet."""
        with aws_errors("reading how far the sweeps have come"):
            item = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True).get("Item")
        return Progress.from_dict(unpack(item["data"]["B"])) if item else Progress()

    def save(self, progress: Progress, *, expected: int) -> None:
        """One conditional put."""
        item: Item = {**_KEY, "version": number(progress.version), "data": {"B": pack(progress.to_dict())}}
        with aws_errors("keeping how far the sweeps have come"):
            self._client.put_item(TableName=self._table, Item=item, **at_version(expected, "pk"))
