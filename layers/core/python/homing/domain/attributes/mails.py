"""Which sends somebody got, opened and clicked: the memory, and the rates and tiers made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from homing.domain.attributes.attribute import MAYBE, Stepwise, earliest
from homing.domain.attributes.orders import SOON, Orders
from homing.domain.campaigns import Settings
from homing.domain.events import names
from homing.domain.profiles.memory import MAX_VALUES, Plan
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Test

DELIVERED, OPENED, CLICKED = names.EMAIL_DELIVERED, names.EMAIL_OPENED, names.EMAIL_LINK_CLICKED
BY_PEOPLE = {"machine": Test(exists=False)}
# Send (hashed) → when it was last delivered, opened or clicked.
Sends = dict[str, int]


class Mails:
    """The memory of mail events, by send; plans each kind when it is first asked for."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.window = settings.computed.engaged_within
        self._plan = plan
        self._slots: dict[str, str] = {}

    def reads(self, *events: str) -> frozenset[str]:
        """Plans the memory of these mail events. Returns the slots."""
        for event in events:
            if event not in self._slots:
                self._slots[event] = self._plan.need(
                    {event},
                    where={} if event == DELIVERED else BY_PEOPLE,
                    same="send_id",
                    window=self.window,
                    keep_values=MAX_VALUES,
                    hashed=True,
                )
        return frozenset(self._slots[event] for event in events)

    def sends(self, profile: Profile, event: str, t: int) -> Sends:
        """The sends of the window, each with its latest event by ``t``."""
        held = profile.memory.get(self._slots[event])
        if not held:
            return {}
        latest = {send: at for send, entries in held.items() if (at := _latest(entries, t)) is not None}
        if len(latest) > MAX_VALUES:
            kept = sorted(latest.items(), key=lambda item: (item[1], item[0]), reverse=True)[:MAX_VALUES]
            latest = dict(kept)
        return {send: at for send, at in latest.items() if at + self.window > t}

    def ahead(self, profile: Profile, t: int, *events: str) -> int | None:
        """The first instant after ``t`` of such an event that is known already."""
        memory = profile.memory
        kept = [held for event in events if (held := memory.get(self._slots[event]))]
        if not kept:
            return None
        lists = (entries for held in kept for entries in held.values())
        return earliest(*(at for entries in lists for at, _, _ in entries if at > t))


def _latest(entries: list[Any], t: int) -> int | None:
    return next((at for at, _, _ in entries if at <= t), None)


class State(NamedTuple):
    """What rates and tiers are made of: counts in the window, and whether there is an order."""

    delivered: int
    opened: int
    clicked: int
    ordered: bool

    @property
    def open_rate(self) -> Fraction | None:
        """Opened of delivered, exactly; None without a delivery."""
        return Fraction(self.opened, self.delivered) if self.delivered else None

    @property
    def click_rate(self) -> Fraction | None:
        """Clicked of delivered, exactly; None without a delivery."""
        return Fraction(self.clicked, self.delivered) if self.delivered else None


class OfMails(Stepwise):
    """A value made of what was delivered, opened and clicked in the window, and of whether they ordered in it."""

    def __init__(
        self,
        mails: Mails,
        make: Callable[[State], Any],
        *,
        opened: bool = False,
        clicked: bool = False,
        orders: Orders | None = None,
    ) -> None:
        self._mails = mails
        self._make = make
        self._orders = orders
        self._events = (DELIVERED, *([OPENED] if opened else []), *([CLICKED] if clicked else []))
        self.reads = mails.reads(*self._events) | (orders.reads("window") if orders else frozenset())

    def value(self, profile: Profile, t: int) -> Any:
        """Of the sends in the window."""
        held = self._held(profile, t)
        # Without a delivery nothing is known, whether they bought or not.
        return self._make(_state(held, bool(held[DELIVERED] and self._bought(profile, t))))

    def steps(self, profile: Profile, t: int) -> Iterable[tuple[int, Any]]:
        """One event after the other leaves the window; of orders only the latest matters."""
        held = self._held(profile, t)
        bought = self._bought(profile, t) if held[DELIVERED] else []
        ahead = self._mails.ahead(profile, t, *self._events)
        if self._orders is not None:
            ahead = earliest(ahead, self._orders.placed(profile, t).ahead)
        instants = {at + self._mails.window for sends in held.values() for at in sends.values()}
        if self._orders is not None:
            instants |= {at + min(self._mails.window, self._orders.window) for at in bought}
        for step, instant in enumerate(sorted(instants)):
            if step == SOON and (ahead is None or instant < ahead):
                # Counting anew what is left is dear: then somebody looks again.
                yield instant, MAYBE
                return
            # Without a delivery nothing is known, and nothing changes any more.
            if not held[DELIVERED] or (ahead is not None and ahead <= instant):
                break
            held = {event: _within(sends, instant - self._mails.window) for event, sends in held.items()}
            if self._orders is not None:
                bought = [at for at in bought if at + min(self._mails.window, self._orders.window) > instant]
            yield instant, self._make(_state(held, bool(bought)))
        if ahead is not None:
            yield ahead, MAYBE

    def _held(self, profile: Profile, t: int) -> dict[str, Sends]:
        return {event: self._mails.sends(profile, event, t) for event in self._events}

    def _bought(self, profile: Profile, t: int) -> list[int]:
        if self._orders is None:
            return []
        return [order.at for order in self._orders.placed(profile, t).orders(t, self._mails.window)[:1]]


def _within(sends: Sends, since: int) -> Sends:
    return {send: at for send, at in sends.items() if at > since}


def _state(held: dict[str, Sends], ordered: bool) -> State:
    if not held[DELIVERED]:
        return State(0, 0, 0, ordered)
    delivered = held[DELIVERED].keys()
    opened, clicked = (len(delivered & held.get(event, {}).keys()) for event in (OPENED, CLICKED))
    return State(len(delivered), opened, clicked, ordered)


def shown(rate: Fraction | None) -> float | None:
    """A rate with four decimals."""
    return None if rate is None else round(float(rate), 4)


def tier_of(settings: Settings) -> Callable[[State], str | None]:
    """The engagement tier of a state: docs/attributes.md says how the requirement is read."""
    high, moderate = settings.computed.tiers.high, settings.computed.tiers.moderate

    def tier(state: State) -> str | None:
        opened, clicked = state.open_rate, state.click_rate
        if opened is None or clicked is None:
            return None
        if opened > _exact(high.opens) and clicked > _exact(high.clicks) and state.ordered:
            return "high"
        return "moderate" if opened >= _exact(moderate.opens) or clicked >= _exact(moderate.clicks) else "low"

    return tier


def _exact(number: float) -> Fraction:
    """As it was written: 0.8 is four fifths."""
    return Fraction(repr(number))
