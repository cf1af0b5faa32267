"""Running cells: which call is struck, the verdict, and a digest of all that happened."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from homing.domain.time import iso
from tests.faults import plan
from tests.faults.plan import Fault
from tests.faults.shop import played
from tests.faults.verdict import Verdict, judge
from tests.faults.world import World

# What SES tells settles a send only where a reply was lost: the cells of record_engagement need one.
LOST_REPLY = Fault("send_email", "Mailer.send", plan.LOST, 2, first=3)


@dataclass(frozen=True)
class Outcome:
    """What came of one cell or walk."""

    faults: tuple[Fault, ...]
    verdict: Verdict
    struck: int
    digest: str
    calls: dict[str, int]


@cache
def calm() -> World:
    """The story without faults."""
    return played()


@cache
def _calls(with_lost_reply: bool) -> dict[str, int]:
    return dict((played(LOST_REPLY) if with_lost_reply else calm()).calls)


def aimed(fault: Fault) -> Fault:
    """The fault at a call somewhere in the story, always the same for the same cell; what fails for ever begins in the
    first third."""
    count = _calls(fault.function == "record_engagement").get(fault.place, 0)
    if fault.times == plan.FOR_EVER:
        return replace(fault, first=count // 3)
    return replace(fault, first=Random(str(fault)).randrange(max(1, count - fault.times + 1)))


def run(*faults: Fault, seed: int = 0, feedback: bool = True) -> Outcome:
    """Plays the story with these faults."""
    world = played(*faults, seed=seed, feedback=feedback)
    # What a shop hears of a day late started other flows, or none, and rightly so.
    late = any(fault.function == "receive_events" for fault in faults)
    verdict = judge(world, None if late else calm())
    return Outcome(faults, verdict, sum(world.struck[fault] for fault in faults), digest(world), dict(world.calls))


def cell(fault: Fault, *, feedback: bool = True) -> Outcome:
    """One cell of the matrix. That its fault never struck is wrong, too."""
    more = (LOST_REPLY,) if fault.function == "record_engagement" else ()
    outcome = run(aimed(fault), *more, feedback=feedback)
    if outcome.struck <= (1 if more else 0):
        outcome.verdict.wrong.append("never struck")
    return outcome


def walk(seed: int) -> Outcome:
    """Two to six faults of any kind anywhere, drawn by the seed."""
    random = Random(seed)
    drawn = random.sample(plan.cells(), random.randint(2, 6))
    faults = [
        replace(aimed(fault), times=fault.times if fault.times == plan.FOR_EVER else random.randint(1, 6))
        for fault in drawn
    ]
    return run(*faults, seed=seed, feedback=random.random() < 0.8)


def digest(world: World) -> str:
    """A hash of everything that SES took and that ledgers and runs hold: the same seed gives the same bytes."""
    held = {
        "taken": [[m.send_id, m.email, m.template, iso(m.at), m.provider_id] for m in world.post.taken],
        "ledgers": [ledger.to_dict() for ledger in sorted(world.journal.ledgers(), key=lambda held: held.profile_id)],
        "runs": [run.to_dict() for run in sorted(world.journal.runs(), key=lambda run: run.id)],
        "calls": sorted(world.calls.items()),
    }
    return hashlib.blake2b(json.dumps(held, sort_keys=True).encode(), digest_size=8).hexdigest()
