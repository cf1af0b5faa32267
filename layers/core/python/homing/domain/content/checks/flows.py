"""What is wrong with a single flow: steps that nobody comes to, waits for what can't happen, goals that hold at once.

A finding that is usually wrong is soon not read any more: only what is certain is told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from homing.domain.campaigns import Settings
from homing.domain.codes.language import DiscountCode
from homing.domain.content.yaml_source import Located, Path
from homing.domain.errors import InvalidCampaign
from homing.domain.explain import words
from homing.domain.flows.language import Flow
from homing.domain.flows.paths import Visit, beginning, path_of, visits, way_of
from homing.domain.flows.steps import (
    Call,
    FromTrigger,
    HappensEntered,
    HappensEvent,
    HappensLeft,
    If,
    MessageDid,
    Send,
    Split,
    Start,
    Step,
    Update,
    Wait,
    WaitFor,
    after,
    awaited,
    sides,
)
from homing.domain.segments.language import Condition, Segment
from homing.domain.segments.logic import Formula, Reading, denied, either, implied, possible, reacted, seen_possible
from homing.domain.time import MINUTE

# What triggers carry as flows may hand it on, by kind; None: whatever it has. Templates see more of it.
_CARRIED: dict[str, dict[str, frozenset[str] | None]] = {
    "cart_abandoned": {"cart": frozenset({"key", "token", "items", "last_activity"})},
    "browse_abandoned": {"products": frozenset(), "views": frozenset()},
    "order_placed": {"nth": frozenset(), "order": frozenset({"order_id", "total", "currency", "items"})},
    "birthday": {"year": frozenset()},
    "signup_anniversary": {"years": frozenset()},
    "date_reached": {"date": frozenset()},
    "event": {"event": None, "products": frozenset()},
    "price_dropped": {"products": frozenset(), "product_id": frozenset()},
    "back_in_stock": {"products": frozenset(), "product_id": frozenset()},
    "schedule": {"segment": frozenset()},
    "segment_entered": {"segment": frozenset()},
    "segment_left": {"segment": frozenset()},
    "subscription_pending": {"confirm": frozenset()},
    "flow_requested": {"data": None},
}
# What starts at a time of day that somebody chose.
_TIMED = frozenset({"birthday", "signup_anniversary", "date_reached", "schedule"})
_KEYED = {"cart": "cart_abandoned", "order": "order_placed"}
# Timers are looked at every minute, and what is told takes its way.
_SWEEP = 2 * MINUTE


def in_flows(
    flows: Mapping[str, Flow],
    places: Mapping[str, Located],
    segments: Mapping[str, Segment],
    codes: Mapping[str, DiscountCode],
    today: date | None = None,
    settings: Settings | None = None,
) -> Iterator[InvalidCampaign]:
    """The findings of each flow. ``today``: with it days that are past are told, too."""  # fmt: skip
    for name, flow in flows.items():
        yield from _Flow(flow, places[name], segments, codes, today, settings).findings()


def in_segments(segments: Mapping[str, Segment], places: Mapping[str, Located]) -> Iterator[InvalidCampaign]:
    """Segments that nobody can be in."""
    reading = Reading(segments)
    for name, located in places.items():
        if name in segments and not possible(reading.segment(name)):
            yield located.error(
                "nobody can be in it: its conditions contradict each other", code="nobody", path=("when",)
            )


def past_days(
    codes: Mapping[str, DiscountCode], places: Mapping[str, Located], today: date | None
) -> Iterator[InvalidCampaign]:
    """Codes whose last day is over."""
    for name, code in codes.items():
        if code.valid_until and today is not None and code.valid_until[:10] < today.isoformat():
            message = f"{code.valid_until} is past: no code of {name!r} is granted any more"
            yield places[name].error(message, code="past_day", path=("valid_until",))


@dataclass(frozen=True)
class _Flow:
    flow: Flow
    located: Located
    segments: Mapping[str, Segment]
    codes: Mapping[str, DiscountCode]
    today: date | None
    settings: Settings | None

    def findings(self) -> Iterator[InvalidCampaign]:
        flow, reading = self.flow, Reading(self.segments)
        start = beginning(flow.on, flow.only_if, self.segments, flow.oldest)
        yield from self._trigger()
        if not possible(start):
            why = "the segment it starts on is one that nobody can be in" if flow.only_if is None else _ONLY_IF
            yield self._say(f"it starts for nobody: {why}", "nobody", ("only_if",) if flow.only_if else ("on",))
            return
        for key, word in (("stop_when", "goal"), ("exit_when", "exit")):
            asked: Condition | None = getattr(flow, key)
            if asked is None:
                continue
            if not possible(reading.of(asked)):
                yield self._say(f"this {word} can never hold: its conditions contradict each other", "nobody", (key,))
            elif implied(Reading(self.segments, fresh=True).of(asked), start):
                message = f"this {word} holds as soon as the flow starts: every run ends before its first step"
                yield self._say(message, "goal_at_once", (key,))
        found = visits(flow, self.segments)
        for visit in found:
            yield from self._visit(visit, reading)
        yield from self._nights(found)
        yield from self._behind_ends(found)

    def _trigger(self) -> Iterator[InvalidCampaign]:
        flow = self.flow
        if flow.max_age is not None and flow.max_age < _SWEEP:
            message = (
                f"{words.duration(flow.max_age)} is less than it takes to be heard of: timers are looked at every minute, so "
                "write at least 2m"
            )
            yield self._say(message, "short_max_age", ("max_age",))
        needed = _KEYED.get(flow.run_once_per or "")
        if needed and flow.on.kind != needed:
            message = f"{flow.on.kind} is about no {flow.run_once_per}: without this line each time is a run of its own"
            yield self._say(message, "wrong_trigger", ("run_once_per",))

    def _visit(self, visit: Visit, reading: Reading) -> Iterator[InvalidCampaign]:
        step, path = visit.step, path_of(self.flow, visit.position)
        if isinstance(step, Update | Call | Start):
            key = "update" if isinstance(step, Update) else "data"
            values = step.update if isinstance(step, Update) else step.data
            for name, value in values.items():
                if isinstance(value, FromTrigger) and (why := self._not_carried(value.trigger)):
                    yield self._say(why, "wrong_trigger", (*path, key, name))
        if day := self._past(step):
            yield self._say(f"{day} is past: nobody waits here", "past_day", (*path, "wait", "day"))
        if visit.before is None:
            return
        if isinstance(step, Wait) and after(self.flow.steps, visit.position) is None:
            yield self._say("no step comes after this wait: the run ends without waiting", "idle_step", path)
        if isinstance(step, Send) and step.code:
            yield from self._entitled(step, visit, reading, path)
        if isinstance(step, If | WaitFor | Split):
            yield from self._ways(step, visit, reading, path)

    def _past(self, step: Step) -> str | None:
        """The day that a step waits for, if it is over."""
        day = step.wait.day if isinstance(step, Wait) and not isinstance(step.wait, int) else None
        return day if day and self.today is not None and day < self.today.isoformat() else None

    def _ways(
        self, step: If | WaitFor | Split, visit: Visit, reading: Reading, path: Path
    ) -> Iterator[InvalidCampaign]:
        if isinstance(step, If) and _same(step.then, step.else_):
            what = "both ways are empty" if not step.then else "both ways do the same"
            yield self._say(f"nothing depends on this: {what}", "idle_step", (*path, "if"))
            return
        asked = _messages(step)
        known = visit.before
        assert known is not None
        unsent = [one.message for one in asked if one.message not in known.ever_sent]
        for template in dict.fromkeys(unsent):
            key = "if" if isinstance(step, If) else "wait_for"
            message = f"no step before this one sends {template!r}, so nothing becomes of it"
            yield self._say(message, "message_not_sent", (*path, key))
        if unsent:
            return
        if isinstance(step, WaitFor):
            yield from self._wait_for(step, visit, reading, path)
        for side, way in visit.ways.items():
            below = sides(step).get(side)
            if way is not None or (isinstance(step, WaitFor) and side == "then"):
                continue
            if below:
                message = "nobody takes this way: the conditions around and before it have decided already"
                yield self._say(message, "unreachable_step", (*path, *way_of(step, side)))
            elif isinstance(step, If):
                always = "always" if side == "else" else "never"
                yield self._say(f"here this {always} holds: it was decided before", "idle_step", (*path, "if"))

    def _wait_for(self, step: WaitFor, visit: Visit, reading: Reading, path: Path) -> Iterator[InvalidCampaign]:
        known = visit.before
        assert known is not None
        place = (*path, "wait_for")
        told = words.duration(step.within)
        if visit.ways.get("then") is None:
            yield self._say(f"this can't happen: every run waits {told} for nothing", "dead_wait", place)
            return
        one_by_one = [self._holds(one, reading) for one in awaited(step) if not isinstance(one, HappensEvent)]
        if one_by_one and implied(either(*one_by_one), known.facts):
            yield self._say("this is so already: nobody waits here", "idle_step", place)
        templates = {one.message for one in _messages(step)}
        only_mails = bool(templates) and len(_messages(step)) == len(awaited(step))
        if only_mails and not known.vague and any(not sent & templates for sent in known.sent):
            told_of = words.listed(sorted(templates), "nor")
            message = f"on one way here nobody was sent {told_of}: they wait {told} for nothing"
            yield self._say(message, "dead_wait", place)

    @staticmethod
    def _holds(one: HappensEntered | HappensLeft | MessageDid, reading: Reading) -> Formula:
        if isinstance(one, MessageDid):
            return reacted(one.message, one.was)
        return reading.segment(one.segment) if isinstance(one, HappensEntered) else denied(reading.segment(one.left))

    def _entitled(self, step: Send, visit: Visit, reading: Reading, path: Path) -> Iterator[InvalidCampaign]:
        code = self.codes.get(step.code or "")
        if code is None or code.only_for is None or visit.before is None:
            return
        # Where there is too much to look through nothing is claimed.
        if seen_possible(visit.before.asked, denied(reading.segment(code.only_for))) is True:
            message = (
                f"the code {step.code!r} is only for {code.only_for}, and somebody else may come here: ask for the segment "
                "before, or in `only_if`"
            )
            yield self._say(message, "code_not_entitled", (*path, "code"))

    def _not_carried(self, written: str) -> str | None:
        """Why the trigger does not bring this; None when it may."""
        kind = self.flow.on.kind
        carried = _CARRIED[kind]
        root, _, rest = written.partition(".")
        if root not in carried:
            return f"{kind} brings {_listed(carried)} and no {root!r}"
        inner = carried[root]
        if kind == "event" and root == "event":
            brings = self.flow.on.brings
            if rest and rest != "name" and not any(rest == one or rest.startswith(f"{one}.") for one in brings):
                return f"the flow does not ask for {rest!r}: write it under `brings` of `on`"
            return None
        if rest and inner is not None and rest.partition(".")[0] not in inner:
            return f"{kind} brings {_attributes(root, inner)} and no {written!r}"
        return None

    def _nights(self, found: list[Visit]) -> Iterator[InvalidCampaign]:
        """Waits for what becomes of a mail that are over before a mail of the evening has left. Nothing is said where the mail
        is asked for at a time of day that the flow chose."""
        night = self._night()
        by_place = {visit.position: visit for visit in found}
        for visit in found if night else ():
            step, prefix = visit.step, visit.position.rpartition(".")[0]
            place = int(visit.position.rpartition(".")[2])
            row = [by_place[f"{prefix}.{n}" if prefix else str(n)].step for n in range(place)]
            if not isinstance(step, WaitFor) or not row or not isinstance(row[-1], Send) or step.within > night:
                continue
            asked = _messages(step)
            chosen = len(row) > 1 and isinstance(row[-2], Wait) and not isinstance(row[-2].wait, int)
            if asked and len(asked) == len(awaited(step)) and not chosen:
                message = (
                    f"the quiet hours last {words.duration(night)}: a mail of the evening leaves when this wait of "
                    f"{words.duration(step.within)} is over; wait until a time of day before the send, or longer here"
                )
                yield self._say(message, "short_wait", (*path_of(self.flow, visit.position), "within"))

    def _night(self) -> int:
        """How long a mail of this flow may be kept by quiet hours; 0: not at all."""
        settings, flow = self.settings, self.flow
        topic = settings.topics.get(flow.topic) if settings is not None else None
        if settings is None or settings.quiet_hours is None or topic is None or topic.transactional:
            return 0
        if flow.on.kind in _TIMED:
            return 0
        if flow.ignore_quiet_hours or flow.send_window or topic.send_window or settings.send_window:
            return 0
        start, end = settings.quiet_hours.from_, settings.quiet_hours.until
        minutes = (end.hour * 60 + end.minute - start.hour * 60 - start.minute) % (24 * 60)
        return minutes * MINUTE

    def _behind_ends(self, found: list[Visit]) -> Iterator[InvalidCampaign]:
        """The first step of each row that nobody comes to, where somebody came to the one before."""
        by_place = {visit.position: visit for visit in found}
        for visit in found:
            prefix, _, last = visit.position.rpartition(".")
            before = by_place.get(f"{prefix}.{int(last) - 1}" if prefix else str(int(last) - 1))
            if visit.before is None and before is not None and before.before is not None:
                message = "nobody comes here: every run has ended before"
                yield self._say(message, "unreachable_step", path_of(self.flow, visit.position))

    def _say(self, message: str, code: str, path: Path) -> InvalidCampaign:
        return self.located.error(message, code=code, path=path)


_ONLY_IF = "what starts it and `only_if` contradict each other"


def _same(one: list[Step], other: list[Step]) -> bool:
    return [step.model_dump(exclude={"id"}) for step in one] == [step.model_dump(exclude={"id"}) for step in other]


def _messages(step: If | WaitFor | Split) -> list[MessageDid]:
    if isinstance(step, If):
        return [step.if_] if isinstance(step.if_, MessageDid) else []
    return [one for one in awaited(step) if isinstance(one, MessageDid)] if isinstance(step, WaitFor) else []


def _listed(carried: Collection[str]) -> str:
    return words.listed(sorted(carried)) or "nothing"


def _attributes(root: str, inner: Collection[str]) -> str:
    if not inner:
        return f"{root} as a whole"
    return words.listed([f"{root}.{name}" for name in sorted(inner)])
