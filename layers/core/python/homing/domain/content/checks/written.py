"""What can be said about templates, settings and catalog as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from homing.domain.content.catalog import FILES
from homing.domain.content.checks.clients import unsupported
from homing.domain.content.checks.conditions import Domain, Names
from homing.domain.content.checks.habits import in_line, in_text
from homing.domain.content.checks.links import Address, addresses, insecure_products, insecure_settings, wrong_links
from homing.domain.content.checks.names import unknown_names
from homing.domain.content.checks.reach import Reach, dead_branches, domains
from homing.domain.content.context import ALWAYS, BROUGHT, RESERVED
from homing.domain.content.publish import Sources
from homing.domain.content.source import Source
from homing.domain.content.template_source import TemplateSource
from homing.domain.content.usage import Use
from homing.domain.errors import InvalidCampaign


def written(files: Mapping[str, bytes], sources: Sources, used: Mapping[str, list[Use]]) -> Iterator[InvalidCampaign]:
    """Findings that need no mail to be made."""
    for template in sources.templates.values():
        yield from _template(template)
        for part in template.parts.values():
            yield from unknown_names(part, sources.segments, sources.products)
    yield from _dead(sources, used)
    if sources.parsed_settings is not None and sources.settings is not None:
        yield from insecure_settings(sources.parsed_settings, sources.settings)
    yield from insecure_products(sources.products, *_catalog(files))


def fetched(files: Mapping[str, bytes], sources: Sources) -> Iterator[Address]:
    """Every address that is written down, for whoever fetches them."""
    bodies = {name: template.body for name, template in sources.templates.items()}
    yield from addresses(bodies, sources.parsed_settings, sources.settings, sources.products, _catalog(files))


def _template(template: TemplateSource) -> Iterator[InvalidCampaign]:
    yield from wrong_links(template.body)
    yield from unsupported(template.body)
    for message, index in in_text(template.body.text):
        yield template.body.error(message, code="loud_words", index=index)
    for part in ("subject", "preheader"):
        if source := template.parts.get(part):
            for code, message in in_line(source.text, part):
                yield source.error(message, code=code, index=0)


def _dead(sources: Sources, used: Mapping[str, list[Use]]) -> Iterator[InvalidCampaign]:
    if not _whole(sources):
        return
    topics = sources.parsed_settings.topics if sources.parsed_settings else {}
    parts: dict[str, list[tuple[Source, list[Reach]]]] = {}
    for name, template in sources.templates.items():
        known = [
            _lenient(
                domains(use, sources.parsed_flows.get(use.flow), topics, sources.attributes, sources.parsed_choices),
                used[name],
            )
            for use in used.get(name, ())
        ]
        if known:
            parts[name] = [(source, known) for source in template.parts.values()]
    yield from dead_branches(parts)


def _whole(sources: Sources) -> bool:
    """Whether all was read that says who comes where: a mistake elsewhere makes no branch dead."""
    read = (
        (sources.flows, sources.parsed_flows),
        (sources.choices, sources.parsed_choices),
        (sources.attributes, sources.parsed_attributes),
    )
    return sources.parsed_settings is not None and all(len(found) == len(parsed) for found, parsed in read)


def _lenient(domain: Reach, used: list[Use]) -> Reach:
    """What no flow brings is told as ``wrong_trigger``, and not once more."""
    brought = ALWAYS.union(*(BROUGHT[use.trigger] for use in used))

    def of(path: Names) -> Domain:
        return Domain() if path[0] in RESERVED and path[0] not in brought else domain(path)

    return of


def _catalog(files: Mapping[str, bytes]) -> tuple[str, str]:
    file = next((file for file in FILES if file in files), FILES[0])
    return file, files.get(file, b"").decode("utf-8", "replace")
