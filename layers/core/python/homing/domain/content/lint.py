"""Everything that can be said about campaigns before anybody gets a mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from homing.domain.codes.check import misused_codes
from homing.domain.content.checks.flows import in_flows, in_segments, past_days
from homing.domain.content.checks.goods import unknown_goods
from homing.domain.content.checks.loops import in_circles
from homing.domain.content.checks.mails import in_mails
from homing.domain.content.checks.pressure import over_caps
from homing.domain.content.checks.written import written
from homing.domain.content.choices.check import unreachable
from homing.domain.content.codes import CODES, Severity
from homing.domain.content.publish import Sources, bundle, read
from homing.domain.content.references import references, traits
from homing.domain.content.scope import choices as choice_shape
from homing.domain.content.suggest import slip
from homing.domain.content.template_source import TemplateSource
from homing.domain.content.usage import Use, uses
from homing.domain.content.variables import read_by
from homing.domain.content.yaml_source import Located
from homing.domain.errors import InvalidCampaign
from homing.domain.events.names import KNOWN
from homing.domain.stories.check import in_stories

_PICTURE = re.compile(r"<(?:img|mj-image)\b(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL)


class Finding(NamedTuple):
    """A mistake with how bad it is."""

    severity: Severity
    problem: InvalidCampaign

    @property
    def place(self) -> tuple[str, int, int]:
        """For sorting."""
        return self.problem.file, self.problem.line, self.problem.column


def lint(files: Mapping[str, bytes], today: date | None = None) -> list[Finding]:
    """All findings, in the order of files and lines; the same mistake in a shared block is said once. With ``today`` days
    that are past are told, too."""
    sources = read(files)
    problems = list(sources.problems)
    used = uses(sources.parsed_flows)
    rules = [
        located
        for folder in (sources.segments, sources.attributes, sources.choices, sources.flows)
        for located in folder.values()
    ]
    problems += _events(rules)
    problems += unknown_goods(rules, sources.products)
    problems += unreachable(sources.parsed_choices, sources.choices)
    problems += misused_codes(sources.flows, sources.codes, sources.parsed_templates)
    for name, source in sorted(sources.templates.items()):
        problems += _template(source, used.get(name, []), sources)
    problems += written(files, sources, used)
    problems += _unused(files, sources, used)
    campaigns = bundle(files, sources)
    if campaigns is not None:
        # What is wrong already fails here once more, and need not be told twice.
        wrong = any(CODES[problem.code].severity == "error" for problem in problems)
        made = in_mails(campaigns, sources.templates)
        problems += [problem for problem in made if not (wrong and CODES[problem.code].severity == "error")]
    problems += in_stories(files, sources)
    problems += _flows(sources, today)
    found = {str(problem): Finding(CODES[problem.code].severity, problem) for problem in problems}
    return sorted(found.values(), key=lambda finding: finding.place)


def _flows(sources: Sources, today: date | None) -> Iterator[InvalidCampaign]:
    segments = sources.parsed_segments
    yield from in_segments(segments, sources.segments)
    yield from in_flows(
        sources.parsed_flows, sources.flows, segments, sources.parsed_codes, today, sources.parsed_settings
    )
    yield from in_circles(sources.parsed_flows, sources.flows, segments)
    yield from past_days(sources.parsed_codes, sources.codes, today)
    if sources.parsed_settings is not None:
        yield from over_caps(sources.parsed_flows, sources.flows, segments, sources.parsed_settings)


def _events(rules: Iterable[Located]) -> Iterator[InvalidCampaign]:
    for located in rules:
        for kind, name, path in references(located.value):
            if kind == "event" and name not in KNOWN and (meant := slip(name, KNOWN)):
                message = f"no event is called {name!r} (did you mean {meant!r}?)"
                yield located.error(message, code="unknown_event", path=path)


def _template(source: TemplateSource, used: list[Use], sources: Sources) -> Iterator[InvalidCampaign]:
    folders = [sources.segments, sources.attributes, sources.choices, sources.flows]
    documents = [located for folder in folders for located in folder.values()]
    asked = {name for located in documents for name in traits(located.value)}
    for part in source.parts.values():
        choice = choice_shape(sources.choices, sources.parsed_choices)
        yield from read_by(part, used, asked, sources.attributes, choice)
    for match in _PICTURE.finditer(source.body.text):
        if not re.search(r"\salt\s*=", match[0]) and "mj-attributes" not in _above(source.body.text, match.start()):
            yield source.body.error("this picture has no alt text", code="missing_alt", index=match.start())
    if not source.front.preheader and "<mj-preview" not in source.body.text:
        yield source.located.error("the template has no preheader", code="missing_preheader")
    topics = sources.parsed_settings.topics if sources.parsed_settings else {}
    for use in used:
        topic = topics.get(use.topic)
        if topic and not topic.transactional and "unsubscribe_url" not in source.body.text:
            message = f"{use.flow} sends this under the topic {use.topic!r}, so it needs {{{{ unsubscribe_url }}}}"
            yield source.located.error(message, code="missing_unsubscribe")


def _above(text: str, index: int) -> str:
    """``mj-attributes`` when the place lies inside the defaults of a layout."""
    opened, closed = text.rfind("<mj-attributes>", 0, index), text.rfind("</mj-attributes>", 0, index)
    return "mj-attributes" if opened > closed else ""


def _unused(files: Mapping[str, bytes], sources: Sources, used: Mapping[str, list[Use]]) -> Iterator[InvalidCampaign]:
    for name, source in sources.templates.items():
        if name not in used and len(sources.parsed_flows) == len(sources.flows):
            yield source.located.error(f"no flow sends {name!r}", code="unused_template")
    if len(sources.parsed_templates) == len(sources.templates):
        asked = {name for template in sources.parsed_templates.values() for name in template.choices}
        for name, located in sources.choices.items():
            if name not in asked:
                yield located.error(f"no template reads choice.{name}", code="unused_choice")
    if len(sources.templates) == sum(file.startswith("templates/") and file.endswith(".mjml") for file in files):
        included = {file for source in sources.templates.values() for file in source.body.files}
        for file in files:
            if file.startswith("blocks/") and file not in included:
                yield InvalidCampaign("no template includes this block", code="unused_block", file=file)
