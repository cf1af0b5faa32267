"""At which hours of the day a person should be written to, the best one first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homing.domain.campaigns import Campaigns
from homing.domain.profiles.profile import Profile

if TYPE_CHECKING:
    from homing.domain.engine import Engine

PREFERRED_HOUR = "preferred_hour"


def wants_best(campaigns: Campaigns) -> bool:
    """Whether some flow or topic sends at the best hour of each person, so that it has to be known."""
    topics = campaigns.settings.topics.values()
    return any(topic.send_time == "best" for topic in topics) or any(
        flow.send_time == "best" for flow in campaigns.flows.values()
    )


def best_hours(campaigns: Campaigns, engine: Engine | None, profile: Profile, now: int) -> list[int]:
    """Their own hour, as far as behaviour tells it; the hour of the first segment of ``send_hours`` that they are in; the
    shop's ``send_hour``. Empty where nothing is sent at the best hour."""
    if not wants_best(campaigns):
        return []
    settings = campaigns.settings
    found: list[int] = []
    if engine is not None and (own := engine.attributes.get(PREFERRED_HOUR).value(profile, now)) is not None:
        found.append(int(own))
    found += [hour for segment, hour in settings.send_hours.items() if segment in profile.segments]
    return list(dict.fromkeys([*found, settings.send_hour]))
