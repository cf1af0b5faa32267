"""YAML as marketers mean it, with places."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.content.yaml_source import parse_yaml
from homing.domain.errors import InvalidCampaign


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
        ("a: [1, 2", "yaml", 1, 9),
        ("a: &x 1\nb: *x", "yaml", 2, 4),
        ("a: b: c", "yaml", 1, 5),
    ],
)
def test_mistakes_have_a_place(text: str, code: str, line: int, column: int) -> None:
    with pytest.raises(InvalidCampaign) as caught:
        parse_yaml(text, "f.yaml")
    assert (caught.value.code, caught.value.line, caught.value.column) == (code, line, column)


def test_text_that_is_not_utf8_is_named() -> None:
    with pytest.raises(InvalidCampaign, match="UTF-8"):
        parse_yaml("name: Käthe".encode("latin-1"), "f.yaml")
