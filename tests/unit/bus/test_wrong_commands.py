"""What is wrong with a command is said in words: the field, what kind of thing stood there, what may stand there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.domain.bus.commands import COMMANDS, read_command
from homing.domain.errors import InvalidInput

NEWS = {"flow": "news", "segment": "vip"}
A_FLOW = "write the name of a flow: small letters from a to z, digits, - and _, at most 64"


def told(detail_type: str, detail: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_command(detail_type, detail)
    return caught.value


@pytest.mark.parametrize(
    ("detail", "where", "message"),
    [
        (NEWS | {"per_minute": 90_000}, "per_minute", "per_minute is 90000: write a whole number from 1 to 30,000"),
        (NEWS | {"per_minute": "fast"}, "per_minute", "per_minute is a text: write a whole number from 1 to 30,000"),
        (NEWS | {"per_minute": 1.5}, "per_minute", "per_minute is 1.5: write a whole number from 1 to 30,000"),
        (NEWS | {"per_minute": [1]}, "per_minute", "per_minute is a list of 1: write a whole number from 1 to 30,000"),
        (NEWS | {"data": "x"}, "data", "data is a text: write an object with keys and values"),
        (NEWS | {"by": "x" * 200}, "by", "by is a text of 200 characters: write at most 100"),
        (NEWS | {"by": True}, "by", "by is true: write a text"),
        (NEWS | {"flow": "News!"}, "flow", f"flow is a text of another form: {A_FLOW}"),
        (NEWS | {"flow": None}, "flow", f"flow is null: {A_FLOW}"),
        ({"segment": "vip"}, "flow", f"flow is missing: {A_FLOW}"),
        ({"flow": "news", "user_id": ["a"]}, "user_id", "user_id is a list of 1: write a text"),
        ({"flow": "news", "list": True}, "list", "list is true: write the name of a list, or a file as {s3: …}"),
        ({"flow": "news", "list": {"s3": True}}, "list.s3", "list.s3 is true: write a text"),
        ({"flow": "news", "list": {"s3": "a", "b": 1}}, "list.b", "there is no field b; a ListFile has s3"),
    ],
)  # fmt: skip
def test_a_request_for_a_flow_is_refused_in_words(detail: Any, where: str, message: str) -> None:
    wrong = told("FlowRequested", detail)
    assert (wrong.where, wrong.message) == (f"detail.{where}", message)


@pytest.mark.parametrize(
    ("detail", "where", "message"),
    [
        ({"product_id": "p", "price": "15"}, "price", "price is a text: write an object with before, now"),
        ({"product_id": "p", "price": {"before": 1}}, "price.now", "price.now is missing: write a text"),
        ({"product_id": "p", "currency": "Euro"}, "currency",
         "currency is a text of another form: write three capital letters, such as EUR"),
        ({"product_id": "p", "in_stock": {"now": "perhaps"}}, "in_stock.now", "in_stock.now is a text: write true or false"),
        ({"changes": [{"product_id": "p"}, {"product_id": None}]}, "changes.1.product_id",
         "changes.1.product_id is null: write a text"),
        ({"changes": [{"product_id": "p"}] * 501}, "changes", "changes is a list of 501: write at most 500"),
    ],
)  # fmt: skip
def test_a_change_of_a_product_is_refused_in_words(detail: Any, where: str, message: str) -> None:
    wrong = told("ProductChanged", detail)
    assert (wrong.where, wrong.message) == (f"detail.{where}", message)


fields = sorted({name for _, model in COMMANDS.values() for name in model.model_fields} | {"now", "before", "s3", "x"})
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text("Zq@.", min_size=4, max_size=700)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(fields), inner, max_size=3)),
    max_leaves=6,
)


@given(st.sampled_from(sorted(COMMANDS)), st.dictionaries(st.sampled_from(fields), values, max_size=4))
def test_no_answer_repeats_a_text_or_the_words_of_a_validator(detail_type: str, detail: dict[str, Any]) -> None:
    try:
        read_command(detail_type, detail)
    except InvalidInput as error:
        words = str(error)
    else:
        words = "accepted"
    assert not any(
        word in words for word in ("Input", "valid", "pydantic", "Value error", "ListFile.s3.", "Zq", "qZ", "ZZ", "@.")
    )
