"""The same ten thousand mails through what would be deployed: every event over HTTP and the stream, every decision through
the tables, the bus and the queues, every mail through SES. In a process of its own, so that its memory is only its own.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import inputs, mail_story
from benchmarks.mail_checks import Checks
from benchmarks.mail_tables import Send, Sends, distribution, waits
from benchmarks.mail_worlds import OnTheStack
from benchmarks.measure import Report, Table, number, peak
from benchmarks.ten_thousand import FEW, PEOPLE, SEED
from homing.domain.time import DAY, MINUTE, SECOND
from homing.local.host import LocalHost
from homing.local.synth import SynthFailed

# Seconds of one busy core.
_BUDGET = 15 * 60
_SHOWN = 1_000


def run(memory: Report, *, quick: bool) -> Report:
    """``memory``: what ten_thousand found; both have to decide alike."""
    report = Report("ten_thousand_stack", "Ten thousand personal mails through the local stack")
    command = [sys.executable, "-m", "benchmarks.ten_thousand_stack", str(FEW if quick else PEOPLE)]
    done = subprocess.run(command, cwd=inputs.ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError("the ten thousand mails failed; what it said stands above")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if skipped := found.get("skipped"):
        report.skipped = skipped
        return report
    sends = {send_id: Send(*send) for send_id, send in found["sends"].items()}
    report.intro = (
        "The people, days and rules of the section before, on the local host: HTTP API, Kinesis, `update_profiles`, DynamoDB and"
        " its stream, `publish_changes`, EventBridge, SQS, `run_flows`, SQS, `send_email`, SES of moto, and back over"
        " `record_engagement`, wired as the synthesized template says, on the virtual clock. Each mail is followed by its `Send`"
        " and `Delivery`. The checks look at the mails that SES took."
    )
    theirs: Sends = memory.facts["sends"]
    report.tables = [distribution(sends, []), waits(sends), _agreement(sends, theirs), _work(found)]
    differing, open_ = _differing(sends, theirs), found["open"]
    promises = [
        *found["verdicts"],
        ("ten thousand mails in moto's SES, none left undecided", f"{number(found['in_moto'])} mails, {open_} sends",
         found["in_moto"] == found["mails"] >= (1_000 if quick else 10_000) and not open_),
        ("no function failed, nothing in dead letters or quarantine", f"{found['errors']} errors, {found['lost']} lost",
         not found["errors"] and not found["lost"]),
        ("every send decided as in memory", f"{differing} of {number(len(sends))} differ", not differing),
        ("within 15 minutes of one core", f"{number(found['cpu'] / 60, 1)} minutes of CPU", found["cpu"] <= _BUDGET),
    ]  # fmt: skip
    report.verdicts = [(f"on the local stack: {promise}", what, kept) for promise, what, kept in promises]
    return report


def _differing(stack: Sends, memory: Sends) -> int:
    both = stack.keys() | memory.keys()
    return sum(
        send_id not in stack or send_id not in memory or stack[send_id].decision != memory[send_id].decision
        for send_id in both
    )


def _agreement(stack: Sends, memory: Sends) -> Table:
    """Where the two decided alike, and how far apart in time the mails left."""
    both = stack.keys() & memory.keys()
    later = Counter(
        round((stack[send_id].sent_at - memory[send_id].sent_at) / SECOND)
        for send_id in both
        if stack[send_id].status == memory[send_id].status == "sent"
    )
    rows = [
        ["decided by both", number(len(both))],
        ["by one of them only", number(len(stack.keys() ^ memory.keys()))],
        ["person, flow, mail, variant, status or reason differ", number(_differing(stack, memory))],
    ]
    rows += [
        [f"sent {seconds:+} s" if seconds else "sent at the same second", number(n)]
        for seconds, n in sorted(later.items())
    ]
    notes = [
        "An event lies in the batching windows of two streams for a second each, on the stack as on AWS; in memory it is folded"
        " and told at once. A minute more is a sweep that such a second came too late for."
    ]
    return Table("Against the services in memory", ("", "sends"), rows, notes)


def _work(found: dict[str, Any]) -> Table:
    invoked = ", ".join(f"{name} {number(count)}" for name, count in found["invocations"].items())
    calls = ", ".join(f"{name} {number(count)}" for name, count in found["calls"].items())
    rows = [
        ["messages posted, flows asked for", f"{number(found['posted'])}, {number(found['requested'])}"],
        ["mails that moto's SES took", number(found["in_moto"])],
        ["invocations of functions", number(sum(found["invocations"].values()))],
        [
            "calls to AWS, of which the long way through moto",
            f"{number(sum(found['calls'].values()))}, {number(found['long'])}",
        ],
        ["CPU, minutes", number(found["cpu"] / 60, 1)],
        ["by the clock, minutes", number(found["wall"] / 60, 1)],
        ["CPU ms a mail", number(found["cpu"] * 1000 / found["mails"], 1)],
        ["peak memory, MB", number(found["peak"])],
    ]
    return Table("The stack at work", ("", ""), rows, [f"Invocations: {invoked}.", f"Calls: {calls}."])


def _measure(count: int) -> dict[str, Any]:
    rng = random.Random(SEED)
    everybody = mail_story.people(count, rng)
    with tempfile.TemporaryDirectory() as folder:
        # The first sign up five days before the story's first day.
        host = LocalHost.deployed(
            start=mail_story.START - 5 * DAY - MINUTE, campaigns=mail_story.folder(Path(folder) / "campaigns")
        )
    with host:
        world = OnTheStack(host)
        cpu, wall, told = time.process_time(), time.perf_counter(), 0
        for mails in mail_story.play(everybody, rng, world):
            if mails - told >= _SHOWN:
                told = mails
                print(f"{number(mails)} mails after {time.perf_counter() - wall:,.0f} s", file=sys.stderr)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        sends = world.seen.sends()
        checks = Checks({person.email: person for person in everybody}, world.mails)
        in_moto = {message.id for message in host.moto.ses.core_backend.sent_messages}
        return {
            "sends": sends, "verdicts": checks.verdicts(), "mails": len(world.mails),
            "in_moto": len(in_moto & {mail.message_id for mail in world.mails}),
            "open": sum(send.status not in {"sent", "dropped"} for send in sends.values()),
            "errors": host.functions.errors.total(), "lost": _lost(host), "cpu": cpu, "wall": wall, "peak": peak(),
            "posted": world.posted, "requested": world.requested,
            "invocations": dict(host.functions.invocations.most_common()), "long": host.wire.long.total(),
            "calls": {operation: count for (_, operation), count in host.wire.calls.most_common()},
        }  # fmt: skip


def _lost(host: LocalHost) -> int:
    """What lies where nobody works it off."""
    names = [queue.name for queue in host.template.resources("AWS::SQS::Queue")]
    dead = sum(len(host.queue(name)) for name in names if name.endswith(("-dead", "-undelivered")))
    return dead + len(host.objects("Quarantine"))


if __name__ == "__main__":
    try:
        print(json.dumps(_measure(int(sys.argv[1]))))
    except SynthFailed as error:
        print(json.dumps({"skipped": str(error)}))
