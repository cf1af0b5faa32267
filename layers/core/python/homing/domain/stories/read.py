"""From a file of ``stories/`` to a story, or every mistake in it with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from homing.domain.content.codes import CODES
from homing.domain.content.problems import validate
from homing.domain.content.scope import COMMON_TRAITS, OTHER_SPELLINGS
from homing.domain.content.suggest import closest, did_you_mean
from homing.domain.content.yaml_source import Located, Path, parse_yaml
from homing.domain.errors import InvalidCampaign
from homing.domain.stories.expectations import read_expectation
from homing.domain.stories.expected import Expect
from homing.domain.stories.language import (
    DEEDS,
    MEANWHILE,
    STEPS,
    USUAL_BEGINNING,
    Person,
    Step,
    Story,
    Until,
)

_KEYS = ("description", "at", "people", "story")
_WORDS = (*STEPS, "expect")
_TRAITS = frozenset({*COMMON_TRAITS, *OTHER_SPELLINGS})
M = TypeVar("M", bound=BaseModel)


def read_story(data: bytes | str, file: str) -> tuple[Story | None, list[InvalidCampaign]]:
    """The story, or None with what is wrong."""
    try:
        located = parse_yaml(data, file)
    except InvalidCampaign as problem:
        return None, [problem]
    reader = Reader(located)
    story = reader.story(file.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    reader.problems.sort(key=lambda problem: (problem.line, problem.column))
    return (None if reader.is_wrong() else story), reader.problems


@dataclass(slots=True)
class Reader:
    """Reads one document, and keeps what is wrong."""

    located: Located
    problems: list[InvalidCampaign] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)

    def wrong(self, message: str, path: Path, *, code: str = "invalid_value", key: bool = False) -> None:
        """Notes a mistake."""
        self.problems.append(self.located.error(message, code=code, path=path, key=key))

    def is_wrong(self) -> bool:
        """Whether something is a mistake, not only odd."""
        return any(CODES[problem.code].severity == "error" for problem in self.problems)

    def model(self, kind: type[M], path: Path, value: Any = None) -> M | None:
        """What stands at a path, or ``value`` in its place."""
        found, problems = validate(kind, self.located.part(path), value)
        self.problems += problems
        extra = found.model_extra if found is not None else None
        for name in extra or ():
            if kind is Person and name in _TRAITS:
                continue
            if meant := _meant(name, kind):
                hint = "; a property of that name goes below `properties:`" if "properties" in kind.model_fields else ""
                message = f"{name!r} is no word of stories (did you mean {meant!r}?){hint}"
                self.wrong(message, (*path, name), code="unknown_key", key=True)
            elif kind is Person and (meant := closest(name, COMMON_TRAITS, cutoff=0.8)):
                message = f"a trait {name!r} (did you mean {meant!r}?)"
                self.wrong(message, (*path, name), code="may_be_misspelt", key=True)
        return found

    def mapping(self, path: Path, what: str) -> Mapping[str, Any]:
        """The keys at a path, or none and a mistake."""
        value = self.located.at(path)
        if isinstance(value, Mapping) and value:
            return value
        self.wrong(f"expected {what}", path)
        return {}

    def story(self, name: str) -> Story:
        """All of it."""
        whole = self.mapping((), f"the keys {', '.join(_KEYS)}")
        for key in whole:
            if key not in _KEYS:
                self.wrong(f"unknown key {key!r}{did_you_mean(key, _KEYS)}", (key,), code="unknown_key", key=True)
        for key in ("description", "people", "story"):
            if whole and key not in whole:
                self.wrong(f"{key!r} is missing", (), code="missing_key")
        if "people" in whole:
            self._people()
        at = whole.get("at", USUAL_BEGINNING)
        if "at" in whole:
            begins = self.model(Until, ("at",), {"until": at})
            at = begins.until if begins else USUAL_BEGINNING
            if len(at) == len("09:00"):
                self.wrong(f"a story begins on a day: write 2026-03-02T{at}", ("at",))
        description = whole.get("description", "")
        if not isinstance(description, str):
            self.wrong("a description is a text", ("description",))
        steps = tuple(self._steps(("story",))) if "story" in whole else ()
        if steps and not self.is_wrong() and not any(isinstance(step.what, Expect) for step in steps):
            example = "`expect: {mail: …}` or `expect: {no_mail: true}`"
            message = f"nothing is expected, so this tests nothing: add a step like {example}"
            self.wrong(message, ("story",), code="nothing_expected", key=True)
        return Story(name, str(description), at, self.people, steps, self.located)

    def _people(self) -> None:
        for name in self.mapping(("people",), "people with what is known of them: `ana: {email: ana@example.com}`"):
            path = ("people", name)
            if name in _WORDS:
                self.wrong(f"{name!r} is a word of stories: call them something else", path, key=True)
            person = self.model(Person, path, self.located.at(path) or {})
            # Somebody with mistakes is somebody all the same.
            self.people[name] = person or Person()

    def _steps(self, path: Path, among: tuple[str, ...] = _WORDS) -> Iterator[Step]:
        value = self.located.at(path)
        if not isinstance(value, list) or not value:
            self.wrong("expected a list of steps", path)
            return
        for index, step in enumerate(value):
            if (found := self._step((*path, index), step, among)) is not None:
                yield found

    def _step(self, path: Path, step: Any, among: tuple[str, ...]) -> Step | None:
        word = next((key for key in step if key in _WORDS), None) if isinstance(step, Mapping) else None
        if not isinstance(step, Mapping) or not step:
            self.wrong("a step is like `advance: 3d` or `ana: {does: Product Added}`", path)
        elif word is not None and word not in among:
            self.wrong(f"{word!r} can't stand in an outage", (*path, word), key=True)
        elif word is not None:
            return self._word(word, path, step)
        elif len(step) > 1:
            self.wrong(
                f"one person a step: begin a new one with `- {list(step)[1]}:`", (*path, list(step)[1]), key=True
            )
        elif (who := next(iter(step))) not in self.people:
            known = [*self.people, *among]
            step_meant = closest(who, sorted(known)) in among
            what = f"unknown step {who!r}" if step_meant else f"{who!r} is nobody in this story, and no step"
            code = "unknown_step" if step_meant else "unknown_person"
            self.wrong(f"{what}{did_you_mean(who, known)}", (*path, who), code=code, key=True)
        else:
            return self._deed(who, (*path, who))
        return None

    def _word(self, word: str, path: Path, step: Mapping[str, Any]) -> Step | None:
        if word == "expect":
            for other in step:
                if other != word:
                    self.wrong(f"{other!r} goes below `expect:`", (*path, other), code="unknown_key", key=True)
            expected: Expect = read_expectation(self, (*path, word))
            return Step((*path, word), expected)
        meanwhile: tuple[Step, ...] = ()
        if word == "outage" and "meanwhile" in step:
            meanwhile = tuple(self._steps((*path, "meanwhile"), MEANWHILE))
            step = {key: value for key, value in step.items() if key != "meanwhile"}
        what = self.model(STEPS[word], path, step)
        return None if what is None else Step((*path, word), what, meanwhile=meanwhile)

    def _deed(self, who: str, path: Path) -> Step | None:
        deed = self.mapping(path, f"what {who} does: {', '.join(DEEDS)}")
        if not deed:
            return None
        word = next((key for key in deed if key in DEEDS), None)
        if word is None:
            first = next(iter(deed))
            hint = did_you_mean(first, DEEDS)
            message = f"unknown key {first!r}{hint}: what somebody does starts with one of {', '.join(DEEDS)}"
            self.wrong(message, (*path, first), code="unknown_key", key=True)
            return None
        what = self.model(DEEDS[word], path)
        return None if what is None else Step(path, what, who)


def _meant(name: str, kind: type[BaseModel]) -> str | None:
    """The word of stories that a property of the shop's own was probably meant to be."""
    words = [info.alias or field for field, info in kind.model_fields.items()]
    return closest(name, words, cutoff=0.8) or next((word for word in words if sorted(word) == sorted(name)), None)
