"""What counts as an abandoned cart: one with something in it."""

from __future__ import annotations

import pytest

from homing.domain.engine import Engine
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY
from tests.fixtures.shop import campaigns, event, instant

ENGINE = Engine(campaigns(flows=[{"name": "c", "on": "cart_abandoned", "steps": [{"send": "a"}]}]))


@pytest.mark.parametrize(("quantity", "told"), [(2, []), (1, ["cart_abandoned"])])
def test_a_cart_of_two_is_abandoned_with_one_left_in_it_and_not_when_it_was_emptied(
    quantity: int, told: list[str]
) -> None:
    profile = Profile("p")
    item = {"user_id": "u", "product_id": "p", "cart_id": "c"}
    ENGINE.receive(profile, event("Product Added", "2026-03-02T10:00:00Z", quantity=2, **item))
    ENGINE.receive(profile, event("Product Removed", "2026-03-02T10:05:00Z", quantity=quantity, **item))
    ENGINE.settle(profile, instant("2026-03-02T10:00:00Z") + DAY)
    assert [change.kind for change in profile.changes if not change.name.startswith("@")] == told
