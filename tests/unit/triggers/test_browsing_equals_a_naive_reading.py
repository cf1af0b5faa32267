"""Somebody looked around and went: told once, at the right instant, and not when they bought or filled a cart."""

from __future__ import annotations

from random import Random

from homing.domain.engine import Engine
from homing.domain.profiles import codec
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, MINUTE, iso
from tests.fixtures.shop import campaigns, event, instant

ENGINE = Engine(campaigns(flows=[{"name": "b", "on": "browse_abandoned", "steps": [{"send": "a"}]}]))
START = instant("2026-03-02T10:00:00Z")
BUYING = ("Product Added", "Cart Updated", "Checkout Started", "Order Completed")


def expected(history: list[tuple[int, str]]) -> list[int]:
    """When it is told: two hours after the last of three views within a day, unless they bought since the first."""
    views = [at for at, name in history if name == "Product Viewed"]
    bought = [at for at, name in history if name in BUYING]
    found = []
    for last in views:
        due = last + 2 * HOUR
        session = [at for at in views if last - DAY < at <= last]
        if len(session) >= 3 and not any(last < at < due for at in views):
            found += [due] if not any(session[0] <= at < due for at in bought) else []
    return found


def test_browsing_is_told_when_a_naive_reading_of_the_history_says_so() -> None:
    fired = 0
    for seed in range(400):
        random = Random(seed)
        now, history, profile, told = START, [], Profile("p"), []
        for n in range(random.randint(3, 12)):
            now += random.choice((MINUTE, MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, DAY)) + n
            history.append((now, random.choice(("Product Viewed",) * 9 + BUYING)))
            ENGINE.receive(profile, event(history[-1][1], iso(now), user_id="u", product_id="p", id=f"{seed}-{n}"))
            if random.random() < 0.5:
                ENGINE.finish(profile)
                told += profile.changes
                profile = codec.decode("p", 1, codec.encode(profile))
        ENGINE.settle(profile, now + 3 * DAY)
        instants = [change.at for change in told + profile.changes if change.kind == "browse_abandoned"]
        assert instants == expected(history), (seed, history)
        fired += len(instants)
    assert fired > 100
