"""What a Liquid template reads, without rendering it."""

from __future__ import annotations

from collections.abc import Iterator

from homing.domain.campaigns import Template
from homing.domain.content.engine import environments
from homing.domain.content.source import Source
from homing.domain.errors import InvalidCampaign


def syntax(source: Source) -> Iterator[InvalidCampaign]:
    """The first mistake in the Liquid of a source, with its place."""
    from liquid.exceptions import LiquidError

    try:
        environments().text.from_string(source.text)
    except LiquidError as error:
        index = error.token.start_index if error.token is not None else 0
        yield source.error(str(error.args[0] if error.args else error), code="liquid", index=max(index, 0))


def roots(template: Template) -> list[str]:
    """Names of the top-level variables that any part of a template reads."""
    found: set[str] = set()
    for part in (template.subject, template.preheader, template.html, template.text):
        analysis = environments().text.from_string(part).analyze(include_partials=False)
        found.update(analysis.globals)
    return sorted(found)
