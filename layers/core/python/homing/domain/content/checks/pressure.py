"""Flows that want to send the same people more mails than a cap lets through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from homing.domain.campaigns import Cap, Settings
from homing.domain.content.yaml_source import Located
from homing.domain.errors import InvalidCampaign
from homing.domain.explain import words
from homing.domain.flows.language import Flow
from homing.domain.flows.paths import lengths
from homing.domain.flows.steps import End, If, Send, Split, Step, Wait, WaitFor, sides
from homing.domain.flows.trigger import Trigger
from homing.domain.segments.language import Segment
from homing.domain.segments.logic import Formula, Reading, both, denied, possible

# Beyond so many ways through a flow nothing is claimed.
_MOST = 128


@dataclass(frozen=True, slots=True)
class _Way:
    """One way through a flow: when its mails are asked for at the latest, and what is asked of people before any wait."""

    at: int = 0
    mails: tuple[int, ...] = ()
    facts: Formula = True
    waited: bool = False
    over: bool = False


class _TooManyError(Exception):
    """Nobody looks through so many ways."""


def over_caps(
    flows: Mapping[str, Flow], places: Mapping[str, Located], segments: Mapping[str, Segment], settings: Settings
) -> Iterator[InvalidCampaign]:
    """A finding for each flow that alone, or together with those that go first, asks for more than a cap allows."""
    ways: dict[str, list[_Way]] = {}
    for name, flow in flows.items():
        topic = settings.topics.get(flow.topic)
        if topic is None or topic.transactional:
            continue
        try:
            found = _ways(flow.steps, [_Way()], Reading(segments))
        except _TooManyError:
            continue
        start = True if flow.only_if is None else Reading(segments).of(flow.only_if)
        ways[name] = [way for way in found if possible(start, way.facts)]
        ways[name] = [_Way(way.at, way.mails, both(start, way.facts)) for way in ways[name] if way.mails]
    ranked = sorted(ways, key=lambda name: (-flows[name].priority, name))
    for index, name in enumerate(ranked):
        for cap, whose in _caps(flows[name], settings):
            first = [
                other for other in ranked[:index]
                if _together(flows[name].on, flows[other].on) and (whose == "shop" or flows[other].topic == flows[name].topic)
            ]  # fmt: skip
            alone = max((_most(way.mails, cap.within) for way in ways[name]), default=0)
            if alone > cap.messages:
                message = (
                    f"{_many(alone)} within {words.duration(cap.within)} on one way: {_allows(cap, whose, flows[name])}"
                )
                yield places[name].error(f"{message}; the rest waits or is given up", code="over_cap", path=("steps",))
                break
            if told := _crowded(name, first, ways, flows, cap, whose):
                yield places[name].error(told, code="over_cap", path=("on",))
                break


def _crowded(
    name: str, first: Sequence[str], ways: Mapping[str, list[_Way]], flows: Mapping[str, Flow], cap: Cap, whose: str
) -> str | None:
    """What to say when those that go first leave too little room; the fewest of them that do."""
    chosen: list[str] = []
    together = [(way.mails, way.facts) for way in ways[name]]
    for other in first:
        if not ways[other]:
            continue
        joined = [
            ((*mails, *way.mails), both(facts, way.facts))
            for mails, facts in together
            for way in ways[other]
            if possible(facts, way.facts)
        ]
        if not joined or len(joined) > _MOST:
            continue
        chosen, together = [*chosen, other], joined
        most = max(_most(mails, cap.within) for mails, _ in together)
        if most > cap.messages:
            priority = flows[name].priority
            ahead = [one for one in chosen if flows[one].priority > priority]
            order = (
                f"{words.listed(ahead)} go{'es' if len(ahead) == 1 else ''} first"
                if ahead
                else "at the same priority what was decided first goes first: say `priority`"
            )
            return (
                f"{words.listed([*chosen, name])} start on the same thing and send {_many(most)} within "
                f"{words.duration(cap.within)}: {_allows(cap, whose, flows[name])}; {order}"
            )
    return None


def _caps(flow: Flow, settings: Settings) -> Iterator[tuple[Cap, str]]:
    topic = settings.topics[flow.topic]
    if topic.cap is not None:
        yield topic.cap, "topic"
    if settings.cap is not None:
        yield settings.cap, "shop"


def _allows(cap: Cap, whose: str, flow: Flow) -> str:
    return f"the cap of {'the shop' if whose == 'shop' else flow.topic} lets {cap.messages} through"


def _many(number: int) -> str:
    return f"{number} mail" if number == 1 else f"{number} mails"


def _together(one: Trigger, other: Trigger) -> bool:
    """Whether what starts the one starts the other, at the same instant."""
    if one.kind != other.kind:
        return False
    if one.kind == "order_placed":
        return one.nth == other.nth or None in (one.nth, other.nth)
    if one.kind == "flow_requested":
        return False
    if one.kind in {"schedule", "price_dropped", "back_in_stock"}:
        return one.model_dump(exclude={"by", "viewed_within"}) == other.model_dump(exclude={"by", "viewed_within"})
    return one.name == other.name


def _most(mails: Sequence[int], within: int) -> int:
    """The most mails in any window of that length."""
    return max((sum(start <= at < start + within for at in mails) for start in mails), default=0)


def _ways(steps: Sequence[Step], come: list[_Way], reading: Reading) -> list[_Way]:
    """Every way through steps, from every way that comes to them. Times are the longest, so that mails that may be far
    apart are not counted together."""
    for step in steps:
        on = [way for way in come if not way.over]
        over = [way for way in come if way.over]
        if isinstance(step, Send):
            on = [_Way(way.at, (*way.mails, way.at), way.facts, way.waited) for way in on]
        elif isinstance(step, Wait):
            on = [_Way(way.at + lengths(step.wait)[1], way.mails, way.facts, True) for way in on]
        elif isinstance(step, End):
            on = [_Way(way.at, way.mails, way.facts, way.waited, True) for way in on]
        elif isinstance(step, If | WaitFor | Split):
            below = sides(step)
            names = [*below, ""] if isinstance(step, Split) else list(below)
            on = [
                found
                for side in names
                for found in _ways(below.get(side, []), _entered(step, side, on, reading), reading)
            ]
        come = [*over, *on]
        if len(come) > _MOST:
            raise _TooManyError
    return come


def _entered(step: Step, side: str, come: list[_Way], reading: Reading) -> list[_Way]:
    found = []
    for way in come:
        facts, at, waited = way.facts, way.at, way.waited
        if isinstance(step, WaitFor):
            at, waited = at + step.within, True
        elif isinstance(step, If) and not waited and not hasattr(step.if_, "message"):
            asked = reading.of(step.if_)
            facts = both(facts, asked if side == "then" else denied(asked))
            if not possible(facts):
                continue
        found.append(_Way(at, way.mails, facts, waited))
    return found
