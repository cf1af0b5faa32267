"""Numbers of flows: from a backtest's runs, and from the lines that deployed functions write."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from homing.domain.campaigns import Campaigns
from homing.domain.errors import Unavailable
from homing.domain.flows.passage import Passage
from homing.domain.time import DAY
from homing.local.backtest import Backtest
from homing.local.flows.counting import of_lines, of_runs, of_stage
from tests.fixtures.shop import backtest, campaigns, identified

ASK: dict[str, Any] = {
    "name": "ask", "on": "flow_requested",
    "steps": [
        {"send": "hello"}, {"wait": "1d"},
        {"if": {"trait": {"country": "DE"}}, "then": [{"send": "again"}], "else": [{"send": "twice"}, {"send": "twice"}]},
    ],
}  # fmt: skip
IDLE: dict[str, Any] = {"name": "idle", "on": "birthday", "steps": [{"send": "cake"}]}


def played(bundle: Campaigns, lines: list[dict[str, str]] | None = None) -> Backtest:
    run = backtest(bundle)
    if lines is not None:
        run.flows = replace(run.flows, told=lambda *states: lines.append(Passage.of(*states).to_dict()))
    run.run([identified("ana", country="DE"), identified("ben", country="FR")])
    run.run([identified("cyd", country="DE", consent={"marketing": False})])
    for name in ("ana", "ben", "cyd"):
        run.request({"flow": "ask", "user_id": name})
    run.pass_time(run.now + 2 * DAY)
    return run


class Logs:
    """Answers the two queries as CloudWatch would: rows grouped by what they ask for."""

    def __init__(self, run: Backtest, lines: list[dict[str, str]]) -> None:
        self.asked: list[tuple[str, int, int]] = []
        passed = Counter(tuple(sorted(line.items())) for line in lines)
        sends = Counter((m.flow, m.template, m.status) for m in run.outputs().messages)
        self.rows = {
            "run_flows": [{**dict(line), "times": str(times)} for line, times in passed.items()],
            "send_email": [
                {"flow": flow, "template": template, "status": status, "times": str(times)}
                for (flow, template, status), times in sends.items()
            ],
        }  # fmt: skip

    def __call__(self, group: str, query: str, start: int, end: int) -> list[dict[str, str]]:
        self.asked.append((group, start, end))
        function = group.removeprefix("/aws/lambda/homing-prod-")
        fields = query.rpartition("stats count(*) as times by ")[2].partition(" |")[0].split(", ")
        # CloudWatch leaves out what is empty.
        return [{key: row[key] for key in (*fields, "times") if row[key]} for row in self.rows[function]]


def test_the_numbers_of_a_backtest_are_of_its_runs_and_their_mails() -> None:
    bundle = campaigns(flows=[ASK, IDLE])
    run = played(bundle)
    found = of_runs(bundle, run.journal.runs(), run.telling.statuses())
    assert found["ask"].runs == 3
    assert dict(found["ask"].ways) == {"2.then": 2, "2.else": 1}
    assert {step: dict(mails) for step, mails in found["ask"].mails.items()} == {
        "0": {"sent": 2, "dropped": 1}, "2.then.0": {"sent": 1, "dropped": 1}, "2.else.0": {"sent": 1}, "2.else.1": {"sent": 1},
    }  # fmt: skip
    assert found["idle"].runs == 0


def test_the_lines_of_the_logs_come_to_the_same() -> None:
    bundle = campaigns(flows=[ASK, IDLE])
    lines: list[dict[str, str]] = []
    run = played(bundle, lines)
    logs = Logs(run, lines)
    found = of_stage(bundle, "prod", logs, 0, run.now)
    counted = of_runs(bundle, run.journal.runs(), run.telling.statuses())
    expected = counted["ask"].to_dict()
    # Two steps send this template, and a line of the log does not say which of them a mail is of.
    for step in ("2.else.0", "2.else.1"):
        del expected["mails"][step]
    assert found["ask"].to_dict() == expected
    assert logs.asked == [
        ("/aws/lambda/homing-prod-run_flows", 0, run.now), ("/aws/lambda/homing-prod-send_email", 0, run.now)
    ]  # fmt: skip


def test_the_lines_of_the_local_host_come_to_the_same() -> None:
    bundle = campaigns(flows=[ASK, IDLE])
    lines: list[dict[str, str]] = []
    run = played(bundle, lines)
    told = [("info", "run passed", line) for line in lines] + [("info", "another line", {"flow": "ask"})]
    found = of_lines(bundle, told, run.outputs().messages)
    assert found["ask"].to_dict()["did"] == of_runs(bundle, run.journal.runs(), {})["ask"].to_dict()["did"]
    assert found["ask"].to_dict()["mails"] == {"0": {"dropped": 1, "sent": 2}, "2.then.0": {"dropped": 1, "sent": 1}}


def test_other_versions_and_flows_that_are_gone_are_in_no_number() -> None:
    bundle = campaigns(flows=[ASK])
    lines = [
        Passage("ask", "00000000", ("0:send", "1:wait")).to_dict(),
        Passage("ask", "00000000", (), since="1", ended="done", at="1").to_dict(),
        Passage("gone", "11111111", ("0:send",), ended="done", at="0").to_dict(),
    ]
    run = backtest(bundle)
    found = of_stage(bundle, "prod", Logs(run, lines), 0, 1)
    assert list(found) == ["ask"]
    assert (found["ask"].runs, found["ask"].others) == (0, 1)


def test_more_ways_than_a_query_tells_are_not_shown_as_if_they_were_all() -> None:
    row = {**Passage("ask", "", ("0:send",)).to_dict(), "times": "1"}
    with pytest.raises(Unavailable, match="fewer days"):
        of_stage(campaigns(flows=[ASK]), "prod", lambda *_: [row] * 10_000, 0, 1)
