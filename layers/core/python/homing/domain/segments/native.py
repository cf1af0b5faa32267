"""Rules as Python functions of their own, for the engine: the same answers as ``check`` and ``next_flip``, several times
as fast.

An event asks a dozen rules, each twice (is it true, and is it still when it may change?), and most of them need one look
at one entry: calling methods through a tree costs more than the answer. So each segment's tree is written down as one
flat function, in which "three orders within 180 days" is a look-up, a comparison and an addition. Whatever has no short
form here (sums, sequences, events stamped ahead) asks the rule itself. :data:`NEVER` stands for "no instant", so that
the earliest and the latest are plain comparisons.

An answer says until when it holds. With a ``key`` it is kept with the profile (``profile.worked``) and given again until
then: most that is asked when somebody wakes is as it was. Whoever changes a profile takes out what reads the change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from homing.domain.profiles.profile import Profile
from homing.domain.segments.behaviour import (
    AmountRule,
    ChosenRule,
    DidRule,
    DistinctRule,
    DuringRule,
    RateRule,
    SameRule,
)
from homing.domain.segments.comparisons import words
from homing.domain.segments.rules import MAX_CANDIDATES, AllOf, Answer, AnyOf, NotRule, Rule
from homing.domain.segments.said import (
    ComputedRule,
    DateRule,
    KnownForRule,
    ListRule,
    NowRule,
    ShareRule,
    TraitRule,
)
from homing.domain.segments.sequences import SequenceRule

NEVER = 1 << 62
# Python nests blocks 20 deep; what lies deeper in a rule answers for itself.
_DEEPEST = 12

Native = Callable[[Profile, int], Answer]

# Rules that change only by what they read and at the instants that they tell.
_LASTING = (
    DidRule, DuringRule, SameRule, DistinctRule, AmountRule, ChosenRule, RateRule, SequenceRule, TraitRule, DateRule,
    KnownForRule, NowRule, ListRule, ShareRule,
)  # fmt: skip


def lasting(rule: Rule) -> bool:
    """Whether an answer holds until the instant that comes with it, unless something that the rule reads changes."""
    if isinstance(rule, AllOf | AnyOf):
        return all(map(lasting, rule.parts))
    if isinstance(rule, NotRule):
        return lasting(rule.part)
    return rule.attribute.lasting if isinstance(rule, ComputedRule) else isinstance(rule, _LASTING)


def native(rule: Rule, key: str | None = None) -> Native:
    """Truth at an instant and the first instant after it at which it differs, as :func:`next_flip` gives them; kept under
    the ``key`` where it lasts and is not found in a few steps anyway."""
    source = _Source()
    place = source.rule(rule, 0)
    body = source.lines
    # Where a flip is the very instant, there is no need to look whether it is; a rule that was asked may be early.
    asks = any("asked" in line for line in body)
    kept = key is not None and lasting(rule) and not isinstance(rule, DidRule | KnownForRule | TraitRule)
    found = "keep(profile, start, truth, {})" if kept else "(truth, {})"
    never = found.format("None")
    sure = " and ".join(filter(None, ["not asked" if asks else "", _sure(rule)]))
    again = [
        "    for _ in candidates:",
        f"        t = F{place}",
        *(f"        {line}" for line in body),
        f"        if T{place} != truth: return {found.format('t')}",
        f"        if F{place} == NEVER: return {never}",
    ]
    text = "\n".join(
        [
            "def answer(profile, t):",
            *(_KNOWN.format(key=repr(key)).splitlines() if kept else []),
            "    memory = profile.memory",
            *(["    asked = False"] if asks else []),
            *(f"    {line}" for line in body),
            f"    truth = T{place}",
            f"    if F{place} == NEVER: return {never}",
            *([f"    if {sure}: return {found.format(f'F{place}')}"] if _sure(rule) else []),
            *([] if sure == "True" else again),
            # After so many steps it is only the next instant at which to look again, and not kept.
            f"    return truth, F{place}",
        ]
    )

    def keep(profile: Profile, start: int, truth: bool, flip: int | None) -> Answer:
        answer = (truth, flip)
        profile.worked[key] = (start, NEVER if flip is None else flip, answer)
        return answer

    namespace: dict[str, Any] = {
        **source.names, "NEVER": NEVER, "ask": _ask, "keep": keep, "candidates": range(MAX_CANDIDATES)
    }  # fmt: skip
    exec(compile(text, "<rule>", "exec"), namespace)
    answer: Native = namespace["answer"]
    return answer


_KNOWN = """\
    held = profile.worked.get({key})
    if held is not None and held[0] <= t < held[1]: return held[2]
    start = t
