"""Staged attributes at work: which stage somebody is in, and until when at least."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from homing.domain.attributes.attribute import earliest
from homing.domain.attributes.language import StagedAttribute
from homing.domain.errors import InvalidInput
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Test
from homing.domain.segments.language import Condition
from homing.domain.segments.native import Native, native
from homing.domain.segments.rules import Rule


@dataclass(frozen=True, slots=True)
class StageRule:
    """A compiled stage; ``keep_for`` in microseconds."""

    name: str
    when: Native
    keep_while: Native | None
    keep_for: int | None


@dataclass(frozen=True, slots=True)
class StagedRule:
    """A compiled staged attribute. The present stage and since when are part of the profile (``profile.stages``)."""

    name: str
    stages: tuple[StageRule, ...]
    reads: frozenset[str]

    @classmethod
    def compiled(
        cls,
        attribute: StagedAttribute,
        compile: Callable[[Condition], Rule],
        kept: Callable[[Rule], str] | None = None,
    ) -> StagedRule:
        """Compiles the conditions; raises InvalidInput when one depends on a staged attribute. ``kept`` names the key under
        which the answers of a rule are kept (:func:`homing.domain.segments.native.native`)."""

        def made(rule: Rule) -> Native:
            return native(rule, None if kept is None else kept(rule))

        compiled = [
            (stage, compile(stage.when), None if stage.keep_while is None else compile(stage.keep_while))
            for stage in attribute.stages
        ]
        stages = tuple(
            StageRule(stage.name, made(when), None if keeps is None else made(keeps), stage.keep_for)
            for stage, when, keeps in compiled
        )
        rules = [rule for _, when, keeps in compiled for rule in (when, keeps) if rule is not None]
        reads: frozenset[str] = frozenset().union(*(rule.reads for rule in rules))
        if circular := sorted(one.removeprefix("stage:") for one in reads if one.startswith("stage:")):
            raise InvalidInput(
                f"the stages of {attribute.name} depend on {circular[0]}, which has stages itself",
                code="attribute_cycle",
            )
        return cls(attribute.name, stages, reads)

    def evaluate(self, profile: Profile, t: int) -> tuple[str | None, int | None]:
        """The stage at ``t``, given the one that the profile is in, and the next instant at which it may be another if
        nothing happens; then it has to be evaluated again. None: no stage, and never."""
        present, since = profile.stages.get(self.name, (None, 0))
        changes: int | None = None
        for stage in self.stages:
            if stage.name == present and stage.keep_for is not None and t < since + stage.keep_for:
                return present, since + stage.keep_for
        for stage in self.stages:
            holds, flip = stage.when(profile, t)
            # A stage that is entered now will be judged by both from now on.
            if stage.keep_while is not None and (holds or stage.name == present):
                keeps, until = stage.keep_while(profile, t)
                holds, flip = holds or keeps, earliest(flip, until)
            if flip is not None and (changes is None or flip < changes):
                changes = flip
            if holds:
                if stage.name != present and stage.keep_for is not None:
                    # Just entered: it stays at least so long.
                    return stage.name, t + stage.keep_for
                return stage.name, changes
        return None, changes


class CurrentStage:
    """The stage that a profile was last found in, as an attribute for rules and templates."""

    lasting = True

    def __init__(self, name: str) -> None:
        self._name = name
        self.reads = frozenset({f"stage:{name}"})

    def value(self, profile: Profile, t: int) -> Any:
        """None without a stage."""
        return profile.stages.get(self._name, (None, 0))[0]

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """The engine evaluates stages before it asks: by itself this never changes."""
        return None
