"""YAML as marketers mean it, with places."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.content import yaml_source
from homing.domain.content.yaml_source import parse_yaml
from homing.domain.errors import InvalidCampaign

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: birthday", {"on": "birthday"}),
        ("country: NO", {"country": "NO"}),
        ("answer: yes", {"answer": "yes"}),
        ("until: 21:00", {"until": "21:00"}),
        ("day: 2026-11-02", {"day": "2026-11-02"}),
        ("flag: true", {"flag": True}),
        ("count: 12", {"count": 12}),
        ("rate: 1.5", {"rate": 1.5}),
        ("postcode: 01307", {"postcode": "01307"}),
        ("size: 1_000", {"size": "1_000"}),
        ("nothing: ~", {"nothing": None}),
        ("price: '19.90'", {"price": "19.90"}),
        ("list: [a, 1]", {"list": ["a", 1]}),
    ],
)
def test_values_are_what_people_mean(text: str, value: Any) -> None:
    assert parse_yaml(text, "f.yaml").value == value


def test_every_value_and_key_knows_its_place() -> None:
    located = parse_yaml("steps:\n  - wait: 1h\n  - send: a\n", "f.yaml")
    assert located.place(("steps", 1, "send")) == (3, 11)
    assert located.place(("steps", 1, "send"), key=True) == (3, 5)
    assert located.place(("steps", 1, "gone", "deeper")) == (3, 5)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3", "duplicate_key", 3, 1),
        ("a: [1, 2", "yaml", 1, 4),
        ("a: &x 1\nb: *x", "yaml", 1, 4),
        ("a: b: c", "yaml", 1, 5),
    ],
)
def test_mistakes_have_a_place(text: str, code: str, line: int, column: int) -> None:
    with pytest.raises(InvalidCampaign) as caught:
        parse_yaml(text, "f.yaml")
    assert (caught.value.code, caught.value.line, caught.value.column) == (code, line, column)


# What marketers write, and what is said of it: line, column, what is wrong and what to do.
SLIPS = {
    "steps:\n\t- send: a\n": "2:1 a tab stands here: indent with spaces, two for each level",
    "on:\tbirthday\n": "1:4 a tab stands here: write a space",
    'a: "Hello\nb:\n  - c: 1\n': '1:4 this quote is opened and never closed: write " at the end of the text',
    "a: 'Don't'\nb: 1\n": "1:9 the single quotes end before this: put the whole text into double quotes",
    "on:cart\nsteps:\n  - send: a\n": "1:3 a space is missing after the colon: write `on: cart`",
    "a: 1\nb:\n  - send:x\n    id: y\n": "3:9 a space is missing after the colon: write `send: x`",
    "a: Note: this\n": '1:8 a text with a colon needs quotes: write "Note: this"',
    "a: [1, 2\nb: 3\n": "1:4 [ is opened here and never closed: write ]",
    "a: [\n": "1:4 [ is opened here and never closed: write ]",
    "a: {b: [1], c: \n": "1:4 { is opened here and never closed: write }",
    "a: {b: 1\n": "1:4 { is opened here and never closed: write }",
    "a: {b: 1]\n": "1:9 { is closed with ] here: write }",
    "a:\n  - b: 1\n - c: 2\n": "3:2 this line is indented otherwise than those before: begin it in column 3, as `- b: 1` does",
    "a:\n  - b: 1\n      c: 2\n": (
        "3:7 this line belongs to the one above, which has its value already: begin it in column 5, as that one"
    ),
    "a: 1\n- b\n": "2:1 an item of a list stands among keys here: indent it below the key whose list it is",
    "a:\n  - b: 1\n  c: 2\n": (
        "3:3 a key stands among the items of a list here: indent it, or begin an item with `- `"
    ),
    "a: 1\nThis is a sentence\nb: 2\n": "2:1 a colon is missing in this line: write `key: value`",
    "a: @x\n": "1:4 a text can't begin with @: put it into quotes",
    "a: &Co\n": "1:4 a text can't begin with &: put it into quotes",
    "a: !now\n": "1:4 a text can't begin with !: put it into quotes",
    "a: *bold*\n": "1:4 a text can't begin with *: put it into quotes",
    "a: {% if x %}\n": "1:5 a text can't begin with {%: put it into quotes",
    "a: {{ x }}\n": "1:5 a key is a word: a text with braces or brackets needs quotes",
    'a: "C:\\Users"\n': (
        "1:7 in double quotes a backslash means something else: take single quotes, or write it twice"
    ),
    "a: 1\n---\nb: 2\n": "2:1 `---` begins a second document: a file holds one",
    "a: \x07\n": "1:4 a character that nobody can see stands here: delete it",
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), SLIPS.items())
def test_a_slip_is_told_with_its_place_and_what_to_do(text: str, told: str) -> None:
    with pytest.raises(InvalidCampaign) as caught:
        parse_yaml(text, "f.yaml")
    one = caught.value
    assert one.code == "yaml"
    assert f"{one.line}:{one.column} {one.message}" == told


@given(st.text(alphabet="ab:-[]{}'\"#&*!%@`>|,? \t\n\\~0", max_size=40))
def test_whatever_is_written_is_read_or_told_with_a_place_inside_the_file(text: str) -> None:
    told: list[InvalidCampaign] = []
    try:
        parse_yaml(text, "f.yaml")
    except InvalidCampaign as problem:
        told.append(problem)
    for one in told:
        assert 1 <= one.line <= text.count("\n") + 1
        assert 1 <= one.column <= len(text) + 1
        # The parser's own words.
        assert "but found" not in one.message
        assert "expected" not in one.message


def read_in_python(text: str) -> Any:
    """As where there is no libyaml: values with their places, or what is wrong."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_source, "_SIGNS", re.compile(""))
        return read_at_all(text)


def read_at_all(text: str) -> Any:
    try:
        located = parse_yaml(text, "f.yaml")
    except InvalidCampaign as problem:
        return str(problem)
    return located.value, located.values, located.keys


PIECES = [
    "a", "b: ", "- ", "[", "]", "{", "}",
    "'", '"', "#", " ", "  ", "\n", "\n  ", ":", ",", "?", "|", ">", "%", "@", "`", "~", "0",
    "ä😀", "- ?", "!x", "&a ", "*a", "\t", "...", "\r\n", "=", "<<: ", "key: v\n", "---", "\\", "yes", "1.5",
]  # fmt: skip


@settings(max_examples=2_000)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_what_is_read_does_not_depend_on_whether_there_is_libyaml(text: str) -> None:
    assert read_at_all(text) == read_in_python(text)


@pytest.mark.parametrize("file", sorted(ROOT.glob("layers/campaigns/*/*.yaml")), ids=lambda file: file.name)
def test_the_starter_campaigns_are_read_the_same_without_libyaml(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert read_at_all(text) == read_in_python(text)


def test_text_that_is_not_utf8_is_named() -> None:
    with pytest.raises(InvalidCampaign, match="UTF-8"):
        parse_yaml("name: Käthe".encode("latin-1"), "f.yaml")
