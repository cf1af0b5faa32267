"""Why a run went the way it went: the rule and the values of each step agree with what was done."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from homing.cli.explain import command
from homing.domain.content.yaml_source import parse_yaml
from homing.domain.errors import InvalidInput
from homing.domain.explain.evidence import Evidence
from homing.domain.explain.reasons import Explainer
from homing.domain.explain.runs import RunExplainer, RunStep
from homing.domain.flows.run import Run
from homing.domain.profiles import codec
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, iso, zone
from homing.local.backtest import Backtest
from homing.local.explain.run_text import show_run, show_runs
from homing.local.explain.runs import Sources, as_dict, replayed_run, replayed_runs, stored_run, stored_runs
from homing.services.resolve import trail
from tests.fixtures.shop import backtest, campaigns, event, identified, redeploy
from tests.unit.content.test_flow_checks import SEGMENTS, steps
from tests.unit.explain.test_story import identify, record, track

ZONE = zone("Europe/Berlin")
FLOW = """\
on: cart_abandoned
stop_when: {did: Order Completed}
steps:
  - if: {trait: {country: DE}}
    then:
      - {send: hello}
  - wait: 1d
  - split: wording
    ways:
      - {arm: all, percent: 100, then: [{update: {wave: 1, cart: {trigger: cart.token}}}]}
  - wait_for: {any: [{did: Review Posted, where: {stars: 5}}, {segment: vip}]}
    within: 2d
    then: [{send: thanks}]
  - end: had enough
