"""What runs did, counted by step: the numbers on the edges of a flow's picture.

A passage is what one advance of a run did, small enough for a log line; a whole run, as it is stored, is one passage too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from homing.domain.delivery.message import send_id
from homing.domain.flows.run import Run

# The line of a log that tells a passage.
PASSED = "run passed"
# Steps that a run can stand in after it came to them.
WAITS = frozenset({"wait", "wait_for"})
# A run that is done ended behind its last step, and left none of them undone.
_DONE = "done"
# It came from an older version of the flow, where its steps had other places.
_MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Passage:
    """``steps`` in their order, each ``1.then.0:send``; a branch says which way (``1:then``), a split the arm
    (``2:split=short``). ``since``: the step that the run had been waiting in, empty when it begins; ``ended``: why it
    ended, empty when it goes on, and ``at`` which step."""

    flow: str
    version: str
    steps: tuple[str, ...]
    since: str = ""
    ended: str = ""
    at: str = ""

    @classmethod
    def of(cls, before: Run | None, after: Run) -> Passage:
        """From one state of a run to a later one; ``before`` None for a run that begins."""
        done = 0 if before is None else len(before.trace)
        steps, ended, at = [], "", ""
        for entry in after.trace[done:]:
            if entry["did"] == "end":
                ended, at = after.reason, entry["step"]
            elif entry["did"] != "move":
                arm = f"={entry['why']}" if entry["did"] == "split" else ""
                steps.append(f"{entry['step']}:{entry['did']}{arm}")
        return cls(after.flow, after.flow_version, tuple(steps), "" if before is None else standing(before), ended, at)

    def to_dict(self) -> dict[str, str]:
        """The facts of a log line: texts, so that a query can group by them."""
        return {
            "flow": self.flow, "flow_version": self.version, "steps": " ".join(self.steps), "since": self.since,
            "ended": self.ended, "ended_at": self.at,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Passage:
        """Reads :meth:`to_dict`; what is missing is empty."""
        text = {
            name: str(value.get(name) or "") for name in ("flow", "flow_version", "steps", "since", "ended", "ended_at")
        }
        return cls(
            text["flow"], text["flow_version"], tuple(text["steps"].split()), text["since"], text["ended"],
            text["ended_at"],
        )  # fmt: skip


def standing(run: Run) -> str:
    """The step that a run has been waiting in since its last advance."""
    for entry in reversed(run.trace):
        if entry["did"] == "move":
            return _MOVED
        if entry["did"] in WAITS:
            return str(entry["step"])
    return run.position


@dataclass(slots=True)
class FlowNumbers:
    """How many runs of one version of a flow did what.

    ``did``: runs that came to a step and did it; ``ways``: that went a way (``1.then``, ``2.short``, ``2.`` for who is in
    no arm); ``waiting``: that stand in a step now; ``left``: that ended at a step instead of doing it, or while they waited
    in it, by reason; ``ended``: by reason; ``mails``: sends of a step by what became of them.
    """

    flow: str
    version: str = ""
    runs: int = 0
    did: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    left: dict[str, Counter[str]] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)
    mails: dict[str, Counter[str]] = field(default_factory=dict)
    # Runs of other versions of the flow, which are in none of the numbers.
    others: int = 0

    def add(self, passage: Passage, times: int = 1) -> None:
        """Counts that so many runs did this."""
        if not passage.since:
            self.runs += times
        elif passage.since != _MOVED:
            self.waiting[passage.since] -= times
        last = ""
        for one in passage.steps:
            step, _, did = one.partition(":")
            if did in {"then", "else"}:
                self.ways[f"{step}.{did}"] += times
                if last != f"{step}:wait_for" and passage.since != step:
                    self.did[step] += times
            elif did.startswith("split"):
                self.did[step] += times
                self.ways[f"{step}.{did.partition('=')[2]}"] += times
            else:
                self.did[step] += times
            last = one
        if passage.ended:
            self.ended[passage.ended] += times
            done = {one.partition(":")[0] for one in passage.steps}
            if passage.ended != _DONE and (passage.at not in done or last == f"{passage.at}:wait_for"):
                self.left.setdefault(passage.at, Counter())[passage.ended] += times
        elif not passage.steps and not passage.since:
            # Its flow was paused when it began: it stands before its first step.
            self.waiting["0"] += times
        elif last.partition(":")[2] in WAITS:
            self.waiting[last.partition(":")[0]] += times
        elif passage.since != _MOVED:
            self.waiting[passage.since] += times

    def add_mail(self, step: str, status: str, times: int = 1) -> None:
        """Counts what became of sends of a step: ``sent``, ``dropped``, ``deferred`` …"""
        self.mails.setdefault(step, Counter())[status] += times

    def join(self, more: FlowNumbers) -> None:
        """Adds what other people's runs of the same version did."""
        self.runs += more.runs
        self.others += more.others
        for mine, theirs in ((self.did, more.did), (self.ways, more.ways), (self.waiting, more.waiting)):
            mine.update(theirs)
        self.ended.update(more.ended)
        for kept, added in ((self.left, more.left), (self.mails, more.mails)):
            for step, counts in added.items():
                kept.setdefault(step, Counter()).update(counts)

    @property
    def goal(self) -> int:
        """Runs that met their goal."""
        return self.ended["goal_met"]

    @property
    def active(self) -> int:
        """Runs that go on."""
        return max(0, self.runs - sum(self.ended.values()))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is 0 is left out."""
        return {
            "flow": self.flow, "version": self.version, "runs": self.runs, "active": self.active, "others": self.others,
            "did": _positive(self.did), "ways": _positive(self.ways), "waiting": _positive(self.waiting),
            "left": {step: _positive(reasons) for step, reasons in sorted(self.left.items())},
            "ended": _positive(self.ended),
            "mails": {step: _positive(statuses) for step, statuses in sorted(self.mails.items())},
        }  # fmt: skip

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> FlowNumbers:
        """Reads :meth:`to_dict`."""
        left, mails = ({step: Counter(one) for step, one in held[name].items()} for name in ("left", "mails"))
        return cls(
            held["flow"], held["version"], held["runs"], Counter(held["did"]), Counter(held["ways"]),
            Counter(held["waiting"]), left, Counter(held["ended"]), mails, held["others"],
        )  # fmt: skip


def counted(flow: str, version: str, runs: Iterable[Run], status: Mapping[str, str] | None = None) -> FlowNumbers:
    """The numbers of stored runs; of other versions only how many. ``status``: what became of a send, by its id."""
    numbers = FlowNumbers(flow, version)
    for run in runs:
        if run.flow != flow:
            continue
        if run.flow_version not in {"", version}:
            numbers.others += 1
            continue
        passage = Passage.of(None, run)
        numbers.add(passage)
        for one in passage.steps:
            step, _, did = one.partition(":")
            if did == "send" and (became := (status or {}).get(send_id(run.id, step))):
                numbers.add_mail(step, became)
    return numbers


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {name: number for name, number in sorted(counts.items()) if number > 0}
