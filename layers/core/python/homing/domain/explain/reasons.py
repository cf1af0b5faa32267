"""Why a condition holds of somebody at an instant, or not: a tree of reasons, each with its line, its facts, and when it
will change by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homing.domain.content.suggest import did_you_mean
from homing.domain.content.yaml_source import Located, Path
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.explain import words
from homing.domain.explain.evidence import Evidence
from homing.domain.profiles.memory import Plan
from homing.domain.profiles.profile import Profile
from homing.domain.segments import language as lang
from homing.domain.segments.compiler import Compiler
from homing.domain.segments.rules import next_flip
from homing.domain.time import iso


@dataclass(slots=True)
class Reason:
    """One condition: what it says, where that stands (``segments/vip.yaml:4``), whether it holds, what it saw, and the
    instant at which it will be otherwise if nothing happens (None: never)."""

    words: str
    holds: bool
    place: str = ""
    facts: list[str] = field(default_factory=list)
    changes_at: int | None = None
    parts: list[Reason] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "condition": self.words,
            "holds": self.holds,
            "where": self.place,
            "facts": self.facts,
            "changes_at": None if self.changes_at is None else iso(self.changes_at),
            "parts": [part.to_dict() for part in self.parts],
        }


class Explainer:
    """Explains conditions of one shop's campaigns. ``places`` are the segments' files, where they are known."""

    def __init__(self, engine: Engine, evidence: Evidence, places: Mapping[str, Located] | None = None) -> None:
        self._engine = engine
        self._evidence = evidence
        self._places = places or {}
        # The same condition asks for the same memory, so a plan of its own leads to the same slots.
        self._compiler = Compiler(
            engine.campaigns.segments, Plan(), zone=engine.campaigns.settings.time_zone, attributes=engine.attributes
        )

    def segment(self, profile: Profile, name: str, t: int) -> Reason:
        """Why somebody is in a segment at ``t``, or not. Raises InvalidInput for an unknown one."""
        found = self._engine.campaigns.segments.get(name)
        if found is None:
            hint = did_you_mean(name, list(self._engine.campaigns.segments))
            raise InvalidInput(f"there is no segment {name!r}{hint}", code="unknown_segment")
        located = self._places.get(name)
        return self._reason(found.when, profile, t, located, ("when",))

    def condition(
        self,
        asked: lang.Condition,
        profile: Profile,
        t: int,
        located: Located | None,
        path: Path,
        since: int | None = None,
    ) -> Reason:
        """Why a condition that stands at ``path`` of a file holds at ``t``, or not. ``since``: behaviour without a window
        counts from then on, as in the goal of a flow."""
        return self._reason(asked, profile, t, located, path, since)

    def _reason(
        self,
        asked: lang.Condition,
        profile: Profile,
        t: int,
        located: Located | None,
        path: Path,
        since: int | None = None,
    ) -> Reason:
        rule = self._compiler.compile(asked)
        holds, flip = next_flip(rule, profile, t) if since is None else (rule.check(profile, t, since)[0], None)
        reason = Reason(words.condition(asked), holds, _place(located, path), changes_at=flip)
        if isinstance(asked, lang.All | lang.Any_ | lang.Not):
            steps = _steps(asked, located, path)
            reason.parts = [self._reason(part, profile, t, located, (*path, *step), since) for part, step in steps]
        elif isinstance(asked, lang.InSegment):
            inside = self._engine.campaigns.segments[asked.segment].when
            reason.parts = [self._reason(inside, profile, t, self._places.get(asked.segment), ("when",), since)]
        elif isinstance(asked, lang.Trait) and len(asked.trait) > 1:
            for name, one in asked.trait.items():
                part = lang.Trait(trait={name: one})
                reason.parts.append(self._reason(part, profile, t, located, (*path, "trait", name)))
        elif isinstance(asked, lang.Computed) and len(asked.computed) > 1:
            for name, test in asked.computed.items():
                piece = lang.Computed(computed={name: test})
                reason.parts.append(self._reason(piece, profile, t, located, (*path, "computed", name)))
        else:
            reason.facts = self._evidence.of(asked, rule, profile, t, since)
        return reason


def _steps(
    asked: lang.All | lang.Any_ | lang.Not, located: Located | None, path: Path
) -> list[tuple[lang.Condition, Path]]:
    """Each part with where it stands below ``path``; a list under ``when`` means ``all``."""
    if isinstance(asked, lang.Not):
        return [(asked.not_, ("not",))]
    key, parts = ("all", asked.all) if isinstance(asked, lang.All) else ("any", asked.any)
    bare = located is not None and (*path, 0) in located.values
    return [(part, (index,) if bare else (key, index)) for index, part in enumerate(parts)]


def _place(located: Located | None, path: Path) -> str:
    return "" if located is None else f"{located.file}:{located.place(path)[0]}"
