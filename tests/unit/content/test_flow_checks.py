"""What `homing check` says about flows: what is certainly wrong, and nothing about what may be meant so."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from homing.adapters.files import read_folder
from homing.cli.check import command as check_command
from homing.domain.content.checks.heard import Heard, never_heard
from homing.domain.content.lint import lint
from homing.domain.content.publish import read
from homing.domain.flows.language import Flow
from homing.domain.flows.passage import counted
from homing.domain.flows.paths import path_of
from homing.domain.flows.steps import walk
from homing.domain.time import DAY, HOUR, iso
from tests.fixtures.shop import backtest, campaigns, event, identified
from tests.unit.content.support import campaign_files

ROOT = Path(__file__).parents[3]
CARELESS = ROOT / "tests" / "fixtures" / "careless_flows"
TODAY = date(2026, 11, 27)
SEGMENTS: dict[str, Any] = {
    "vip": {"any": [{"trait": {"tier": "gold"}}, {"did": "Order Completed", "times": 3}]},
    "wave": {"list": "wave"},
    "known-wave": {"all": [{"list": "wave"}, {"trait": {"country": "DE"}}]},
}
OWN = {
    "unreachable_step", "idle_step", "dead_wait", "message_not_sent", "past_day", "goal_at_once", "nobody", "endless",
    "goes_round", "over_cap", "short_wait", "short_max_age", "never_sent", "wrong_trigger", "code_not_entitled",
}  # fmt: skip


def found(
    *flows: dict[str, Any], settings: dict[str, Any] | None = None, codes: dict[str, Any] | None = None
) -> list[str]:
    """``flow:line code`` of the findings about these flows; the first is called a, the second b …"""
    files = campaign_files("<mj-text>hello {{ code.text }}</mj-text>" if codes else "<mj-text>hello</mj-text>")
    if settings:
        held = yaml.safe_load(files["settings.yaml"])
        files["settings.yaml"] = json.dumps({**held, **settings}).encode()
    for name, when in SEGMENTS.items():
        files[f"segments/{name}.yaml"] = json.dumps({"when": when}).encode()
    for name, code in (codes or {}).items():
        files[f"codes/{name}.yaml"] = json.dumps({"minted": {"prefix": "AB"}, "valid_for": "30d", **code}).encode()
    for name, flow in zip("abcdef", flows, strict=False):
        files[f"flows/{name}.yaml"] = json.dumps({"on": "flow_requested", **flow}).encode()
    return [
        f"{one.problem.file.removeprefix('flows/').removesuffix('.yaml')} {one.problem.code}"
        for one in lint(files, TODAY)
        if one.problem.code in OWN
    ]  # fmt: skip


def of(*steps: dict[str, Any], **flow: Any) -> dict[str, Any]:
    return {**flow, "steps": list(steps)}


def test_careless_flows_are_found_out() -> None:
    lines = [f"{finding.severity[0]} {finding.problem}" for finding in lint(read_folder(CARELESS), TODAY)]
    assert lines == (CARELESS / "expected.txt").read_text(encoding="utf-8").splitlines()


def test_the_careless_flows_show_every_finding_about_flows() -> None:
    shown = {line.split()[2] for line in (CARELESS / "expected.txt").read_text(encoding="utf-8").splitlines()}
    assert OWN - {"never_sent"} <= shown


SLIPS = [
    ("else:", "elze:", "5:5: unknown key 'elze' (did you mean 'else'?)"),
    ("until:", "untill:", "6:16: unknown key 'untill' (did you mean 'until'?)"),
    ("day: 2026-12-24", "day: 2026-02-30", "6:35: '2026-02-30' is not a date: write 2026-11-30 or 2026-11-30T08:00:00Z"),
    ("was: clicked", "was: clickd", "3:37: 'clickd' should be 'delivered', 'opened', 'clicked' or 'bought' (did you mean "
     "'clicked'?)"),
    ("id: last", "code: last", "8:9: unknown key 'code' (known: id, wait)"),
    ("wait: 2h", "wait:", "7:14: nothing stands here: write 30m, 20h or 3d"),
    ("wait: 2h", "wait: 99999999999d", "7:15: '99999999999d' is more than a hundred years"),
    ("wait: 2h", f"wait: {'9' * 400}d", f"7:15: '{'9' * 39}…' is more than a hundred years"),
    ("add_to: done", "add_to: [a, b]", "9:17: ['a', 'b'] stands where a text should be"),
    ("priority: 2", "priority: high", "10:11: 'high' stands where a whole number should be"),
    ("priority: 2", "holdout: 10", "10:10: 10 stands where keys with values should be"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "message"), SLIPS)
def test_a_slip_is_told_where_it_is_with_what_may_stand_there(right: str, wrong: str, message: str) -> None:
    text = """on: flow_requested
