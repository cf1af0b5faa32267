"""The profiles table over DynamoDB: profiles, pointers, markers of ordered carts, and stops, by ``id``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from homing.adapters.aws_errors import aws_errors
from homing.adapters.backoff import Backoff
from homing.adapters.dynamodb import PAGE, Item, Overlap, at_version, batch_get, due, number, wake
from homing.domain.delivery.message import Stop
from homing.domain.errors import Conflict
from homing.domain.profiles.codec import decode, encode, encode_changes
from homing.domain.profiles.profile import Profile
from homing.domain.progress import Place
from homing.domain.time import DAY, SECOND
from homing.services.ports import Pointer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Long after any cart is forgotten.
_CART_KEPT = 400 * DAY


class DynamoProfiles:
    """One item for each person; the table's stream carries ``changes`` to the bus."""

    def __init__(
        self, client: DynamoDBClient, table: str, *, backoff: Backoff | None = None, overlap: Overlap = map
    ) -> None:
        self._client = client
        self._table = table
        self._backoff = backoff or Backoff()
        self._overlap = overlap

    def read(self, ids: Iterable[str]) -> dict[str, Profile | Pointer]:
        """What is stored under the ids."""
        return {item["id"]["S"]: _thing(item) for item in self._get(list(ids), _ATTRIBUTES)}

    def write(self, profile: Profile, *, expected: int) -> None:
        """One conditional put. A pointer has no version, so it is never overwritten by a profile."""
        item: Item = {
            "id": {"S": profile.id},
            "version": number(profile.version),
            "data": {"B": encode(profile)},
            **wake(profile.wake_bucket, profile.wake_at),
        }
        if profile.segments:
            item["segments"] = {"SS": sorted(profile.segments)}
        if identifiers := [f"{kind}:{value}" for kind, values in profile.identifiers.items() for value in values]:
            item["identifiers"] = {"SS": sorted(identifiers)}
        if profile.changes:
            item["changes"] = {"B": encode_changes(profile.changes)}
        self._put(item, f"writing profile {profile.id}", at_version(expected, "id"))

    def point(self, id: str, target: str, *, expected: int, shared: frozenset[str] = frozenset()) -> None:
        """A conditional put that keeps nothing but the target."""
        try:
            self._put(_pointer(Pointer(id, target, shared)), f"pointing {id} to {target}", at_version(expected, "id"))
        except Conflict:
            # Read again only now: pointing where it points already is rare.
            held = self.read([id]).get(id)
            if not isinstance(held, Pointer) or held.target != target or not shared <= held.shared:
                raise

    def repoint(self, old: Pointer, new: Pointer) -> None:
        """A conditional put; what it was must be as it was read."""
        condition: dict[str, Any] = {
            "ConditionExpression": "#m = :old AND attribute_not_exists(#s)",
            "ExpressionAttributeNames": {"#m": "moved_to", "#s": "shared"},
            "ExpressionAttributeValues": {":old": {"S": old.target}},
        }
        if old.shared:
            condition["ConditionExpression"] = "#m = :old AND #s = :shared"
            condition["ExpressionAttributeValues"][":shared"] = {"SS": sorted(old.shared)}
        self._put(_pointer(new), f"pointing {old.id} to {new.target}", condition)

    def due(self, bucket: int, until: int, limit: int, after: Place | None = None) -> list[tuple[str, int]]:
        """Profiles whose time has come; the index is eventually consistent, which a wake-up can bear."""
        start = (after.at, {"id": {"S": after.id}}) if after else None
        items = due(self._client, self._table, bucket, until, limit, start)
        return [(item["id"]["S"], int(item["wake_at"]["N"])) for item in items]

    def close_cart(self, cart: str, at: int) -> None:
        """One conditional put; the latest instant wins."""
        item = {"id": {"S": _cart(cart)}, "closed_at": number(at), "expires_at": number((at + _CART_KEPT) // SECOND)}
        condition = {
            "ConditionExpression": "attribute_not_exists(#k) OR #c < :at",
            "ExpressionAttributeNames": {"#k": "id", "#c": "closed_at"},
            "ExpressionAttributeValues": {":at": number(at)},
        }
        try:
            self._put(item, "closing a cart", condition)
        except Conflict:
            return  # It was closed later, too.

    def closed_carts(self, carts: Iterable[str]) -> dict[str, int]:
        """Which of them were ordered."""
        items = self._get([_cart(cart) for cart in carts], ("id", "closed_at"))
        return {_bare(item): int(item["closed_at"]["N"]) for item in items}

    def stop(self, stop: Stop) -> None:
        """Reads, merges and writes conditionally, again where somebody wrote in between."""
        for _ in self._backoff.tries():
            known, version = self._stop(stop.id)
            merged = known.merge(stop) if known else stop
            if merged == known:
                return
            item: Item = {
                "id": {"S": _stop_key(stop.id)},
                "version": number(version + 1),
                "stopped_at": number(merged.at),
                "suppressed": {"S": merged.suppressed},
                "topics": {"M": {topic: number(at) for topic, at in merged.topics.items()}},
            }
            try:
                self._put(item, "storing a stop", at_version(version, "id"))
            except Conflict:
                continue
            return
        raise Conflict(f"the stop {stop.id} changed again and again")

    def stops(self, ids: Iterable[str]) -> dict[str, Stop]:
        """Stops by their ids."""
        items = self._get([_stop_key(id_) for id_ in ids], _STOP_ATTRIBUTES)
        return {_bare(item): _read_stop(item) for item in items}

    def _stop(self, id_: str) -> tuple[Stop | None, int]:
        items = self._get([_stop_key(id_)], _STOP_ATTRIBUTES)
        return (_read_stop(items[0]), int(items[0]["version"]["N"])) if items else (None, 0)

    def _get(self, keys: Sequence[str], attributes: Sequence[str]) -> list[Item]:
        unique = list(dict.fromkeys(keys))

        def page(part: Sequence[str]) -> list[Item]:
            return batch_get(self._client, self._table, part, attributes, backoff=self._backoff)

        if len(unique) <= PAGE:
            return page(unique) if unique else []
        pages = [unique[start : start + PAGE] for start in range(0, len(unique), PAGE)]
        return [item for items in self._overlap(page, pages) for item in items]

    def _put(self, item: Item, doing: str, condition: dict[str, Any]) -> None:
        with aws_errors(doing):
            self._client.put_item(TableName=self._table, Item=item, **condition)


_ATTRIBUTES = ("id", "version", "data", "moved_to", "shared")
_STOP_ATTRIBUTES = ("id", "version", "stopped_at", "suppressed", "topics")


def _thing(item: Item) -> Profile | Pointer:
    id_ = item["id"]["S"]
    if "moved_to" in item:
        return Pointer(id_, item["moved_to"]["S"], frozenset(item.get("shared", {}).get("SS", ())))
    return decode(id_, int(item["version"]["N"]), bytes(item["data"]["B"]))


def _pointer(pointer: Pointer) -> Item:
    item: Item = {"id": {"S": pointer.id}, "moved_to": {"S": pointer.target}}
    return {**item, "shared": {"SS": sorted(pointer.shared)}} if pointer.shared else item


def _read_stop(item: Item) -> Stop:
    topics = {topic: int(at["N"]) for topic, at in item["topics"]["M"].items()}
    return Stop(_bare(item), item["suppressed"]["S"], int(item["stopped_at"]["N"]), topics)


def _cart(cart: str) -> str:
    return f"cart#{cart}"


def _stop_key(id_: str) -> str:
    return f"stop#{id_}"


def _bare(item: Item) -> str:
    return str(item["id"]["S"]).partition("#")[2]
