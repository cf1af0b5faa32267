"""The link of a confirmation mail: opening it changes nothing, the button does, and only for that address."""

from __future__ import annotations

import pytest

from homing.domain.delivery.links import CONFIRM_WITHIN
from homing.domain.delivery.pages.confirm import TEXTS as WORDS
from homing.domain.delivery.pages.texts import TEXTS
from homing.domain.profiles.profile import EXPLICIT, TraitValue
from homing.domain.time import DAY, SECOND
from homing.services.http import HttpRequest, HttpResponse
from tests.unit.services.test_manage_preferences import ADDRESS, CAMPAIGNS, IDENTITY, LINKS, NOW, PERSON, World


class Confirming(World):
    def confirm(self, method: str, topic: str = "marketing", *, purpose: str = "confirm", ago: int = 0) -> HttpResponse:
        token = LINKS.token(purpose, PERSON, ADDRESS, topic, NOW - ago)  # type: ignore[arg-type]
        return self.manage(HttpRequest(method, "/confirm", {}, {"t": token}, b"confirm=1"))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_link_agrees_to_nothing(method: str) -> None:
    world = Confirming(consents={})
    answer = world.confirm(method)
    assert answer.status == 200
    assert world.events == []
    assert "<form" in str(answer.body)


def test_the_button_says_yes_by_a_source_that_no_storefront_can_claim() -> None:
    world = Confirming(consents={})
    assert world.confirm("POST").status == 200
    (event,) = world.events
    assert (event.name, event.source, event.properties["topic"]) == ("Subscribed", "preferences", "marketing")
    assert event.properties["source"] == "confirmation link"
    assert "Offers" in event.properties["wording"]
    assert event.context["profile_id"] == PERSON


@pytest.mark.parametrize("purpose", ["unsubscribe", "preferences"])
def test_a_link_of_another_purpose_confirms_nothing(purpose: str) -> None:
    world = Confirming(consents={})
    assert world.confirm("POST", purpose=purpose).status == 400
    token = LINKS.token("confirm", PERSON, ADDRESS, "marketing", NOW)
    assert world.manage(HttpRequest("POST", "/unsubscribe", {}, {"t": token}, b"")).status == 400
    assert world.events == []


@pytest.mark.parametrize(("ago", "status"), [(CONFIRM_WITHIN - SECOND, 200), (CONFIRM_WITHIN, 410), (30 * DAY, 410)])
def test_the_link_expires_after_a_week(ago: int, status: int) -> None:
    world = Confirming(consents={})
    assert world.confirm("POST", ago=ago).status == status
    assert bool(world.events) == (status == 200)


def test_it_holds_for_the_address_that_was_written_to() -> None:
    world = Confirming(consents={})
    profile = world.profiles.read([PERSON])[PERSON]
    profile.traits["email"] = TraitValue(EXPLICIT, NOW, "segment", "other@example.com")  # type: ignore[union-attr]
    profile.version = 2  # type: ignore[union-attr]
    world.profiles.write(profile, expected=1)  # type: ignore[arg-type]
    assert world.confirm("POST").status == 410
    assert world.events == []
    assert IDENTITY.key("email", "other@example.com") != ADDRESS


def test_a_topic_that_is_gone_can_not_be_confirmed() -> None:
    world = Confirming(consents={})
    assert world.confirm("POST", "gone").status == 410
    assert world.events == []
    assert "gone" not in CAMPAIGNS.settings.topics


def test_the_page_speaks_every_language_of_the_other_pages() -> None:
    assert WORDS.keys() == TEXTS.keys()
    assert len({frozenset(words) for words in WORDS.values()}) == 1
