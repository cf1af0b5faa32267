"""What is wrong with a story is told with its place, and with what was probably meant."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from homing.adapters.files import read_folder
from homing.domain.content.lint import lint
from homing.domain.content.schemas import schemas
from homing.domain.content.yaml_source import parse_yaml
from homing.domain.stories.read import read_story
from tests.scenarios.test_stories import FILES, name
from tests.unit.stories.support import HEAD, problems

SOMETHING = "  - expect: {no_mail: true}\n"


def in_step(step: str) -> list[str]:
    return problems(f"{HEAD}  - {step}\n{SOMETHING}")


# The step is in line 7, its first letter in column 5.
MISTAKES = {
    "advanec: 3d": "7:5 unknown_step unknown step 'advanec' (did you mean 'advance'?)",
    "an: {does: Rang}": "7:5 unknown_person 'an' is nobody in this story, and no step (did you mean 'ana'?)",
    "ana: {dose: Rang}": "7:11 unknown_key unknown key 'dose' (did you mean 'does'?)",
    "ana: {does: Rang, laet: 2h}": "7:23 unknown_key 'laet' is no word of stories (did you mean 'late'?)",
    "ana: {does: Rang, late: 2}": "7:29 invalid_value 2 what? write 2m, 2h or 2d",
    "ana: {does: Product Aded}": "7:17 unknown_event no event is called 'Product Aded' (did you mean 'Product Added'?)",
    "ana: {opens: frist-note}": "7:18 unknown_template there is no template 'frist-note' (did you mean 'first-note'?)",
    "ana: {prefers: {note: false}}": "7:21 unknown_topic there is no topic 'note' (did you mean 'notes'?)",
    "ana: {unsubscribes: click}": "7:25 invalid_value 'click' should be 'one_click' or 'page'",
    "{ana: {does: Rang}, ben: {does: Rang}}": "7:25 invalid_value one person a step: begin a new one with `- ben:`",
    "until: tomorrow": "7:12 invalid_value 'tomorrow' is no time: write 09:00 or 2026-03-29T09:00",
    "until: 2026-02-30T09:00": "7:12 invalid_value '2026-02-30T09:00' is no time",
    "advance: 0m": "7:14 invalid_value",
    "{request: hello, for: ana}": "7:15 invalid_value the flow 'hello' can't be requested; these can: letter, news, offer",
    "{request: ofer, for: ana}": "7:15 unknown_flow there is no flow 'ofer' (did you mean 'offer'?)",
    "{request: offer}": "7:5 missing_key several people are in this story, so say who: `for: ana`",
    "{request: offer, segment: fanss}": "7:31 unknown_segment there is no segment 'fanss' (did you mean 'fans'?)",
    "{request: offer, fore: ana}": "7:22 unknown_key unknown key 'fore' (did you mean 'for'?)",
    "pause: two-note": "7:12 unknown_flow there is no flow 'two-note' (did you mean 'two-notes'?)",
    "product: kettle": "7:14 missing_key say what changed",
    "deploy: {two-notes: {steps: [{sned: hello}]}}": "7:35 unknown_step unknown key 'sned' (did you mean 'send'?)",
    "deploy: {two-notes: {steps: [{send: helo}]}}": "7:41 unknown_template there is no template 'helo' (did you mean 'hello'?)",
    "deploy: {two-note: null}": "7:14 unknown_flow there is no flow 'two-note' (did you mean 'two-notes'?)",
    "{outage: 1d, meanwhile: [{expect: {no_mail: true}}]}": "7:31 invalid_value 'expect' can't stand in an outage",
    "expect: {no_mial: true}": "7:14 unknown_key unknown key 'no_mial' (did you mean 'no_mail'?)",
    "expect: {description: Early, though late, no_mail: true}": (
        "7:34 unknown_key unknown key 'though late': a text with a comma needs quotes"
    ),
    "expect: {description: Nothing}": "7:13 invalid_value nothing is expected here",
    "expect: {mail: {too: ana}}": "7:21 unknown_key unknown key 'too' (did you mean 'to'?)",
    "expect: {mail: {to: bne}}": "7:25 unknown_person 'bne' is nobody in this story (known: ana, ben)",
    "expect: {mail: {to: ana, at: 9}}": "7:34 invalid_value",
    "expect: {in_segment: fans}": "7:26 missing_key several people are in this story, so say who: `{ana: …}`",
    "expect: {in_segment: {ana: fnas}}": "7:32 unknown_segment there is no segment 'fnas' (did you mean 'fans'?)",
    "expect: {run: {flow: review, state: ended, ended: closd}}": (
        "7:55 invalid_value 'closd' is no reason (did you mean 'closed'?)"
    ),
    "expect: {run: {flow: two-notes, step: secnd}}": (
        "7:43 invalid_value two-notes has no step 'secnd' (did you mean 'second'?)"
    ),
    "expect: {run: {flow: review, state: wating}}": (
        "7:41 invalid_value 'wating' should be 'waiting' or 'ended' (did you mean 'waiting'?)"
    ),
    "expect: {decision: {to: ana, status: dropped, reason: caps}}": (
        "7:59 invalid_value 'caps' is no reason (did you mean 'cap'?)"
    ),
    "expect: {decision: {to: ana}}": "7:24 missing_key 'status' is missing",
    "expect: {consent: {ana: {letters: true}}}": "7:30 unknown_topic there is no topic 'letters' (did you mean 'letter'?)",
    "expect: {consent: {ana: {letter: maybe}}}": "7:38 invalid_value consent is true or false",
    "{expect: {no_mail: true}, description: x}": "7:31 unknown_key 'description' goes below `expect:`",
}  # fmt: skip


@pytest.mark.parametrize(("step", "told"), MISTAKES.items(), ids=MISTAKES.keys())
def test_a_mistake_in_a_step(step: str, told: str) -> None:
    found = in_step(step)
    assert len(found) == 1, found
    assert found[0].startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1 invalid_value expected the keys description, at, people, story"),
        ("description: x\npeople: {ana: {}}\nstroy: []\n", "3:1 unknown_key unknown key 'stroy' (did you mean 'story'?)"),
        ("description: x\npeople: {ana: {}}\n", "1:1 missing_key 'story' is missing"),
        ("description: x\npeople: {ana: {}}\nstory: []\n", "3:8 invalid_value expected a list of steps"),
        ("description: x\npeople: {}\nstory: [{advance: 1d}]\n", "2:9 invalid_value expected people"),
        ("description: x\npeople: {until: {}}\nstory: [{advance: 1d}]\n", "2:10 invalid_value 'until' is a word of stories"),
        ("description: x\nat: 09:00\npeople: {ana: {}}\nstory: [{advance: 1d}]\n", "2:5 invalid_value a story begins on a day"),
        ("description: x\npeople: {ana: {emial: a@b.example}}\nstory: [{advance: 1d}]\n", "2:16 unknown_key 'emial'"),
        ("description: x\npeople: {ana: {email: nobody}}\nstory: [{advance: 1d}]\n", "2:23 invalid_value"),
        ("description: x\npeople: {ana: {time_zone: Europe/Brlin}}\nstory: [{advance: 1d}]\n", "2:27 invalid_value"),
        ("description: x\npeople: {ana: {consent: {note: true}}}\nstory: [{advance: 1d}]\n", "2:26 unknown_topic"),
        ("description: x\npeople: {ana: {frist_name: Ana}}\nstory: [{advance: 1d}]\n", "2:16 may_be_misspelt"),
        ("description: [\n", "1:14 yaml"),
    ],
)  # fmt: skip
def test_a_mistake_around_the_steps(text: str, told: str) -> None:
    found = problems(text)
    assert [one for one in found if one.startswith(told)], found


def test_every_mistake_is_told_at_once() -> None:
    found = problems(f"{HEAD}  - advance: 3\n  - an: {{does: Rang}}\n  - expect: {{mial: hello}}\n")
    assert [one.split()[0] for one in found] == ["7:14", "8:5", "9:14"]


def test_a_property_that_is_called_like_a_word_of_stories_goes_below_properties() -> None:
    story, found = read_story(f"{HEAD}  - ana: {{does: Rang, door: 2, properties: {{late: 7}}}}\n{SOMETHING}", "s.yaml")
    assert found == []
    assert story is not None
    assert story.steps[0].what.all_properties() == {"door": 2, "late": 7}


def test_a_story_that_expects_nothing_is_told_and_refused_by_the_schema_for_editors() -> None:
    text = f"{HEAD}  - ana: {{does: Rang}}\n"
    assert problems(text) == [
        "6:1 nothing_expected nothing is expected, so this tests nothing: add a step like `expect: {mail: …}` or"
        " `expect: {no_mail: true}`"
    ]
    validator = jsonschema.Draft202012Validator(schemas()["story"])
    assert not validator.is_valid(parse_yaml(text, "s.yaml").value)
    assert validator.is_valid(parse_yaml(text + SOMETHING, "s.yaml").value)


@pytest.mark.parametrize("file", FILES, ids=name)
def test_the_schema_for_editors_accepts_every_story(file: Path) -> None:
    written = parse_yaml(file.read_bytes(), file.name).value
    jsonschema.Draft202012Validator(schemas()["story"]).validate(written)


# What an editor can't know: names, and what goes together.
ONLY_WHEN_READ = (
    "unknown_person", "unknown_event", "unknown_template", "unknown_topic", "unknown_flow", "unknown_segment", "may_be",
    "is no ", "7:14 invalid_value", "can't be requested", "so say who", "nothing is expected", "has no step", "laet",
    "say what changed",
)  # fmt: skip


@pytest.mark.parametrize(
    "step",
    [
        step
        for step, told in MISTAKES.items()
        if not any(word in told for word in ONLY_WHEN_READ) and "deploy" not in step
    ],
)
def test_the_schema_for_editors_refuses_mistakes(step: str) -> None:
    written = parse_yaml(f"{HEAD}  - {step}\n{SOMETHING}", "s.yaml").value
    assert not jsonschema.Draft202012Validator(schemas()["story"]).is_valid(written)


def test_a_mistake_in_the_settings_is_told_there_and_not_in_every_story() -> None:
    files = read_folder(Path(__file__).parents[3] / "layers" / "campaigns")
    files["settings.yaml"] += b'\nwebhooks:\n  crm: {url: "http://crm.example/x"}\n'
    told = [(one.problem.file, one.problem.code) for one in lint(files)]
    assert ("settings.yaml", "invalid_value") in told
    assert not [file for file, _ in told if file.startswith("stories/")]
