"""Any event that a flow starts on or a waiting run listens for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from homing.domain.events.properties import nested
from homing.domain.flows.language import Flow
from homing.domain.profiles.memory import Entry, Plan
from homing.domain.profiles.profile import Change, Profile
from homing.domain.segments.comparisons import Test
from homing.domain.time import DAY

# So many of the latest, so long: what is told of must still be remembered when the next event comes.
_KEPT, _KEPT_FOR = 20, 2 * DAY
# What a product is called by; with one of these, mails have `products`.
_PRODUCT = "product_id"


@dataclass(frozen=True, slots=True)
class Happened:
    """Fires for each event of a name that is like that."""

    name: str
    event: str
    slot: str
    touched_by: frozenset[str]
    kind: str = "event"

    @classmethod
    def planned(
        cls, plan: Plan, name: str, event: str, where: Mapping[str, Test], brings: Iterable[str] = ()
    ) -> Happened:
        """Asks for the memory it needs."""
        brings = tuple(brings)
        slot = plan.need(
            {event}, where=where, keep=_KEPT, window=_KEPT_FOR, payload=brings, payload_keep=_KEPT if brings else 0,
            as_told=True, id=f"@did:{name}",
        )  # fmt: skip
        return cls(name, event, slot, frozenset({event}))

    def active(self, profile: Profile, t: int) -> dict[str, Entry]:
        """Those of the last two days, by the event's own id."""
        held = profile.memory.get(self.slot, ())
        return {f"{entry[1]:010x}": entry for entry in held if t - _KEPT_FOR < entry[0] <= t}

    def next(self, profile: Profile, t: int, before: int | None = None) -> int | None:
        """One stamped in the near future."""
        return min((at for at, _, _ in profile.memory.get(self.slot, ()) if at > t), default=None)

    def same(self, found: Entry, known: Iterable[Entry]) -> bool:
        """Events are themselves."""
        return False

    def change(self, profile: Profile, key: str, found: Entry, t: int) -> Change:
        """Carries what the flow asked for of the event."""
        payload = nested(found[2] or {})
        data: dict[str, Any] = {"event": {"name": self.event, **payload}}
        if isinstance(payload.get("products"), list):
            data["products"] = payload["products"]
        elif payload.get(_PRODUCT) is not None:
            data["products"] = [payload]
        return Change(self.kind, self.name, t, key, data)


def happened(flows: Iterable[Flow], plan: Plan) -> list[Happened]:
    """One for each event that flows start on or wait for; who asks for more of it gets it for all."""
    asked: dict[str, tuple[str, dict[str, Test], list[str]]] = {}
    for flow in flows:
        if flow.on.kind == "event" and flow.on.did:
            held = asked.setdefault(flow.on.name, (flow.on.did, dict(flow.on.where), []))
            held[2].extend(name for name in flow.on.brings if name not in held[2])
        for signal in flow.all_signals():
            if signal.kind == "event":
                asked.setdefault(signal.name, (signal.did, dict(signal.where), []))
    return [Happened.planned(plan, name, *rest) for name, rest in sorted(asked.items())]
