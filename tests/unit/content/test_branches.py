"""The branches of templates: found by analysis, each with somebody who takes it, and the dead ones told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.content.checks.branches import Tracer, branches_of, tag_of
from homing.domain.content.checks.conditions import ABSENT, Domain, solve
from homing.domain.content.engine import environments
from homing.domain.content.lint import lint
from homing.domain.content.people import People
from homing.domain.content.publish import publish
from homing.domain.content.render import Renderer
from tests.unit.content.support import campaign_files

CART = b"on: cart_abandoned\nsteps: [{send: note}]\n"
FIFTH = b"on: {order_placed: {nth: 5}}\nsteps: [{send: note}]\n"
VIP = b"on: {segment_entered: vip}\nsteps: [{send: note}]\n"
SEGMENT = b"when: {did: Order Completed}\n"
PATHS = ("colour", "size_of_shoe", "city")


def tracer(source: str) -> Tracer:
    return Tracer(source, environments().text)


def dead(body: str, *flows: bytes) -> list[str]:
    files = campaign_files(f"<mj-text>{body}</mj-text>") | {"segments/vip.yaml": SEGMENT}
    files |= {f"flows/f{number}.yaml": flow for number, flow in enumerate(flows or (CART,))}
    return [one.problem.message for one in lint(files) if one.problem.code == "dead_branch"]


def test_a_mistake_elsewhere_makes_no_branch_dead() -> None:
    body = (
        "{% if topic.transactional %}a{% endif %}{% if order %}b{% endif %}{% if choice.look == 'warm' %}c{% endif %}"
    )
    files = campaign_files(f"<mj-text>{body}</mj-text>") | {
        "flows/f.yaml": CART,
        "flows/g.yaml": FIFTH,
        "choices/look.yaml": b"rules: [{when: {trait: {city: Rome}}, give: warm}]\ndefault: cool\n",
    }

    def told(**more: bytes) -> list[str]:
        return sorted(one.problem.code for one in lint(files | more) if "dead" in one.problem.code)

    assert told() == ["dead_branch"]
    assert told(**{"settings.yaml": files["settings.yaml"] + b"nonsense: 1\n"}) == []
    assert told(**{"flows/g.yaml": FIFTH + b"nonsense: 1\n"}) == []
    assert told(**{"choices/look.yaml": b"default: cool\nnonsense: 1\n"}) == []


def test_looking_once_more_finds_the_same_though_checks_share_what_they_read() -> None:
    body = (
        "{% if cart %}a{% endif %}{% if order %}b{% else %}c{% endif %}{{ city }}{{ computed.recency }}{{ choice.x }}"
    )
    files = campaign_files(f"<mj-text>{body}</mj-text>") | {"flows/f.yaml": CART, "segments/vip.yaml": SEGMENT}
    first = [str(one.problem) for one in lint(files)]
    assert first
    assert [str(one.problem) for one in lint(files)] == first
    assert [branch.explicit for branch in branches_of(body)] == [branch.explicit for branch in tracer(body).branches]


# Templates of nested questions about three traits, with texts and numbers as literals.
literals = st.sampled_from(["'red'", "'blue'", "40", "42", "44", "true"])
atoms = st.one_of(
    st.sampled_from(PATHS),
    st.builds("{} {} {}".format, st.sampled_from(PATHS), st.sampled_from(["==", "!="]), literals),
    st.builds(
        "{} {} {}".format, st.sampled_from(PATHS), st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(["40", "42", "44"])
    ),
)  # fmt: skip
conditions = st.one_of(atoms, st.builds("{} {} {}".format, atoms, st.sampled_from(["and", "or"]), atoms))


def choice(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{{% if {} %}}{}{{% elsif {} %}}{}{{% else %}}{}{{% endif %}}".format,
                  conditions, inner, conditions, inner, inner),
        st.builds("{{% unless {} %}}{}{{% else %}}{}{{% endunless %}}".format, conditions, inner, inner),
        st.builds("{{% case {} %}}{{% when {} %}}{}{{% when {} %}}{}{{% else %}}{}{{% endcase %}}".format,
                  st.sampled_from(PATHS), literals, inner, literals, inner, inner),
    )  # fmt: skip


templates = st.recursive(st.just("x"), choice, max_leaves=8)
values = st.sampled_from([ABSENT, "red", "blue", "green", 39, 40, 41, 42, 43, 44, 45, True, False])
contexts = st.fixed_dictionaries(dict.fromkeys(PATHS, values)).map(
    lambda found: {name: value for name, value in found.items() if value is not ABSENT}
)


@settings(max_examples=150, deadline=None)
@given(templates, st.lists(contexts, min_size=8, max_size=8))
def test_a_branch_that_somebody_takes_is_never_called_dead(source: str, people: list[dict[str, Any]]) -> None:
    traced = tracer(source)
    reached = {
        branch.number for branch in traced.branches if any(solve(way, lambda _: Domain()) for way in branch.when)
    }
    reached |= {branch.number for branch in traced.branches if any(way == () for way in branch.when)}
    for context in people:
        assert traced.taken(context) <= reached, (source, context)


@settings(max_examples=150, deadline=None)
@given(templates)
def test_whom_the_analysis_makes_up_takes_the_branch(source: str) -> None:
    traced = tracer(source)
    for branch in traced.branches:
        for way in branch.when:
            wishes = solve(way, lambda _: Domain())
            if wishes is not None:
                context = {str(path[0]): value for path, value in wishes.items() if value is not ABSENT}
                assert branch.number in traced.taken(context), (source, branch.label, context)


def test_every_branch_that_can_be_reached_has_somebody() -> None:
    body = """<mj-text>
    {% case loyalty_tier %}{% when "gold" %}G{% when "silver" %}S{% else %}N{% endcase %}
    {% if country == "AT" %}{% if cart.items.size > 2 %}three in Austria{% endif %}{% endif %}
    {% for item in cart.items %}{% unless item.price %}ask us{% endunless %}{% endfor %}
    {% if cart.total > 500 %}free shipping{% endif %}
    {% assign more = cart.items.size | minus: 1 %}{% if more > 3 %}many{% endif %}
    {% if profile.segments contains "vip" %}friend{% endif %}
    </mj-text>"""
    campaigns = publish(campaign_files(body) | {"flows/f.yaml": CART})
    found = list(People(campaigns).of("note"))
    said = [Renderer(campaigns).render("note", person.context).text for person in found]
    for word in ("G", "S", "N", "three in Austria", "ask us", "free shipping", "many", "friend"):
        assert any(word in text for text in said), word
    names = [person.name for person in found]
    assert len(set(names)) == len(names)
    assert any("gold customer in Germany" in name for name in names)
    assert any("in Austria" in name and "cart of three" in name for name in names)
    assert len(found) <= 2 + 12


def test_people_are_made_up_per_flow_and_their_number_is_bounded() -> None:
    many = "".join(f"{{% if trait_{number} == 'a' %}}x{{% else %}}y{{% endif %}}" for number in range(60))
    campaigns = publish(campaign_files(f"<mj-text>{many}</mj-text>") | {"flows/f.yaml": CART, "flows/g.yaml": FIFTH})
    found = list(People(campaigns).of("note"))
    assert len(found) == 2 * (2 + 24)
    assert {person.use.flow for person in found} == {"f", "g"}


@pytest.mark.parametrize(
    ("body", "flows", "messages"),
    [
        ("{% if city %}a{% elsif city %}b{% endif %}", (), ["{% elsif city %} never holds"]),
        ("{% if city == 'Oslo' %}{% if city == 'Rome' %}a{% endif %}{% endif %}", (), ["{% if city == 'Rome' %} never"]),
        ("{% if nth > 3 %}a{% else %}b{% endif %}", (FIFTH,), ["this else is never reached"]),
        ("{% if nth == 4 %}a{% elsif nth == 5 %}b{% endif %}", (FIFTH,), ["{% if nth == 4 %} never holds"]),
        ("{% if segment == 'vip' %}a{% else %}b{% endif %}", (VIP,), ["this else is never reached"]),
        ("{% if segment == 'vip' %}a{% endif %}", (VIP,), []),
        ("{% for i in cart.items %}a{% else %}b{% endfor %}", (), ["this else is never reached"]),
        ("{% if cart.items.size == 0 %}a{% endif %}", (), ["{% if cart.items.size == 0 %} never holds"]),
        ("{% if cart.count > 5 %}a{% elsif cart.count > 7 %}b{% endif %}", (), ["{% elsif cart.count > 7 %} never"]),
        ("{% if cart %}a{% endif %}{% if order %}b{% endif %}", (CART, FIFTH), []),
        ("{% if cart %}{% if order %}b{% endif %}{% endif %}", (CART, FIFTH), ["{% if order %} never holds"]),
        ("{% if brand.logo_url %}a{% else %}b{% endif %}", (), []),
        ("{% if false %}a{% endif %}", (), ["{% if false %} never holds"]),
        ("{% if city %}{% assign city = 'Oslo' %}{% endif %}{% unless city %}a{% endunless %}", (), []),
        ("{% for i in cart.items %}{% for j in cart.items %}{% if i.price %}{% unless j.price %}a{% endunless %}"
         "{% endif %}{% endfor %}{% endfor %}", (), []),
    ],
)  # fmt: skip
def test_branches_that_nobody_reaches_are_told(body: str, flows: tuple[bytes, ...], messages: list[str]) -> None:
    told = dead(body, *flows)
    assert len(told) == len(messages), told
    for one, message in zip(told, messages, strict=True):
        assert one.startswith(message)


def test_a_branch_of_a_shared_block_lives_when_one_template_needs_it() -> None:
    files = campaign_files("{% assign item = cart.items.first %}<mj-include path=\"b\" />") | {
        "blocks/b.mjml": b"<mj-text>{% if kind == 'long' %}long{% else %}short{% endif %}</mj-text>", "flows/f.yaml": CART,
    }  # fmt: skip
    assert [one.problem.code for one in lint(files)] == []


def test_the_place_of_a_branch_is_its_tag() -> None:
    source = (
        "{% if a %}{% if b %}x{% endif %}{% elsif c %}{% if d %}y{% endif %}{% else %}{% if e %}z{% endif %}{% endif %}"
    )
    shown = [source[tag_of(source, branch) :][:10] for branch in tracer(source).branches if branch.explicit]
    assert shown == ["{% if a %}", "{% if b %}", "{% elsif c", "{% if d %}", "{% else %}", "{% if e %}"]
