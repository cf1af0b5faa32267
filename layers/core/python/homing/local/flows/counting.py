"""The numbers of flows: of a backtest, from its runs; of a deployed stage, from the logs of its functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.delivery.message import send_id
from homing.domain.errors import Unavailable
from homing.domain.flows.language import Flow, Send, version, walk
from homing.domain.flows.passage import PASSED, FlowNumbers, Passage
from homing.domain.flows.run import Run
from homing.local.outputs import Message

# Rows of a query: function, query, start, end.
Query = Callable[[str, str, int, int], list[dict[str, str]]]

# The line that send_email writes for every decision.
DECIDED = "decided"
_ROWS = 10_000
_PASSAGES = (
    f'filter message = "{PASSED}" | stats count(*) as times by flow, flow_version, steps, since, ended, ended_at'
    " | sort times desc"
)
_SENDS = (
    f'filter message = "{DECIDED}" and status in ["sent", "dropped", "unknown"]'
    " | stats count(*) as times by flow, template, status"
)


class Counting:
    """Adds up what runs of the flows of one shop did."""

    def __init__(self, campaigns: Campaigns) -> None:
        self.flows = campaigns.flows
        self.found = {name: FlowNumbers(name, version(flow)) for name, flow in campaigns.flows.items()}

    def passed(self, passage: Passage, times: int = 1) -> None:
        """What so many advances did."""
        numbers = self.found.get(passage.flow)
        if numbers is None:
            return
        if passage.version in {"", numbers.version}:
            numbers.add(passage, times)
        elif not passage.since:
            numbers.others += times

    def run(self, run: Run, status: Mapping[str, str]) -> None:
        """A stored run; ``status`` is what became of each send, by its id."""
        self.passed(passage := Passage.of(None, run))
        numbers = self.found.get(run.flow)
        if numbers is None or passage.version not in {"", numbers.version}:
            return
        for one in passage.steps:
            step, _, did = one.partition(":")
            if did == "send" and (became := status.get(send_id(run.id, step))):
                numbers.add_mail(step, became)

    def mailed(self, flow: str, template: str, status: str, times: int) -> None:
        """Sends of a template, where only one step of the flow sends it: else nobody knows of which they are."""
        steps = _sending(self.flows.get(flow), template)
        if len(steps) == 1:
            self.found[flow].add_mail(steps[0], status, times)


def of_runs(campaigns: Campaigns, runs: Iterable[Run], status: Mapping[str, str]) -> dict[str, FlowNumbers]:
    """Flow → its numbers, from stored runs."""
    counting = Counting(campaigns)
    for run in runs:
        counting.run(run, status)
    return counting.found


def of_lines(
    campaigns: Campaigns, lines: Iterable[tuple[str, str, Mapping[str, Any]]], mails: Iterable[Message]
) -> dict[str, FlowNumbers]:
    """Flow → its numbers, from the lines that run_flows wrote on one machine (level, message, facts), and what became of the
    mails."""
    counting = Counting(campaigns)
    for _, message, facts in lines:
        if message == PASSED:
            counting.passed(Passage.from_dict(facts))
    for mail in mails:
        counting.mailed(mail.flow, mail.template, mail.status, 1)
    return counting.found


def of_stage(campaigns: Campaigns, stage: str, query: Query, start: int, end: int) -> dict[str, FlowNumbers]:
    """Flow → its numbers, from what the functions of a stage wrote in that time. Raises Unavailable."""
    counting = Counting(campaigns)
    rows = query(f"/aws/lambda/homing-{stage}-run_flows", _PASSAGES, start, end)
    if len(rows) >= _ROWS:
        raise Unavailable("the flows went more different ways than a query of the log tells: ask for fewer days")
    for row in rows:
        counting.passed(Passage.from_dict(row), int(row["times"]))
    for row in query(f"/aws/lambda/homing-{stage}-send_email", _SENDS, start, end):
        counting.mailed(row.get("flow", ""), row.get("template", ""), row.get("status", ""), int(row["times"]))
    return counting.found


def _sending(flow: Flow | None, template: str) -> list[str]:
    steps = walk(flow.steps) if flow is not None else ()
    return [position for position, step in steps if isinstance(step, Send) and step.send == template]
