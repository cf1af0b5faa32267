"""What a message says to this person: the variants chosen for them, and why; asked right before rendering."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.delivery.message import SendRequest
from homing.domain.engine import Engine
from homing.domain.profiles.profile import Profile
from homing.domain.recommend.recommender import product_ids


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
        recommended = engine.recommender.recommend(profile, now, set(_shown(request.data)))
    made = {name: engine.choices[name].choose(profile, now) for name in template.choices if name in engine.choices}
    return Content(
        choice={name: one.value for name, one in made.items()},
        variant=", ".join(f"{name}={one.variant}" for name, one in made.items()),
        because=" | ".join(f"{name}: {one.because}" for name, one in made.items()),
        recommended=recommended,
    )


def _shown(data: Any) -> Iterator[str]:
    """The products that the trigger brought, wherever they stand in it."""
    if isinstance(data, Mapping):
        yield from product_ids({key: value for key, value in data.items() if key != "id"})
        for value in data.values():
            yield from _shown(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _shown(value)