"""
LOCATED = parse_yaml(FLOW, "flows/f.yaml")


def sources() -> Sources:
    bundle = campaigns(
        flows=[{"name": "f", **LOCATED.value}], segments={"vip": SEGMENTS["vip"]}, time_zone="Europe/Berlin"
    )
    return Sources(bundle, {}, {"f": LOCATED})


MONDAY = "2026-03-02T10:00:00Z"


def recording(path: Path, *more: Any) -> Path:
    at = 1_772_445_600_000_000
    events = [
        identify(at, "ana", email="ana@shop.example", consent={"marketing": True}, country="DE"),
        track("Product Added", at + HOUR, userId="ana", product_id="p1", cart_id="c1"),
        track("Product Added", at + HOUR, userId="ben", product_id="p1", cart_id="c2"),
        *more,
    ]
    return record(path / "events.jsonl", events)


START = 1_772_445_600_000_000


def reviewed(stars: int, after: int) -> Any:
    return track("Review Posted", START + after, userId="ana", stars=stars)


def told(steps_: list[RunStep]) -> list[tuple[str, str, str]]:
    return [(step.did, step.words, step.way) for step in steps_]


def test_each_step_has_its_words_its_line_its_way_and_its_values(tmp_path: Path) -> None:
    events = recording(tmp_path, reviewed(3, 30 * HOUR), reviewed(5, 31 * HOUR))
    (run,) = replayed_runs(sources(), events, "ana")
    story = replayed_run(sources(), events, run.id, person="ana")
    assert told(story.steps) == [
        ("then", "Country is DE?", "yes"),
        ("send", "Send hello", ""),
        ("wait", "Wait 1 day", ""),
        ("split", "Part by chance", "all"),
        ("update", "Say of them", ""),
        ("wait_for", "Wait until they do Review Posted where stars is 5 or they are in vip", ""),
        ("then", "Wait until they do Review Posted where stars is 5 or they are in vip", "it happens"),
        ("send", "Send thanks", ""),
        ("end", "had enough", ""),
    ]
    assert [step.place.rpartition(":")[2] for step in story.steps] == [
        "4",
        "6",
        "7",
        "8",
        "10",
        "11",
        "11",
        "13",
        "14",
    ]
    branch, mail, wait, split, update, _, happened, *_ = story.steps
    assert branch.reason is not None
    assert branch.reason.holds
    assert branch.reason.facts[0].startswith("country is DE, said through the shop's SDK on 2 Mar 2026, 11:00")
    assert wait.until == wait.own + DAY
    assert split.facts[1].endswith(": all from 0 to 100")
    assert update.facts == ["wave: 1", "cart: c1"]
    assert happened.reason is not None
    review, vip = happened.reason.parts
    assert (review.holds, vip.holds) == (True, False)
    # Only the event that counted, with its line in the recording; the one with three stars is none.
    assert review.facts == ["3 Mar 2026, 18:00 (line 5)"]
    assert [entry.status for _, entry in story.messages[mail.send_id].decisions] == ["sent"]
    assert story.following == ""


def test_what_was_waited_for_in_vain_says_what_was_before(tmp_path: Path) -> None:
    (run,) = replayed_runs(sources(), recording(tmp_path, reviewed(5, 20 * HOUR)), "ana")
    story = replayed_run(sources(), tmp_path / "events.jsonl", run.id)
    vain = next(step for step in story.steps if step.did == "else")
    assert vain.way == "not in 2 days"
    assert vain.reason is not None
    assert not vain.reason.holds
    assert vain.reason.parts[0].facts == [
        "no such event counts", "the latest one, which was before: 3 Mar 2026, 07:00 (line 4)"
    ]  # fmt: skip


def test_a_goal_that_was_met_is_told_with_the_order_that_met_it(tmp_path: Path) -> None:
    order = track("Order Completed", START + 20 * HOUR, userId="ana", order_id="o1", total=20)
    (run,) = replayed_runs(sources(), recording(tmp_path, order), "ana")
    story = replayed_run(sources(), tmp_path / "events.jsonl", run.id)
    last = story.steps[-1]
    assert (last.did, last.words) == ("end", "met the goal")
    assert last.reason is not None
    assert (last.reason.holds, last.reason.place) == (True, "flows/f.yaml:2")
    assert last.reason.facts == ["3 Mar 2026, 07:00 (order_id o1, total 20, line 4)"]


def test_a_run_that_goes_on_says_what_comes_next(tmp_path: Path) -> None:
    events = recording(tmp_path)
    (run,) = replayed_runs(sources(), events, "ana", at=START + 3 * HOUR)
    story = replayed_run(sources(), events, run.id, person="ana", at=START + 3 * HOUR)
    assert story.following == "on 3 Mar 2026, 12:30: Part by chance (flows/f.yaml:8)"
    story = replayed_run(sources(), events, run.id, person="ana", at=START + 30 * HOUR)
    assert story.following == (
        "it waits until they do Review Posted where stars is 5 or they are in vip, at most until 5 Mar 2026, 12:30 "
        "(flows/f.yaml:11)"
    )


def test_a_run_that_there_is_not_is_told(tmp_path: Path) -> None:
    events = recording(tmp_path)
    with pytest.raises(InvalidInput, match="no run"):
        replayed_run(sources(), events, "nothing", person="ana")
    with pytest.raises(InvalidInput, match="no run"):
        replayed_run(sources(), events, "nothing")


def test_a_run_is_not_there_before_it_begins_and_the_command_says_when_that_is(tmp_path: Path) -> None:
    events = recording(tmp_path)
    (run,) = replayed_runs(sources(), events, "ana")
    for at in (START - DAY, START + HOUR, run.started_at - 1):
        for person in ("ana", None):
            with pytest.raises(InvalidInput) as caught:
                replayed_run(sources(), events, run.id, person=person, at=at)
            assert str(caught.value) == (
                f"run {run.id} begins on 2 Mar 2026, 12:30 (Europe/Berlin), later than {iso(at)}"
            )
            assert caught.value.code == "too_early"
    assert replayed_run(sources(), events, run.id, person="ana", at=run.started_at).run.id == run.id
    with pytest.raises(InvalidInput, match="no run"):
        replayed_run(sources(), events, "nothing", person="ana", at=START)


@pytest.mark.parametrize(("named", "about"), [({"cart_id": "c1"}, ", about the cart c1"), ({}, "")])
@pytest.mark.parametrize("once_per", ["cart", "trigger"])
def test_a_run_is_about_the_cart_that_its_events_name_if_they_do(
    tmp_path: Path, named: dict[str, str], about: str, once_per: str
) -> None:
    at = START + HOUR
    lines = [
        identify(START, "ana", email="ana@shop.example", consent={"marketing": True}),
        track("Product Added", at, userId="ana", product_id="p1", **named),
    ]
    file = record(tmp_path / "events.jsonl", lines)
    flow = {"name": "f", **LOCATED.value, "run_once_per": once_per}
    kept = Sources(campaigns(flows=[flow], segments={"vip": SEGMENTS["vip"]}, time_zone="Europe/Berlin"), {}, {})
    (run,) = replayed_runs(kept, file, "ana")
    console = Console(record=True, width=200, file=None)
    with console.capture() as shown:
        show_run(replayed_run(kept, file, run.id, person="ana"), console)
    line = next(line for line in shown.get().splitlines() if "started when" in line)
    assert line.strip() == f"started when a cart is left behind, on 2 Mar 2026, 12:30{about}"


class Stored:
    """A shop in memory, as a stage has it."""

    def __init__(self) -> None:
        self.sources = sources()
        self.run = backtest(self.sources.campaigns)
        added = event("Product Added", "2026-03-02T11:00:00Z", user_id="ana", cart_id="c1", product_id="p")
        self.run.run([identified("ana", country="DE"), added])
        self.run.pass_time(self.run.now + 3 * HOUR)

    def story(self, run: Run) -> Any:
        return stored_run(self.sources, self.run.profiles, self.run.journal, run.id)


def test_a_stage_tells_what_is_remembered_today_and_says_so() -> None:
    shop = Stored()
    (run,) = stored_runs(shop.run.profiles, shop.run.journal, shop.run.identity, "ana")
    story = shop.story(run)
    assert "today" in story.note
    assert [step.did for step in story.steps] == ["then", "send", "wait"]
    assert story.messages[story.steps[1].send_id].last.status == "sent"
    # She moved in the meantime: the way that was taken and what the rule says today are both shown.
    shop.run.run([identified("ana", iso(shop.run.now + 1), country="FR")])
    moved = shop.story(run).steps[0]
    assert moved.way == "yes"
    assert not moved.reason.holds


def test_a_run_of_an_older_version_goes_by_what_was_kept_and_has_no_lines() -> None:
    shop = Stored()
    (run,) = shop.run.journal.runs()
    changed = campaigns(flows=[{"name": "f", "on": "cart_abandoned", "steps": [{"end": "new"}]}])
    redeploy(shop.run, changed)
    shop.sources = Sources(changed, {}, {"f": parse_yaml("on: cart_abandoned\nsteps: [{end: new}]\n", "flows/f.yaml")})
    story = shop.story(run)
    assert story.older
    assert [step.words for step in story.steps] == ["Country is DE?", "Send hello", "Wait 1 day"]
    assert {step.place for step in story.steps} == {""}
    assert as_dict(story)["older_version"] is True


@pytest.mark.parametrize("seeds", [range(start, start + 15) for start in range(0, 60, 15)], ids=str)
def test_reasons_agree_with_the_ways_that_were_taken(seeds: range) -> None:
    """Random flows, people and events: a branch that was taken is one whose condition holds, and so on."""
    asked = 0
    for seed in seeds:
        random = Random(f"reasons {seed}")
        written = {
            "name": "f",
            "on": "flow_requested",
            "steps": steps(random, 2),
            "stop_when": {"did": "Order Completed"},
        }
        run = backtest(campaigns(flows=[written], segments={"vip": SEGMENTS["vip"]}))
        seen: dict[str, list[tuple[int, Profile | None]]] = {}

        def notice(
            _: Run | None, after: Run, run: Backtest = run, seen: dict[str, list[tuple[int, Profile | None]]] = seen
        ) -> None:
            held = trail(run.profiles, after.profile_id)[1]
            assert held is not None
            seen.setdefault(after.id, []).append(
                (len(after.trace), codec.decode(held.id, held.version, codec.encode(held)))
            )

        run.flows = replace(run.flows, told=notice)
        people = [f"p{n}" for n in range(8)]
        run.run(
            [
                identified(who, tier=random.choice(("gold", "silver")), country=random.choice(("DE", "FR")))
                for who in people
            ]
        )
        for who in people:
            run.request({"flow": "f", "user_id": who, "request_id": f"r{who}"})
        for _ in range(6):
            for who in people:
                at = iso(run.now + random.randint(1, 5) * HOUR)
                kind = random.random()
                if kind < 0.4:
                    run.run([event("X", at, user_id=who)])
                elif kind < 0.5:
                    run.run([event("List Joined", at, user_id=who, list="wave")])
                elif kind < 0.7:
                    run.run([identified(who, at, tier=random.choice(("gold", "silver")))])
                elif kind < 0.75:
                    run.run([event("Order Completed", at, user_id=who, order_id=at)])
            run.pass_time(run.now + DAY)
        run.pass_time(run.now + 15 * DAY)
        engine = run.flows.engine
        explainer = Explainer(engine, Evidence(ZONE))
        for one in run.journal.runs():
            held = seen[one.id]
            told_ = RunExplainer(engine, explainer, one, run.campaigns.flows["f"], None, ZONE)
            for step in told_.steps(lambda index, held=held: next(p for length, p in held if index < length)):
                if step.reason is None:
                    continue
                asked += 1
                taken = step.did == "then" or step.words == "met the goal"
                assert step.reason.holds == taken, (seed, one.id, step)
    assert asked > 100


def test_the_terminal_shows_a_run_from_its_trigger_to_its_end(tmp_path: Path) -> None:
    (run,) = replayed_runs(sources(), recording(tmp_path, reviewed(5, 31 * HOUR)), "ana")
    story = replayed_run(sources(), tmp_path / "events.jsonl", run.id)
    console = Console(record=True, width=200, file=None)
    with console.capture() as shown:
        show_run(story, console)
        show_runs([run], ZONE, console=console)
    text = shown.get()
    for words in (
        "started when a cart is left behind", "Country is DE? → yes flows/f.yaml:4", "sent: they agreed to it",
        "Wait 1 day (until 3 Mar 2026, 12:30)", "ended: had enough", run.id, "had enough, 3 Mar 2026, 18:00",
    ):  # fmt: skip
        assert words in text, words


STARTER = Path(__file__).parents[3] / "layers/campaigns"


def test_the_command_tells_runs_and_one_run(tmp_path: Path) -> None:
    common = ["--events", str(recording(tmp_path)), "--campaigns", str(STARTER)]
    listed = CliRunner().invoke(command, ["ana", "--runs", "--json", *common])
    assert listed.exit_code == 0, listed.output
    (row,) = json.loads(listed.stdout)
    assert (row["flow"], row["status"], row["reason"]) == ("cart-recovery", "ended", "done")
    assert "cart-recovery" in CliRunner().invoke(command, ["ana", "--runs", *common]).output
    for named in (["ana"], []):
        shown = CliRunner().invoke(command, [*named, "--run", row["run"], *common])
        assert shown.exit_code == 0, shown.output
        assert "In vip? → no flows/cart-recovery.yaml:" in shown.output
        assert "segments/vip.yaml:" in shown.output
    one = json.loads(CliRunner().invoke(command, ["--run", row["run"], "--json", *common]).stdout)
    assert [step["did"] for step in one["steps"]] == ["else", "send", "end"]
    assert one["messages"][0]["status"] == "sent"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--runs"], "say whose runs"),
        ([], "say whom"),
        (["ana", "--runs", "--messages"], "say one of"),
        (["ana", "--run", "nothing"], "no run"),
        (["zoe", "--runs"], "knows nobody called"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(
        command, [*arguments, "--events", str(recording(tmp_path)), "--campaigns", str(STARTER)]
    )
    assert result.exit_code == 2
    assert said in result.output
