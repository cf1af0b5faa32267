"""HTML and CSS that important mail programs don't know, by caniemail's tests (https://www.caniemail.com, MIT).

What degrades gracefully is left out, and so is what stands inside of ``@media`` or ``@supports``: it is an extra for
those who know it. The table is made by :mod:`homing.local.caniemail`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from homing.domain.content.checks.markup import masked, sheets, tags
from homing.domain.content.checks.page import blocks
from homing.domain.content.source import Source
from homing.domain.errors import InvalidCampaign

# Without these a mail is plainer, and nothing is lost: square corners, no shadow, another font, a line break elsewhere,
# a link that does not change under the mouse, hints for programs that read aloud.
_GRACEFUL = frozenset({
    "css-accent-color", "css-animation", "css-at-font-face", "css-at-keyframes", "css-backdrop-filter",
    "css-border-radius", "css-box-shadow", "css-box-sizing", "css-color-scheme", "css-cursor", "css-font-kerning",
    "css-font-stretch", "css-height", "css-hyphens", "css-hyphenate-character", "css-hyphenate-limit-chars",
    "css-max-height", "css-min-height", "css-min-width", "css-object-fit", "css-object-position", "css-opacity",
    "css-orphans", "css-outline", "css-outline-offset", "css-overflow-wrap", "css-pseudo-class-active",
    "css-pseudo-class-focus", "css-pseudo-class-hover", "css-pseudo-class-link", "css-pseudo-class-visited",
    "css-resize", "css-scroll-snap", "css-sytem-ui", "css-tab-size", "css-table-layout", "css-text-align-last",
    "css-text-decoration-color", "css-text-decoration-line", "css-text-decoration-skip-ink",
    "css-text-decoration-style", "css-text-decoration-thickness", "css-text-justify", "css-text-overflow",
    "css-text-shadow", "css-text-underline-offset", "css-text-underline-position", "css-text-wrap", "css-transition",
    "css-user-select", "css-white-space", "css-white-space-collapse", "css-widows", "css-word-break",
    "css-word-spacing", "css-word-wrap", "html-abbr", "html-acronym", "html-loading-attribute", "html-picture",
    "html-srcset", "html-wbr", "css-border-spacing", "css-empty-cells", "css-shape-margin", "css-list-style-position",
})  # fmt: skip
# What people see there instead, where "it is ignored" says too little.
_SEEN = {
    "css-display-flex": "the parts stand below each other",
    "css-display-grid": "the parts stand below each other",
    "css-position": "it stands where it comes in the text, maybe over other things",
    "css-float": "it stands on a line of its own",
    "css-background-image": "the background stays plain: text on it must be readable without",
    "css-linear-gradient": "the background stays plain: give a background-color before it",
    "css-radial-gradient": "the background stays plain: give a background-color before it",
    "css-variables": "the value is lost, often a colour or a size",
    "css-rgba": "the colour is lost: write it as #rrggbb",
    "css-unit-rem": "the size is lost: write px",
    "css-unit-calc": "the size is lost: write px",
    "css-visibility": "it is visible",
    "html-video": "there is no film: link a picture to it",
    "html-audio": "there is no sound: link to it",
    "html-form": "nothing can be entered or sent: link to a page",
    "html-svg": "there is nothing: use a PNG",
    "image-svg": "there is a broken picture: use a PNG",
    "image-webp": "there is a broken picture: use a JPEG or PNG",
    "image-avif": "there is a broken picture: use a JPEG or PNG",
    "image-base64": "there is no picture: link to it",
    "html-link": "the style sheet is not loaded: put it into <mj-style>",
    "css-at-import": "the style sheet is not loaded: put it into <mj-style>",
    "html-anchor-links": "a tap leads nowhere",
}  # fmt: skip
_SEMANTIC = frozenset({
    "article", "aside", "details", "figcaption", "figure", "footer", "header", "main", "mark", "nav", "section", "summary",
    "time",
})  # fmt: skip
_FUNCTIONS = {
    "linear-gradient(": "css-linear-gradient", "radial-gradient(": "css-radial-gradient",
    "conic-gradient(": "css-conic-gradient", "calc(": "css-unit-calc", "var(": "css-variables", "clamp(": "css-function-clamp",
    "light-dark(": "css-function-light-dark", "oklch(": "css-modern-color", "lab(": "css-modern-color",
    "lch(": "css-modern-color", "rgba(": "css-rgba", "min(": "css-function-min", "max(": "css-function-max",
}  # fmt: skip
_UNIT = re.compile(r"(?<![\w#.-])-?\d*\.?\d+(rem|vh|vw|vmin|vmax|ch|calc)\b")
_DECLARATION = re.compile(r"(?:^|[;{])\s*([\w-]+)\s*:([^;{}]*)")
_PSEUDO = re.compile(r"::?([a-z-]+)")
_FILE = re.compile(r"\.(svg|webp|avif|heif|heic|ico|tiff|mp4)(?:[?#]|$)")
_SAME = {"heic": "heif"}
_VALUES = {("display", "flex"): "css-display-flex", ("display", "grid"): "css-display-grid"}
_GROUPS = {
    "top": "css-left-right-top-bottom", "left": "css-left-right-top-bottom", "right": "css-left-right-top-bottom",
    "bottom": "css-left-right-top-bottom", "row-gap": "css-gap", "column-gap": "css-gap",
    "grid-template-columns": "css-grid-template", "grid-template-rows": "css-grid-template",
}  # fmt: skip


class _Table(NamedTuple):
    clients: list[str]
    features: dict[str, tuple[str, list[int]]]


@cache
def table() -> _Table:
    """The clients, and for each feature its title and the clients that lack it."""
    read = json.loads((files("homing.domain.content") / "data" / "clients.json").read_text(encoding="utf-8"))
    return _Table(read["clients"], {slug: (title, lacking) for slug, (title, lacking) in read["features"].items()})


def unsupported(source: Source) -> Iterator[InvalidCampaign]:
    """What some important mail program does not know, each feature once in a source."""
    seen: set[str] = set()
    for slug, index in sorted(_used(source.text), key=lambda one: one[1]):
        known = table().features.get(slug)
        if known is None or slug in _GRACEFUL or slug in seen:
            continue
        seen.add(slug)
        title, lacking = known
        happens = _SEEN.get(
            slug, "it is ignored" if slug.startswith("css") else "it is left out, or only its text is shown"
        )
        message = f"{title} is unknown to {_names(lacking)}: {happens}"
        yield source.error(message, code="client_support", index=index)


def _names(lacking: list[int]) -> str:
    names = [table().clients[index] for index in lacking]
    gmail = [name for name in names if name.startswith("Gmail")]
    if len(gmail) == 3:
        names = ["Gmail", *(name for name in names if name not in gmail)]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _used(text: str) -> Iterator[tuple[str, int]]:
    """Slugs of caniemail's features that the source uses, with where."""
    for sheet in sheets(text):
        for condition, rules in blocks(sheet.text):
            if condition.startswith("@import"):
                yield "css-at-import", sheet.index
            if condition:
                continue
            for rule in re.finditer(r"([^{}]+)\{([^{}]*)\}", rules):
                at = sheet.index + max(sheet.text.find(rule[0].strip()), 0)
                if not sheet.inline:
                    for pseudo in _PSEUDO.findall(rule[1]):
                        yield from ((f"css-pseudo-{kind}-{pseudo}", at) for kind in ("class", "element"))
                yield from ((slug, at) for slug, _ in _declared(rule[2]))
        if "@import" in sheet.text:
            yield "css-at-import", sheet.index + sheet.text.index("@import")
    for tag in tags(text):
        if tag.name.startswith("mj-"):
            source = tag.attributes.get("src")
            yield from _picture(source.value, source.index) if source and tag.name == "mj-image" else ()
            continue
        yield from ((f"html-{name}", tag.index) for name in _elements(tag.name))
        for name, attribute in tag.attributes.items():
            if name == "style":
                yield from ((slug, attribute.index + at) for slug, at in _declared(attribute.value))
            elif name == "src" and tag.name == "img":
                yield from _picture(attribute.value, attribute.index)
            elif name == "href" and re.match(r"#\w", attribute.value):
                yield "html-anchor-links", attribute.index


