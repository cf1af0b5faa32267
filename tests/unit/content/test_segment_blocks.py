"""Blocks that only members of a segment see."""

from __future__ import annotations

import pytest

from homing.domain.content.lint import lint
from homing.domain.content.publish import publish
from homing.domain.content.render import Renderer
from homing.domain.errors import InvalidCampaign
from tests.unit.content.support import campaign_files, context

OUTER = "</mj-column></mj-section>\n{}\n<mj-section><mj-column>"
BLOCK = "<mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>"
MORE = {
    "segments/vip.yaml": b"when: {did: Order Completed, times: {at_least: 5}}\n",
    "flows/f.yaml": b"on: cart_abandoned\nsteps: [{send: note}]\n",
    "blocks/hero.mjml": BLOCK.format("For our best").encode(),
    "blocks/plain.mjml": BLOCK.format("For everybody").encode(),
}


def files(include: str) -> dict[str, bytes]:
    """Campaigns with one template that includes this, between two sections."""
    return campaign_files(OUTER.format(include)) | MORE


def shown(include: str, *segments: str) -> str:
    """The text part for a member of these segments."""
    campaigns = publish(files(include))
    found = context(campaigns)
    found["profile"] = found["profile"] | {"segments": list(segments)}
    return Renderer(campaigns).render("note", found).text


def test_members_see_the_block_and_others_do_not() -> None:
    include = '<mj-include path="hero" for="vip" />'
    assert "For our best" in shown(include, "vip", "other")
    assert "For our best" not in shown(include, "other")


def test_others_see_the_other_block() -> None:
    include = "<mj-include for='vip' else='plain' path='hero'></mj-include>"
    member, stranger = shown(include, "vip"), shown(include)
    assert ("For our best" in member, "For everybody" in member) == (True, False)
    assert ("For our best" in stranger, "For everybody" in stranger) == (False, True)


@pytest.mark.parametrize(
    ("include", "message", "code", "column"),
    [
        (
            '<mj-include path="hero" for="vipp" />',
            "there is no segment 'vipp' (did you mean 'vip'?)",
            "unknown_segment",
            30,
        ),
        ('<mj-include path="hero" for="vip" else="plane" />', "there is no block 'plane'", "unknown_block", 41),
        ('<mj-include path="hero" four="vip" />', "no attribute 'four'", "mjml", 25),
        ('<mj-include path="hero" else="plain" />', "else needs for", "mjml", 31),
        ('<mj-include for="vip" />', "says which block", "mjml", 1),
    ],
)
def test_mistakes_are_refused_with_their_places(include: str, message: str, code: str, column: int) -> None:
    with pytest.raises(InvalidCampaign) as caught:
        publish(files(include))
    assert message in caught.value.message
    assert (caught.value.code, caught.value.file, caught.value.column) == (code, "templates/note.mjml", column)


def test_check_finds_nothing_to_say_of_them() -> None:
    findings = {one.problem.code for one in lint(files('<mj-include path="hero" for="vip" else="plain" />'))}
    assert findings & {"dead_branch", "unused_block", "unknown_segment", "mjml", "render"} == set()
