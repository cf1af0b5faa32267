"""Runs, ledgers and members over DynamoDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from itertools import islice
from math import isqrt
from typing import TYPE_CHECKING, Any

from homing.adapters.blob import pack, unpack
from homing.adapters.buckets import member_shard, parked_name, wake_bucket
from homing.adapters.dynamodb import Item, at_exactly, at_version, due, number, query, wake
from homing.adapters.dynamodb_commands import Commands, kind_of
from homing.adapters.members import first
from homing.domain.delivery.ledger import Ledger
from homing.domain.errors import Conflict
from homing.domain.flows.agenda import Agenda
from homing.domain.flows.run import KEPT, Run
from homing.domain.progress import Place
from homing.domain.time import DAY, SECOND
from homing.services.ports import MEMBER_SHARDS, Clock, Due, FirstMembers

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Longer than a change can be under way: the stream keeps it a day, its dead-letter queue fourteen.
_TOMBSTONE_KEPT = 30 * DAY


class DynamoJournal(Commands):
    """Two key attributes: ``pk`` says what it is, ``sk`` is the kind, or the profile id of a member."""

    def __init__(self, client: DynamoDBClient, table: str, *, clock: Clock) -> None:
        super().__init__(client, table, clock)

    def start_run(self, run: Run) -> bool:
        """A put on condition that there is none."""
        try:
            self._put(_run_item(run), f"starting run {run.id}", at_version(0, "pk"))
        except Conflict:
            return False
        return True

    def load_run(self, run_id: str) -> Run | None:
        """The run as last stored."""
        item = self._get(f"run#{run_id}", "run")
        return Run.from_dict(unpack(item["data"]["B"])) if item else None

    def save_run(self, run: Run, *, expected: int) -> None:
        """One conditional put."""
        self._put(_run_item(run), f"saving run {run.id}", at_exactly(expected))

    def load_agenda(self, profile_id: str) -> Agenda:
        """The agenda, or an empty one."""
        item = self._get(f"agenda#{profile_id}", "agenda")
        return Agenda.from_dict(unpack(item["data"]["B"])) if item else Agenda(profile_id)

    def save_agenda(self, agenda: Agenda, *, expected: int) -> None:
        """One conditional put; the item goes when nothing in it matters any more."""
        item: Item = {
            "pk": {"S": f"agenda#{agenda.profile_id}"},
            "sk": {"S": "agenda"},
            "version": number(agenda.version),
            "data": {"B": pack(agenda.to_dict())},
            "expires_at": number((agenda.expires + DAY) // SECOND),
        }
        self._put(item, f"saving the agenda of {agenda.profile_id}", at_version(expected, "pk"))

    def keep_flow(self, name: str, version: str, definition: Mapping[str, Any]) -> None:
        """One put; whoever comes second writes the same."""
        item: Item = {
            "pk": {"S": f"flow#{name}#{version}"},
            "sk": {"S": "flow"},
            "data": {"B": pack(dict(definition))},
        }
        self._put(item, f"keeping a version of {name}", {})

    def load_flow(self, name: str, version: str) -> Mapping[str, Any] | None:
        """The definition, if it was kept."""
        item = self._get(f"flow#{name}#{version}", "flow")
        found: dict[str, Any] | None = unpack(item["data"]["B"]) if item else None
        return found

    def load_ledger(self, profile_id: str) -> Ledger:
        """The ledger, or an empty one."""
        item = self._get(f"ledger#{profile_id}", "ledger")
        return Ledger.from_dict(unpack(item["data"]["B"])) if item else Ledger(profile_id)

    def save_ledger(self, ledger: Ledger, *, expected: int) -> None:
        """One conditional put."""
        item: Item = {
            "pk": {"S": f"ledger#{ledger.profile_id}"},
            "sk": {"S": "ledger"},
            "version": number(ledger.version),
            "data": {"B": pack(ledger.to_dict())},
            **wake(wake_bucket(ledger.profile_id), ledger.wake_at),
        }
        self._put(item, f"saving the ledger of {ledger.profile_id}", at_version(expected, "pk"))

    def due(self, bucket: int, until: int, limit: int, after: Place | None = None) -> list[Due]:
        """What has come due; the index is eventually consistent, which a wake-up can bear."""
        start = (after.at, {"pk": {"S": f"{after.kind}#{after.id}"}, "sk": {"S": after.kind}}) if after else None
        found = []
        for item in due(self._client, self._table, bucket, until, limit, start):
            kind, id_ = kind_of(item)
            found.append(Due(kind, id_, int(item["wake_at"]["N"])))
        return found

    def set_member(self, segment: str, profile_id: str, *, member: bool, version: int) -> None:
        """One conditional put. Who left leaves a mark for a while, so that an older entry that comes late stays out."""
        item: Item = {
            "pk": {"S": f"segment#{segment}#{member_shard(profile_id)}"},
            "sk": {"S": profile_id},
            "version": number(version),
        }
        if not member:
            item["gone"] = {"BOOL": True}
            item["expires_at"] = number((self._clock() + _TOMBSTONE_KEPT) // SECOND)
        condition = {
            "ConditionExpression": "attribute_not_exists(#k) OR #v <= :v",
            "ExpressionAttributeNames": {"#k": "pk", "#v": "version"},
            "ExpressionAttributeValues": {":v": number(version)},
        }
        try:
            self._put(item, f"keeping the members of {segment}", condition)
        except Conflict:
            return  # A later change is stored already.

    def members(self, segment: str) -> Iterable[str]:
        """Who is in it, shard after shard, page after page."""
        for shard in range(MEMBER_SHARDS):
            for item in query(
                self._client,
                self._table,
                f"reading the members of {segment}",
                KeyConditionExpression="#k = :k",
                FilterExpression="attribute_not_exists(#g)",
                ProjectionExpression="#s",
                ExpressionAttributeNames={"#k": "pk", "#g": "gone", "#s": "sk"},
                ExpressionAttributeValues={":k": {"S": f"segment#{segment}#{shard}"}},
            ):
                yield item["sk"]["S"]

    def first_members(self, segment: str, limit: int) -> FirstMembers:
        """The shards are read side by side, each a page that is seldom too short, and merged in the order of ids."""
        page = limit // MEMBER_SHARDS
        shards = (self._shard(segment, shard, page + 3 * isqrt(page) + 8) for shard in range(MEMBER_SHARDS))
        return first(merge(*shards), limit)

    def _shard(self, segment: str, shard: int, page: int) -> Iterator[tuple[str, bool]]:
        """Id and membership of everything in a shard, in order; eventually consistent, at half the price."""
        for item in query(
            self._client,
            self._table,
            f"reading the members of {segment}",
            KeyConditionExpression="#k = :k",
            ProjectionExpression="#s, #g",
            ExpressionAttributeNames={"#k": "pk", "#g": "gone", "#s": "sk"},
            ExpressionAttributeValues={":k": {"S": f"segment#{segment}#{shard}"}},
            Limit=page,
        ):
            yield item["sk"]["S"], "gone" not in item

    def members_after(self, segment: str, shard: int, after: str, limit: int) -> list[str]:
        """The shard from there on; eventually consistent, at half the price."""
        condition, values = "#k = :k", {":k": {"S": f"segment#{segment}#{shard}"}}
        start = {"ExclusiveStartKey": {"pk": values[":k"], "sk": {"S": after}}} if after else {}
        found = query(
            self._client,
            self._table,
            f"reading the members of {segment}",
            KeyConditionExpression=condition,
            FilterExpression="attribute_not_exists(#g)",
            ProjectionExpression="#s",
            ExpressionAttributeNames={"#k": "pk", "#g": "gone", "#s": "sk"},
            ExpressionAttributeValues=values,
            Limit=limit,
            **start,
        )
        return [item["sk"]["S"] for item in islice(found, limit)]


def _run_item(run: Run) -> Item:
    item: Item = {
        "pk": {"S": f"run#{run.id}"},
        "sk": {"S": "run"},
        "version": number(run.version),
        "data": {"B": pack(run.to_dict())},
    }
    if run.status == "active":
        bucket = wake_bucket(run.id)
        item |= wake(parked_name(run.flow, bucket) if run.parked else bucket, run.wake_at)
    elif run.key:
        item["expires_at"] = number(((run.ended_at or run.at) + KEPT) // SECOND)
    return item
