"""What a message says to this person: the variants chosen for them, and why; asked right before rendering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.delivery.message import SendRequest
from homing.domain.engine import Engine
from homing.domain.profiles.profile import Profile
from homing.domain.recommend.recommender import shown_products


@dataclass(frozen=True, slots=True)
class Content:
    """``choice`` is what the template reads; ``variant`` and ``because`` are kept with the message."""

    choice: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""
    because: str = ""
    # Ids of products, best first.
    recommended: Sequence[str] = ()
    # Its text, and the first instant at which it is no longer valid.
    code: tuple[str, int] | None = None


def choose(campaigns: Campaigns, engine: Engine | None, request: SendRequest, profile: Profile, now: int) -> Content:
    """Every choice that the template reads, decided on what is true now. Nothing without an engine."""
    template = campaigns.templates.get(request.template)
    if engine is None or template is None:
        return Content()
    recommended: Sequence[str] = ()
    if engine.recommender is not None and "recommended" in template.variables:
        recommended = engine.recommender.recommend(profile, now, set(shown_products(request.data)))
    made = {name: engine.choices[name].choose(profile, now) for name in template.choices if name in engine.choices}
    return Content(
        choice={name: one.value for name, one in made.items()},
        variant=", ".join(f"{name}={one.variant}" for name, one in made.items()),
        because=" | ".join(f"{name}: {one.because}" for name, one in made.items()),
        recommended=recommended,
    )
