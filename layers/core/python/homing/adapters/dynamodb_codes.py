"""Discount codes over DynamoDB, in the journal table: items under ``codes#<name>``.

``code#<text's hash>`` keeps a text from being imported twice; ``number#<n>`` is a code of the pool with its text and,
once taken, its owner; ``pool`` counts; ``grant#<key>`` is a customer's. Each write is one conditional write of one item.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from homing.adapters.aws_errors import aws_errors
from homing.adapters.blob import pack, unpack
from homing.adapters.dynamodb import Item, at_version, query
from homing.adapters.dynamodb import number as numeral
from homing.domain.codes.grant import Grant, Pool
from homing.domain.errors import Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_POOL = "pool"
# An import is counted after so many codes.
_COUNTED_EACH = 100


class DynamoCodes:
    """Reads are strongly consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def load_grant(self, name: str, key: str) -> Grant | None:
        """The grant as last stored."""
        item = self._get(name, f"grant#{key}")
        return Grant.from_dict(unpack(item["data"]["B"])) if item else None

    def save_grant(self, name: str, grant: Grant, *, expected: int) -> None:
        """One conditional put."""
        item: Item = {
            **_key(name, f"grant#{grant.key}"),
            "version": numeral(grant.version),
            "data": {"B": pack(grant.to_dict())},
        }
        with aws_errors(f"saving a grant of {name}"):
            self._client.put_item(TableName=self._table, Item=item, **at_version(expected, "pk"))

    def grants(self, name: str) -> Iterable[Grant]:
        """A query, page by page."""
        for item in query(
            self._client, self._table, f"reading the grants of {name}",
            KeyConditionExpression="#k = :k AND begins_with(#s, :g)",
            ExpressionAttributeNames={"#k": "pk", "#s": "sk"},
            ExpressionAttributeValues={":k": {"S": f"codes#{name}"}, ":g": {"S": "grant#"}},
        ):  # fmt: skip
            yield Grant.from_dict(unpack(item["data"]["B"]))

    def pool(self, name: str) -> Pool:
        """One read."""
        item = self._get(name, _POOL)
        if item is None:
            return Pool()
        returned = frozenset(int(one) for one in item.get("returned", {}).get("NS", ()))
        return Pool(int(item["count"]["N"]), int(item.get("next", {"N": "1"})["N"]), returned)

    def add(self, name: str, texts: Sequence[str]) -> int:
        """One code after the other; to be interrupted and repeated. What an interrupted import put and did not count is
        counted by the next."""
        count, added = self.pool(name).count, 0
        for text in dict.fromkeys(texts):
            if not self._is_new(name, text, count + 1):
                continue
            count += 1
            while not self._create(name, f"number#{count:09d}", text=text):
                count += 1
            added += 1
            if added % _COUNTED_EACH == 0:
                self._count(name, count)
        while self._get(name, f"number#{count + 1:09d}"):
            count += 1
        self._count(name, count)
        return added

    def claim(self, name: str, number: int, owner: str) -> str | None:
        """One conditional update, which answers with the text."""
        try:
            answer = self._update(
                name, f"number#{number:09d}", "taking a code", "SET #o = :o",
                condition="attribute_exists(#k) AND (attribute_not_exists(#o) OR #o = :o)",
                names={"#o": "owner", "#k": "pk"}, values={":o": {"S": owner}}, ReturnValues="ALL_NEW",
            )  # fmt: skip
        except Conflict:
            return None
        return str(answer["Attributes"]["text"]["S"])

    def free(self, name: str, number: int, owner: str) -> None:
        """One conditional update."""
        self._unless_other(
            name, f"number#{number:09d}", "freeing a code", "REMOVE #o",
            condition="#o = :o", names={"#o": "owner"}, values={":o": {"S": owner}},
        )  # fmt: skip

    def passed(self, name: str, number: int) -> None:
        """Two updates at most: the first drawing of a code moves the counter, a returned one leaves the set."""
        moved = self._unless_other(
            name, _POOL, "counting a code", "SET #n = :after", condition="attribute_not_exists(#n) OR #n <= :n",
            names={"#n": "next"}, values={":n": numeral(number), ":after": numeral(number + 1)},
        )  # fmt: skip
        if not moved:
            self._unless_other(
                name, _POOL, "counting a code", "DELETE #r :n", condition="contains(#r, :one)",
                names={"#r": "returned"}, values={":n": {"NS": [str(number)]}, ":one": numeral(number)},
            )  # fmt: skip

    def put_back(self, name: str, number: int) -> None:
        """One update; a set, so that repeating it is harmless."""
        self._update(
            name, _POOL, "returning a code", "ADD #r :n", condition="attribute_exists(#k)",
            names={"#r": "returned", "#k": "pk"}, values={":n": {"NS": [str(number)]}},
        )  # fmt: skip

    def _is_new(self, name: str, text: str, expected: int) -> bool:
        """Marks the text as imported; False when it was, and stands under its number."""
        mark = f"code#{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"
        if self._create(name, mark, near=str(expected)):
            return True
        # Interrupted between the mark and the code, an import left the code out: it may stand a little later.
        held = self._get(name, mark)
        near = int(held["near"]["S"]) if held else expected
        for place in range(near, near + _COUNTED_EACH):
            found = self._get(name, f"number#{place:09d}")
            if found is None or found["text"]["S"] == text:
                return found is None
        return True

    def _create(self, name: str, sk: str, **texts: str) -> bool:
        item: Item = {**_key(name, sk), **{key: {"S": value} for key, value in texts.items()}}
        try:
            with aws_errors("importing codes"):
                self._client.put_item(TableName=self._table, Item=item, **at_version(0, "pk"))
        except Conflict:
            return False
        return True

    def _count(self, name: str, count: int) -> None:
        self._unless_other(
            name, _POOL, "counting codes", "SET #c = :c", condition="attribute_not_exists(#c) OR #c < :c",
            names={"#c": "count"}, values={":c": numeral(count)},
        )  # fmt: skip

    def _unless_other(self, *arguments: Any, **keywords: Any) -> bool:
        try:
            self._update(*arguments, **keywords)
        except Conflict:
            return False
        return True

    def _get(self, name: str, sk: str) -> Item | None:
        with aws_errors(f"reading the codes of {name}"):
            return self._client.get_item(TableName=self._table, Key=_key(name, sk), ConsistentRead=True).get("Item")

    def _update(
        self, name: str, sk: str, doing: str, change: str, *, condition: str, names: dict[str, str],
        values: dict[str, Any], **more: Any,
    ) -> Any:  # fmt: skip
        with aws_errors(doing):
            return self._client.update_item(
                TableName=self._table, Key=_key(name, sk), UpdateExpression=change, ConditionExpression=condition,
                ExpressionAttributeNames=names, ExpressionAttributeValues=values, **more,
            )  # fmt: skip


def _key(name: str, sk: str) -> Item:
    return {"pk": {"S": f"codes#{name}"}, "sk": {"S": sk}}
