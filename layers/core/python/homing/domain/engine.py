"""The engine: campaigns compiled into what happens to a profile when an event arrives or time passes.

Decisions depend on events and on when each *arrived*, never on how they were batched or when a function got round to
them: before an event is folded, everything that came due before its arrival is settled first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from homing.domain.attributes.rankings import Rankings
from homing.domain.attributes.registry import Attributes
from homing.domain.attributes.staged import StagedRule
from homing.domain.campaigns import Campaigns
from homing.domain.content.choices.choose import CompiledChoice
from homing.domain.delivery.best_time import PREFERRED_HOUR, wants_best
from homing.domain.delivery.consent import confirmed_topics
from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.flows.compiled import CompiledFlow, longest_watch
from homing.domain.flows.language import Flow
from homing.domain.profiles import bounds, carts, fold
from homing.domain.profiles.fold import FoldPlan
from homing.domain.profiles.lacking import Remembered
from homing.domain.profiles.memory import Plan
from homing.domain.profiles.profile import Change, Profile
from homing.domain.profiles.review_rule import ReviewRule
from homing.domain.recommend.recommender import Recommender
from homing.domain.segments.compiler import Compiler
from homing.domain.segments.language import Did
from homing.domain.segments.native import Native, native
from homing.domain.segments.rules import FIRST, ID, NOW, Rule
from homing.domain.segments.timed import timed_inputs
from homing.domain.triggers.dates import DateReached
from homing.domain.triggers.happened import happened
from homing.domain.triggers.subscriptions import SubscriptionPending
from homing.domain.triggers.triggers import BrowseAbandoned, CartAbandoned, OrderPlaced, Trigger, Yearly

# A profile can't have more things come due in one settling than this; beyond it a rule would be ill-defined.
_MAX_STEPS = 10_000
_NOTHING: Mapping[str, Any] = {}
# After these, little of what somebody was to be woken for will happen: the cart is ordered, nobody lapses soon. When to look
# again is asked anew, of everything, instead of waking for nothing later.
_ENDS_WAITING = frozenset({names.ORDER_COMPLETED})
# What everybody has from the first event on.
_ALWAYS = frozenset({ID, NOW})
# Of which engine the answers are that a profile carries along.
_ENGINE = "engine"
_ENGINES = count()
# Internal: those whom somebody should look at, those who ordered, and those who looked at products lately.
REVIEW = "@review"
CUSTOMERS = "@customers"
WATCHING = "@watching"


class Engine:
    """Compiled campaigns. One per process; holds no state of any profile."""

    def __init__(self, campaigns: Campaigns, *, rankings: Rankings | None = None) -> None:
        """``rankings`` holds the thresholds of RFM scores; without them nobody has any."""
        self.campaigns = campaigns
        self._rankings = rankings
        plan = Plan()
        self.attributes = Attributes(
            campaigns.settings, plan, campaigns.attributes, products=campaigns.products, rankings=rankings
        )
        compiler = Compiler(campaigns.segments, plan, zone=campaigns.settings.time_zone, attributes=self.attributes)
        # Whose answers are kept with a profile, and under which keys: see homing.domain.segments.native.
        self._number = next(_ENGINES)
        self._kept: list[tuple[str, frozenset[str]]] = []
        self.staged = [
            StagedRule.compiled(one, compiler.compile, self._key_of) for _, one in sorted(campaigns.attributes.items())
        ]
        self.segments: dict[str, Rule] = {name: compiler.segment(name) for name in sorted(campaigns.segments)}
        self.triggers: list[Trigger] = self._triggers(plan)
        zone = campaigns.settings.time_zone
        self.flows = {name: CompiledFlow.of(one, compiler, plan, zone) for name, one in campaigns.flows.items()}
        # What the bus tells that waiting runs listen for.
        self.signals = frozenset(signal[:2] for one in campaigns.flows.values() for signal in one.all_signals())
        read = sorted({name for template in campaigns.templates.values() for name in template.choices})
        self.choices = {
            name: CompiledChoice(campaigns.choices[name], compiler.compile, self.attributes)
            for name in read
            if name in campaigns.choices
        }
        asked = any("recommended" in template.variables for template in campaigns.templates.values())
        self.recommender = Recommender.planned(plan, campaigns.related, campaigns.products) if asked else None
        for template in campaigns.templates.values():
            for name in template.computed:
                self.attributes.get(name)
        if wants_best(campaigns):
            self.attributes.get(PREFERRED_HOUR)
        # Nobody is told of the internal ones; the member index keeps them.
        self._rules: dict[str, Rule] = {**self.segments, REVIEW: ReviewRule(campaigns.settings)}
        if self.attributes.ranked:
            self._rules[CUSTOMERS] = compiler.compile(Did(did=names.ORDER_COMPLETED))
        if (within := longest_watch(campaigns.flows.values())) is not None:
            self._rules[WATCHING] = compiler.compile(Did(did=names.PRODUCT_VIEWED, within=within))
        self.plan = FoldPlan(
            slots=plan.slots,
            by_event=plan.by_event(),
            catalog=frozenset(campaigns.products),
            forget_carts_after=campaigns.settings.cart.forget_after,
            confirmed=confirmed_topics(campaigns.settings.topics),
        )
        self._answers = _Answers({name: (rule, self._key_of(rule)) for name, rule in self._rules.items()})
        self._kept_by_input = _Index(self._kept)
        self._by_input = _Index((name, rule.reads) for name, rule in self._rules.items())
        self._by_timed_input = _Index((name, timed_inputs(rule)) for name, rule in self._rules.items())
        self._timed_traits = tuple(key for key in self._by_timed_input if key.startswith("trait:"))
        nobody = Profile("")
        # What holds of somebody of whom nothing is known.
        self._from_the_start = {name for name, rule in self._rules.items() if rule.check(nobody, 0)[0]}
        self._triggers_by_touch = _Index((str(i), trigger.touched_by) for i, trigger in enumerate(self.triggers))
        # Of most events nothing but the name touches a trigger.
        self._triggers_by_name = {name: self._touched_triggers({name}) for name in self._triggers_by_touch}

    def _triggers(self, plan: Plan) -> list[Trigger]:
        settings = self.campaigns.settings
        used = {flow.on.kind for flow in self.campaigns.flows.values()}
        found: list[Trigger] = []
        if "cart_abandoned" in used:
            found.append(CartAbandoned(settings.cart.after, settings.cart.forget_after))
        if "browse_abandoned" in used:
            found.append(BrowseAbandoned.planned(plan, settings.browse))
        if "order_placed" in used:
            asked = {flow.on.nth for flow in self.campaigns.flows.values() if flow.on.kind == "order_placed"}
            numbers = tuple(sorted(number for number in asked if number is not None))
            found.append(OrderPlaced.planned(plan, numbers, each=None in asked))
        if "subscription_pending" in used:
            found.append(SubscriptionPending(settings.topics))
        if "birthday" in used:
            found.append(Yearly.birthday(settings.celebrate_at, settings.time_zone))
        if "signup_anniversary" in used:
            found.append(Yearly.signup(settings.celebrate_at, settings.time_zone))
        dates = {flow.on.name: flow.on for flow in self.campaigns.flows.values() if flow.on.kind == "date_reached"}
        found += [DateReached.of(on, settings.celebrate_at, settings.time_zone) for _, on in sorted(dates.items())]
        return [*found, *happened(self.campaigns.flows.values(), plan)]

    # What happens to a profile. Each adds to ``profile.changes``.

    def receive(self, profile: Profile, event: Event) -> None:
        """Settles what came due before the event's arrival, folds it, and evaluates what it touches."""
        arrived = max(event.received, profile.evaluated_at)
        self.settle(profile, arrived)
        fresh = profile.first_at is None
        triggers: Sequence[Trigger] = self._triggers_by_name.get(event.name, ())
        if event.type == "identify":
            triggers = self._touched_triggers({event.name, *(f"trait:{name}" for name in event.properties)})
        before = [(trigger, trigger.active(profile, arrived)) for trigger in triggers]
        touched = fold.fold(profile, event, self.plan)
        self._outdate(profile, touched)
        names = self._by_input.select(touched)
        if fresh:
            names |= self._by_input.select(_ALWAYS) | self._from_the_start
        # What a mail could no longer be sent about is history that was handed over, not news: a shop that imports its
        # customers does not write to everybody who bought long ago.
        recent = event.occurred > arrived - self.campaigns.settings.send_expires_after
        anew = event.name in _ENDS_WAITING
        if anew:
            profile.wake_at = None
            names |= self._timed(profile)
        names |= self._advance(profile, arrived, None if fresh or anew else touched)
        self._evaluate(profile, arrived, names, news=recent)
        for trigger, known in before:
            if recent:
                self._fire(profile, trigger, known, arrived)
        for trigger in self.triggers if anew else triggers:
            self._wake(profile, trigger.next(profile, arrived, profile.wake_at))

    def absorb(self, profile: Profile, other: Profile, at: int) -> None:
        """Merges another profile of the same person into this one at an instant."""
        at = max(at, profile.evaluated_at, other.evaluated_at)
        self.settle(profile, at)
        self.settle(other, at)
        profile.changes += [change for change in other.changes if not change.kind.startswith("segment_")]
        known = [(trigger, trigger.active(profile, at), trigger.active(other, at)) for trigger in self.triggers]
        fold.merge(profile, other)
        profile.worked.clear()
        profile.wake_at = None
        self._advance(profile, at, None)
        self._evaluate(profile, at, self._rules)
        for trigger, mine, theirs in known:
            self._fire(profile, trigger, mine, at, theirs)
            self._wake(profile, trigger.next(profile, at, profile.wake_at))

    def settle(self, profile: Profile, until: int) -> None:
        """Lets time pass: everything that flips by itself at or before ``until``, each at its own instant."""
        if profile.worked.get(_ENGINE) != self._number:
            profile.worked = {_ENGINE: self._number}
        if profile.revision != self.campaigns.revision:
            self._adopt(profile, until)
        for _ in range(_MAX_STEPS):
            if profile.wake_at is None or profile.wake_at > until:
                break
            instant = max(profile.wake_at, profile.evaluated_at)
            profile.wake_at = None
            moved = self._advance(profile, instant, None)
            self._evaluate(profile, instant, self._timed(profile) | moved)
            for trigger in self.triggers:
                self._fire(profile, trigger, trigger.active(profile, instant - 1), instant)
                self._wake(profile, trigger.next(profile, instant, profile.wake_at))
        profile.evaluated_at = max(profile.evaluated_at, until)

    def doubt(self, profile: Profile, mark: str, at: int) -> None:
        """Notes something doubtful about who this is (:func:`homing.domain.profiles.people.mark`) for review."""
        at = max(at, profile.evaluated_at)
        self.settle(profile, at)
        profile.doubts.add(mark)
        self._evaluate(profile, at, self._by_input.select({"*review"}))

    def reconsider(self, profile: Profile, at: int) -> None:
        """Evaluates everything after memory was changed by a rebuild or an un-merge: what differs is not news. Settle
        the profile first."""
        at = max(at, profile.evaluated_at)
        profile.revision = profile.revision or self.campaigns.revision
        self._reassess(profile, at)

    def close_cart(self, profile: Profile, token: str, at: int) -> None:
        """An order of somebody else closed the cart of this token."""
        carts.close(profile.carts, -(at + 1), at, (token,))

    def finish(self, profile: Profile) -> None:
        """Brings the profile into the normal form in which it is stored."""
        kept = profile.traits, profile.memory, len(profile.lists)
        cut = fold.prune(profile, self.plan, profile.evaluated_at)
        bounds.fit(profile)
        if kept[0] is not profile.traits or kept[1] is not profile.memory or kept[2] != len(profile.lists):
            profile.worked.clear()
        elif cut:
            self._outdate(profile, cut)

    # Questions

    def is_member(self, profile: Profile, segment: str, t: int) -> bool:
        """Membership at an instant, from what is known now."""
        return self.segments[segment].check(profile, t)[0]

    def older_flow(self, flow: Flow) -> CompiledFlow:
        """A version of a flow that is no longer in the campaigns, for the runs that began on it. It gets no memory of its
        own: raises InvalidInput when one of its conditions asks for something that nobody remembers any more."""
        settings, kept = self.campaigns.settings, Remembered(dict(self.plan.slots))
        attributes = Attributes(
            settings, kept, self.campaigns.attributes, products=self.campaigns.products, rankings=self._rankings
        )
        compiler = Compiler(self.campaigns.segments, kept, zone=settings.time_zone, attributes=attributes)
        return CompiledFlow.of(flow, compiler, kept, settings.time_zone)

    # Inside

    def _adopt(self, profile: Profile, at: int) -> None:
        """The rules changed since the profile was written: memberships follow without starting flows for old history."""
        first = profile.revision == ""
        profile.revision = self.campaigns.revision
        if profile.wake_at is not None and profile.wake_at <= at:
            # What came due in the meantime is not old history: it happens at its own instant, under the new rules.
            at = profile.wake_at - 1
        at = max(at, profile.evaluated_at)
        if not first:
            profile.segments &= set(self._rules)
            self._reassess(profile, at)

    def _reassess(self, profile: Profile, at: int) -> None:
        """Every segment, and when to look again; what differs is not news."""
        profile.worked.clear()
        profile.wake_at = None
        profile.stages = {name: held for name, held in profile.stages.items() if name in self.campaigns.attributes}
        self._advance(profile, at, None)
        self._evaluate(profile, at, self._rules, news=False)
        for trigger in self.triggers:
            self._wake(profile, trigger.next(profile, at, profile.wake_at))

    def _advance(self, profile: Profile, at: int, inputs: set[str] | None) -> set[str]:
        """Moves the person on in the staged attributes that read an input (None: in all). Returns the segments to which
        that matters."""
        moved: set[str] = set()
        for rule in self.staged:
            if inputs is not None and not (rule.reads & inputs):
                continue
            stage, changes = rule.evaluate(profile, at)
            held, _ = profile.stages.get(rule.name, (None, 0))
            if stage != held:
                if stage is None:
                    del profile.stages[rule.name]
                else:
                    profile.stages[rule.name] = [stage, at]
                moved |= self._by_input.get(f"stage:{rule.name}", set())
                self._outdate(profile, {f"stage:{rule.name}"})
            self._wake(profile, changes)
        return moved

    def _key_of(self, rule: Rule) -> str:
        """Under which key the answers of a rule are kept, so that they are found when something it reads changes."""
        key = f"{self._number}:{len(self._kept)}"
        self._kept.append((key, rule.reads))
        return key

    def _outdate(self, profile: Profile, inputs: Iterable[str]) -> None:
        """Answers that were made of these inputs don't hold any more."""
        for touch in inputs:
            for key in self._kept_by_input.get(touch, ()):
                profile.worked.pop(key, None)

    def _evaluate(self, profile: Profile, at: int, segments: Iterable[str], *, news: bool = True) -> None:
        for name in sorted(segments):
            member, flip = self._answers[name](profile, at)
            if member != (name in profile.segments):
                kind = "segment_entered" if member else "segment_left"
                (profile.segments.add if member else profile.segments.discard)(name)
                data: dict[str, Any] = {"segment": name} if news else {"segment": name, "news": False}
                profile.changes.append(Change(kind, name, at, str(at), data))
            self._wake(profile, flip)
        self._wake(profile, self.attributes.next_rescore(profile, at, profile.wake_at))
        profile.evaluated_at = max(profile.evaluated_at, at)

    def _fire(
        self,
        profile: Profile,
        trigger: Trigger,
        known: Mapping[str, Any],
        at: int,
        others: Mapping[str, Any] = _NOTHING,
    ) -> None:
        for key, found in trigger.active(profile, at).items():
            if key in known or key in others:
                continue
            if not trigger.same(found, (*known.values(), *others.values())):
                profile.changes.append(trigger.change(profile, key, found, at))

    def _wake(self, profile: Profile, instant: int | None) -> None:
        # Lazy: an earlier deadline stays, a later one waits until that fires.
        if instant is not None and (profile.wake_at is None or instant < profile.wake_at):
            profile.wake_at = instant

    def _timed(self, profile: Profile) -> set[str]:
        """The segments that time alone may change: those that read something this profile has. The others answer as they
        did, however many there are."""
        present = {*profile.memory, FIRST, NOW}
        present.update(key for key in self._timed_traits if key[6:] in profile.traits)
        return self._by_timed_input.select(present)

    def _touched_triggers(self, touched: set[str]) -> list[Trigger]:
        return [self.triggers[int(i)] for i in sorted(self._triggers_by_touch.select(touched))]


class _Answers(dict[str, Native]):
    """The rules as functions, each written when it is first asked: a cold start pays for no more than it needs."""

    def __init__(self, rules: Mapping[str, tuple[Rule, str]]) -> None:
        super().__init__()
        self._rules = rules

    def __missing__(self, name: str) -> Native:
        made = self[name] = native(*self._rules[name])
        return made


class _Index(dict[str, set[str]]):
    """What reads an input, by input."""

    def __init__(self, entries: Iterable[tuple[str, frozenset[str]]]) -> None:
        super().__init__()
        for name, touched_by in entries:
            for touch in touched_by:
                self.setdefault(touch, set()).add(name)

    def select(self, touched: Iterable[str]) -> set[str]:
        """What reads any of these: a set of the caller's own."""
        found: set[str] = set()
        for touch in touched:
            if touch in self:
                found |= self[touch]
        return found
