"""What `homing check` says, and that it is written down."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from homing.adapters.files import read_folder
from homing.cli.check import command as check_command
from homing.cli.publish import command as publish_command
from homing.domain.content.codes import CODES
from homing.domain.content.lint import lint
from tests.unit.content.support import campaign_files

ROOT = Path(__file__).parents[3]
BAD = ROOT / "tests" / "fixtures" / "bad_campaigns"
WORDS = f"<mj-text>{'Some words of running text. ' * 8}</mj-text>"
CART = b"on: cart_abandoned\nsteps: [{send: note}]\n"


def found(body: str, *, flow: bytes = CART, **more: str) -> list[tuple[str, str]]:
    """Codes and messages about one template that a flow sends."""
    findings = lint(campaign_files(body, **more) | {"flows/f.yaml": flow})
    return [(finding.problem.code, finding.problem.message) for finding in findings]


def codes(body: str, *, flow: bytes = CART, **more: str) -> list[str]:
    """Only the codes."""
    return [code for code, _ in found(body, flow=flow, **more)]


@pytest.mark.parametrize("folder", [BAD, BAD.parent / "careless_campaigns"], ids=lambda folder: folder.name)
def test_bad_campaigns_are_found_out(folder: Path) -> None:
    lines = [f"{finding.severity[0]} {finding.problem}" for finding in lint(read_folder(folder))]
    assert lines == (folder / "expected.txt").read_text(encoding="utf-8").splitlines()


def test_the_bad_campaigns_show_what_check_finds() -> None:
    expected = [folder / "expected.txt" for folder in (BAD, BAD.parent / "careless_campaigns")]
    shown = {line.split()[2] for file in expected for line in file.read_text(encoding="utf-8").splitlines()}
    new = {
        "broken_link", "client_support", "dead_branch", "insecure_link", "long_subject", "loud_words", "low_contrast",
        "masked_link", "missing_address", "missing_alt", "only_pictures", "shortened_link", "shouting", "too_large",
    }  # fmt: skip
    assert new <= shown


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<mj-text>{{ first_name }}</mj-text>", ["may_be_missing"]),
        ("<mj-text>{{ first_name | default: 'you' }}</mj-text>", []),
        ("<mj-text>Hello {{ first_name | default: ' ' }}!</mj-text>", ["empty_fallback"]),
        ("<mj-text>{% echo first_name | default: '' %}</mj-text>", ["empty_fallback"]),
        ("<mj-text>{{ first_name | default: '' | append: '!' }}</mj-text>", []),
        ("<mj-text>{% assign who = first_name | default: '' %}{% if who != '' %}{{ who }}{% endif %}</mj-text>", []),
        ("<mj-text>{{ first_name | upcase | default: 'you' }}</mj-text>", ["may_be_missing", "render"]),
        ("<mj-text>{% if first_name %}{{ first_name }}{% endif %}</mj-text>", []),
        ("<mj-text>{% if first_name %}{% else %}{{ first_name }}{% endif %}</mj-text>", ["may_be_missing", "render"]),
        ("<mj-text>{% unless first_name %}you{% else %}{{ first_name }}{% endunless %}</mj-text>", []),
        ("<mj-text>{% if a %}a{% elsif city %}{{ city }}{% endif %}</mj-text>", []),
        ("<mj-text>{{ cart.total | money }}</mj-text>", ["may_be_missing", "render"]),
        ("<mj-text>{% if cart.total %}{{ cart.total | money }}{% endif %}</mj-text>", []),
        ("<mj-text>{% for i in cart.items %}{{ i.name }}{{ i.price }}{% endfor %}</mj-text>", ["may_be_missing"]),
        ("<mj-text>{% for i in cart.items %}{% if i.price %}{{ i.price }}{% endif %}{% endfor %}</mj-text>", []),
        ("<mj-text>{% assign all = cart.items %}{% for i in all %}{{ i.nam }}{% endfor %}</mj-text>",
         ["unknown_attribute"]),
        ("<mj-text>{{ cart.items.first.name }}{{ cart.items[0].nme }}</mj-text>", ["unknown_attribute"]),
        ("<mj-text>{{ cart.items | map: 'name' | join: ', ' }}</mj-text>", []),
        ("<mj-text>{{ brand.nme }}</mj-text>", ["unknown_attribute"]),
        ("<mj-text>{{ brand.logo_url }}</mj-text>", ["may_be_missing", "render"]),
        ("<mj-text>{{ carts.items }}</mj-text>", ["unknown_variable"]),
        ("<mj-text>{{ order.total }}</mj-text>", ["may_be_missing", "wrong_trigger"]),
        ("<mj-text>{{ cart.count | plurals: 'a', 'b' }}</mj-text>", ["unknown_filter"]),
        ("<mj-text>{% capture x %}a{% endcapture %}{{ x }}</mj-text>", []),
        ("<mj-text>{% for i in cart.items %}{{ forloop.index }}{% endfor %}</mj-text>", []),
        (WORDS + '<mj-image src="https://shop.example/a.png" />', ["missing_alt"]),
        (WORDS + '<mj-image src="https://shop.example/a.png" alt="" />', []),
        ("<mj-text>" + "long " * 22_000 + "</mj-text>", ["too_large"]),
    ],
)  # fmt: skip
def test_templates_are_read_before_they_are_sent(body: str, expected: list[str]) -> None:
    # A mistake that the sample customer runs into is said twice only where nothing graver was found before.
    assert sorted(code for code in codes(body) if code != "render") == sorted(c for c in expected if c != "render")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ frist_name | default: 'there' }}", ["'frist_name' may be misspelt (did you mean 'first_name'?)"]),
        ("{% if frist_name %}{{ frist_name }}{% endif %}",
         ["'frist_name' may be misspelt (did you mean 'first_name'?)"]),
        ("{{ profile.traits.frist_name | default: 'there' }}",
         ["'frist_name' may be misspelt (did you mean 'first_name'?)"]),
        ("{% if contry == 'DE' %}a{% endif %}", ["'contry' may be misspelt (did you mean 'country'?)"]),
        ("{{ sheo_size | default: 40 }}", ["'sheo_size' may be misspelt (did you mean 'shoe_size'?)"]),
        ("{{ firstName | default: 'you' }}{{ timezone | default: 'UTC' }}{{ shoe_size | default: 40 }}", []),
        ("{{ favourite_colour | default: 'green' }}{{ loyalty_points | default: 0 }}", []),
        ("{% assign frist_name = 'a' %}{% if frist_name %}{{ frist_name }}{% endif %}", []),
    ],
)  # fmt: skip
def test_a_trait_that_is_asked_for_may_be_misspelt(body: str, expected: list[str]) -> None:
    flow = CART + b"stop_when: {any: [{trait: {shoe_size: {more_than: 46}}}, {did: Order Completed}]}\n"
    findings = found(f"<mj-text>{body}</mj-text>", flow=flow)
    assert [message for _, message in findings] == expected
    assert {code for code, _ in findings} <= {"may_be_misspelt"}


def test_a_template_that_fails_for_a_stranger_is_an_error() -> None:
    findings = found("<mj-text>{{ first_name }}</mj-text>")
    assert [code for code, _ in findings] == ["render", "may_be_missing"]
    assert "for a made-up stranger" in findings[0][1]


def test_a_template_is_checked_against_every_flow_that_sends_it() -> None:
    body = "<mj-text>{{ cart.count }}</mj-text>"
    assert codes(body) == []
    assert codes(body, flow=b"on: birthday\nsteps: [{if: {segment: s}, then: [{send: note}]}]\n") == [
        "unknown_segment", "wrong_trigger",
    ]  # fmt: skip


def test_a_mail_that_needs_consent_needs_its_link() -> None:
    files = campaign_files() | {"flows/f.yaml": CART}
    files["templates/note.mjml"] = files["templates/note.mjml"].replace(
        b"{{ unsubscribe_url }}", b"{{ brand.website }}"
    )
    assert [finding.problem.code for finding in lint(files)] == ["missing_unsubscribe"]
    files["flows/f.yaml"] = CART + b"topic: receipts\n"
    assert lint(files) == []


def test_what_nobody_uses_is_told() -> None:
    files = campaign_files() | {"blocks/spare.mjml": b"<mj-text>a</mj-text>"}
    assert [finding.problem.code for finding in lint(files)] == ["unused_block", "unused_template"]


@pytest.mark.parametrize(
    "body",
    [
        "{% for i in cart.items %}{{ i.name }}{% endfor %}",
        "{{ order.order_id }} {{ nth }}",
        "{{ years }} {{ segment }}",
        "{{ event.rating }}",
        "{{ data.title }}",
        "{{ confirm_url }}",
    ],
)
def test_a_template_that_no_flow_sends_is_told_once_and_not_held_against_a_trigger(body: str) -> None:
    files = campaign_files(f"<mj-text>{body}</mj-text>")
    found = [(finding.severity, finding.problem.code) for finding in lint(files)]
    assert ("warning", "unused_template") in found
    assert {severity for severity, _ in found} == {"warning"}
    assert "render" not in {code for _, code in found}


def test_the_mail_that_fails_is_told_with_the_flow_that_sends_it() -> None:
    findings = found("<mj-text>{{ first_name }}</mj-text>")
    assert findings[0][1].endswith("(for a made-up stranger, cart of one, in the flow f)")


def test_what_starts_a_flow_is_told_in_the_words_of_a_file() -> None:
    (finding,) = lint(campaign_files() | {"flows/f.yaml": CART.replace(b"cart_abandoned", b"did")})
    assert "{did: …}" in finding.problem.message
    assert "'event'" not in finding.problem.message


@pytest.mark.parametrize("content", ["", "{}", "garbage \udcff", '{"settings": 3}'])
def test_a_file_that_is_no_bundle_is_told_in_a_sentence(tmp_path: Path, content: str) -> None:
    bundle, folder = tmp_path / "bundle.json", ROOT / "layers" / "campaigns"
    bundle.write_bytes(content.encode(errors="surrogateescape"))
    result = CliRunner().invoke(check_command, ["--campaigns", str(folder), "--against", str(bundle)])
    assert result.exit_code == 2
    assert f"{bundle} is no bundle: write one with `homing publish`" in " ".join(result.output.split())


def test_an_event_almost_known_is_pointed_out_and_ones_own_are_fine() -> None:
    def about(name: str) -> list[str]:
        rule = f"when: {{did: {name}}}\n".encode()
        files = campaign_files() | {"flows/f.yaml": CART, "segments/s.yaml": rule}
        return [finding.problem.message for finding in lint(files)]

    assert about("Quiz Finished") == []
    # Other events that share a word with one of the catalogue are no slips.
    for own in (
        "Order Delivered",
        "Signed In",
        "Card Added",
        "Email Preferences Saved",
        "Product Reviewed",
        "Order Shipped",
    ):
        assert about(own) == []
    for wrong, right in (
        ("product viewed", "Product Viewed"), ("Order Completd", "Order Completed"), ("OrderCompleted", "Order Completed"),
        ("order_completed", "Order Completed"), ("Ordre Completed", "Order Completed"), ("Cart Viewd", "Cart Viewed"),
        ("Orders Completed", "Order Completed"), ("Check-out Started", "Checkout Started"),
    ):  # fmt: skip
        assert about(wrong) == [f"no event is called {wrong!r} (did you mean {right!r}?)"]


def test_a_mistake_in_a_shared_block_is_said_once() -> None:
    files = campaign_files('<mj-include path="b" />') | {
        "blocks/b.mjml": b"<mj-text>{{ city }}</mj-text>",
        "flows/f.yaml": b"on: cart_abandoned\nsteps: [{send: note}, {send: other}]\n",
    }
    files["templates/other.mjml"] = files["templates/note.mjml"]
    told = [str(finding.problem) for finding in lint(files) if finding.problem.code == "may_be_missing"]
    assert len(told) == 1
    assert told[0].startswith("blocks/b.mjml:1:13: ")


def test_the_exit_code_says_whether_there_are_problems(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(check_command, ["--campaigns", str(BAD)]).exit_code == 1
    assert run(check_command, ["--campaigns", str(tmp_path / "none")]).exit_code == 2
    for file, content in (campaign_files() | {"flows/f.yaml": CART}).items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
    assert run(check_command, ["--campaigns", str(tmp_path)]).output == f"{tmp_path}: no problems\n"
    (tmp_path / "flows" / "f.yaml").unlink()
    assert run(check_command, ["--campaigns", str(tmp_path)]).exit_code == 0
    assert run(check_command, ["--campaigns", str(tmp_path), "--strict"]).exit_code == 1


def test_findings_for_programs_are_json() -> None:
    output = CliRunner().invoke(check_command, ["--campaigns", str(BAD), "--json"]).output
    first = json.loads(output)[0]
    assert set(first) == {"file", "line", "column", "severity", "code", "message"}


def test_publish_writes_the_bundle_or_tells_every_mistake(tmp_path: Path) -> None:
    out = tmp_path / "bundle.json"
    result = CliRunner().invoke(publish_command, ["--campaigns", str(BAD), "--out", str(out)])
    assert (result.exit_code, out.exists()) == (1, False)
    assert "flows/cart.yaml:1:5: invalid_value" in result.stderr
    good = ROOT / "layers" / "campaigns"
    result = CliRunner().invoke(publish_command, ["--campaigns", str(good), "--out", str(out), "--json"])
    assert json.loads(result.output)["bytes"] == out.stat().st_size


def test_every_code_that_is_raised_is_documented() -> None:
    folder = ROOT / "layers" / "core" / "python" / "homing" / "domain" / "content"
    raised = {
        keyword.value.value
        for file in folder.rglob("*.py")
        if file.name not in {"render.py", "filters.py", "context.py"}
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    }
    assert raised <= set(CODES)
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    for code in CODES:
        assert f"| `{code}` |" in page
