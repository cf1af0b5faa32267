"""What both tables share: consistent batch reads and the wake-up index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from homing.adapters.aws_errors import aws_errors
from homing.adapters.backoff import Backoff
from homing.adapters.buckets import bucket_name
from homing.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# BatchGetItem reads at most so many keys a call.
PAGE = 100
WAKE_INDEX = "wake"

Item = dict[str, Any]


class Overlap(Protocol):
    """``map``, or an executor's: how pages that don't depend on each other are read."""

    def __call__(self, function: Callable[[Sequence[str]], list[Item]], pages: Iterable[Sequence[str]], /) -> Any: ...


def batch_get(
    client: DynamoDBClient, table: str, ids: Sequence[str], attributes: Sequence[str], *, backoff: Backoff
) -> list[Item]:
    """Items by their ``id``, strongly consistent, at most PAGE of them; raises Unavailable unless all were answered."""
    names = {f"#{index}": name for index, name in enumerate(attributes)}
    keys: list[Any] = [{"id": {"S": id_}} for id_ in ids]
    found: list[Item] = []
    for _ in backoff.tries():
        with aws_errors(f"reading {table}"):
            answer = client.batch_get_item(
                RequestItems={
                    table: {
                        "Keys": keys,
                        "ConsistentRead": True,
                        "ProjectionExpression": ",".join(names),
                        "ExpressionAttributeNames": names,
                    }
                }
            )
        found.extend(answer["Responses"].get(table, []))
        left = answer.get("UnprocessedKeys", {}).get(table)
        if not left:
            return found
        keys = list(left["Keys"])
    raise Unavailable(f"{len(keys)} keys of {table} stayed unread")


def query(client: DynamoDBClient, table: str, doing: str, **arguments: Any) -> Iterator[Item]:
    """The items of a Query, page by page."""
    while True:
        with aws_errors(doing):
            answer = client.query(TableName=table, **arguments)
        yield from answer["Items"]
        if not (last := answer.get("LastEvaluatedKey")):
            return
        arguments["ExclusiveStartKey"] = last


def due(
    client: DynamoDBClient, table: str, bucket: int | str, until: int, limit: int, after: tuple[int, Item] | None = None
) -> list[Item]:
    """Keys and ``wake_at`` of a bucket of the wake-up index, earliest first; ``after``: behind that instant and key."""
    found: list[Item] = []
    if limit <= 0 or (after and after[0] > until):
        # DynamoDB refuses to start outside of the range.
        return found
    start = {"ExclusiveStartKey": {**after[1], **wake(bucket, after[0])}} if after else {}
    for item in query(
        client,
        table,
        f"reading the wake-ups of {table}",
        IndexName=WAKE_INDEX,
        KeyConditionExpression="#b = :b AND #a <= :a",
        ExpressionAttributeNames={"#b": "wake_bucket", "#a": "wake_at"},
        ExpressionAttributeValues={":b": {"S": _spelt(bucket)}, ":a": number(until)},
        Limit=min(limit, 1000),
        **start,
    ):
        found.append(item)
        if len(found) == limit:
            break
    return found


def number(value: int) -> dict[str, str]:
    """An integer as DynamoDB takes it."""
    return {"N": str(value)}


def wake(bucket: int | str, at: int | None) -> Item:
    """The attributes that put an item into the wake-up index; none where nothing is to wake. ``bucket``: its number, or how
    the index spells one that no sweep reads."""
    return {} if at is None else {"wake_bucket": {"S": _spelt(bucket)}, "wake_at": number(at)}


def _spelt(bucket: int | str) -> str:
    return bucket if isinstance(bucket, str) else bucket_name(bucket)


def at_version(expected: int, key: str) -> dict[str, Any]:
    """The condition that an item is at that version; 0: that there is none. ``key`` is the table's partition key."""
    if expected == 0:
        return {"ConditionExpression": "attribute_not_exists(#k)", "ExpressionAttributeNames": {"#k": key}}
    return at_exactly(expected)


def at_exactly(version: int) -> dict[str, Any]:
    """The condition that there is an item and that it is at that version."""
    return {
        "ConditionExpression": "#v = :expected",
        "ExpressionAttributeNames": {"#v": "version"},
        "ExpressionAttributeValues": {":expected": number(version)},
    }
