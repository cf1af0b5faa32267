"""What a condition saw: which events counted, which value by which source, which list, which share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.explain import words
from homing.domain.profiles.local_time import zone_of
from homing.domain.profiles.memory import Entry
from homing.domain.profiles.profile import EXPLICIT, IMPORTED, INFERRED, Profile, TraitValue
from homing.domain.segments import behaviour
from homing.domain.segments import language as lang
from homing.domain.segments.behaviour import after, covered, split
from homing.domain.segments.comparisons import millionths
from homing.domain.segments.rules import NotRule, Rule
from homing.domain.segments.said import portion
from homing.domain.segments.sequences import SequenceRule

# What is known of an event besides its time, by its key: "order_id 4711, line 12".
Told = Callable[[int], str]

_SHOWN = 5
_WEIGHTS = {EXPLICIT: "said", IMPORTED: "imported", INFERRED: "inferred"}


def statement(said: TraitValue, zone: ZoneInfo) -> str:
    """``DE, said through the shop's SDK on 22 Nov 2026, 09:30 (confidence 1)``."""
    held = "removed" if said.value is None else words.value(said.value)
    how, at = _WEIGHTS.get(said.weight, "said"), words.when(said.at, zone)
    return f"{held}, {how} {words.heard(said.source)} on {at} (confidence {said.confidence:g})"


