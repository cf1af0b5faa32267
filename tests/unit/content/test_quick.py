"""The short ways through a template lead where the library leads: to the same text, or to the same error."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid.exceptions import LiquidError

from homing.domain.content.engine import environments
from homing.domain.content.quick import quicken

NAMES = ("a", "b", "size", "first", "last", "items", "missing")
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "<&>", "ab"])
    | st.sampled_from([Decimal("1.50"), 0.5, range(2)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES[:-1]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
_contexts = st.dictionaries(st.sampled_from(NAMES[:-1]), _values, max_size=5)
_segments = st.sampled_from([f".{name}" for name in NAMES] + ["[0]", '["a"]', "[b]"])
_paths = st.builds(lambda root, rest: root + "".join(rest), st.sampled_from(NAMES), st.lists(_segments, max_size=3))
_conditions = st.builds(
    lambda path, more: path + more, _paths, st.sampled_from(["", " > 1", ' == "x"', " and a", " or b"])
)
_pieces = st.recursive(
    st.sampled_from(["text ", "\n", "{% break %}"])
    | _paths.map(lambda path: f"{{{{ {path} }}}}")
    | _paths.map(lambda path: f'{{{{ {path} | default: "none" | upcase }}}}'),
    lambda inner: st.builds("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, _conditions, inner, inner)
    | st.builds("{{% if {} %}}{}{{% elsif {} %}}{}{{% endif %}}".format, _conditions, inner, _conditions, inner)
    | st.builds("{{% for a in {} %}}{}{{{{ forloop.index }}}}{{% endfor %}}".format, _paths, inner)
    | st.builds("{{% assign b = {} %}}{}".format, _paths, inner)
    | st.builds("{{% capture b %}}{}{{% endcapture %}}{}".format, inner, inner)
    | st.builds("{{% unless {} %}}{}{{% endunless %}}".format, _conditions, inner)
    | st.lists(inner, max_size=3).map("".join),
    max_leaves=8,
)  # fmt: skip


def outcome(source: str, context: dict[str, Any], *, html: bool, quick: bool) -> str:
    environment = environments().html if html else environments().text
    template = environment.from_string(source)
    if quick:
        quicken(template)
    try:
        return template.render(context)
    except LiquidError as error:
        return f"{type(error).__name__}: {error}"
    except (ArithmeticError, TypeError, ValueError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"


@given(source=_pieces, context=_contexts, html=st.booleans())
def test_any_template_says_the_same_of_any_values(source: str, context: dict[str, Any], html: bool) -> None:
    assert outcome(source, context, html=html, quick=True) == outcome(source, context, html=html, quick=False)


@pytest.mark.parametrize(
    "source",
    ["{{ missing }}", "{{ a.missing }}", "{{ a.b.missing }}", "{% if missing.b %}yes{% else %}no{% endif %}", "{{ a.size }}",
     "{% if a.size %}yes{% endif %}", "{% for x in missing %}{% endfor %}", "{{ a.b }}", "{{ a[missing] }}"],
)  # fmt: skip
def test_what_is_not_there_is_missed_in_the_same_words(source: str) -> None:
    context = {"a": {"b": "<b>"}}
    for html in (True, False):
        assert outcome(source, context, html=html, quick=True) == outcome(source, context, html=html, quick=False)
