"""One run, step by step, and which runs somebody has: from a recording, or as a stage stored them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.campaigns import Campaigns
from homing.domain.content.yaml_source import Located
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.explain import flow_words, words
from homing.domain.explain.evidence import Evidence
from homing.domain.explain.reasons import Explainer
from homing.domain.explain.runs import RunExplainer, RunStep
from homing.domain.flows.language import Flow, version
from homing.domain.flows.run import Run
from homing.domain.profiles import codec
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, iso, zone
from homing.local.backtest import LOCAL_SECRET, Backtest
from homing.local.explain.lines import lines_of
from homing.local.explain.messages import Told, in_order
from homing.local.explain.story import Played, find, told_by
from homing.local.recording import Recorded
from homing.services.ports import Journal, ProfileStore
from homing.services.resolve import trail

# A recording is played so far beyond somebody's last event, so that what waits comes to its end.
BEYOND = 30 * DAY
_STORED = (
    "values are those that are remembered today: traits, lists and segments may have been otherwise at the step, and what a "
    "rule says today may differ from the way that was taken"
)


@dataclass(slots=True)
class RunStory:
    """Everything about one run. ``note``: how far the values can be trusted; ``older``: it goes by a version that is not in
    the file. ``messages``: what was decided about its mails, by the ids of their sends."""

    run: Run
    zone: ZoneInfo
    flow: Flow | None
    older: bool
    steps: list[RunStep] = field(default_factory=list)
    following: str = ""
    messages: dict[str, Told] = field(default_factory=dict)
    note: str = ""

    @property
    def trigger(self) -> str:
        """What started it."""
        return flow_words.starts(self.flow.on) if self.flow is not None else self.run.trigger.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Sources:
    """The campaigns that decide, with the places of their files."""

    campaigns: Campaigns
    segments: Mapping[str, Located]
    flows: Mapping[str, Located]

    @property
    def zone(self) -> ZoneInfo:
        """The shop's."""
        return zone(self.campaigns.settings.time_zone)


def stored_run(sources: Sources, store: ProfileStore, journal: Journal, run_id: str) -> RunStory:
    """A run as a stage stored it. Raises InvalidInput when there is none."""
    run = journal.load_run(run_id)
    if run is None:
        raise InvalidInput(
            f"there is no run {run_id!r}, or it ended so long ago that it was forgotten", code="unknown_run"
        )
    profile = trail(store, run.profile_id)[1]
    held = journal.load_flow(run.flow, run.flow_version)
    kept = Flow.model_validate(held) if held is not None else None
    engine = Engine(sources.campaigns)
    explainer = Explainer(engine, Evidence(sources.zone), sources.segments)
    story = _story(sources, engine, explainer, run, kept, lambda _: profile)
    ids = [profile.id, *sorted(profile.merged)] if profile is not None else [run.profile_id]
    entries = [entry for one in dict.fromkeys(ids) for entry in journal.load_ledger(one).entries.values()]
    story.messages = _mails(run, in_order((entry.at, entry) for entry in entries))
    story.note = _STORED if profile is not None else "its profile is gone, and with it the values"
    return story


def stored_runs(store: ProfileStore, journal: Journal, identity: Identity, person: str) -> list[Run]:
    """The runs of somebody that sent a mail lately, or wait for something to happen: the journal has no list of all of
    them. Raises InvalidInput when it knows nobody of that name."""
    profile = find(store, identity, person)
    ids: set[str] = set()
    for one in (profile.id, *sorted(profile.merged)):
        ids |= {entry.run_id for entry in journal.load_ledger(one).entries.values() if entry.run_id}
        ids |= set(journal.load_agenda(one).waiting)
    return _in_order(run for id in sorted(ids) if (run := journal.load_run(id)) is not None)  # noqa: A001


def replayed_run(
    sources: Sources, recording: Path, run_id: str, *, person: str | None = None, at: int | None = None,
    tick: Callable[[int], None] | None = None,
) -> RunStory:  # fmt: skip
    """A run of a recording. Without ``person`` everybody's events are played to find whose it is, which takes longer. Raises
    InvalidInput when there is no such run, or not yet."""
    whose = person or _whose(sources.campaigns, recording, run_id)
    watched = _Watched(sources, recording, whose, at, tick)
    run = watched.backtest.journal.load_run(run_id)
    if run is None:
        later = (
            None if at is None else _Watched(sources, recording, whose, None, None).backtest.journal.load_run(run_id)
        )
        if at is None or later is None or later.started_at <= at:
            raise InvalidInput(f"{whose!r} has no run {run_id!r}: --runs lists them", code="unknown_run")
        raise InvalidInput(
            f"run {run_id} begins on {words.when(later.started_at, sources.zone)} ({sources.zone.key}), later than {iso(at)}",
            code="too_early",
        )
    engine = watched.backtest.update.engine
    explainer = Explainer(engine, Evidence(sources.zone, told_by(watched.own(run.profile_id))), sources.segments)
    story = _story(sources, engine, explainer, run, None, watched.seen(run_id))
    story.messages = _mails(run, in_order((when, entry) for when, _, entry in watched.played.decided))
    return story


