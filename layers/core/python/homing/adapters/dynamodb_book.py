"""What workers know of the sending together, over DynamoDB: one item of the journal table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homing.adapters.aws_errors import aws_errors
from homing.adapters.blob import pack, unpack
from homing.adapters.dynamodb import Item, at_version, number
from homing.domain.delivery.book import Book

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEY: Item = {"pk": {"S": "pace#sending"}, "sk": {"S": "pace"}}


class DynamoBook:
    """One strongly consistent read, one conditional put."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def load(self) -> Book:
        """The book, or an empty one."""
        with aws_errors("reading the sending rate"):
            item = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True).get("Item")
        return Book.from_dict(unpack(item["data"]["B"])) if item else Book()

    def save(self, book: Book, *, expected: int) -> None:
        """One conditional put."""
        item: Item = {**_KEY, "version": number(book.version), "data": {"B": pack(book.to_dict())}}
        with aws_errors("keeping the sending rate"):
            self._client.put_item(TableName=self._table, Item=item, **at_version(expected, "pk"))
