"""Every trigger has words in the story of a customer."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from homing.domain.flows.trigger import Trigger, TriggerKind
from homing.local.report import timeline


def test_no_trigger_is_told_by_the_word_of_the_language() -> None:
    assert set(get_args(TriggerKind)) == set(timeline._TRIGGERS)


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ({"did": "Review Posted"}, "Did Review Posted."),
        ({"segment_entered": "keen-readers"}, "Entered Keen readers."),
        ({"segment_left": "vip"}, "Left VIP."),
        ({"date_reached": "renews_on"}, "The date renews_on came round."),
        ({"schedule": {"segment": "vip"}}, "A time that a flow keeps for everybody in VIP."),
        ("cart_abandoned", ""),
    ],
)
def test_what_has_a_name_is_told_by_it(on: Any, words: str) -> None:
    assert timeline._named(Trigger.model_validate(on)) == words