def replayed_runs(
    sources: Sources, recording: Path, person: str, *, at: int | None = None, tick: Callable[[int], None] | None = None
) -> list[Run]:
    """All runs of somebody in a recording. Raises InvalidInput."""
    watched = _Watched(sources, recording, person, at, tick)
    profile = find(watched.backtest.profiles, watched.identity, person)
    ids = {profile.id, *profile.merged}
    return _in_order(run for run in watched.backtest.journal.runs() if run.profile_id in ids)


class _Watched:
    """Somebody's events through the backtest, with their profile as it was at each advance of each run."""

    def __init__(
        self, sources: Sources, recording: Path, person: str, at: int | None, tick: Callable[[int], None] | None
    ) -> None:
        self.identity = Identity(LOCAL_SECRET)
        lines = lines_of(recording, person, self.identity, tick=tick)
        at = lines[-1].at + BEYOND if at is None else at
        # Run → how much of its trace there was, and the profile that decided it.
        self._seen: dict[str, list[tuple[int, Profile | None]]] = {}
        self.played = Played(sources.campaigns, [line for line in lines if line.at <= at], at, advanced=self._notice)

    @property
    def backtest(self) -> Backtest:
        """Where everything is now."""
        return self.played.backtest

    def _notice(self, backtest: Backtest, _: Run | None, after: Run) -> None:
        held = trail(backtest.profiles, after.profile_id)[1]
        # A copy: the backtest goes on with the very object.
        copied = codec.decode(held.id, held.version, codec.encode(held)) if held is not None else None
        self._seen.setdefault(after.id, []).append((len(after.trace), copied))

    def seen(self, run_id: str) -> Callable[[int], Profile | None]:
        """The profile that decided an entry of the run's trace."""
        held = self._seen.get(run_id, [])
        return lambda index: next((profile for length, profile in held if index < length), None)

    def own(self, profile_id: str) -> list[tuple[int, Any]]:
        """Lines and events of the person that the profile belongs to in the end."""
        wanted = trail(self.backtest.profiles, profile_id)[0][-1]
        return [(line, event) for line, event in self.played.events if self.played.owner(event) == wanted]


def _whose(campaigns: Campaigns, recording: Path, run_id: str) -> str:
    from homing.local.recording import read_recording

    backtest = Backtest(campaigns, keep_mails=False)
    messages: list[Recorded] = read_recording(recording).messages
    for recorded in messages:
        backtest.message(recorded.message, recorded.at, f"line {recorded.line}")
    backtest.pass_time(messages[-1].at + BEYOND)
    run = backtest.journal.load_run(run_id)
    if run is None:
        raise InvalidInput(f"{recording} leads to no run {run_id!r}", code="unknown_run")
    profile = trail(backtest.profiles, run.profile_id)[1]
    for kind in ("user_id", "email", "loyalty_id", "anonymous_id", "device_id"):
        if profile is not None and (known := profile.identifiers.get(kind)):
            return min(known)
    return run.profile_id


def _story(
    sources: Sources, engine: Engine, explainer: Explainer, run: Run, kept: Flow | None,
    seen: Callable[[int], Profile | None],
) -> RunStory:  # fmt: skip
    current = sources.campaigns.flows.get(run.flow)
    older = current is None or run.flow_version not in {"", version(current)}
    flow = kept if older else current
    located = None if older else sources.flows.get(run.flow)
    told = RunExplainer(engine, explainer, run, flow, located, sources.zone)
    return RunStory(run, sources.zone, flow, older, told.steps(seen), told.following())


def _mails(run: Run, told: Iterable[Told]) -> dict[str, Told]:
    return {one.send_id: one for one in told if one.last.run_id == run.id}


def _in_order(runs: Iterable[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: (run.started_at, run.id))


def as_dict(story: RunStory) -> dict[str, Any]:
    """As ``--json`` prints it. Instants are ISO 8601 in UTC."""
    from homing.local.explain.messages import as_lists

    run = story.run
    return {
        **row(run), "profile_id": run.profile_id, "trigger": run.trigger, "trigger_words": story.trigger, "key": run.key,
        "triggered_at": iso(run.triggered_at), "flow_version": run.flow_version or None, "older_version": story.older,
        "steps": [step.to_dict() for step in story.steps], "next": story.following or None,
        "messages": as_lists(list(story.messages.values()), story.zone), "note": story.note or None,
    }  # fmt: skip


def row(run: Run) -> dict[str, Any]:
    """A run in short."""
    return {
        "run": run.id, "flow": run.flow, "started_at": iso(run.started_at), "status": run.status,
        "reason": run.reason or None, "ended_at": None if run.ended_at is None else iso(run.ended_at),
        "wake_at": None if run.wake_at is None else iso(run.wake_at), "position": run.position,
    }  # fmt: skip