"""


def _sure(rule: Rule) -> str:
    """When a rule without asked parts knows its flip exactly: always for one entry that expires; for several that must all
    hold as long as they do, and the other way round; else, in general, not."""
    if _single(rule):
        return "True"
    if isinstance(rule, AllOf) and all(map(_single, rule.parts)):
        return "truth"
    if isinstance(rule, AnyOf) and all(map(_single, rule.parts)):
        return "not truth"
    return ""


def _single(rule: Rule) -> bool:
    return not isinstance(rule.part if isinstance(rule, NotRule) else rule, AllOf | AnyOf | NotRule)


def _ask(rule: Rule, profile: Profile, t: int) -> tuple[bool, int]:
    truth, flip = rule.check(profile, t)
    return truth, NEVER if flip is None else flip


class _Source:
    """Lines that leave the answer of rule n in ``Tn`` and ``Fn``."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self._count = 0

    def rule(self, rule: Rule, depth: int) -> int:
        """Writes a rule down; returns its number."""
        n = self._count
        self._count += 1
        if isinstance(rule, AllOf | AnyOf) and depth < _DEEPEST:
            self._combined(n, rule, depth)
        elif isinstance(rule, NotRule) and depth < _DEEPEST:
            part = self.rule(rule.part, depth)
            self._write(depth, f"T{n} = not T{part}", f"F{n} = F{part}")
        elif isinstance(rule, DidRule) and rule.count.at_most is None and rule.count.at_least > 0:
            self._did(n, rule, depth)
        elif isinstance(rule, TraitRule) and (words := _words(rule)):
            self._trait(n, rule, words, depth)
        elif isinstance(rule, KnownForRule):
            self._write(
                depth,
                f"F{n} = NEVER if profile.first_at is None else profile.first_at + {rule.at_least}",
                f"T{n} = F{n} <= t",
                f"if T{n}: F{n} = NEVER",
            )
        else:
            self.names[f"rule{n}"] = rule
            self._write(depth, f"T{n}, F{n} = ask(rule{n}, profile, t); asked = True")
        return n

    def _write(self, depth: int, *lines: str) -> None:
        self.lines += ["    " * depth + line for line in lines]

    def _combined(self, n: int, rule: AllOf | AnyOf, depth: int) -> None:
        """All: true as long as every part is, until the first of them changes; false until the last of the false parts
        may change, and for good when one of them never will. Any is the same with true and false exchanged."""
        all_of = isinstance(rule, AllOf)
        self._write(depth, f"T{n} = {all_of}", f"F{n} = NEVER", f"L{n} = 0", "while True:")
        for part in rule.parts:
            p = self.rule(part, depth + 1)
            self._write(
                depth + 1,
                f"if {'' if all_of else 'not '}T{p}:",
                f"    if F{p} < F{n}: F{n} = F{p}",
                "else:",
                f"    T{n} = {not all_of}",
                f"    if F{p} > L{n}:",
                f"        L{n} = F{p}",
                f"        if F{p} == NEVER: break",
            )
        self._write(depth + 1, "break")
        self._write(depth, f"if T{n} is {not all_of}: F{n} = L{n}")

    def _did(self, n: int, rule: DidRule, depth: int) -> None:
        self.names[f"rule{n}"] = rule
        low, within = rule.count.at_least, rule.count.within
        self._write(
            depth,
            f"held = memory.get({rule.slot!r})",
            f"if not held or len(held) < {low}:" if low > 1 else "if not held:",
            f"    T{n} = False; F{n} = NEVER",
            "elif held[0][0] > t:",
            f"    T{n}, F{n} = ask(rule{n}, profile, t); asked = True",
        )
        if within is None:
            self._write(depth, "else:", f"    T{n} = True; F{n} = NEVER")
        else:
            self._write(
                depth,
                "else:",
                f"    F{n} = held[{low - 1}][0] + {within}",
                f"    T{n} = F{n} > t",
                f"    if not T{n}: F{n} = NEVER",
            )
        if low > 1:
            # Too few, but some of them may be stamped ahead.
            self._write(
                depth, f"if held and not T{n} and held[0][0] > t: T{n}, F{n} = ask(rule{n}, profile, t); asked = True"
            )

    def _trait(self, n: int, rule: TraitRule, words: frozenset[str], depth: int) -> None:
        self.names |= {f"rule{n}": rule, f"words{n}": words}
        name = rule.tests[0][0]
        self._write(
            depth,
            f"F{n} = NEVER",
            f"said = profile.traits.get({name!r})",
            "if said is None:",
            f"    T{n} = {'False' if '.' not in name else f'rule{n}.check(profile, t)[0]'}",
            "elif said[3].__class__ is str:",
            f"    T{n} = said[3] in words{n}",
            "else:",
            f"    T{n} = rule{n}.check(profile, t)[0]",
        )


def _words(rule: TraitRule) -> frozenset[str]:
    return words(rule.tests[0][1]) if len(rule.tests) == 1 else frozenset()
