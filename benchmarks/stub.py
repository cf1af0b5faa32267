"""DynamoDB and S3 behind the real clients: botocore serialises, signs and parses as ever, but the request is answered here
before it reaches a socket. What the stub itself costs is counted, so that it can be taken off."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import botocore.session
import orjson
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from homing.adapters.dynamodb_profiles import DynamoProfiles
from homing.adapters.s3 import S3Archive, S3Quarantine
from homing.domain.campaigns import Campaigns
from homing.domain.profiles.identity import Identity
from homing.runtime.parallel import WORKERS, InThreads
from homing.runtime.parts import config
from homing.services.update_profiles import UpdateProfiles


class Stub:
    """A table of items by ``id`` and a bucket without a floor. ``latency`` in seconds is waited in each call; ``more``
    answers other operations, such as ``Query``."""

    def __init__(self, latency: float = 0.0, more: Mapping[str, Callable[[Any], Any]] | None = None) -> None:
        self.items: dict[str, Any] = {}
        self.calls: Counter[str] = Counter()
        self.read_units = 0.0
        self.write_units = 0
        self.cpu = 0.0
        self._latency = latency
        self._answers = {"PutItem": self._put, "BatchGetItem": self._get, **(more or {})}
        self._lock = Lock()

    def client(self, service: str) -> Any:
        """A client that ends here."""
        session = botocore.session.get_session()
        session.set_credentials("stub", "stub")
        client = session.create_client(service, region_name="eu-central-1", config=config())
        client.meta.events.register(f"before-send.{service}", self._answer)
        return client

    def updater(self, campaigns: Campaigns, identity: Identity, *, threads: int = WORKERS) -> UpdateProfiles:
        """The updater as deployed, over this stub."""
        pool = ThreadPoolExecutor(threads)
        s3 = self.client("s3")
        return UpdateProfiles(
            campaigns, identity,
            DynamoProfiles(self.client("dynamodb"), "profiles", overlap=pool.map),
            S3Archive(s3, "archive"), S3Quarantine(s3, "quarantine"), InThreads(pool),
        )  # fmt: skip

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> Any:
        if self._latency:
            time.sleep(self._latency)
        began = time.thread_time()
        target = request.headers.get("X-Amz-Target", b"S3.PutObject")
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        body = b""
        if operation != "PutObject":
            asked = orjson.loads(request.body or b"{}")  # type: ignore[arg-type]
            with self._lock:
                body = orjson.dumps(self._answers[operation](asked))
        headers = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))}
        # Nothing is left to read: the content is set, as botocore sets it after reading.
        response: Any = AWSResponse(request.url, 200, headers, None)  # type: ignore[arg-type]
        response._content = body
        with self._lock:
            self.calls[operation] += 1
            self.cpu += time.thread_time() - began
        return response

    def _put(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        item = asked["Item"]
        self.write_units += write_units(size_of(item))
        if "id" in item:
            self.items[item["id"]["S"]] = item
        return {}

    def _get(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        ((table, request),) = asked["RequestItems"].items()
        found = []
        for key in request["Keys"]:
            item = self.items.get(key["id"]["S"])
            self.read_units += read_units(size_of(item) if item else 0)
            if item:
                wanted = request["ExpressionAttributeNames"].values()
                found.append({name: item[name] for name in wanted if name in item})
        return {"Responses": {table: found}, "UnprocessedKeys": {}}


def size_of(item: Mapping[str, Any]) -> int:
    """Bytes of an item as DynamoDB counts them: names and values; binaries unpacked from base64."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    if kind == "S":
        return len(held.encode())
    if kind == "N":
        # Two digits a byte, and one for exponent and sign.
        return (len(held.lstrip("-")) + 1) // 2 + 1
    if kind == "B":
        return len(held if isinstance(held, bytes) else base64.b64decode(held))
    if kind == "SS":
        return sum(len(text.encode()) for text in held)
    if kind in {"BOOL", "NULL"}:
        return 1
    if kind == "M":
        return 3 + sum(len(name.encode()) + _size(inner) + 1 for name, inner in held.items())
    return 3 + sum(_size(inner) + 1 for inner in held)


def write_units(size: int) -> int:
    """1 KB each."""
    return max(1, -(-size // 1024))


def read_units(size: int, *, consistent: bool = True) -> float:
    """4 KB each, strongly consistent; half of that otherwise. Nothing found costs one all the same."""
    return max(1, -(-size // 4096)) * (1.0 if consistent else 0.5)
