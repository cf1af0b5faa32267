"""One mail as a file of the site: pictures beside it, light or dark whatever the viewer's system says, no way out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from homing.domain.campaigns import Campaigns, Product
from homing.domain.content.checks.page import parse
from homing.domain.content.engine import environments
from homing.domain.content.people import Person
from homing.domain.content.render import Rendered, Renderer
from homing.domain.errors import InvalidInput

_SRC = re.compile(r'(<img\b[^>]*?\ssrc=")([^"]+)(")', re.IGNORECASE)
_BACKGROUND = re.compile(r"url\((['\"]?)(https?:[^)'\"]+)\1\)", re.IGNORECASE)
_DARK = re.compile(r"@media\s*(?:only\s+screen\s+and\s*)?\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)")
_SCHEMES = re.compile(r"((?:supported-)?color-schemes?\"?(?:\s*:|\s+content=)\s*\"?)light dark")


@dataclass(frozen=True)
class Link:
    """A link of a mail, with what it says."""

    label: str
    url: str


@dataclass(frozen=True)
class Mail:
    """A rendered mail of the site; ``mistake`` tells why there is none."""

    name: str
    template: str
    person: Person
    rendered: Rendered
    preheader: str = ""
    links: tuple[Link, ...] = ()
    mistake: str = ""

    @property
    def size(self) -> int:
        """Bytes of HTML."""
        return len(self.rendered.html.encode())


def made(campaigns: Campaigns, name: str, template: str, person: Person, renderer: Renderer) -> Mail:
    """The mail for that person; one that can't be made says why."""
    try:
        rendered = renderer.render(template, person.context)
    except InvalidInput as error:
        return Mail(name, template, person, Rendered("(no mail)", "", ""), mistake=str(error))
    settings = campaigns.settings
    source = campaigns.templates[template].preheader
    preheader = environments(settings.language, settings.currency).text.from_string(source).render(person.context)
    return Mail(name, template, person, rendered, " ".join(preheader.split()), tuple(_links(rendered.html)))


def _links(document: str) -> Iterator[Link]:
    for element in parse(document).root.walk():
        if element.tag == "a" and element.attributes.get("href"):
            picture = next((one.attributes.get("alt", "") for one in element.walk() if one.tag == "img"), "")
            yield Link(element.text or f"[{picture or 'picture'}]", element.attributes["href"])


def scheme(document: str, *, dark: bool) -> str:
    """The mail as it looks in light or in dark mode, whatever the viewer's own mode is."""

    def media(match: re.Match[str]) -> str:
        return "@media all" if (match[1] == "dark") == dark else "@media not all"

    return _SCHEMES.sub(rf"\g<1>{'dark' if dark else 'light'}", _DARK.sub(media, document))


def enclosed(document: str, pictures: Mapping[str, str]) -> str:
    """The mail with its pictures from files beside it, and none from the network; links lead nowhere."""

    def local(url: str) -> str:
        return pictures.get(html.unescape(url), pictures[""])

    document = _SRC.sub(lambda match: f"{match[1]}{local(match[2])}{match[3]}", document)
    document = _BACKGROUND.sub(lambda match: f"url({local(match[2])})", document)
    guard = (
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file: data:; "
        "style-src 'unsafe-inline'\"><style>a{cursor:default}::-webkit-scrollbar{width:0}</style>"
    )
    head = re.search(r"<head[^>]*>", document, re.IGNORECASE)
    return document[: head.end()] + guard + document[head.end() :] if head else guard + document


def addresses_of_pictures(mails: list[Mail]) -> list[str]:
    """The addresses of all pictures, in the order in which they come."""
    found = [html.unescape(match[2]) for mail in mails for match in _SRC.finditer(mail.rendered.html)]
    found += [match[2] for mail in mails for match in _BACKGROUND.finditer(mail.rendered.html)]
    return list(dict.fromkeys(found))


def placeholder(url: str, products: Mapping[str, Product]) -> tuple[str, bytes]:
    """A file name's ending and a picture for an address that nobody fetches: the product drawn, or a plain field."""
    from homing.local.simulation.pictures import draw

    product = next((one for one in products.values() if one.image_url == url), None)
    if product is not None:
        return "png", draw(product)
    label = html.escape(url.rsplit("/", 1)[-1][:40]) if url else "picture"
    field = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400" viewBox="0 0 600 400">'
        '<rect width="600" height="400" fill="#dfe3dc"/><path d="M0 400 210 190l120 120 90-80 180 170z" fill="#c2cabd"/>'
        f'<circle cx="450" cy="110" r="42" fill="#eef0ec"/><text x="300" y="380" font-family="sans-serif" font-size="22" '
        f'text-anchor="middle" fill="#5b6357">{label}</text></svg>'
    )
    return "svg", field.encode()
