"""What only shows when mails are made: one for each person that :mod:`homing.domain.content.people` makes up."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping

from homing.domain.campaigns import Campaigns
from homing.domain.content.checks.contrast import Weak, weak_text
from homing.domain.content.checks.habits import in_subject, pictures_only
from homing.domain.content.checks.page import Page, parse
from homing.domain.content.codes import CODES
from homing.domain.content.people import People, Person
from homing.domain.content.render import Rendered, Renderer
from homing.domain.content.template_source import TemplateSource
from homing.domain.content.usage import uses
from homing.domain.errors import InvalidCampaign, InvalidInput

# What Gmail shows before it cuts a mail off, in bytes.
LARGEST = 102 * 1024
# Mails of one template on which contrast is measured: the colours of a template are few, and measuring takes time.
_MEASURED = 4


def in_mails(campaigns: Campaigns, templates: Mapping[str, TemplateSource]) -> Iterator[InvalidCampaign]:
    """Findings about the mails of every template, each code and message once for a template."""
    renderer, people, sent = Renderer(campaigns), People(campaigns), uses(campaigns.flows)
    for name in campaigns.templates:
        source = templates[name]
        told: set[tuple[str, str]] = set()
        for number, person in enumerate(people.of(name)):
            try:
                rendered = renderer.render(name, person.context)
            except InvalidInput as error:
                if name not in sent:
                    # No trigger brings it anything yet: what is not there says nothing of the template.
                    break
                code = error.code if error.code in CODES else "render"
                yield source.located.error(
                    f"{error} (for a made-up {person.name}, in the flow {person.use.flow})", code=code
                )
                break
            page = parse(rendered.html)
            for code, key, problem in in_mail(campaigns, source, person, rendered, page, contrast=number < _MEASURED):
                if (code, key) not in told:
                    told.add((code, key))
                    yield problem


def in_mail(
    campaigns: Campaigns, source: TemplateSource, person: Person, rendered: Rendered, page: Page, *, contrast: bool = True
) -> Iterator[tuple[str, str, InvalidCampaign]]:  # fmt: skip
    """Code, what makes it one of a kind, and the finding, for one mail."""
    size = len(rendered.html.encode())
    if size > LARGEST:
        message = f"{size // 1024} KB: Gmail cuts mails off at 102 KB"
        yield "too_large", "", source.located.error(message, code="too_large")
    for code, message in in_subject(rendered.subject):
        yield code, "", source.located.error(message, code=code, path=("subject",))
    if message_ := pictures_only(page):
        yield "only_pictures", "", source.located.error(message_, code="only_pictures")
    topic = campaigns.settings.topics.get(person.use.topic)
    address = " ".join(campaigns.settings.brand.postal_address.split())
    if not (topic and topic.transactional) and address not in " ".join(page.root.text.split()):
        message_ = "the mail has no postal address: put {{ brand.postal_address }} into the template or its layout"
        yield "missing_address", "", source.located.error(message_, code="missing_address")
    for weak in weak_text(page) if contrast else ():
        key = f"{weak.colour} {weak.background} {weak.dark}"
        yield "low_contrast", key, _weak(source, weak)


def _weak(source: TemplateSource, weak: Weak) -> InvalidCampaign:
    where = "in dark mode " if weak.dark else ""
    ratio = math.floor(100 * weak.ratio) / 100
    message = (
        f"{where}{weak.colour} on {weak.background} has a contrast of {ratio:.2f}, less than {weak.least:g} "
        f"({_shortened(weak.text)})"
    )
    index = _place(source.body.text, weak)
    if index < 0:
        return source.located.error(message, code="low_contrast")
    return source.body.error(message, code="low_contrast", index=index)


def _place(text: str, weak: Weak) -> int:
    """Where the words stand in the source, as many of them as were written there in one go; else where the colour is;
    -1 when neither is found."""
    words = weak.text.split()
    for length in range(min(len(words), 6), min(len(words), 3) - 1, -1):
        for start in range(len(words) - length + 1):
            run = " ".join(words[start : start + length])
            for piece in {run, html.escape(run)}:
                if match := re.search(rf">[^<]*{re.escape(piece)}", text):
                    return match.end() - len(piece)
    return text.find(weak.colour)


def _shortened(text: str) -> str:
    return f"“{text[:40]}{'…' if len(text) > 40 else ''}”"