steps:
  - wait_for: {message: hello, was: clicked}
    within: 20h
    else:
      - wait: {until: 09:00, day: 2026-12-24}
      - wait: 2h
        id: last
      - add_to: done
priority: 2
"""
    files = {**campaign_files("<mj-text>hello</mj-text>"), "flows/a.yaml": text.replace(right, wrong).encode()}
    told = [one.problem for one in lint(files, TODAY) if one.problem.file == "flows/a.yaml"]
    assert message in [f"{one.line}:{one.column}: {one.message}" for one in told]


FLOWS_WITH_SLIPS = [
    # What is missing is told at the step that lacks it, not inside of what it has.
    ("on: birthday\nsteps:\n  - wait_for: {did: Order Completed}\n", "3:5: 'within' is missing"),
    (
        "on: birthday\nsteps:\n  - add_to: x\n  - wait_for:\n      any: [{did: A}, {did: B}]\n",
        "4:5: 'within' is missing",
    ),
    (
        "on: birthday\nsteps:\n  - if: {segment: vip}\n    then:\n      - wait_for: {did: A}\n",
        "5:9: 'within' is missing",
    ),
    (
        "on: birthday\nsteps:\n  - wait: 1d\n    id: a\n  - if: {segment: vip}\n    then:\n      - {wait: 2d, id: a}\n",
        "7:24: two steps have the id 'a'",
    ),
    (
        "on: birthday\nagain_after: 3d\nrun_once_per: customer\nsteps: [{wait: 1d}]\n",
        "3:1: run_once_per: customer is once ever: with again_after leave it out",
    ),
    # YAML takes what lacks a space for a text or a key of another name.
    ("on:birthday\n", "1:1: a space is missing after the colon: write `on: birthday`"),
    ("on: birthday\nsteps:\n  - send:hello\n", "3:5: a space is missing after the colon: write `send: hello`"),
    ("on: birthday\nsteps:\n  -send: hello\n", "3:3: a space is missing after the dash: write `- send: …`"),
    (
        "on: birthday\nsteps:\n  - wait: 1d\nstop_when:{did: X}\n",
        "4:1: a space is missing after the colon: write `stop_when: {did…`",
    ),
]


@pytest.mark.parametrize(("text", "message"), FLOWS_WITH_SLIPS)
def test_what_is_missing_or_twice_is_told_where_it_is(text: str, message: str) -> None:
    files = {
        **campaign_files("<mj-text>hello</mj-text>"),
        "flows/a.yaml": text.encode(),
        "segments/vip.yaml": b"when: {did: X}",
    }
    told = [one.problem for one in lint(files, TODAY) if one.problem.file == "flows/a.yaml"]
    assert f"{told[0].line}:{told[0].column}: {told[0].message}" == message


@pytest.mark.parametrize("name", ["grüße", "Hello World"])
def test_a_name_that_can_not_be_one_is_told_in_words(name: str) -> None:
    files = {
        **campaign_files("<mj-text>hello</mj-text>"),
        f"flows/{name}.yaml": b"on: flow_requested\nsteps: [{wait: 1d}]",
    }
    (one,) = [one.problem for one in lint(files, TODAY) if one.problem.file.startswith("flows/")]
    assert one.message == f"{name!r} is no name: write small letters from a to z, digits, - and _"


def test_the_starter_set_has_no_findings() -> None:
    assert lint(read_folder(ROOT / "layers" / "campaigns"), TODAY) == []


NOTE: dict[str, Any] = {"send": "note"}
TAG: dict[str, Any] = {"add_to": "tagged"}
IN_VIP = {"segment": "vip"}


@pytest.mark.parametrize(
    ("flow", "codes"),
    [
        # Ends, and what comes behind.
        (of({"end": "x"}, NOTE), ["unreachable_step"]),
        (of({"if": IN_VIP, "then": [{"end": "x"}]}, NOTE), []),
        (of({"if": IN_VIP, "then": [{"end": "x"}], "else": [{"end": "y"}]}, NOTE, TAG), ["unreachable_step"]),
        (of({"split": "s", "ways": [{"arm": "a", "percent": 100, "then": [{"end": "x"}]}]}, NOTE), ["unreachable_step"]),
        (of({"split": "s", "ways": [{"arm": "a", "percent": 99, "then": [{"end": "x"}]}]}, NOTE), []),
        # What the conditions around have decided, and what may have changed in the meantime.
        (of({"if": IN_VIP, "then": [{"if": {"not": IN_VIP}, "then": [NOTE], "else": [TAG]}]}), ["unreachable_step"]),
        (of({"if": IN_VIP, "then": [{"wait": "1h"}, {"if": {"not": IN_VIP}, "then": [NOTE], "else": [TAG]}]}), []),
        (of({"if": {"trait": {"tier": "gold"}}, "else": [{"if": {"trait": {"tier": "gold"}}, "then": [NOTE]}]}),
         ["unreachable_step"]),
        (of({"if": {"trait": {"tier": "gold"}}, "then": [{"if": IN_VIP, "then": [NOTE], "else": [TAG]}]}), ["unreachable_step"]),
        (of({"if": IN_VIP, "then": [NOTE]}, {"if": IN_VIP, "then": [TAG]}), []),
        (of({"if": IN_VIP, "then": [{"end": "x"}]}, {"if": IN_VIP, "then": [TAG]}), ["unreachable_step"]),
        (of({"if": {"did": "X"}, "then": [{"wait": "9d"}, {"if": {"did_not": "X"}, "then": [TAG]}]}), ["unreachable_step"]),
        (of({"if": {"did_not": "X"}, "then": [{"wait": "9d"}, {"if": {"did": "X"}, "then": [TAG]}]}), []),
        (of({"if": IN_VIP, "then": [TAG]}, on={"segment_entered": "vip"}), ["idle_step"]),
        (of(TAG, on={"segment_entered": "vip"}, only_if={"not": IN_VIP}), ["nobody"]),
        (of({"if": {"did": "Order Completed", "times": 5}, "then": [TAG]}, on={"order_placed": {"nth": 5}}), ["idle_step"]),
        (of({"if": {"did": "Order Completed", "times": 6}, "then": [TAG]}, on={"order_placed": {"nth": 5}}), []),
        # Waits.
        (of(NOTE, {"wait": "1d"}), ["idle_step"]),
        (of({"if": IN_VIP, "then": [{"wait": "1d"}]}), ["idle_step"]),
        (of({"if": IN_VIP, "then": [{"wait": "1d"}]}, NOTE), []),
        (of({"wait_for": {"did": "X"}, "within": "1d"}), []),
        (of({"wait_for": {"left": "vip"}, "within": "1d", "then": [TAG]}, only_if={"not": IN_VIP}), ["idle_step"]),
        (of({"wait": {"until": "09:00", "day": "2026-11-26"}}, NOTE), ["past_day"]),
        (of({"wait": {"until": "09:00", "day": "2026-11-27"}}, NOTE), []),
        # What messages did.
        (of({"if": {"message": "note", "was": "opened"}, "then": [TAG]}), ["message_not_sent"]),
        (of({"if": {"message": "note", "was": "opened"}, "then": [TAG]}, NOTE), ["message_not_sent"]),
        (of(NOTE, {"if": {"message": "note", "was": "opened"}, "then": [TAG]}), []),
        (of({"if": IN_VIP, "then": [NOTE]}, {"if": {"message": "note", "was": "opened"}, "then": [TAG]}), []),
        (of({"if": IN_VIP, "then": [NOTE]}, {"wait_for": {"message": "note", "was": "opened"}, "within": "1d", "then": [TAG]}),
         ["dead_wait"]),
        (of({"if": IN_VIP, "then": [NOTE], "else": [{"end": "x"}]},
            {"wait_for": {"message": "note", "was": "opened"}, "within": "1d", "then": [TAG]}), []),
        (of({"if": IN_VIP, "then": [NOTE]},
            {"wait_for": {"any": [{"message": "note", "was": "opened"}, {"did": "X"}]}, "within": "1d", "then": [TAG]}), []),
        (of(NOTE, {"wait_for": {"message": "note", "was": "opened"}, "within": "1d", "then": [
            {"if": {"message": "note", "was": "opened"}, "then": [TAG]}]}), ["idle_step"]),
        (of(NOTE, {"wait_for": {"message": "note", "was": "opened"}, "within": "1d", "then": [
            NOTE, {"wait": "1d"}, {"if": {"message": "note", "was": "opened"}, "then": [TAG]}]}), []),
        # Goals: what was done counts from the trigger on, but for windows.
        (of(NOTE, on={"did": "X"}, stop_when={"did": "X"}), []),
        (of(NOTE, on={"did": "X"}, stop_when={"did": "X", "within": "7d"}), ["goal_at_once"]),
        (of(NOTE, on={"did": "X"}, stop_when={"did": "X", "within": "1h"}), []),
        (of(NOTE, stop_when={"did_not": "X"}), ["goal_at_once"]),
        (of(NOTE, stop_when={"did_not": "X", "within": "7d"}), []),
        (of(NOTE, on={"segment_entered": "vip"}, exit_when={"not": IN_VIP}), []),
        (of(NOTE, on={"segment_entered": "wave"}, exit_when={"segment": "wave"}), ["goal_at_once"]),
        (of(NOTE, on={"segment_entered": "vip"}, exit_when=IN_VIP), []),
        (of(NOTE, stop_when={"all": [{"did": "X"}, {"list": "a"}, {"not": {"list": "a"}}]}), ["nobody"]),
        (of(NOTE, only_if={"list": "wave"}, stop_when={"not": {"segment": "wave"}}), []),
        # Triggers and what they bring.
        (of({"update": {"a": {"trigger": "cart.total"}}}, on="birthday"), ["wrong_trigger"]),
        (of({"update": {"a": {"trigger": "cart.total"}}}, on="cart_abandoned"), ["wrong_trigger"]),
        (of({"update": {"a": {"trigger": "cart.token"}}}, on="cart_abandoned"), []),
        (of({"update": {"a": {"trigger": "event.a"}, "b": {"trigger": "event.name"}}}, on={"did": "X", "brings": ["a"]}), []),
        (of({"update": {"a": {"trigger": "event.b"}}}, on={"did": "X", "brings": ["a"]}), ["wrong_trigger"]),
        (of({"update": {"a": {"trigger": "data.anything.at.all"}}}), []),
        (of({"start": "a", "data": {"x": {"trigger": "order.order_id"}}}, on="birthday"), ["wrong_trigger"]),
        (of(NOTE, max_age="1min"), ["short_max_age"]),
        (of(NOTE, max_age="2min"), []),
        (of(NOTE, on="birthday", run_once_per="order"), ["wrong_trigger"]),
        (of(NOTE, on={"order_placed": {"nth": 1}}, run_once_per="order"), []),
    ],
)  # fmt: skip
def test_single_flows(flow: dict[str, Any], codes: list[str]) -> None:
    if any("start" in step for step in flow["steps"]):
        assert set(found(flow)) >= {f"a {code}" for code in codes}
    else:
        assert found(flow) == [f"a {code}" for code in codes]


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ([of({"start": "a"})], ["a endless"]),
        ([of({"start": "a"}, again_after="1d")], []),
        ([of({"start": "a"}, run_once_per="customer")], []),
        ([of({"if": IN_VIP, "then": [{"start": "a"}]})], []),
        ([of({"wait": "1d"}, {"start": "a"})], ["a goes_round"]),
        ([of({"wait": "1d"}, {"start": "a"}, stop_when={"did": "X"})], []),
        ([of({"start": "b"}), of({"start": "a"})], ["b endless"]),
        ([of({"start": "b"}), of(NOTE)], []),
        # By lists and segments: somebody has to leave before they can enter again.
        ([of({"add_to": "wave"}, on={"segment_left": "wave"})], []),
        ([of({"remove_from": "wave"}, on={"segment_entered": "wave"})], []),
        ([of({"remove_from": "wave"}, {"add_to": "wave"}, on={"segment_entered": "wave"})], ["a endless"]),
        ([of({"add_to": "wave"}, on={"segment_left": "known-wave"}),
          of({"remove_from": "wave"}, on={"segment_entered": "known-wave"})], ["b endless"]),
        ([of({"add_to": "other"}, on={"segment_left": "wave"}), of({"remove_from": "wave"}, on={"segment_entered": "wave"})], []),
        ([of({"update": {"tier": "silver"}}, {"update": {"tier": "gold"}}, on={"segment_entered": "vip"})], ["a endless"]),
        ([of({"update": {"tier": "silver"}}, {"update": {"tier": "bronze"}}, on={"segment_entered": "vip"})], []),
        # By their own events.
        ([of({"update": {"a": 1}}, on={"did": "Identified"})], ["a endless"]),
        ([of({"update": {"a": 1}}, on={"did": "Identified", "where": {"b": 1}})], []),
        ([of({"add_to": "x"}, on={"did": "List Joined", "where": {"list": "x"}})], ["a endless"]),
        ([of({"add_to": "y"}, on={"did": "List Joined", "where": {"list": "x"}})], []),
        ([of(NOTE, on={"did": "Email Delivered"})], ["a endless"]),
        ([of(NOTE, on={"did": "Email Opened"})], []),
    ],
)  # fmt: skip
def test_flows_that_start_each_other(flows: list[dict[str, Any]], expected: list[str]) -> None:
    assert found(*flows) == expected


CLICKED: dict[str, Any] = {"wait_for": {"message": "note", "was": "clicked"}, "within": "10h", "then": [TAG]}
NIGHT = {"quiet_hours": {"from": "21:00", "until": "08:00"}}


@pytest.mark.parametrize(
    ("flow", "wrong"),
    [
        (of(NOTE, CLICKED), True),
        (of(NOTE, {**CLICKED, "within": "12h"}), False),
        (of({"wait": {"until": "09:00"}}, NOTE, CLICKED), False),
        (of({"wait": "20h"}, NOTE, CLICKED), True),
        (of({"if": IN_VIP, "then": [NOTE, CLICKED]}), True),
        (of(NOTE, CLICKED, on="birthday"), False),
        (of(NOTE, CLICKED, ignore_quiet_hours=True), False),
        (of(NOTE, CLICKED, topic="receipts"), False),
        (of(NOTE, {**CLICKED, "wait_for": {"any": [{"message": "note", "was": "clicked"}, {"did": "X"}]}}), False),
    ],
)
def test_waits_that_are_over_before_the_mail_has_left(flow: dict[str, Any], wrong: bool) -> None:
    assert found(flow, settings=NIGHT) == (["a short_wait"] if wrong else [])
    assert found(flow) == []


CAP = {"cap": {"messages": 1, "within": "1d"}}
CART = {"on": "cart_abandoned"}


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ([of(NOTE, **CART), of(NOTE, **CART)], ["b over_cap"]),
        ([of(NOTE, **CART), of(NOTE, **CART, priority=5)], ["a over_cap"]),
        ([of(NOTE, **CART), of({"wait": "1d"}, NOTE, **CART)], []),
        ([of(NOTE, **CART), of(NOTE, on="browse_abandoned")], []),
        ([of(NOTE, **CART, only_if=IN_VIP), of(NOTE, **CART, only_if={"not": IN_VIP})], []),
        ([of({"if": IN_VIP, "then": [NOTE]}, **CART), of({"if": IN_VIP, "else": [NOTE]}, **CART)], []),
        ([of({"if": IN_VIP, "then": [NOTE]}, **CART), of({"if": IN_VIP, "then": [NOTE]}, **CART)], ["b over_cap"]),
        ([of(NOTE, {"wait": "2h"}, NOTE, **CART)], ["a over_cap"]),
        ([of(NOTE, {"wait": "24h"}, NOTE, **CART)], []),
        ([of(NOTE, on={"order_placed": {"nth": 1}}), of(NOTE, on={"order_placed": {"nth": 2}})], []),
        ([of(NOTE, on={"order_placed": {"nth": 1}}), of(NOTE, on="order_placed")], ["b over_cap"]),
    ],
)  # fmt: skip
def test_flows_that_crowd_each_other(flows: list[dict[str, Any]], expected: list[str]) -> None:
    assert found(*flows, settings=CAP) == expected


@pytest.mark.parametrize(
    ("flow", "wrong"),
    [
        (of({**NOTE, "code": "gift"}), True),
        (of({**NOTE, "code": "gift"}, on={"segment_entered": "vip"}), False),
        (of({**NOTE, "code": "gift"}, only_if=IN_VIP), False),
        (of({**NOTE, "code": "gift"}, only_if={"trait": {"tier": "gold"}}), False),
        (of({**NOTE, "code": "gift"}, only_if={"trait": {"tier": "silver"}}), True),
        (of({"if": IN_VIP, "then": [{"wait": "1d"}, {**NOTE, "code": "gift"}]}), False),
        (of({"if": IN_VIP, "else": [{**NOTE, "code": "gift"}]}), True),
        (of({"if": IN_VIP, "else": [{"end": "x"}]}, {"wait": "1d"}, {**NOTE, "code": "gift"}), False),
        (of({"wait_for": IN_VIP, "within": "9d", "then": [{**NOTE, "code": "gift"}]}), False),
        (of({"split": "s", "ways": [{"arm": "a", "percent": 50, "then": [{**NOTE, "code": "gift"}]}]}), True),
    ],
)  # fmt: skip
def test_codes_are_for_those_that_they_are_for(flow: dict[str, Any], wrong: bool) -> None:
    assert found(flow, codes={"gift": {"only_for": "vip"}}) == (["a code_not_entitled"] if wrong else [])


def test_days_of_codes_that_are_past_are_told_where_it_is_known_what_day_it_is() -> None:
    flow = of({**NOTE, "code": "gift"})
    assert found(flow, codes={"gift": {"valid_until": "2026-11-26"}}) == ["codes/gift past_day"]
    assert found(flow, codes={"gift": {"valid_until": "2026-11-27"}}) == []


def test_a_recording_tells_what_nobody_sends() -> None:
    files = {
        "flows/a.yaml": b"on: {did: Review Posted, where: {stars: 5}, brings: [rating, text]}\nsteps: [{add_to: x}]\n",
        "flows/b.yaml": b"on: browse_abandoned\nsteps:\n  - wait_for: {did: Orders Completed}\n    within: 1d\n",
        "flows/c.yaml": b"on: {date_reached: renewed_on}\nsteps: [{add_to: x}]\n",
        "segments/s.yaml": b"when: {did: Email Opened}\n",
    }
    heard = Heard()
    for n in range(30):
        heard.add("Review Posted", {"rating": n, "text": None})
        heard.add("Order Completed", {"total": 1})
        heard.add("Identified", {"renews_on": "2026-01-01"})
    told = [
        str(one).partition(": ")[2] for one in never_heard(read(campaign_files("<mj-text>x</mj-text>") | files), heard)
    ]
    assert sorted(told) == [
        "never_sent Review Posted never came with 'stars' (it has rating)",
        "never_sent Review Posted never came with 'text' (it has rating)",
        "never_sent browse_abandoned rests on Product Viewed, and nobody sends it",
        "never_sent nobody sends 'Orders Completed' (did you mean 'Order Completed'?)",
        "never_sent nobody was ever told to have a 'renewed_on' (did you mean 'renews_on'?)",
    ]


def test_dates_that_are_none_are_told_where_a_flow_waits_for_them() -> None:
    files = {
        "flows/a.yaml": b"description: x\non: {date_reached: renews_on}\nsteps: [{add_to: x}]\n",
        "flows/b.yaml": b"on: birthday\nsteps: [{add_to: x}]\n",
        "flows/c.yaml": b"on: {date_reached: {trait: plan.until, before: 14d}}\nsteps: [{add_to: x}]\n",
    }
    sources = read(campaign_files("<mj-text>x</mj-text>") | files)
    heard = Heard()
    for value in ("2026-05-01", "next tuesday", "2026-02-30", 17, None):
        heard.add("Identified", {"renews_on": value, "birthday": "1990-04-14", "plan": {"until": "0000-00-00"}})
    told = {f"{one.file}:{one.line}:{one.column} {one.code}": one.message for one in never_heard(sources, heard)}
    assert told == {
        "flows/a.yaml:2:5 no_date": "3 of 4 values of 'renews_on' are no dates, such as 'next tuesday': write 2026-05-01",
        "flows/c.yaml:1:5 no_date": "5 of 5 values of 'plan.until' are no dates, such as '0000-00-00': write 2026-05-01",
    }


def test_what_no_slip_explains_is_told_with_what_the_recording_has() -> None:
    flow = b"on: {did: Order Delivered}\nsteps: [{add_to: x}]\n"
    sources = read(campaign_files("<mj-text>x</mj-text>") | {"flows/a.yaml": flow})
    heard = Heard()
    for number, name in enumerate(("Email Delivered", "Order Completed", "Product Viewed")):
        for _ in range(number + 1):
            heard.add(name, {})
    (told,) = never_heard(sources, heard)
    assert told.message == (
        "nobody sends 'Order Delivered' (the recording has Product Viewed, Order Completed and Email Delivered)"
    )
    heard.add("order delivered", {})
    assert [one.message for one in never_heard(sources, heard)] == [
        "nobody sends 'Order Delivered' (did you mean 'order delivered'?)"
    ]
    many = Heard()
    for letter in "abcdefghijkl":
        many.add(f"{letter * 5} seen", {})
    (told,) = never_heard(sources, many)
    assert told.message.endswith("iiiii seen, jjjjj seen and 2 more)")


def condition(random: Random) -> dict[str, Any]:
    leaves: list[dict[str, Any]] = [
        {"segment": "vip"}, {"trait": {"tier": "gold"}}, {"trait": {"tier": {"in": ["gold", "silver"]}}},
        {"trait": {"country": "DE"}}, {"did": "X"}, {"did": "X", "times": 2}, {"did": "X", "within": "1d"}, {"list": "wave"},
        {"share": {"of": "s", "percent": 50}}, {"did_not": "X", "within": "2d"},
    ]  # fmt: skip
    one = random.choice(leaves)
    kind = random.random()
    if kind < 0.2:
        return {"not": one}
    return {random.choice(("all", "any")): [one, random.choice(leaves)]} if kind < 0.5 else one


def steps(random: Random, depth: int) -> list[dict[str, Any]]:
    made = []
    for _ in range(random.randint(1, 3)):
        kind = random.choice(("send", "wait", "if", "if", "if", "wait_for", "split", "end", "asks"))
        below = [steps(random, depth - 1) if depth else [] for _ in range(2)]
        if kind == "send":
            made.append({"send": random.choice("ab")})
        elif kind == "wait":
            made.append({"wait": random.choice(("1h", "1d", "3d"))})
        elif kind == "end":
            if random.random() < 0.3:
                made.append({"end": "x"})
        elif kind == "if":
            made.append({"if": condition(random), "then": below[0], "else": below[1]})
        elif kind == "asks":
            made.append({"if": {"message": random.choice("ab"), "was": "opened"}, "then": below[0], "else": below[1]})
        elif kind == "wait_for":
            awaited = random.choice(
                [{"did": "X"}, {"segment": "vip"}, {"left": "vip"}, {"message": "a", "was": "opened"}]
            )
            made.append(
                {"wait_for": awaited, "within": random.choice(("2h", "2d")), "then": below[0], "else": below[1]}
            )
        else:
            ways = [{"arm": "l", "percent": 50, "then": below[0]}, {"arm": "r", "percent": 40, "then": below[1]}]
            made.append({"split": "s", "ways": ways})
    return made or [{"add_to": "x"}]


@pytest.mark.parametrize("seeds", [range(start, start + 20) for start in range(0, 80, 20)], ids=str)
def test_no_run_does_what_was_said_that_none_does(seeds: range) -> None:
    """Random flows are checked, then many people go through them."""
    claims = 0
    for seed in seeds:
        random = Random(f"flows {seed}")
        written: dict[str, Any] = {
            "name": "f",
            "on": random.choice(["flow_requested", {"did": "X"}]),
            "steps": steps(random, 2),
        }
        if random.random() < 0.3:
            written["only_if"] = condition(random)
        flow = Flow.model_validate(written)
        files = campaign_files("<mj-text>hello</mj-text>")
        for name in "ab":
            files[f"templates/{name}.mjml"] = files["templates/note.mjml"]
        files["segments/vip.yaml"] = json.dumps({"when": SEGMENTS["vip"]}).encode()
        files["flows/f.yaml"] = json.dumps(written).encode()
        located = read(files).flows["f"]
        said = {
            (one.problem.line, one.problem.column): one.problem
            for one in lint(files)
            if one.problem.file == "flows/f.yaml" and one.problem.code in {"unreachable_step", "dead_wait", "message_not_sent"}
        }  # fmt: skip
        claims += len(said)
        run = backtest(campaigns(flows=[written], segments={"vip": SEGMENTS["vip"]}))
        people = [f"p{n}" for n in range(14)]
        run.run([
            identified(who, tier=random.choice(("gold", "silver", None)), country=random.choice(("DE", "FR"))) for who in people
        ])  # fmt: skip
        for day in range(5):
            at = run.now + HOUR
            for who in people:
                if random.random() < 0.5:
                    run.run([event("X", iso(at), user_id=who)])
                if random.random() < 0.3:
                    run.run([event("List Joined", iso(at), user_id=who, list="wave")])
                if random.random() < 0.3:
                    run.run([identified(who, iso(at + 1), tier=random.choice(("gold", "silver")))])
                if day == 0 and flow.on.kind == "flow_requested":
                    run.request({"flow": "f", "user_id": who, "request_id": f"r{who}"})
            run.pass_time(run.now + DAY)
        run.pass_time(run.now + 20 * DAY)
        numbers = counted("f", run.flows.engine.flows["f"].version, run.journal.runs())
        done = {position for position, number in numbers.did.items() if number} | set(numbers.left)
        for position, _ in walk(flow.steps):
            path = path_of(flow, position)
            if position in done:
                assert located.place(path) not in {
                    place for place, one in said.items() if one.code == "unreachable_step"
                }, seed
            asked = said.get(located.place((*path, "wait_for"))) or said.get(located.place((*path, "if")))
            if asked is not None and asked.code == "message_not_sent":
                assert not numbers.ways[f"{position}.then"], seed
            if asked is not None and asked.code == "dead_wait" and "every run" in asked.message:
                assert not numbers.ways[f"{position}.then"], seed
            for side in ("then", "else", "l", "r"):
                if numbers.ways[f"{position}.{side}"] and side in {"then", "else"}:
                    claimed = said.get(located.place((*path, side))) if (*path, side) in located.values else None
                    assert claimed is None or claimed.code != "unreachable_step", (seed, position, side)
    assert claims > 0


def test_the_command_reads_a_recording_and_sorts_what_never_came(tmp_path: Path) -> None:
    recording = tmp_path / "events.jsonl"
    line = {
        "type": "track",
        "event": "Order Completed",
        "userId": "u",
        "timestamp": "2026-03-02T10:00:00Z",
        "properties": {},
    }
    recording.write_text("\n".join(json.dumps({**line, "messageId": str(n)}) for n in range(3)) + "\nnot json\n")
    campaigns_folder = str(ROOT / "layers" / "campaigns")
    result = CliRunner().invoke(check_command, ["--campaigns", campaigns_folder, "--events", str(recording), "--json"])
    told = json.loads(result.output)
    assert result.exit_code == 0
    assert {one["code"] for one in told} == {"never_sent"}
    assert "nobody sends 'Product Added' (the recording has Order Completed)" in {one["message"] for one in told}
    assert not any("'Order Completed'" in one["message"] for one in told)
    places = [(one["file"], one["line"], one["column"]) for one in told]
    assert places == sorted(places)
    (tmp_path / "empty.jsonl").write_text("{}\n")
    refused = CliRunner().invoke(
        check_command, ["--campaigns", campaigns_folder, "--events", str(tmp_path / "empty.jsonl")]
    )
    assert refused.exit_code == 2
    assert "no event that can be read" in refused.output


def test_orders_in_another_currency_than_the_shops_are_told_where_they_are_most() -> None:
    sources = read(campaign_files("<mj-text>x</mj-text>"))

    def told(*currencies: str | None) -> list[str]:
        heard = Heard()
        for currency in currencies:
            heard.add("Order Completed", {"total": 1, "currency": currency})
        return [f"{one.file} {one.message}" for one in never_heard(sources, heard) if one.code == "other_currency"]

    assert told("usd", "USD", "EUR") == [
        "settings.yaml 2 of 3 orders are in USD, and the shop counts in EUR: amounts in another currency count for nothing"
        " (spent, average order value, RFM). If they are right, write currency: USD"
    ]
    assert told("USD", "EUR") == []
    assert told("USD", None, None) == []
    assert told("EUR", "EUR", "USD") == []
