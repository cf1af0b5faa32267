"""Where a statement came from is told as a person would: nobody takes "segment" for a segment of customers."""

from __future__ import annotations

import pytest

from homing.domain.explain import words
from homing.domain.explain.evidence import statement
from homing.domain.profiles.profile import EXPLICIT, IMPORTED, TraitValue
from homing.domain.time import zone
from homing.services import manage_preferences
from homing.sources import segment_spec, shopify
from tests.fixtures.shop import instant

ZONE = zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (segment_spec.SOURCE, "through the shop's SDK"),
        (shopify.SOURCE, "by Shopify"),
        (manage_preferences.SOURCE, "on the preference page"),
        (manage_preferences.PAGE, "on the preference page"),
        (manage_preferences.ONE_CLICK, "with one click in the mail program"),
        (manage_preferences.CONFIRMED, "with the confirmation link"),
        ("csv", "from a CSV file"),
        ("loyalty_desk", "by loyalty desk"),
        ("", "by nobody"),
    ],
)
def test_a_source_has_words_and_one_of_the_shops_own_keeps_its_name(source: str, told: str) -> None:
    assert words.heard(source) == told


def test_a_trait_says_how_it_came() -> None:
    at = instant("2026-03-02T09:00:00Z")
    said = statement(TraitValue(EXPLICIT, at, "segment", "DE"), ZONE)
    assert said == "DE, said through the shop's SDK on 2 Mar 2026, 10:00 (confidence 1)"
    said = statement(TraitValue(IMPORTED, at, "csv", "DE"), ZONE)
    assert said == "DE, imported from a CSV file on 2 Mar 2026, 10:00 (confidence 0.8)"
