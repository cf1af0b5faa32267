"""The oracle: what may have come of the story, from what people did and what SES took. It asks no service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.message import send_id
from homing.domain.time import DAY, MINUTE, iso
from homing.services.resolve import resolve
from tests.faults import plan
from tests.faults.flow_verdict import judge_flows
from tests.faults.post import Taken
from tests.faults.shop import CAP, CONSENTING, OVERALL, QUIET_FROM, QUIET_UNTIL, TRANSACTIONAL, WITHIN
from tests.faults.world import World

LEASE = 2 * MINUTE
Saying = Callable[[str], None]
_MARKETING, _LETTERS = frozenset({"reminder", "last-call", "welcome"}), frozenset({"news", "glad", "pity"})


@dataclass
class Verdict:
    """Numbers of one run, and what was wrong, a line each."""

    sent: int = 0
    lost_replies: int = 0
    settled: int = 0
    unknown: int = 0
    wrong: list[str] = field(default_factory=list)


def judge(world: World, calm: World | None = None) -> Verdict:
    """``calm`` is the same story without faults: what was started then has to be started now, too."""
    entries = final_entries(world)
    taken = {mail.send_id for mail in world.post.taken}
    verdict = Verdict(
        sent=len(world.post.taken),
        lost_replies=len(world.cut),
        settled=len(world.cut & taken),
        unknown=sum(entry.status == "unknown" for entry in entries.values()),
    )
    say = verdict.wrong.append
    _doubled(world, say_of(say, "duplicate"))
    _unwanted(world, say_of(say, "not wanted"))
    _crowded(world, say_of(say, "cap"))
    _at_night(world, say_of(say, "quiet hours"))
    _without_end(world, entries, say_of(say, "lost"))
    _unknown(world, entries, taken, say_of(say, "unknown"))
    _codes(world, say_of(say, "codes"))
    judge_flows(world, calm, say_of(say, "flows"))
    for refusal in world.refusals:
        say(f"refused: {refusal}")
    if calm is not None:
        for flow, key, person in sorted(_started(calm) - _started(world)):
            say(f"lost: no run of {flow} for {key or person}")
    return verdict


def _started(world: World) -> set[tuple[str, str, str]]:
    """The runs by flow, key and whose they are by now: under which of their names they began may differ. What other runs
    began, and what may begin again, is told apart (flow_verdict)."""
    runs = [run for run in world.journal.runs() if run.flow not in {"sequel", "tip"}]
    people = resolve(world.profiles, {run.profile_id for run in runs})
    return {(run.flow, run.key, people[run.profile_id].id if run.profile_id in people else "") for run in runs}


def say_of(say: Saying, what: str) -> Saying:
    """Puts the kind of what is wrong in front."""
    return lambda text: say(f"{what}: {text}")


def final_entries(world: World) -> dict[str, Entry]:
    """What the ledgers say of each send; a send that moved with a merge counts where it went."""
    found: dict[str, Entry] = {}
    for ledger in world.journal.ledgers():
        for key, entry in ledger.entries.items():
            if entry.reason != "merged" or key not in found:
                found[key] = entry
    return found


def _doubled(world: World, say: Saying) -> None:
    for key, count in Counter(mail.send_id for mail in world.post.taken).items():
        mail = next(mail for mail in world.post.taken if mail.send_id == key)
        # Transactional mail whose reply was lost, and of which SES tells nothing, is owed and repeated after a day.
        owed = mail.template in TRANSACTIONAL and not world.feedback and key in world.cut
        if count > 1 and not owed:
            say(f"{count} times {_what(mail)}")


def _unwanted(world: World, say: Saying) -> None:
    agreed = {f"{user}@example.com" for user in CONSENTING}
    for mail in world.post.taken:
        ends = [world.post.suppressed.get(mail.email)]
        if mail.template not in TRANSACTIONAL:
            if mail.email not in agreed:
                say(f"no consent, {_what(mail)}")
            ends.append(world.consent_ended.get(mail.email))
        for end in ends:
            # Known before the gate looked, or so long before SES was called that the claim was over.
            if end is not None and (end < mail.gate_at or end < mail.began - LEASE):
                say(f"ended {iso(end)}, {_what(mail)}")


def tolerance(world: World) -> int:
    """How far the instants of a run may be off: clocks that go wrong, and calls of SES that take long."""
    return (2 * plan.SKEW if world.skewed else 0) + (LEASE + plan.IN_FLIGHT if world.paused else 0)


def _crowded(world: World, say: Saying) -> None:
    slack = tolerance(world)
    by_person: dict[str, list[Taken]] = {}
    for mail in world.post.taken:
        if mail.template not in TRANSACTIONAL:
            by_person.setdefault(mail.email, []).append(mail)
    for mails in by_person.values():
        for counted, most in ((_MARKETING, CAP), (_MARKETING | _LETTERS, OVERALL)):
            at = sorted(mail.at for mail in mails if mail.template in counted)
            for first, beyond in zip(at, at[most:], strict=False):
                if beyond - first < WITHIN - slack:
                    say(f"more than {most} within {WITHIN // DAY} d from {iso(first)}, {mails[0].email}")


def _at_night(world: World, say: Saying) -> None:
    slack = tolerance(world)
    for mail in world.post.taken:
        clock = mail.at % DAY
        quiet = clock >= QUIET_FROM + slack or clock < QUIET_UNTIL - slack
        if quiet and not (clock < slack) and mail.template not in TRANSACTIONAL:
            say(_what(mail))


def _without_end(world: World, entries: dict[str, Entry], say: Saying) -> None:
    asked = {
        send_id(run.id, note["step"]): run
        for run in world.journal.runs()
        for note in run.trace
        if note["did"] == "send"
    }
    for key in {**asked, **world.decided}:
        entry = entries.get(key)
        if entry is None:
            say(f"send {key} of {asked[key].flow if key in asked else world.decided[key].flow} is in no ledger")
        elif entry.status not in {"sent", "dropped", "unknown"} or (entry.status == "dropped" and not entry.reason):
            say(f"{entry.flow}/{entry.template} is still {entry.status} {entry.reason}")
        elif entry.status == "sent" and not any(mail.send_id == key for mail in world.post.taken):
            say(f"{entry.flow}/{entry.template} counts as sent, and SES never had it")
    for queue, waiting in (("inbox", world.inbox.waiting), ("outbox", world.outbox.waiting)):
        if waiting:
            say(f"{waiting} messages are still in the {queue}")
    if world.shard.waiting or world.changes.waiting:
        say("records are still on a stream")


def _unknown(world: World, entries: dict[str, Entry], taken: set[str], say: Saying) -> None:
    """Exactly those sends are unknown whose reply, or whose worker, was lost on purpose, and of which SES told nothing.
    What is transactional is owed, and repeated."""
    for key in sorted(entries.keys() | world.cut):
        entry = entries.get(key)
        owed = entry is not None and entry.template in TRANSACTIONAL
        expected = key in world.cut and not (world.feedback and key in taken) and not owed
        is_unknown = entry is not None and entry.status == "unknown"
        if expected and not is_unknown:
            say(f"{key} lost its reply and is {entry.status if entry else 'in no ledger'}")
        if is_unknown and not expected:
            say(f"{entry.template if entry else key} is unknown, and nothing was lost on purpose")


def _codes(world: World, say: Saying) -> None:
    """Nobody shares a code, and everybody who was written news has one."""
    owners: dict[str, set[str]] = {}
    for ledger in world.journal.ledgers():
        for entry in ledger.entries.values():
            if entry.code and entry.status in {"sent", "unknown", "sending"}:
                owners.setdefault(entry.code, set()).add(ledger.profile_id)
            elif entry.template == "news" and entry.status == "sent":
                say(f"news without a code, {entry.send_id}")
    for code, people in owners.items():
        if len(people) > 1:
            say(f"{code} was given to {len(people)} people")


def _what(mail: Taken) -> str:
    return f"{mail.template} to {mail.email} at {iso(mail.at)}"
