"""Names in stories that lead nowhere: people, templates, flows, segments, topics, reasons, and places in flows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homing.domain.content.problems import validate
from homing.domain.content.publish import Sources, written_names
from homing.domain.content.references import references, unknown
from homing.domain.content.suggest import did_you_mean, slip
from homing.domain.content.yaml_source import Path
from homing.domain.errors import InvalidCampaign
from homing.domain.events.names import KNOWN
from homing.domain.explain.messages import REASONS
from homing.domain.flows.language import End, Flow, walk
from homing.domain.stories import expected
from homing.domain.stories import language as lang
from homing.domain.stories.expected import Check, Expect
from homing.domain.stories.language import Person, Step, Story
from homing.domain.stories.read import read_story
from homing.domain.time import zone

# Why runs end, beside the words that flows give.
ENDINGS = (
    "done", "goal_met", "exit_when", "cart_ordered_or_emptied", "flow_changed", "flow_removed", "profile_gone", "endless",
    "stopped",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What campaigns have names for."""

    templates: Collection[str]
    segments: Collection[str]
    topics: Collection[str]
    flows: Mapping[str, Flow]
    # As it was written, for stories that change a flow.
    written: Mapping[str, Mapping[str, Any]]
    events: Collection[str]
    webhooks: Collection[str] = ()

    @classmethod
    def of(cls, sources: Sources) -> Known:
        """Of campaigns as they were read; what has mistakes of its own is known by its name."""
        folders = (sources.segments, sources.attributes, sources.choices, sources.flows)
        asked = {
            name
            for folder in folders
            for located in folder.values()
            for kind, name, _ in references(located.value)
            if kind == "event"
        }
        settings = sources.parsed_settings
        return cls(
            templates=set(sources.templates),
            segments=set(sources.segments),
            topics=set(settings.topics if settings else written_names(sources.settings, "topics")),
            flows=sources.parsed_flows,
            written={name: located.value for name, located in sources.flows.items() if isinstance(located.value, dict)},
            events=KNOWN | asked,
            webhooks=set(settings.webhooks if settings else written_names(sources.settings, "webhooks")),
        )


def wrong_names(story: Story, known: Known) -> list[InvalidCampaign]:
    """Every name of the story that leads nowhere."""
    checker = _Checker(story, known)
    found = [*checker.people(), *(problem for step in story.all_steps() for problem in checker.step(step))]
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def in_stories(files: Mapping[str, bytes], sources: Sources) -> Iterator[InvalidCampaign]:
    """What is wrong with the stories among the files of campaigns."""
    known = Known.of(sources)
    for file in sorted(files):
        if file.startswith("stories/") and file.endswith(".yaml"):
            story, problems = read_story(files[file], file)
            yield from problems
            if story is not None:
                yield from wrong_names(story, known)


def changed_flow(story: Story, step: Step, name: str, known: Known) -> tuple[Flow | None, list[InvalidCampaign]]:
    """The flow that a ``deploy`` step makes: the file's, with the keys of the step in their place."""
    path = (*step.path, name)
    changes = story.located.part(path)
    changes.value = {**known.written.get(name, {}), **(changes.value or {}), "name": name}
    flow, problems = validate(Flow, changes)
    requested = {one for one, flow in known.flows.items() if flow.on.kind == "flow_requested"}
    others = {"flow": requested, "webhook": known.webhooks}
    problems += unknown(changes, segments=known.segments, templates=known.templates, topics=known.topics, flows=others)
    return (None if problems else flow), problems