def _elements(tag: str) -> Iterator[str]:
    if tag in _SEMANTIC:
        yield "semantics"
    elif tag == "input":
        yield "form"
    else:
        yield tag if tag != "button" else "button-submit"


def _picture(value: str, index: int) -> Iterator[tuple[str, int]]:
    if value.startswith("data:"):
        yield "image-base64", index
    elif match := _FILE.search(value.lower()):
        yield f"image-{_SAME.get(match[1], match[1])}", index


def _declared(text: str) -> Iterator[tuple[str, int]]:
    for match in _DECLARATION.finditer(masked(text).replace("\x00", " ")):
        name, value, at = match[1].lower(), match[2].strip().lower(), match.start(1)
        if name.startswith(("--", "mso-", "-webkit-", "-ms-", "-moz-")):
            if name.startswith("--"):
                yield "css-variables", at
            continue
        plain = value.replace("!important", "").strip()
        yield _VALUES.get((name, plain.removeprefix("inline-")), _GROUPS.get(name, f"css-{name}")), at
        if name == "background" and "url(" in value:
            yield "css-background-image", at
        yield from (
            (slug, at) for function, slug in _FUNCTIONS.items() if re.search(rf"(?<![\w-]){re.escape(function)}", value)
        )
        yield from ((f"css-unit-{unit}", at) for unit in _UNIT.findall(value))
