"""What marketers ask of flows, in the journal's table: paused and stopped flows, jobs, and what waits for a flow to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from homing.adapters.aws_errors import aws_errors
from homing.adapters.blob import pack, unpack
from homing.adapters.buckets import parked_name, wake_bucket
from homing.adapters.dynamodb import Item, at_version, due, number, wake
from homing.domain.flows.control import Controls
from homing.domain.flows.job import Job
from homing.domain.progress import Place
from homing.domain.time import DAY, SECOND
from homing.services.ports import JOBS, Clock, Due

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Kind = Literal["run", "ledger", "job", "hold"]

# A request that is repeated within this time does nothing.
_JOB_KEPT = 90 * DAY
# A hold that is over says nothing any more; nobody may delete.
_HOLD_KEPT = DAY
_EVER = 2**53


class Commands:
    """The part of the journal that commands need; the rest is :class:`DynamoJournal`."""

    def __init__(self, client: DynamoDBClient, table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def load_controls(self) -> Controls:
        """One item for all flows."""
        item = self._get("control#flows", "control")
        return Controls.from_dict(unpack(item["data"]["B"])) if item else Controls()

    def save_controls(self, controls: Controls, *, expected: int) -> None:
        """One conditional put."""
        item = _item("control#flows", "control", controls.version, controls.to_dict())
        self._put(item, "keeping which flows are paused", at_version(expected, "pk"))

    def load_job(self, job_id: str) -> Job | None:
        """The job as last stored."""
        item = self._get(f"job#{job_id}", "job")
        return Job.from_dict(unpack(item["data"]["B"])) if item else None

    def save_job(self, job: Job, *, expected: int) -> None:
        """One conditional put."""
        item = _item(f"job#{job.id}", "job", job.version, job.to_dict())
        if job.ended_at is not None:
            item["expires_at"] = number((job.ended_at + _JOB_KEPT) // SECOND)
        item |= wake(parked_name(job.flow, 0) if job.parked else JOBS, job.wake_at)
        self._put(item, f"saving the job {job.id}", at_version(expected, "pk"))

    def hold(self, flow: str, profile_id: str, at: int | None) -> None:
        """One put."""
        item: Item = {"pk": {"S": f"hold#{flow}#{profile_id}"}, "sk": {"S": "hold"}}
        if at is None:
            item["expires_at"] = number((self._clock() + _HOLD_KEPT) // SECOND)
        item |= wake(parked_name(flow, wake_bucket(profile_id)), at)
        self._put(item, f"noting what waits for {flow}", {})

    def parked(self, flow: str, shard: int, limit: int, after: Place | None = None) -> list[Due]:
        """A page of a bucket of the index that no sweep reads."""
        start = None
        if after is not None:
            id_ = f"{flow}#{after.id}" if after.kind == "hold" else after.id
            start = (after.at, {"pk": {"S": f"{after.kind}#{id_}"}, "sk": {"S": after.kind}})
        found = []
        for item in due(self._client, self._table, parked_name(flow, shard), _EVER, limit, start):
            kind, id_ = kind_of(item)
            found.append(Due(kind, id_.removeprefix(f"{flow}#") if kind == "hold" else id_, int(item["wake_at"]["N"])))
        return found

    def _get(self, pk: str, sk: str) -> Item | None:
        with aws_errors(f"reading {sk}"):
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
        return answer.get("Item")

    def _put(self, item: Item, doing: str, condition: dict[str, Any]) -> None:
        with aws_errors(doing):
            self._client.put_item(TableName=self._table, Item=item, **condition)


def kind_of(item: Item) -> tuple[Kind, str]:
    """What an item of the index is, and its id."""
    kind, _, id_ = item["pk"]["S"].partition("#")
    return _KINDS[kind], id_


_KINDS: dict[str, Kind] = {"run": "run", "ledger": "ledger", "job": "job", "hold": "hold"}


def _item(pk: str, sk: str, version: int, data: dict[str, Any]) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}, "version": number(version), "data": {"B": pack(data)}}
