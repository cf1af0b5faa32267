"""What the calls of a sweep, and of whoever it wakes, take on a Lambda function's share of a CPU: the real adapters and
botocore, the network answered in the process. The times are what the simulated clock of benchmarks.waking goes by."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import Spread
from benchmarks.stub import Stub
from homing.adapters.blob import pack
from homing.adapters.dynamodb_journal import DynamoJournal
from homing.adapters.kinesis import KinesisStream
from homing.adapters.sqs import SqsInbox, SqsOutbox, SqsQueue
from homing.domain.delivery.ledger import Entry, Ledger
from homing.domain.delivery.message import SendRequest
from homing.domain.time import HOUR
from homing.runtime.parallel import WORKERS
from homing.services.ports import StreamRecord
from homing.services.release_sends import ReleaseSends
from homing.services.sweep import PAGE

# wake_due and run_flows have 512 MB, and 1,769 MB are one vCPU. A call to AWS is waited for 5 ms.
SHARE = 512 / 1769
WAIT = 0.005


@dataclass(frozen=True)
class Calls:
    """CPU seconds on a whole core: an empty Query; one of PAGE keys; a batch of 10 messages; 500 records; a ledger with
    one send; one write of a run."""

    empty: Spread
    page: Spread
    messages: Spread
    records: Spread
    ledger: Spread
    run: Spread

    def query(self, keys: int) -> float:
        """Seconds that a Query takes there."""
        more = max(0.0, self.page.median - self.empty.median) * keys / PAGE
        return (self.empty.median + more) / SHARE + WAIT

    def put_messages(self, count: int) -> float:
        """Seconds for messages, ten a call, 16 calls at once: the CPU is the bottleneck, or else the waiting."""
        calls = -(-count // 10)
        return max(calls * self.messages.median / SHARE, calls * WAIT / WORKERS) + WAIT

    def put_records(self, count: int) -> float:
        """Seconds for records of the stream."""
        return -(-count // 500) * (self.records.median / SHARE + WAIT)

    def ledgers(self, count: int) -> float:
        """Seconds for deferred sends: read, queued, written, 16 at once."""
        return max(count * self.ledger.median / SHARE, count * 2 * WAIT / WORKERS) + 2 * WAIT

    def worked_off(self) -> float:
        """Seconds that ``run_flows`` takes for a run: read, decided, queued, written, one after another."""
        return 3 * self.run.median / SHARE + 3 * WAIT


def measure(repeat: int) -> Calls:
    """Each kind so often; the least disturbed of them count by their median."""
    send = SendRequest("0" * 32, "p" * 26, "r" * 26, "flow", "win-back", "marketing", "flow_requested", 1, 2)
    entry = Entry("0" * 32, "deferred", "marketing", "flow", "win-back", at=1, wake_at=1, request=send.to_dict())
    ledger = {"data": {"B": base64.b64encode(pack(Ledger("p", 1).put(entry).to_dict())).decode()}}
    page = [
        {
            "pk": {"S": f"run#{n:026x}"},
            "sk": {"S": "run"},
            "wake_bucket": {"S": "w3"},
            "wake_at": {"N": str(10**15 + n)},
        }
        for n in range(PAGE)
    ]
    shown: list[Any] = []
    stub = Stub(
        more={
            "Query": lambda asked: {"Items": shown, "Count": len(shown), "ScannedCount": len(shown)},
            "GetItem": lambda asked: {"Item": ledger},
            "SendMessageBatch": _sent,
            "PutRecords": lambda asked: {
                "FailedRecordCount": 0,
                "Records": [{"SequenceNumber": "4" * 56, "ShardId": "shardId-000000000000"} for _ in asked["Records"]],
            },
        }
    )
    journal = DynamoJournal(stub.client("dynamodb"), "journal", clock=lambda: 0)
    sqs = stub.client("sqs")
    queue = SqsQueue(sqs, "https://sqs.eu-central-1.amazonaws.com/123456789012/inbox")
    stream = KinesisStream(stub.client("kinesis"), "events")
    release = ReleaseSends(journal, SqsOutbox(queue))
    records = [StreamRecord("p" * 26, json.dumps({"wake": "p" * 26, "at": 10**15}).encode()) for _ in range(500)]
    messages = [{"wake_run": f"{n:026x}"} for n in range(10)]

    def cpu(work: Callable[[], Any], times: int) -> Spread:
        found = []
        for _ in range(repeat):
            began, stubbed = time.process_time(), stub.cpu
            for _ in range(times):
                work()
            found.append((time.process_time() - began - (stub.cpu - stubbed)) / times)
        return Spread.of(found)

    def due() -> Any:
        return journal.due(3, 2 * 10**15, PAGE)

    empty = cpu(due, 100)
    shown += page
    return Calls(
        empty=empty,
        page=cpu(due, 20),
        messages=cpu(lambda: SqsInbox(queue).put(messages), 100),
        records=cpu(lambda: stream.put(records), 5),
        ledger=_each(cpu(lambda: release([f"{n:026x}" for n in range(100)], HOUR), 2), 100),
        run=cpu(lambda: journal.load_ledger("p"), 100),
    )


def _each(spread: Spread, count: int) -> Spread:
    return Spread(spread.median / count, spread.low / count, spread.high / count)


def _sent(asked: Any) -> Any:
    done = [{"Id": entry["Id"], "MessageId": "m" * 36, "MD5OfMessageBody": "0" * 32} for entry in asked["Entries"]]
    return {"Successful": done, "Failed": []}
