"""One template file: front matter, body, text part; read with its places and compiled."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from homing.domain.campaigns import Brand, Template
from homing.domain.content.mjml import LIQUID, compile_mjml, scan
from homing.domain.content.problems import validate
from homing.domain.content.source import LAYOUT, Source, assemble, decode
from homing.domain.content.text import html_to_text
from homing.domain.content.yaml_source import Located, parse_yaml
from homing.domain.errors import InvalidCampaign
from homing.domain.segments.language import Model

_FRONT = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_PERCENT = re.compile(r"{%.*?%}|(?P<number>\d|{{(?:(?!}}).)*}}) %(?![\w}])|{{.*?}}", re.DOTALL)
_BRAND = re.compile(r"{{-?\s*brand\.(\w+)\s*-?}}")


class FrontMatter(Model):
    """What stands between the ``---`` lines of a template. ``layout`` is a block; ``none`` for a whole document."""

    subject: str = Field(min_length=1)
    preheader: str = ""
    description: str = ""
    layout: str | None = None


@dataclass(slots=True)
class TemplateSource:
    """A template as its author wrote it."""

    name: str
    file: str
    front: FrontMatter
    located: Located
    body: Source
    # The written text part: its file and its text.
    text: tuple[str, str] | None = None
    parts: dict[str, Source] = field(default_factory=dict)

    def problems(self) -> list[InvalidCampaign]:
        """Mistakes in structure and in Liquid's syntax, with their places."""
        from homing.domain.content.analysis import syntax

        return [*scan(self.body), *(problem for source in self.parts.values() for problem in syntax(source))]


def read_template(files: Mapping[str, bytes], file: str) -> TemplateSource:
    """Reads and assembles a template. Raises InvalidCampaign."""
    whole = decode(files, file)
    match = _FRONT.match(whole)
    if match is None:
        message = "a template starts with its front matter: a line ---, `subject: …`, a line ---"
        raise InvalidCampaign(message, code="front_matter", file=file)
    located = parse_yaml(match[1], file, first_line=2)
    front, problems = validate(FrontMatter, located)
    if front is None:
        raise problems[0]
    layout = _layout(files, front, located, whole[match.end() :])
    body = assemble(files, file, start=match.end(), layout=layout)
    side = file.removesuffix(".mjml") + ".txt"
    text = (side, decode(files, side)) if side in files else None
    name = file.rsplit("/", 1)[-1].removesuffix(".mjml")
    source = TemplateSource(name, file, front, located, body, text)
    source.parts = {"html": body}
    for part in ("subject", "preheader"):
        if value := getattr(front, part):
            source.parts[part] = _inside(file, whole, located, part, value)
    if text is not None:
        source.parts["text"] = Source(text[1], [(0, side, 0)], {side: text[1]})
    return source


def publish_template(source: TemplateSource, brand: Brand) -> Template:
    """The template as it is mailed: Liquid that renders straight to HTML and to text. Raises InvalidCampaign; a source
    with :meth:`TemplateSource.problems` must not come here."""
    front = source.front
    compiled = compile_mjml(source.body, subject=front.subject, preheader=front.preheader)
    text = source.text[1] if source.text else compiled.restore(html_to_text(compiled.html, compiled.tokens))
    template = Template(
        name=source.name,
        subject=_brand(_together(front.subject), brand, escape=False),
        preheader=_brand(_together(front.preheader), brand, escape=False),
        html=_brand(_together(compiled.liquid), brand, escape=True),
        text=_brand(_together(text), brand, escape=False),
    )
    from homing.domain.content.analysis import choices, computed, roots

    read = {"variables": roots(template), "computed": computed(template), "choices": choices(template)}
    return template.model_copy(update=read)


def _layout(files: Mapping[str, bytes], front: FrontMatter, located: Located, body: str) -> str | None:
    if front.layout == "none" or (front.layout is None and LIQUID.sub("", body).lstrip().startswith("<mjml")):
        return None
    if front.layout is None:
        return LAYOUT if LAYOUT in files else None
    for candidate in (front.layout, f"blocks/{front.layout}", f"blocks/{front.layout}.mjml"):
        if candidate in files:
            return candidate
    raise located.error(f"there is no layout {front.layout!r} in blocks/", code="unknown_block", path=("layout",))


def _inside(file: str, whole: str, located: Located, part: str, value: str) -> Source:
    """A value of the front matter as a source; its columns are right where it is written on one line."""
    line, column = located.place((part,))
    offset = sum(len(text) + 1 for text in whole.split("\n")[: line - 1]) + column - 1
    found = whole.find(value, offset, offset + len(value) + 2)
    return Source(value, [(0, file, offset if found < 0 else found)], {file: whole})


def _together(text: str) -> str:
    """``10 % less`` and ``{{ x }} %`` with a space that no line breaks at; what Liquid says inside stays."""
    return _PERCENT.sub(lambda match: f"{match['number']}\u00a0%" if match["number"] else match[0], text)


def _brand(template: str, brand: Brand, *, escape: bool) -> str:
    """The brand does not change between two mails: it is put in once, at publishing."""

    def value(match: re.Match[str]) -> str:
        found = getattr(brand, match[1], None) if match[1] in Brand.model_fields else None
        if found is None or "{" in str(found):
            return match[0]
        return html.escape(str(found)) if escape else str(found)

    return _BRAND.sub(value, template)
