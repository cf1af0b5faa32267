"""Choices in files, templates, blocks and messages."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from homing.adapters.memory import MemoryJournal, MemoryMailer, MemoryProfiles
from homing.domain.campaigns import Campaigns
from homing.domain.content.lint import lint
from homing.domain.content.publish import collect, publish
from homing.domain.content.render import Renderer
from homing.domain.content.samples import sample_context
from homing.domain.content.usage import Use
from homing.domain.delivery.links import Links
from homing.domain.delivery.message import SendRequest
from homing.domain.engine import Engine
from homing.domain.errors import InvalidCampaign
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.local.decisions import message
from homing.services.send_email import SendEmail
from tests.fixtures.shop import START, identified, instant
from tests.unit.content.support import campaign_files

HERO = b"""\
matrix:
  by: [{trait: country}, {segment: buyers}]
  rows:
    - [DE, "*", garden]
    - [DE, yes, kitchen]
default: none
"""
BUYERS = b"when: {did: Order Completed}\n"
FLOW = b"on: flow_requested\nsteps: [{send: note}]\n"
INCLUDE = '</mj-column></mj-section><mj-include path="{{ choice.hero }}" /><mj-section><mj-column>'


def shop(hero: bytes = HERO, body: str = "<mj-text>{{ choice.hero }}</mj-text>", **more: bytes) -> dict[str, bytes]:
    files = campaign_files(body) | {"choices/hero.yaml": hero, "segments/buyers.yaml": BUYERS, "flows/f.yaml": FLOW}
    for name in ("garden", "kitchen"):
        text = f"<mj-section><mj-column><mj-text>The {name} block</mj-text></mj-column></mj-section>"
        files |= {f"blocks/{name}.mjml": text.encode()}
    return files | more


def codes(files: dict[str, bytes]) -> list[str]:
    return [finding.problem.code for finding in lint(files)]


def html(bundle: Campaigns, chosen: Any) -> str:
    context = sample_context(bundle, "note", Use("f", "flow_requested", "marketing"), bare=False)
    return Renderer(bundle).render("note", context | {"choice": {"hero": chosen}}).html


def test_a_block_is_chosen_among_those_that_the_choice_lists_and_none_puts_in_nothing() -> None:
    bundle = publish(shop(body=INCLUDE))
    assert bundle.templates["note"].choices == ["hero"]
    assert "The garden block" in html(bundle, "garden")
    assert "The kitchen block" not in html(bundle, "garden")
    assert "The kitchen block" in html(bundle, "kitchen")
    assert "The garden block" not in html(bundle, "none")
    assert "The kitchen block" not in html(bundle, "none")
    assert codes(shop(body=INCLUDE)) == []


def test_a_block_that_a_variant_names_must_be_there() -> None:
    _, problems = collect(shop(HERO.replace(b"kitchen", b"kitchn"), body=INCLUDE))
    assert [(problem.code, problem.file) for problem in problems] == [("unknown_block", "templates/note.mjml")]


def test_rows_that_tie_are_refused_at_their_place() -> None:
    with pytest.raises(InvalidCampaign) as refused:
        publish(shop(HERO.replace(b"[DE, yes, kitchen]", b'["*", yes, kitchen]')))
    assert str(refused.value).startswith("choices/hero.yaml:5:")
    assert refused.value.code == "choice_tie"
    assert "country DE, buyers yes" in refused.value.message


def test_a_third_row_for_the_people_in_both_decides_a_tie() -> None:
    rows = b'["*", yes, kitchen]\n    - [DE, yes, garden]'
    assert codes(shop(HERO.replace(b"[DE, yes, kitchen]", rows))).count("choice_tie") == 0


def test_what_nobody_gets_to_is_a_warning() -> None:
    rules = b"""\
rules:
  - {when: {trait: {country: {in: [DE, AT]}}}, give: garden}
  - {when: [{trait: {country: DE}}, {segment: buyers}], give: kitchen}
