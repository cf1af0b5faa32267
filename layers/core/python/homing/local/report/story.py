"""One customer's way from the first click to the order, as a timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from homing.domain.events import names
from homing.domain.time import DAY, HOUR, MINUTE
from homing.local.outputs import Message, Transition
from homing.local.report.facts import Happening
from homing.local.report.numbers import Numbers

# Of one visit, things of one kind are told together when they lie at most this far apart.
_TOGETHER = 30 * MINUTE
_AFTER = 2 * DAY
_LONGEST = 60
_WHO = {"sign-up", "known"}
_TOLD = {
    names.PAGE_VIEWED: "",
    names.PRODUCT_LIST_VIEWED: "",
    names.EMAIL_SENT: "",
    names.EMAIL_DELIVERED: "",
    names.CART_VIEWED: "cart",
    names.PRODUCTS_SEARCHED: "search",
    names.PRODUCT_VIEWED: "view",
    names.PRODUCT_ADDED: "add",
    names.CART_UPDATED: "add",
    names.PRODUCT_REMOVED: "remove",
    names.CHECKOUT_STARTED: "checkout",
    names.ORDER_COMPLETED: "order",
    names.SIGNED_UP: "sign-up",
    names.IDENTIFIED: "sign-up",
    names.SUBSCRIBED: "consent",
    names.UNSUBSCRIBED: "unsubscribe",
    names.EMAIL_OPENED: "open",
    names.EMAIL_LINK_CLICKED: "click",
}


@dataclass(slots=True)
class Moment:
    """An entry of the timeline. ``kind`` is a word of :data:`_TOLD`, or segment, trigger, mail."""

    at: int
    kind: str
    happenings: list[Happening] = field(default_factory=list)
    message: Message | None = None
    transitions: list[Transition] = field(default_factory=list)


def hero(numbers: Numbers) -> tuple[str, Happening] | None:
    """The person whose story tells most, and the order that it leads to; None where no mail led to one."""
    best: tuple[float, str, Happening] | None = None
    for order, message in numbers.attributed:
        told = [moment for moment in moments(numbers, order) if moment.kind]
        if len(told) > _LONGEST or not message.html:
            continue
        kinds = [moment.kind for moment in told]
        score = (
            4.0 * (message.trigger in {"cart_abandoned", "CartAbandoned"})
            + 3.0 * ("sign-up" in kinds)
            + 3.0 * (kinds[0] in {"view", "search"})
            + 2.0 * (message.message_id in numbers.opened)
            + 1.0 * ("segment" in kinds)
            + 1.0 * (kinds.count("mail") in {1, 2})
            - 0.25 * abs(len(told) - 15)
        )
        if best is None or score > best[0]:
            best = score, order.person, order
    return (best[1], best[2]) if best else None


def moments(numbers: Numbers, order: Happening) -> list[Moment]:
    """Everything about the person of that order, until a little after it; one visit's like things together."""
    facts = numbers.facts
    until = order.at + _AFTER
    found = [
        Moment(h.at, kind, [h])
        for h in facts.by_person.get(order.person, ())
        if h.at <= until
        and (kind := "known" if h.name == names.IDENTIFIED and not h.browser else _TOLD.get(h.name, ""))
    ]
    found += [
        Moment(transition.at, "segment", transitions=[transition])
        for transition in facts.transitions
        if transition.at <= until and facts.person(transition.profile_id) == order.person
    ]
    for message in facts.sent:
        if message.profile_id == order.person and (message.sent_at or 0) <= until:
            if message.trigger and message.triggered_at:
                found.append(Moment(message.triggered_at, "trigger", message=message))
            found.append(Moment(message.sent_at or 0, "mail", message=message))
    return _together(sorted(found, key=lambda moment: moment.at))


def _together(found: Sequence[Moment]) -> list[Moment]:
    told: list[Moment] = []
    for moment in found:
        if moment.kind in _WHO and any(m.kind in _WHO for m in told):
            continue
        last = next((m for m in reversed(told[-3:]) if m.kind == moment.kind), None)
        if last and moment.kind in {"view", "add", "search", "remove", "cart"} and _near(told, last, moment):
            last.happenings += moment.happenings
        elif last and moment.kind == "segment" and moment.at - last.at < MINUTE:
            last.transitions += moment.transitions
        elif moment.kind == "open" and any(m.kind == "open" and _same_mail(m, moment) for m in told):
            continue
        else:
            told.append(moment)
    return told


def _near(told: Sequence[Moment], last: Moment, moment: Moment) -> bool:
    between = told[told.index(last) + 1 :]
    return moment.at - last.happenings[-1].at < _TOGETHER and all(m.kind in {"segment", "search"} for m in between)


def _same_mail(one: Moment, other: Moment) -> bool:
    keys = ("send_id", "homing_send", "message_id")
    return any(
        one.happenings[0].properties.get(key) == other.happenings[0].properties.get(key) is not None for key in keys
    )


def products(happenings: Iterable[Happening]) -> list[Mapping[str, object]]:
    """The different products that these events speak of, in order."""
    found: dict[str, Mapping[str, object]] = {}
    for happening in happenings:
        listed = happening.properties.get("products")
        for item in listed if isinstance(listed, list) else [happening.properties]:
            if isinstance(item, Mapping) and item.get("product_id") is not None:
                found.setdefault(str(item["product_id"]), item)
    return list(found.values())


def waited(message: Message) -> int:
    """How long a mail was put off after it was decided (microseconds)."""
    if message.decided_at is None or message.sent_at is None:
        return 0
    return max(0, message.sent_at - message.decided_at) if message.sent_at - message.decided_at > HOUR else 0
