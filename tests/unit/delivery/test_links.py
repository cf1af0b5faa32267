"""Links that open one door for one person."""

from __future__ import annotations

import pytest

from homing.domain.delivery.links import Links
from homing.domain.errors import InvalidInput
from homing.domain.time import DAY, parse_instant

NOW = parse_instant("2026-11-22T12:00:00Z")
LINKS = Links(b"secret", "https://shop.example/")
PERSON, ADDRESS = "a" * 26, "b" * 26


def token() -> str:
    return LINKS.token("unsubscribe", PERSON, ADDRESS, "marketing", NOW)


def test_a_link_proves_what_it_was_made_for() -> None:
    url = LINKS.unsubscribe_url(PERSON, ADDRESS, "marketing", NOW)
    base, _, text = url.partition("?t=")
    assert base == "https://shop.example/unsubscribe"
    claims = LINKS.read(text, "unsubscribe", NOW)
    assert (claims.profile_id, claims.email_key, claims.topic, claims.issued_at) == (PERSON, ADDRESS, "marketing", NOW)
    assert len(url) < 200
    assert LINKS.preferences_url(PERSON, ADDRESS, "*", NOW).startswith("https://shop.example/preferences?t=")


def test_a_link_of_one_purpose_does_not_open_another() -> None:
    with pytest.raises(InvalidInput):
        LINKS.read(token(), "preferences", NOW)


def test_no_character_can_be_changed() -> None:
    good = token()
    for at in range(0, len(good), 7):
        changed = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        with pytest.raises(InvalidInput) as caught:
            LINKS.read(changed, "unsubscribe", NOW)
        assert caught.value.code == "bad_link"


@pytest.mark.parametrize("text", ["", "x", "====", "ä", "a" * 3000, "AQE"])
def test_anything_else_is_a_bad_link(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        LINKS.read(text, "unsubscribe", NOW)
    assert caught.value.code == "bad_link"


def test_another_deployment_s_link_is_worth_nothing() -> None:
    with pytest.raises(InvalidInput):
        Links(b"other", "https://shop.example").read(token(), "unsubscribe", NOW)


def test_a_link_ends_after_two_years() -> None:
    assert LINKS.read(token(), "unsubscribe", NOW + 729 * DAY)
    with pytest.raises(InvalidInput) as caught:
        LINKS.read(token(), "unsubscribe", NOW + 730 * DAY)
    assert caught.value.code == "link_expired"
