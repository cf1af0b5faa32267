"""What that costs: counted units times list prices. The prices are assumptions, written down here and in the table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.measure import Report, Table
from homing.local.synth import synthesize
from homing.runtime.parallel import WORKERS
from homing.services.rank_customers import SAMPLE

# US dollars, us-east-1, on demand, without free tiers.
PRICES = {
    "DynamoDB write unit": 0.625e-6,
    "DynamoDB read unit": 0.125e-6,
    "Kinesis PUT unit (25 KB)": 0.014e-6,
    "Kinesis shard-hour": 0.015,
    "Kinesis shard-hour of retention beyond 24 h": 0.020,
    "Lambda request": 0.20e-6,
    "Lambda GB-second, arm64": 13.3334e-6,
    "API Gateway HTTP request": 1.00e-6,
    "EventBridge custom event": 1.00e-6,
    "SQS request": 0.40e-6,
    "S3 PUT": 5.00e-6,
    "S3 LIST": 5.00e-6,
    "S3 GET": 0.40e-6,
    "Secrets Manager call": 5.00e-6,
    "Secrets Manager secret-month": 0.40,
    "KMS key-month": 1.00,
    "CloudWatch alarm-month": 0.10,
    "CloudWatch dashboard-month beyond three": 3.00,
}
BUDGETS = {"events": 2.0, "messages": 6.0, "idle": 16.0}
_EVENTS = ("receive_events", "receive_webhook", "update_profiles", "publish_changes")
_MESSAGES = ("wake_due", "run_flows", "send_email", "record_engagement", "manage_preferences")
# Seconds that a call to AWS is waited for, and how many the updater overlaps.
_WAIT = 0.005
_ONE_CPU_MB = 1769
_MONTH = 730
_MINUTES = _MONTH * 60
# Of a sweep that finds nothing; benchmarks.waking counts them.
WAKE_QUERIES = 17


def run(calls: Report) -> Report:
    """From the counts of :mod:`benchmarks.calls`."""
    report = Report("cost", "Cost")
    if not calls.facts:
        report.skipped = "the calls were not counted."
        return report
    report.intro = (
        "Counted units times the prices at the end, without free tiers, SES, logs and metrics. Lambda's time is the CPU time"
        f" that a function took here, on its share of a CPU, plus {_WAIT * 1000:.0f} ms for each call it waits for"
        f" ({WORKERS} at once in the updater)."
    )
    events, messages = [], []
    for name, facts in calls.facts.items():
        per_event = _group(facts, _EVENTS)
        events.append(_row(name, per_event, 1e6 / 1000, BUDGETS["events"]))
        if facts["mails"]:
            messages.append(_row(name, _group(facts, _MESSAGES), 1e6 / facts["mails"], BUDGETS["messages"]))
    kinds = ("DynamoDB", "Lambda", "S3", "HTTP API", "bus and queues", "stream", "secrets")
    idle = _idle()
    for what, rows in (("events", events), ("messages before SES", messages)):
        report.verdicts += [
            (f"a million {what} ≤ ${row[-1]}", f"${row[-2]}, {row[0]}", float(row[-2]) <= float(row[-1]))
            for row in rows
        ]
    standing = sum(idle.values())
    # The starter set mints its codes; a pool brings the alarm codes-low.
    pooled = standing + PRICES["CloudWatch alarm-month"]
    report.verdicts += [
        (f"standing still{what} ≤ ${BUDGETS['idle']:.2f} a month", f"${cost:.2f}", cost <= BUDGETS["idle"])
        for what, cost in (("", standing), (" with a pool of discount codes", pooled))
    ]
    report.tables = [
        Table("A million events, $", ("traffic", *kinds, "total", "budget"), events, [
            f"Of {', '.join(_EVENTS)}; what mails bring back (deliveries, opens, clicks) is folded too and counted here.",
            "Spread is a shop of some ten events an hour: each has a batch, an archive object and often a cold secret of its own."
            " A million of them take such a shop years; what it pays for a month is the table of standing still.",
        ]),
        Table("A million messages before SES, $", ("traffic", *kinds, "total", "budget"), messages, [
            f"Of {', '.join(_MESSAGES)}, divided by the mails sent: decisions not to send are paid by those that were.",
        ]),
        Table("A month of standing still, one shard, $", ("", "$"), [
            *([what, f"{cost:.2f}"] for what, cost in idle.items()),
            ["total", f"{standing:.2f}"], ["with a pool of discount codes, and its alarm", f"{pooled:.2f}"],
            ["budget", f"{BUDGETS['idle']:.2f}"],
        ], [
            f"rank_customers reads {SAMPLE:,} customers each night at most, where segments, flows or mails ask for RFM scores:"
            f" ${30 * SAMPLE * PRICES['DynamoDB read unit']:.2f} more for a shop that has so many.",
        ]),
        Table("Prices assumed, $", ("unit", "a million, or each"), [
            [unit, f"{price * 1e6:,.3f} a million" if price < 1e-3 else f"{price:.3f}"] for unit, price in PRICES.items()
        ]),
    ]  # fmt: skip
    return report


def _group(facts: Mapping[str, Any], names: Iterable[str]) -> dict[str, float]:
    """Dollars per 1,000 events, by kind."""
    total: dict[str, float] = {}
    for name in names:
        if function := facts["by_function"].get(name):
            for kind, cost in _dollars(name, function).items():
                total[kind] = total.get(kind, 0.0) + cost
    return total


def _dollars(name: str, function: Mapping[str, Any]) -> dict[str, float]:
    calls, units, price = function["calls"], function["units"], PRICES
    share = min(1.0, function["memory_mb"] / _ONE_CPU_MB)
    waits = sum(calls.values()) * _WAIT / (WORKERS if name == "update_profiles" else 1)
    seconds = function["cpu_ms"] / 1000 / share + waits
    invocations = function["invocations"]
    http = invocations if name in {"receive_events", "receive_webhook", "manage_preferences"} else 0
    # Lambda's poller receives and deletes; EventBridge sends to the inbox what the bus was given.
    polled = 2 * invocations if name in {"run_flows", "send_email"} else 0
    bus = units.get("bus_events", 0)
    return {
        "DynamoDB": (units.get("write", 0) + units.get("index", 0)) * price["DynamoDB write unit"]
        + units.get("read", 0) * price["DynamoDB read unit"],
        "Lambda": invocations * price["Lambda request"]
        + seconds * function["memory_mb"] / 1024 * price["Lambda GB-second, arm64"],
        "S3": calls.get("s3 PutObject", 0) * price["S3 PUT"],
        "HTTP API": http * price["API Gateway HTTP request"],
        "bus and queues": bus * (price["EventBridge custom event"] + price["SQS request"])
        + (calls.get("sqs SendMessageBatch", 0) + polled) * price["SQS request"],
        "stream": units.get("stream_units", 0) * price["Kinesis PUT unit (25 KB)"],
        "secrets": calls.get("secretsmanager GetSecretValue", 0) * price["Secrets Manager call"],
    }


def _row(name: str, dollars: Mapping[str, float], factor: float, budget: float) -> list[str]:
    total = sum(dollars.values()) * factor
    return [name, *(f"{cost * factor:.2f}" for cost in dollars.values()), f"{total:.2f}", f"{budget:.2f}"]


def _idle() -> dict[str, float]:
    """From the synthesized template: what exists costs, and one sweep a minute."""
    found: Counter[str] = Counter()
    for path in synthesize().rglob("*.template.json"):
        for resource in json.loads(path.read_text()).get("Resources", {}).values():
            found[resource["Type"]] += 1
            if resource["Type"] == "AWS::Kinesis::Stream":
                found["retained"] += int(resource["Properties"].get("RetentionPeriodHours", 24) > 24)
    sweep = WAKE_QUERIES * 0.5 * PRICES["DynamoDB read unit"] + PRICES["Lambda request"]
    # 85 ms at 512 MB for a sweep that finds nothing: 17 queries, one after another.
    sweep += WAKE_QUERIES * _WAIT * 0.5 * PRICES["Lambda GB-second, arm64"]
    # docs/audit.md: 30 segments of 2,048 members and more, and a day of 86,400 archive objects, of which 200 are read.
    night = 30 * 16 * 2 * PRICES["DynamoDB read unit"] + 90 * PRICES["S3 LIST"] + 240 * PRICES["S3 GET"]
    night += PRICES["S3 PUT"] + PRICES["Lambda request"] + 10 * PRICES["Lambda GB-second, arm64"]
    queues = 2 * 5 * 3 * _MINUTES * PRICES["SQS request"]
    return {
        "Kinesis shard": _MONTH * PRICES["Kinesis shard-hour"],
        "Kinesis retention beyond 24 h": found["retained"]
        * _MONTH
        * PRICES["Kinesis shard-hour of retention beyond 24 h"],
        "wake_due, each minute": _MINUTES * sweep,
        "audit_segments, each night (a busy shop's)": 30 * night,
        "Lambda polling two queues (5 pollers each, 20 s)": queues,
        f"{found['AWS::CloudWatch::Alarm']} alarms": found["AWS::CloudWatch::Alarm"] * PRICES["CloudWatch alarm-month"],
        f"{found['AWS::SecretsManager::Secret']} secrets": found["AWS::SecretsManager::Secret"]
        * PRICES["Secrets Manager secret-month"],
        f"{found['AWS::KMS::Key']} KMS keys": found["AWS::KMS::Key"] * PRICES["KMS key-month"],
        f"{found['AWS::CloudWatch::Dashboard']} dashboards": max(0, found["AWS::CloudWatch::Dashboard"] - 3)
        * PRICES["CloudWatch dashboard-month beyond three"],
    }
