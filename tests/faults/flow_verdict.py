"""The oracle of what flows do besides mailing. It asks no service: it knows the story, what runs have written down, what
profiles hold in the end, and what other systems heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from homing.domain.delivery.message import send_id
from homing.domain.flows.run import Run
from homing.domain.profiles.fold import message_hash
from homing.domain.profiles.profile import Profile
from homing.domain.time import HOUR, iso
from homing.services.resolve import resolve
from tests.faults import plan
from tests.faults.calls import CRM, LOG
from tests.faults.trials import SAID, USED, USED_AT, WAITS
from tests.faults.when import moment
from tests.faults.world import World

Saying = Callable[[str], None]
# What a trial goes through on each way, by the positions of its steps that ask for something.
_ASKS = {
    "then": {"call": {"2", f"{WAITS}.then.3", "5"}, "send": {f"{WAITS}.then.1"}, "start": {f"{WAITS}.then.2"}},
    "else": {"call": {"2", f"{WAITS}.else.3", "5"}, "send": {f"{WAITS}.else.2"}, "start": set()},
}  # fmt: skip


def judge_flows(world: World, calm: World | None, say: Saying) -> None:
    """Trials, their sequels, tips, and calls. ``calm``: without faults as many people got tips as often."""
    runs = world.journal.runs()
    people = resolve(world.profiles, {run.profile_id for run in runs})
    _once(runs, people, say)
    trials = [run for run in runs if run.flow == "trial" and run.profile_id in people]
    for run in trials:
        if run.status != "ended" or run.reason != "done":
            say(f"the trial of {_who(run, people)} is {run.status} {run.reason}")
            continue
        way = _way(run, people, say)
        if way:
            _known(world, run, _who(run, people), way, say)
            _left(world, run, people[run.profile_id], way, runs, say)
    for run in runs:
        if run.flow == "poll" and run.profile_id in people:
            _polled(world, run, people[run.profile_id], say)
    # Vic wants tips three times, the second time too soon.
    tips = [sum(run.flow == "tip" for run in told.journal.runs()) for told in (world, calm or world)]
    if tips[0] != tips[1]:
        say(f"{tips[0]} runs of tip, and not {tips[1]}")
    _asked(world, trials, say)
    _heard(world, runs, say)


def _who(run: Run, people: Mapping[str, Profile]) -> str:
    return min(people[run.profile_id].identifiers.get("user_id", {run.profile_id}))


def _once(runs: list[Run], people: Mapping[str, Profile], say: Saying) -> None:
    """One run for each key of each person."""
    owners = {run.id: people[run.profile_id].id for run in runs if run.profile_id in people}
    keys = Counter((run.flow, run.key, owners[run.id]) for run in runs if run.id in owners)
    for (flow, key, _), count in keys.items():
        if count > 1:
            say(f"{count} runs of {flow} for {key}")


def _way(run: Run, people: Mapping[str, Profile], say: Saying) -> str:
    ways = [str(note["did"]) for note in run.trace if note["step"] == WAITS and note["did"] in {"then", "else"}]
    if len(ways) != 1:
        say(f"the trial of {_who(run, people)} went {' and '.join(ways) or 'no way'}")
        return ""
    return ways[0]


def _known(world: World, run: Run, who: str, way: str, say: Saying) -> None:
    """The way is that of what was known: an event that was folded before the profile was read is not missed, none is made
    up, nobody is given up before the time is over, and unless something failed for long the run is gone within an hour."""
    _, within = SAID[run.flow_version != _first_version(world)]
    until = run.triggered_at + within
    # What was done before the flow was told of its start, or after its version had waited long enough, is not waited for.
    counts = who in USED and run.triggered_at <= moment(USED_AT[who]) <= until
    known = world.folded.get(message_hash(USED[who])) if counts else None
    read, stored = world.parted.get(run.id, (0, 0))
    if way == "else":
        if known is not None and known < read:
            say(f"{who} was given up by what was read at {iso(read)}, and the event was known since {iso(known)}")
        if stored < until - (plan.SKEW if world.skewed else 0):
            say(f"{who} was given up at {iso(stored)}, and there was time until {iso(until)}")
        return
    if known is None or known > read:
        say(f"{who} is taken for somebody who used the trial")
        return
    # Whoever reads what was there before may find nobody who waits: then the run goes on when its time is up.
    stale = any(fault.kind == plan.STALE and fault.function == "run_flows" for fault in world.faults)
    due = max(known, run.started_at, until if stale else 0)
    if stored - due > HOUR and all(fault.times <= 2 for fault in world.faults):
        say(f"{who} went on at {iso(stored)}, and was to go on at {iso(due)}")


def _left(world: World, run: Run, profile: Profile, way: str, runs: list[Run], say: Saying) -> None:
    """Traits, lists and sequels are those of the way that the run went, and of no other."""
    who = min(profile.identifiers.get("user_id", {profile.id}))
    changed = run.flow_version != _first_version(world)
    said, _ = SAID[changed]
    wanted = {"trial": "used" if way == "then" else said, "plan": "gold" if who == "pia" else "free"}
    found = {name: profile.trait(name) for name in wanted}
    if found != wanted:
        say(f"{who} went {way}, and the profile says {found}")
    on = {name for name, (_, member) in profile.lists.items() if member}
    if on != ({"triers", "sequels"} if way == "then" else set()):
        say(f"{who} went {way}, and is on {sorted(on) or 'no list'}")
    sequels = sum(one.flow == "sequel" and run.id in one.trigger_id for one in runs)
    if sequels != (way == "then"):
        say(f"{who} went {way}, and {sequels} sequels began")


def _polled(world: World, run: Run, profile: Profile, say: Saying) -> None:
    """One arm, and one side: that of what was known when the profile was read; and the lists of both, and no others."""
    who = min(profile.identifiers.get("user_id", {profile.id}))
    if run.status != "ended" or run.reason != "done":
        say(f"the poll of {who} is {run.status} {run.reason}")
        return
    arms = [str(note["why"]) for note in run.trace if note["did"] == "split"]
    sides = [str(note["did"]) for note in run.trace if note["did"] in {"then", "else"}]
    if len(arms) != 1 or arms != [run.arms.get("poll")] or len(sides) != 1:
        say(f"the poll of {who} went {arms} {run.arms} {sides}")
        return
    known, (read, _) = world.folded.get(message_hash(f"answered-{who}")), world.parted[run.id]
    if known is not None and known < read and sides == ["else"]:
        say(f"{who} answered, which was known since {iso(known)}, and is not believed by what was read at {iso(read)}")
    if (known is None or known > read) and sides == ["then"]:
        say(f"{who} is taken for somebody who answered")
    on = {name for name, (_, member) in profile.lists.items() if member}
    if on != {*arms, {"then": "yes", "else": "no"}[sides[0]]}:
        say(f"{who} went {arms} {sides}, and is on {sorted(on) or 'no list'}")


def _first_version(world: World) -> str:
    from homing.domain.flows.language import version
    from tests.faults.shop import shop

    return version(shop().flows["trial"])


def _asked(world: World, trials: list[Run], say: Saying) -> None:
    """What was asked for is what stands on the way that the run went."""
    allowed = {
        send_id(run.id, position): kind
        for run in trials
        for way in [next((str(n["did"]) for n in run.trace if n["step"] == WAITS and n["did"] in _ASKS), "")]
        if way
        for kind, positions in _ASKS[way].items()
        for position in positions
    }
    of_trials = {run.id for run in trials if run.status == "ended"}
    for key, request in world.decided.items():
        if request.run_id in of_trials and allowed.get(key) != "send":
            say(f"{request.template} was asked for on a way that the run did not go")
    for key, call in world.asked_calls.items():
        if call.run_id in of_trials and allowed.get(key) != "call":
            say(f"a call of {call.webhook} was asked for at step {call.step}, on a way that the run did not go")


def _heard(world: World, runs: list[Run], say: Saying) -> None:
    """Every call of a run was heard, under one id that never says two things; and no other."""
    wanted = {
        send_id(run.id, note["step"]): (run, str(note["why"]))
        for run in runs
        for note in run.trace
        if note["did"] == "call"
    }
    heard: dict[str, list[dict[str, Any]]] = {}
    for said in world.systems.heard:
        heard.setdefault(said["id"], []).append(said)
        if said["key"] != said["id"]:
            say(f"a call came under the key {said['key']} instead of its id")
        if said["url"] != {"crm": CRM, "log": LOG}[said["webhook"]]:
            say(f"a call of {said['webhook']} went to {said['url']}")
    for key in sorted(wanted.keys() - heard.keys()):
        run, webhook = wanted[key]
        say(f"{webhook} never heard of a call of {run.flow}")
    for key in sorted(heard.keys() - wanted.keys()):
        say(f"{heard[key][0]['webhook']} heard of a call at {heard[key][0]['step']} that no run made")
    for key, said in heard.items():
        if len({repr((one["webhook"], one["run_id"], one["step"], one["data"])) for one in said}) > 1:
            say(f"call {key} said two things")
    if world.calls_out.waiting:
        say(f"{world.calls_out.waiting} calls still wait")