default: none
"""
    assert codes(shop(rules)) == ["unused_block", "unused_block", "unreachable_choice"]
    tree = b"""\
tree:
  if: {trait: {age: {at_least: 30}}}
  then: {if: {trait: {age: {more_than: 20}}}, then: garden, else: kitchen}
default: none
"""
    found = [finding.problem for finding in lint(shop(tree)) if finding.problem.code == "unreachable_choice"]
    assert [(problem.line, problem.file) for problem in found] == [(3, "choices/hero.yaml")]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (HERO.replace(b"default: none\n", b""), "missing_key"),
        (HERO + b"rules: [{when: {segment: buyers}, give: x}]\n", "invalid_value"),
        (HERO.replace(b"segment: buyers", b"segment: buyer"), "unknown_segment"),
        (HERO.replace(b"trait: country", b"computed: ordrs"), "unknown_attribute"),
        (HERO.replace(b"DE, yes, kitchen", b"DE, maybe, kitchen"), "invalid_value"),
        (HERO.replace(b"kitchen", b'"{{ first_name }}"'), "invalid_value"),
        (HERO.replace(b"[DE, yes, kitchen]", b"[DE, kitchen]"), "invalid_value"),
    ],
)
def test_mistakes_in_a_choice_are_told(written: bytes, code: str) -> None:
    _, problems = collect(shop(written))
    assert code in [problem.code for problem in problems]


def test_values_that_a_variant_may_leave_out_and_choices_that_are_not_there_are_told() -> None:
    hero = b"rules: [{when: {segment: buyers}, give: {line: Hi, more: There}}]\ndefault: {line: Hello}\n"
    assert "may_be_missing" in codes(
        shop(hero, body="<mj-text>{{ choice.hero.line }} {{ choice.hero.more }}</mj-text>")
    )
    assert "unknown_attribute" in codes(shop(body="<mj-text>{{ choice.heroe }}</mj-text>"))
    assert "unused_choice" in codes(shop(body="<mj-text>Hi</mj-text>"))


def test_the_memory_that_a_choice_reads_is_planned_by_the_engine() -> None:
    asked = b"rules: [{when: {did: Wishlist Shared, times: 4}, give: a}]\ndefault: b\n"
    assert "Wishlist Shared" in str(Engine(publish(shop(asked))).plan.by_event)
    unread = shop(asked, body="<mj-text>Hi</mj-text>")
    assert "Wishlist Shared" not in str(Engine(publish(unread)).plan.by_event)


def test_the_variant_and_its_reason_are_kept_with_the_message() -> None:
    bundle = publish(shop())
    engine, identity = Engine(bundle), Identity(b"secret")
    profiles, journal, mailer, tokens = MemoryProfiles(), MemoryJournal(), MemoryMailer(), count()
    now = instant(START)
    send = SendEmail(
        bundle, identity, profiles, journal, mailer, Renderer(bundle), Links(b"secret", "https://api.example"),
        lambda: now, lambda: f"lease-{next(tokens)}", engine=engine,
    )  # fmt: skip
    for user, country in (("ana", "DE"), ("ben", "FR")):
        profile = Profile(identity.key("user_id", user))
        engine.receive(profile, identified(user, country=country))
        profile.version = 1
        profiles.write(profile, expected=0)
        request = SendRequest(user, profile.id, "run", "f", "note", "marketing", "flow_requested", now, now)
        assert send(request).status == "sent"
    entries = {key: entry for ledger in journal.ledgers() for key, entry in ledger.entries.items()}
    assert (entries["ana"].variant, entries["ana"].because) == ("hero=garden", "hero: row 1: country DE")
    assert (entries["ben"].variant, entries["ben"].because) == ("hero=none", "hero: no row matches: the default")
    line = message("p", entries["ana"], None, None)
    assert (line.variant, line.because) == ("hero=garden", "hero: row 1: country DE")
