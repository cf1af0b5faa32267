"""From MJML with Liquid in it to HTML with Liquid in it.

mrml and css-inline know HTML, not Liquid: what stands in ``{{ }}`` and ``{% %}`` is set aside before they see the
document and put back after, so that quotes, comparison signs and loops survive untouched. A Liquid tag may stand
between components as well as in text: there it becomes an ``<mj-raw>`` of its own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from homing.domain.content.source import Source
from homing.domain.content.suggest import did_you_mean
from homing.domain.errors import InvalidCampaign

LIQUID = re.compile(r"{%-?\s*comment\s*-?%}.*?{%-?\s*endcomment\s*-?%}|{%.*?%}|{{.*?}}", re.DOTALL)
_TOKEN = re.compile(r"lqd(\d+)x")
_PIECES = re.compile(
    rf"(?P<comment><!--.*?-->)|(?P<liquid>{LIQUID.pattern})"
    r"|<(?P<close>/)?(?P<tag>[a-zA-Z][\w:-]*)(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(?P<empty>/)?>",
    re.DOTALL,
)
_STYLE = re.compile(r"<style\b")
_TABLE = re.compile(r"(<mj-table(?:\s[^>]*[^>/])?>)(.*?)(</mj-table>)", re.DOTALL)
_INLINE_STYLE = re.compile(r"<mj-style(?=[^>]*\binline\s*=)[^>]*>(.*?)</mj-style>", re.DOTALL)
_HTML_PIECES = re.compile(
    r"<!--.*?-->|<style.*?</style>|<title.*?</title>|<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL
)

# Components whose children are components: Liquid straight inside them stands between components.
_CONTAINERS = frozenset({"mjml", "mj-head", "mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"})
COMPONENTS = _CONTAINERS | {
    "mj-accordion", "mj-accordion-element", "mj-accordion-text", "mj-accordion-title", "mj-all", "mj-attributes",
    "mj-breakpoint", "mj-button", "mj-carousel", "mj-carousel-image", "mj-class", "mj-divider", "mj-font",
    "mj-image", "mj-include", "mj-navbar", "mj-navbar-link", "mj-preview", "mj-raw", "mj-social", "mj-social-element",
    "mj-spacer", "mj-style", "mj-table", "mj-text", "mj-title",
}  # fmt: skip
# Their content is HTML or text, whose void elements (br, img) are nobody's business here.
_LEAVES = frozenset({
    "mj-text", "mj-button", "mj-table", "mj-raw", "mj-title", "mj-preview", "mj-style", "mj-navbar-link",
    "mj-social-element", "mj-accordion-text", "mj-accordion-title",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compiled:
    """``tokens`` are the pieces of Liquid in the order of the source, with the index where each one stands there."""

    html: str
    tokens: tuple[str, ...]
    problems: tuple[InvalidCampaign, ...] = ()

    def restore(self, text: str) -> str:
        """Puts the Liquid back in place of its tokens."""
        return _TOKEN.sub(lambda match: self.tokens[int(match[1])], text)

    @property
    def liquid(self) -> str:
        """The HTML as a Liquid template."""
        return self.restore(self.html)


def compile_mjml(source: Source, *, subject: str, preheader: str) -> Compiled:
    """HTML in which Liquid is still set aside as tokens; see :attr:`Compiled.liquid`. Raises InvalidCampaign.

    ``subject`` and ``preheader`` (Liquid) become the document's title and preview text unless it has its own.
    """
    import mrml

    tokens: list[str] = []
    marked = "".join(_mark(source, tokens))
    if not re.search(r"<mjml[\s>]", marked):
        raise source.error("a template without a layout starts with <mjml>", code="mjml", index=0)
    marked = _with_preview(marked, _hide(preheader, tokens))
    styles = "\n".join(_INLINE_STYLE.findall(marked))
    marked = _TABLE.sub(_with_body, _INLINE_STYLE.sub("", marked))
    try:
        # No fonts: mrml would have every mail load Roboto and others from a third party.
        output = mrml.to_html(marked, None, mrml.RenderOptions(fonts={}))
    except (OSError, ValueError) as error:
        raise source.error(f"not MJML: {error}", code="mjml", index=0) from error
    title = html.escape(_hide(subject, tokens), quote=False)
    document = output.content.replace("<title></title>", f"<title>{title}</title>", 1)
    if styles.strip():
        document = _inline(document, styles)
    return Compiled(_squeeze(document), tuple(tokens))


def scan(source: Source) -> Iterator[InvalidCampaign]:
    """Mistakes of structure, with their places: mrml tells neither of unknown components nor where a tag is open."""
    stack: list[tuple[str, int]] = []
    for match in _PIECES.finditer(source.text):
        name = match["tag"]
        leaf = stack[-1][0] if stack and stack[-1][0] in _LEAVES else None
        if match["liquid"] and not leaf and stack and stack[-1][0] not in _CONTAINERS:
            yield source.error(f"Liquid can't stand straight in <{stack[-1][0]}>", code="mjml", index=match.start())
        if leaf and name in COMPONENTS and not match["close"]:
            message = f"<{leaf}> is still open where <{name}> begins: components don't stand in it"
            yield source.error(message, code="mjml", index=stack[-1][1])
            return
        if name is None or (leaf and not (match["close"] and name == leaf)):
            continue
        if match["close"]:
            if not stack or stack[-1][0] != name:
                expected = f"</{stack[-1][0]}>" if stack else "nothing to close"
                yield source.error(
                    f"</{name}> closes nothing here: expected {expected}", code="mjml", index=match.start()
                )
                return
            stack.pop()
            continue
        if name not in COMPONENTS:
            hint = did_you_mean(name, COMPONENTS)
            hint = hint if "did you mean" in hint else ": HTML stands in <mj-text>, <mj-table> or <mj-raw>"
            yield source.error(f"<{name}> is no MJML component{hint}", code="unknown_component", index=match.start())
        if not match["empty"]:
            stack.append((name, match.start()))
    if stack:
        yield source.error(f"<{stack[-1][0]}> is never closed", code="mjml", index=stack[-1][1])


def _mark(source: Source, tokens: list[str]) -> Iterator[str]:
    """The source with tokens for Liquid, wrapped where it stands between components."""
    stack: list[str] = []
    end = 0
    for match in _PIECES.finditer(source.text):
        yield source.text[end : match.start()]
        end = match.end()
        inside = stack[-1] if stack else ""
        if liquid := match["liquid"]:
            if "{% comment" in liquid or "{%- comment" in liquid:
                continue
            token = _hide(liquid, tokens)
            yield f"<mj-raw>{token}</mj-raw>" if inside in _CONTAINERS else token
            continue
        name = match["tag"]
        if name is None:
            # Comments between components are for those who read the source; inside a text they may speak to Outlook.
            if inside in _LEAVES:
                yield _hide(match[0], tokens)
            continue
        leaf = inside in _LEAVES
        if match["close"]:
            if name == inside:
                stack.pop()
        elif name in COMPONENTS and not match["empty"] and not leaf:
            stack.append(name)
        yield _hide(match[0], tokens)
    yield source.text[end:]


def _hide(text: str, tokens: list[str]) -> str:
    def token(match: re.Match[str]) -> str:
        tokens.append(match[0])
        return f"lqd{len(tokens) - 1}x"

    return LIQUID.sub(token, text)


def _with_preview(document: str, preheader: str) -> str:
    """The preheader as preview text, then blanks: an inbox shows no more of the mail than was meant."""
    if not preheader or "<mj-preview" in document:
        return document
    head = f"<mj-preview>{html.escape(preheader, quote=False)}{'&#847;&zwnj;&nbsp;' * 60}</mj-preview>"
    if "<mj-head>" in document:
        return document.replace("<mj-head>", f"<mj-head>{head}", 1)
    return re.sub(r"<mjml[^>]*>", lambda match: f"{match[0]}<mj-head>{head}</mj-head>", document, count=1)


def _with_body(match: re.Match[str]) -> str:
    """A parser of HTML would begin a table's body inside a loop over its rows: it begins before."""
    if re.search(r"<t(?:body|head)\b", match[2]):
        return match[0]
    return f"{match[1]}<tbody>{match[2]}</tbody>{match[3]}"


def _inline(document: str, styles: str) -> str:
    """The rules of ``<mj-style inline="inline">`` in the elements they speak of; all other styles as they are."""
    import css_inline

    document = _STYLE.sub(r'<style data-css-inline="ignore"', _as_comments(document))
    document = css_inline.inline(
        document, extra_css=styles, keep_style_tags=True, keep_at_rules=True, keep_link_tags=True,
        load_remote_stylesheets=False,
    )  # fmt: skip
    document = document.replace(' data-css-inline="ignore"', "")
    return re.sub(r"<!--(lqd\d+x)-->", r"\1", document)


def _as_comments(document: str) -> str:
    """Tokens in text as comments, which a parser of HTML does not move out of tables; those in attributes, styles and
    comments stay as they are."""
    parts, end = [], 0
    for match in _HTML_PIECES.finditer(document):
        parts += [_TOKEN.sub(r"<!--\g<0>-->", document[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, _TOKEN.sub(r"<!--\g<0>-->", document[end:])])


def _squeeze(document: str) -> str:
    """Without the white space that only a reader of the source needs: less to render, less to send."""
    document = re.sub(r"[ \t]*\n\s*", "\n", document)
    return re.sub(r">\n+<", "><", document)