class Evidence:
    """Facts in words; instants on the clock of ``zone``, the shop's."""

    def __init__(self, zone: ZoneInfo, told: Told | None = None) -> None:
        self.zone = zone
        self._told = told or (lambda _: "")

    def of(self, asked: lang.Condition, rule: Rule, profile: Profile, t: int, since: int | None = None) -> list[str]:
        """What a simple condition saw at ``t``, at most a few lines; ``since``: behaviour without a window counts from then."""
        if isinstance(asked, lang.Trait):
            return [line for name in asked.trait for line in self.trait(profile, name)]
        if isinstance(asked, lang.Computed):
            return [
                f"{name} is {words.value(attribute.value(profile, t))}"
                for name, attribute in _attributes(rule, asked.computed)
            ]
        if isinstance(asked, lang.KnownFor):
            first = profile.first_at
            return [
                "nothing is known of them" if first is None else f"first heard of on {words.when(first, self.zone)}"
            ]
        if isinstance(asked, lang.OnList):
            return [self._list(profile, asked.list)]
        if isinstance(asked, lang.Share):
            return [
                f"their place under {asked.share.of} is {words.percent(portion(asked.share.of, profile.id), '.2f')}"
            ]
        if isinstance(asked, lang.Now):
            local = zone_of(profile, self.zone.key)
            return [f"where they are ({local.key}) it is {words.when(t, local)}"]
        if isinstance(asked, lang.Sequence):
            return self._sequence(rule, asked, profile, t)
        return self._behaviour(rule.part if isinstance(rule, NotRule) else rule, profile, t, since)

    def trait(self, profile: Profile, name: str) -> list[str]:
        """What is said of a trait, the statement that counts first, then those that it beat."""
        head = name if name in profile.traits else name.partition(".")[0]
        held = profile.traits.get(head)
        if held is None:
            return [f"{name} is not known"]
        lines = [f"{head} is {statement(held, self.zone)}"]
        lines += [f"against it: {statement(rival, self.zone)}" for rival in profile.rivals.get(head, {}).values()]
        return lines

    def _list(self, profile: Profile, name: str) -> str:
        word = profile.lists.get(name)
        if word is None:
            return f"was never on {name}"
        return f"{'joined' if word[1] else 'left'} {name} on {words.when(word[0], self.zone)}"

    def entry(self, found: Entry) -> str:
        """One event: when, and what is known of it."""
        at, key, carried = found
        more = self._told(key)
        if not more and carried:
            more = ", ".join(f"{n} {words.value(v)}" for n, v in carried.items() if not isinstance(v, list | dict))
        return f"{words.when(at, self.zone)}{f' ({more})' if more else ''}"

    def _entries(self, found: list[Entry], none: str = "no such event") -> list[str]:
        if not found:
            return [none]
        lines = [self.entry(one) for one in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"… and {len(found) - _SHOWN} more that are remembered")
        return lines

    def _behaviour(self, rule: Rule, profile: Profile, t: int, since: int | None) -> list[str]:
        if isinstance(rule, behaviour.DidRule | behaviour.DuringRule):
            past, _ = split(profile.memory.get(rule.slot) or [], t)
            during = rule.during if isinstance(rule, behaviour.DuringRule) else None
            counts = after(past, since) if since is not None and rule.count.within is None else past
            found = covered(_window(counts, rule.count.within, t), during, profile, self.zone.key)
            lines = self._entries(found, "no such event counts")
            if not found and past:
                word = "no longer counts" if counts is past else "was before"
                lines.append(f"the latest one, which {word}: {self.entry(past[0])}")
            return lines
        if isinstance(rule, behaviour.SameRule):
            return self._by_value(profile, rule.slot, rule.count.within, t)
        if isinstance(rule, behaviour.DistinctRule):
            lines = self._by_value(profile, rule.slot, rule.count.within, t, each=1)
            return [f"{self._distinct(profile, rule.slot, rule.count.within, t)} different values", *lines]
        if isinstance(rule, behaviour.AmountRule):
            return self._amount(rule, profile, t)
        if isinstance(rule, behaviour.ChosenRule):
            past, _ = split(profile.memory.get(rule.slot) or [], t)
            return [self.entry(past[-1 if rule.earliest else 0])] if past else ["no such event"]
        if isinstance(rule, behaviour.RateRule):
            reached = self._values(profile, rule.of, rule.within, t)
            reacted = self._values(profile, rule.slot, rule.within, t)
            hits = sum(1 for value in reached if value in reacted)
            share = f" = {hits / len(reached):.1%}" if reached else ""
            return [f"{hits} of {len(reached)}{share}"]
        return []

    def _amount(self, rule: behaviour.AmountRule, profile: Profile, t: int) -> list[str]:
        past, _ = split(profile.memory.get(rule.slot) or [], t)
        found = covered(_window(past, rule.within, t), rule.during, profile, self.zone.key)
        amounts = [n for _, _, carried in found if (n := millionths((carried or {}).get(rule.property))) is not None]
        if not amounts:
            return [f"no event with a number {rule.property} counts"]
        total = Decimal(sum(amounts)) / 1_000_000
        made = {
            "sum": total,
            "average": total / len(amounts),
            "maximum": Decimal(max(amounts)) / 1_000_000,
            "minimum": Decimal(min(amounts)) / 1_000_000,
        }[rule.aggregate]
        shown = f"{made:.6f}".rstrip("0").rstrip(".")
        return [f"the {rule.aggregate} of {rule.property} over {len(amounts)} is {shown}", *self._entries(found)]

    def _sequence(self, rule: Rule, asked: lang.Sequence, profile: Profile, t: int) -> list[str]:
        if not isinstance(rule, SequenceRule):
            return []
        lines = []
        for step, slot in zip(asked.sequence, _in_order(rule), strict=True):
            name = step.did if isinstance(step, lang.DidStep) else step.did_not
            held = profile.memory.get(slot) or []
            if isinstance(held, dict):
                held = sorted((entry for of in held.values() for entry in of), key=lambda e: e[:2], reverse=True)
            past, _ = split(held, t)
            shown = "; ".join(self.entry(one) for one in past[:3])
            lines.append(f"{name}: {shown or 'never, as far as is remembered'}{' …' if len(past) > 3 else ''}")
        return lines

    def _values(self, profile: Profile, slot: str, within: int | None, t: int) -> dict[str, list[Entry]]:
        """Value → its entries in the window, where there are some."""
        found = {}
        for name, held in (profile.memory.get(slot) or {}).items():
            if past := _window(split(held, t)[0], within, t):
                found[name] = past
        return found

    def _distinct(self, profile: Profile, slot: str, within: int | None, t: int) -> int:
        return len(self._values(profile, slot, within, t))

    def _by_value(self, profile: Profile, slot: str, within: int | None, t: int, each: int = 3) -> list[str]:
        found = self._values(profile, slot, within, t)
        ranked = sorted(found.items(), key=lambda item: (-len(item[1]), -item[1][0][0], item[0]))
        lines = [
            f"{name}: {words.count(len(held), 'time')}, {'; '.join(self.entry(one) for one in held[:each])}"
            for name, held in ranked[:_SHOWN]
        ]
        if len(ranked) > _SHOWN:
            lines.append(f"… and {len(ranked) - _SHOWN} more values")
        return lines or ["no such event counts"]


def _window(past: list[Entry], within: int | None, t: int) -> list[Entry]:
    return past if within is None else after(past, t - within)


def _in_order(rule: SequenceRule) -> list[str]:
    slots: list[str] = []
    for step in rule.steps:
        slots += [slot for slot in (step.unless, step.slot) if slot is not None]
    return [*slots, rule.ending.slot] if rule.ending is not None else slots


def _attributes(rule: Rule, asked: Iterable[str]) -> list[tuple[str, Any]]:
    parts = getattr(rule, "parts", (rule,))
    return [(name, part.attribute) for name, part in zip(asked, parts, strict=True)]
