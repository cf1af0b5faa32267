"""Links and pictures: broken, insecure, shortened, or saying another address than they lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from homing.domain.campaigns import Product, Settings
from homing.domain.content.checks.markup import Tag, label, masked, tags
from homing.domain.content.source import Source
from homing.domain.content.yaml_source import Located
from homing.domain.errors import InvalidCampaign

_LINKS = {"href": "link", "src": "picture", "background-url": "picture", "background": "picture", "action": "form"}
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms"})
# Services whose links hide where they lead; filters of mail know them all.
SHORTENERS = frozenset({
    "bit.ly", "tinyurl.com", "goo.gl", "t.co", "ow.ly", "is.gd", "buff.ly", "rebrand.ly", "cutt.ly", "shorturl.at",
    "tiny.cc", "rb.gy", "t.ly", "bl.ink", "lnkd.in", "s.id", "v.gd", "short.io",
})  # fmt: skip
_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:/\S*)?", re.IGNORECASE)


class Address(NamedTuple):
    """An address that can be fetched, and where it is written."""

    url: str
    where: InvalidCampaign


def wrong_links(source: Source) -> Iterator[InvalidCampaign]:
    """Mistakes in the addresses of one part of a template, as they are written."""
    for tag, name, value, index in _written(source):
        text = " ".join(value.split()) if value.strip() != value else value
        bare = masked(text)
        if "\x00" in bare and (bare.startswith("\x00") or not bare.strip("\x00")):
            # What a variable begins, only rendering knows.
            continue
        if message := _wrong(bare, _LINKS[name]):
            yield source.error(message[1], code=message[0], index=index)
            continue
        host = _host(bare)
        if name == "href" and host.removeprefix("www.") in SHORTENERS:
            message_ = f"{host} hides where the link leads: write the address itself"
            yield source.error(message_, code="shortened_link", index=index)
        shown = _HOST.fullmatch(label(source.text, tag)) if tag.name in {"a", "mj-button"} and name == "href" else None
        if shown and host and not _related(shown[1], host):
            message_ = f"the link says {shown[1]} and leads to {host}: this is how phishing looks"
            yield source.error(message_, code="masked_link", index=index)


def _written(source: Source) -> Iterator[tuple[Tag, str, str, int]]:
    for tag in tags(source.text):
        if tag.name == "link" or tag.name.startswith(("mj-class", "mj-all")):
            continue
        for name, attribute in tag.attributes.items():
            if name in _LINKS and not (name == "background" and not re.search(r"[/.]", attribute.value)):
                yield tag, name, attribute.value, attribute.index


def _wrong(url: str, what: str) -> tuple[str, str] | None:
    """Code and message; ``url`` with its Liquid masked."""
    if not url.strip():
        return "broken_link", f"this {what} has no address"
    if url == "#":
        return "broken_link", f"this {what} leads nowhere: # is a placeholder"
    if url.startswith("#"):
        return None
    scheme = url.partition(":")[0].lower() if ":" in url.partition("/")[0] else ""
    if scheme in {"javascript", "vbscript", "file"} or (scheme == "data" and what == "link"):
        return "broken_link", f"no mail program follows {scheme}: addresses"
    if scheme == "data":
        return None
    if scheme not in _SCHEMES:
        return (
            "broken_link",
            f"{url[:60].replace(chr(0), '…')!r} is not a whole address: in a mail it starts with https://",
        )
    if re.search(r"\s", url):
        return "broken_link", "the address has a space in it: write %20"
    if scheme in {"http", "https"} and not _host(url) and "\x00" not in url:
        return "broken_link", "the address has no host"
    if scheme == "http":
        return (
            "insecure_link",
            f"http: is not encrypted, and programs warn of it: write https:{url[5:60].replace(chr(0), '…')}",
        )
    return None


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower() if "\x00" not in url.partition("?")[0] else ""
    except ValueError:
        return ""


def _related(shown: str, host: str) -> bool:
    one, other = (name.lower().removeprefix("www.") for name in (shown, host))
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def insecure_settings(settings: Settings, located: Located) -> Iterator[InvalidCampaign]:
    """Addresses of the brand that are not encrypted."""
    for name, url in _brand(settings):
        if url.startswith("http:"):
            message = f"http: is not encrypted, and programs warn of it: write https:{url[5:]}"
            yield located.error(message, code="insecure_link", path=("brand", name))


def insecure_products(products: Mapping[str, Product], file: str, text: str) -> Iterator[InvalidCampaign]:
    """Products whose link or picture is not encrypted, at their lines."""
    for product in products.values():
        for url in (product.url, product.image_url):
            if url and url.startswith("http:"):
                place = _place(text, url)
                message = f"product {product.product_id!r}: http: is not encrypted: write https:{url[5:]}"
                yield InvalidCampaign(message, code="insecure_link", file=file, line=place[0], column=place[1])


def addresses(
    sources: Mapping[str, Source],
    settings: Settings | None,
    located: Located | None,
    products: Mapping[str, Product],
    catalog: tuple[str, str],
) -> Iterator[Address]:
    """Every address that is written down and can be fetched, each once; ``catalog`` is its file and text."""
    seen: set[str] = set()

    def new(url: str) -> bool:
        fresh = url.startswith(("http:", "https:")) and "{" not in url and url not in seen and not re.search(r"\s", url)
        seen.add(url)
        return fresh

    if settings is not None and located is not None:
        for name, url in _brand(settings):
            if new(url):
                yield Address(url, located.error("", code="dead_link", path=("brand", name)))
    for source in sources.values():
        for _, _, value, index in _written(source):
            if new(value):
                yield Address(value, source.error("", code="dead_link", index=index))
    for product in products.values():
        for address in (product.url, product.image_url):
            if address and new(address):
                line, column = _place(catalog[1], address)
                where = InvalidCampaign("", code="dead_link", file=catalog[0], line=line, column=column)
                yield Address(address, where)


def _brand(settings: Settings) -> Iterator[tuple[str, str]]:
    for name in ("website", "cart_url", "privacy_url", "logo_url"):
        if url := getattr(settings.brand, name):
            yield name, str(url)


def _place(text: str, piece: str) -> tuple[int, int]:
    index = max(text.find(piece), 0)
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1
