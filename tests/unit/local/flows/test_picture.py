"""Pictures of flows: every step has its box, nothing lies on anything else, nothing but text and shapes gets in."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.flows.language import Flow
from homing.domain.flows.passage import FlowNumbers, Passage
from homing.domain.flows.steps import walk
from homing.local.flows.layout import WIDE, lay_out
from homing.local.flows.measure import cut, width, wrapped
from homing.local.flows.picture import draw, outline

PLAIN: list[dict[str, Any]] = [
    {"send": "hello"},
    {"wait": "20h"},
    {"wait": {"until": "09:00", "weekdays": ["tue"], "at_least": "2h"}},
    {"update": {"tier": "gold", "last": {"trigger": "order.order_id"}}},
    {"add_to": "wave-1"},
    {"remove_from": "wave-1"},
    {"call": "crm"},
    {"start": "another"},
    {"end": "had enough"},
]


def _branches(below: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    steps = st.lists(below, max_size=3)
    condition = st.sampled_from([{"segment": "vip"}, {"message": "hello", "was": "opened"}])
    ways = st.lists(steps, min_size=1, max_size=3).map(
        lambda all_: [{"arm": f"arm-{n}", "percent": 30, "then": then} for n, then in enumerate(all_)]
    )
    return st.one_of(
        st.builds(lambda c, t, e: {"if": c, "then": t, "else": e}, condition, steps, steps),
        st.builds(
            lambda t, e: {"wait_for": {"did": "Order Completed"}, "within": "3d", "then": t, "else": e}, steps, steps
        ),
        st.builds(lambda w: {"split": "s", "ways": w}, ways),
    )


flows = st.lists(
    st.recursive(st.sampled_from(PLAIN), _branches, max_leaves=12), min_size=1, max_size=6
).map(lambda steps: Flow.model_validate({"name": "f", "on": "cart_abandoned", "steps": steps}))  # fmt: skip


@given(flows, st.booleans())
@settings(max_examples=60)
def test_each_step_has_a_box_and_no_box_covers_another(flow: Flow, counted: bool) -> None:
    drawing = lay_out(flow, FlowNumbers("f") if counted else None)
    steps = [box for box in drawing.boxes if box.kind not in {"start", "done"}]
    assert len(steps) == len(list(walk(flow.steps)))
    for box in drawing.boxes:
        assert box.x - WIDE / 2 >= -0.1
        assert box.x + WIDE / 2 <= drawing.width + 0.1
        assert 0 <= box.y <= box.y + box.height <= drawing.height + 0.1
    for one, other in combinations(drawing.boxes, 2):
        aside = abs(one.x - other.x) >= WIDE
        assert aside or one.y + one.height <= other.y or other.y + other.height <= one.y


@given(flows)
@settings(max_examples=25)
def test_a_picture_is_one_well_formed_svg_that_loads_nothing(flow: Flow) -> None:
    svg = draw(flow)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert not re.search(r"<script|href|url\(|@import|foreignObject", svg)


def test_what_marketers_write_stays_text() -> None:
    flow = Flow.model_validate(
        {"name": "f", "on": {"did": "<script>alert(1)</script>"}, "steps": [{"end": '"><img src=x onerror=1>'}]}
    )
    svg = draw(flow)
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "<img" not in svg


def texts(svg: str) -> str:
    return " ".join(
        "".join(element.itertext()) for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")
    )


def test_numbers_stand_at_the_steps_ways_and_ends_that_they_are_of() -> None:
    flow = Flow.model_validate({
        "name": "f", "on": "cart_abandoned", "stop_when": {"did": "Order Completed"},
        "steps": [
            {"send": "a"}, {"wait": "1d"},
            {"if": {"segment": "vip"}, "then": [{"send": "b"}], "else": [{"end": "enough"}]},
        ],
    })  # fmt: skip
    numbers = FlowNumbers("f")
    numbers.add(Passage("f", "", ("0:send", "1:wait")), 1_000)
    numbers.add(Passage("f", "", ("2:then", "2.then.0:send"), since="1", ended="done", at="2.then.0"), 300)
    numbers.add(Passage("f", "", ("2:else",), since="1", ended="enough", at="2.else.0"), 200)
    numbers.add(Passage("f", "", (), since="1", ended="goal_met", at="2"), 100)
    numbers.add_mail("0", "sent", 900)
    numbers.add_mail("0", "dropped", 100)
    said = texts(draw(flow, numbers))
    assert "300 · 60\u00a0%" in said
    said = said.replace("\u00a0", " ")
    for words in (
        "1,000 runs, 100 met the goal", "900 sent · 100 not sent", "400 wait here", "100 met the goal", "300 · 60 %",
        "200 · 40 %", "300 went through",
    ):  # fmt: skip
        assert words in said


def test_the_outline_says_the_whole_flow_in_words() -> None:
    flow = Flow.model_validate({
        "name": "f", "on": {"segment_entered": "lapsed"},
        "steps": [{"if": {"not": {"segment": "vip"}}, "then": [{"send": "a", "code": "c"}]}, {"wait": "2d"}],
    })  # fmt: skip
    assert outline(flow) == (
        "When somebody enters lapsed: 1 Not in vip?. 1.then.1 Send a (with a code of c). 2 Wait 2 days."
    )


def test_texts_are_broken_where_they_may_be_and_cut_where_they_must() -> None:
    assert wrapped("Send win-back", 13, 200, 2) == ["Send win-back"]
    for text in ("a-very-long-name-of-a-template-that-nobody-would-give", "x" * 80, "many words " * 20):
        lines = wrapped(text, 13, 150, 3)
        assert len(lines) <= 3
        assert all(width(line, 13) <= 150 for line in lines)
    assert cut("x" * 80, 13, 60).endswith("…")
