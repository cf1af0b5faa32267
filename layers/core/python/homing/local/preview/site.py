"""Writes the site: ``index.html``, a page and two files (light, dark) for each mail, and the pictures they show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from homing.domain.campaigns import Campaigns
from homing.domain.content.lint import Finding, lint
from homing.domain.content.people import People, Person
from homing.domain.content.publish import bundle, read
from homing.domain.content.render import Renderer
from homing.domain.content.template_source import TemplateSource
from homing.local.preview import mails as mail_files
from homing.local.preview.mails import Mail, addresses_of_pictures, made, placeholder
from homing.local.preview.pages import Chapter, index, mail_page
from homing.local.preview.steps import starts, stops

_UNSENT = "sent by no flow"


def build(files: Mapping[str, bytes], out: Path) -> list[str]:
    """Writes everything into a folder that exists; answers the paths, the index first. Raises InvalidCampaign."""
    sources = read(files)
    campaigns = bundle(files, sources)
    if campaigns is None:
        raise sources.problems[0]
    findings = lint(files)
    about = {name: list(_about(template, findings)) for name, template in sources.templates.items()}
    chapters = list(_chapters(campaigns))
    every = [(mail, when) for _, _, stops_ in chapters for when, _, several in stops_ for mail in several]
    pictures = _pictures([mail for mail, _ in every], campaigns, out)
    (out / "mails").mkdir(exist_ok=True)
    written: list[str] = []
    for number, (mail, when) in enumerate(every):
        for dark in (False, True):
            document = mail_files.enclosed(mail_files.scheme(mail.rendered.html, dark=dark), pictures)
            (out / "mails" / f"{mail.name}{'.dark' if dark else ''}.html").write_text(document, encoding="utf-8")
        before = every[number - 1][0] if number else None
        after = every[number + 1][0] if number + 1 < len(every) else None
        page = out / f"{mail.name}.html"
        page.write_text(mail_page(mail, when, about[mail.template], before, after), encoding="utf-8")
        written.append(str(page))
    note = (
        f"{len(every)} mails: each template for somebody who is known, for a stranger, and for everybody else it looks "
        f"different for. People and pictures are made up. Revision {campaigns.revision}."
    )
    start = out / "index.html"
    start.write_text(index(campaigns.settings.brand.name, chapters, about, note), encoding="utf-8")
    return [str(start), *written]


def _chapters(campaigns: Campaigns) -> Iterator[Chapter]:
    renderer, people = Renderer(campaigns), People(campaigns)
    by_template = {name: list(people.of(name)) for name in campaigns.templates}
    for flow in campaigns.flows.values():
        seen: list[tuple[str, str, Sequence[Mail]]] = []
        for position, stop in enumerate(stops(flow), 1):
            whom = [person for person in by_template.get(stop.template, ()) if person.use.flow == flow.name]
            prefix = f"{flow.name}.{position}.{stop.template}"
            seen.append((stop.when, stop.template, list(_mails(campaigns, prefix, stop.template, whom, renderer))))
        yield flow.name, f"{starts(flow)[:1].upper()}{starts(flow)[1:]}. {flow.description}".strip(), seen
    unsent = [name for name, whom in by_template.items() if all(person.use.flow == "none" for person in whom)]
    if unsent:
        rest = [
            (_UNSENT, name, list(_mails(campaigns, f"none.{name}", name, by_template[name], renderer)))
            for name in unsent
        ]
        yield _UNSENT, "Templates that no flow sends.", rest


def _mails(
    campaigns: Campaigns, prefix: str, template: str, whom: Sequence[Person], renderer: Renderer
) -> Iterator[Mail]:
    for number, person in enumerate(whom, 1):
        yield made(campaigns, f"{prefix}.{number}", template, person, renderer)


def _about(template: TemplateSource, findings: Sequence[Finding]) -> Iterator[Finding]:
    """What was found in the template and in the blocks that it includes."""
    own = {template.file, *template.body.files, *([template.text[0]] if template.text else [])}
    yield from (finding for finding in findings if finding.problem.file in own)


def _pictures(mails: list[Mail], campaigns: Campaigns, out: Path) -> dict[str, str]:
    """A file for each picture; the mails lie a folder deeper. Nothing is fetched."""
    folder = out / "pictures"
    folder.mkdir(exist_ok=True)
    found = {}
    for url in ["", *addresses_of_pictures(mails)]:
        ending, body = placeholder(url, campaigns.products)
        name = f"{hashlib.blake2b(url.encode(), digest_size=6).hexdigest()}.{ending}"
        (folder / name).write_bytes(body)
        found[url] = f"../pictures/{name}"
    return found