class _Checker:
    def __init__(self, story: Story, known: Known) -> None:
        self.story, self.known = story, known
        changed = [step.what.deploy for step in story.steps if isinstance(step.what, lang.Deploy)]
        # Flows that the story itself brings are there as well.
        self.flows = {*known.written, *known.flows, *(name for flows in changed for name in flows)}
        self.fixed = not changed

    def wrong(self, message: str, path: Path, code: str, *, key: bool = False) -> InvalidCampaign:
        return self.story.located.error(message, code=code, path=path, key=key)

    def people(self) -> Iterator[InvalidCampaign]:
        for name, person in self.story.people.items():
            path = ("people", name)
            yield from self._zone(person, path)
            if isinstance(person.consent, dict):
                yield from self._topics(person.consent, (*path, "consent"))

    def _zone(self, person: Person, path: Path) -> Iterator[InvalidCampaign]:
        for trait in ("time_zone", "timezone"):
            named = person.traits().get(trait)
            if isinstance(named, str) and zone(named, "UTC").key != named:
                yield self.wrong(
                    f"there is no time zone {named!r}: write Europe/Berlin", (*path, trait), "invalid_value"
                )

    def step(self, step: Step) -> Iterator[InvalidCampaign]:
        what, path = step.what, step.path
        if isinstance(what, Expect):
            for check in what.checks:
                yield from self._check(check)
        elif isinstance(what, lang.Does):
            if what.does not in self.known.events and (meant := slip(what.does, self.known.events)):
                message = f"no event is called {what.does!r} (did you mean {meant!r}?)"
                yield self.wrong(message, (*path, "does"), "unknown_event")
        elif isinstance(what, lang.Opens | lang.Clicks | lang.Bounces | lang.Complains | lang.Confirms):
            word = next(iter(type(what).model_fields))
            yield from self._name("template", getattr(what, word), self.known.templates, (*path, word))
        elif isinstance(what, lang.Unsubscribes | lang.Prefers):
            if what.by is not None:
                yield from self._name("template", what.by, self.known.templates, (*path, "by"))
            if isinstance(what, lang.Prefers):
                yield from self._topics(what.prefers, (*path, "prefers"))
        elif isinstance(what, lang.Request):
            yield from self._request(what, path)
        elif isinstance(what, lang.Pause | lang.Resume | lang.Stop):
            yield from self._name("flow", getattr(what, next(iter(type(what).model_fields))), self.flows, path)
        elif isinstance(what, lang.Product):
            if what.price is None and what.in_stock is None:
                yield self.wrong("say what changed: `price: {to: 12.50}` or `in_stock: true`", path, "missing_key")
        elif isinstance(what, lang.Deploy):
            yield from self._deploy(step, what)

    def _request(self, what: lang.Request, path: Path) -> Iterator[InvalidCampaign]:
        requested = {name for name, flow in self.known.flows.items() if flow.on.kind == "flow_requested"}
        if what.request in self.flows and what.request not in requested and self.fixed:
            able = ", ".join(sorted(requested)) or "none"
            message = f"the flow {what.request!r} can't be requested; these can: {able}"
            yield self.wrong(message, path, "invalid_value")
        else:
            yield from self._name("flow", what.request, self.flows, path)
        if what.segment is not None:
            yield from self._name("segment", what.segment, self.known.segments, (*path[:-1], "segment"))
        yield from self._whose(what.for_, path[:-1], "for", must=what.segment is None)

    def _deploy(self, step: Step, what: lang.Deploy) -> Iterator[InvalidCampaign]:
        for name, changes in what.deploy.items():
            if changes is None:
                yield from self._name("flow", name, self.known.written, (*step.path, name), key=True)
            else:
                yield from changed_flow(self.story, step, name, self.known)[1]

    def _check(self, check: Check) -> Iterator[InvalidCampaign]:
        word, what, path = check.word, check.what, check.path
        if isinstance(what, expected.Which):
            yield from self._to(what, path)
            if what.template is not None:
                yield from self._name("template", what.template, self.known.templates, (*path, "template"))
        elif isinstance(what, expected.RunIs | expected.WhichRun):
            yield from self._whose(what.of, path, "of", must=False)
        else:
            yield from self._whose(check.who, path, None)
        if isinstance(what, expected.Which | expected.RunIs | expected.WhichRun) and what.flow is not None:
            yield from self._name("flow", what.flow, self.flows, (*path, "flow"))
        if isinstance(what, expected.MailIs) and what.topic is not None:
            yield from self._name("topic", what.topic, self.known.topics, (*path, "topic"))
        if isinstance(what, expected.RunIs):
            yield from self._run(what, path)
        if isinstance(what, expected.DecisionIs) and what.reason is not None:
            yield from self._word("reason", what.reason, REASONS, (*path, "reason"))
        if word in {"in_segment", "not_in_segment"}:
            yield from self._name("segment", what, self.known.segments, path)
        if word == "consent":
            yield from self._topics({what[0]: what[1]}, path[:-1])

    def _run(self, what: expected.RunIs, path: Path) -> Iterator[InvalidCampaign]:
        flow = self.known.flows.get(what.flow)
        if flow is None or not self.fixed:
            return
        steps = list(walk(flow.steps))
        if what.ended is not None:
            words = {*ENDINGS, *(step.end for _, step in steps if isinstance(step, End))}
            yield from self._word("reason", what.ended, words, (*path, "ended"))
        places = {place for place, _ in steps} | {step.id for _, step in steps if step.id}
        if what.step is not None and str(what.step) not in places:
            message = f"{what.flow} has no step {str(what.step)!r}{did_you_mean(str(what.step), places)}"
            yield self.wrong(message, (*path, "step"), "invalid_value")

    def _to(self, what: expected.Which, path: Path) -> Iterator[InvalidCampaign]:
        # An address is as good as a person.
        if (what.to is not None and "@" not in what.to) or isinstance(what, expected.DecisionIs):
            yield from self._whose(what.to, path, "to")

    def _whose(self, who: str | None, path: Path, word: str | None, *, must: bool = True) -> Iterator[InvalidCampaign]:
        people = self.story.people
        if who is None:
            if must and len(people) > 1:
                example = f"`{word}: {next(iter(people))}`" if word else f"`{{{next(iter(people))}: …}}`"
                yield self.wrong(f"several people are in this story, so say who: {example}", path, "missing_key")
        elif who not in people:
            place = path if word is None else (*path, word)
            yield self.wrong(f"{who!r} is nobody in this story{did_you_mean(who, people)}", place, "unknown_person")

    def _topics(self, topics: Mapping[str, Any], path: Path) -> Iterator[InvalidCampaign]:
        for topic in topics:
            if topic != "*":
                yield from self._name("topic", topic, self.known.topics, (*path, topic), key=True)

    def _name(
        self, kind: str, name: str, known: Collection[str], path: Path, *, key: bool = False
    ) -> Iterator[InvalidCampaign]:
        if name not in known:
            yield self.wrong(
                f"there is no {kind} {name!r}{did_you_mean(name, known)}", path, f"unknown_{kind}", key=key
            )

    def _word(self, kind: str, word: str, known: Collection[str], path: Path) -> Iterator[InvalidCampaign]:
        if word not in known:
            yield self.wrong(f"{word!r} is no {kind}{did_you_mean(word, known)}", path, "invalid_value")
