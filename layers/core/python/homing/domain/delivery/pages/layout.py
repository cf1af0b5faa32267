"""The frame of every page: brand, one card, and headers that let nothing else in."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from homing.domain.campaigns import Brand
from homing.domain.delivery.pages.contrast import PARTS, readable
from homing.domain.delivery.pages.texts import TEXTS, Texts

_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3,4}){1,2}|[a-zA-Z]{3,30}|(?:rgb|hsl)a?\([0-9a-z%.,/ ]{1,60}\)")

_STYLE = """
:root{--accent:ACCENT_;--accent-text:ACCENTTEXT_;--link:LINK_;--ink:INK_;--muted:MUTED_;
--paper:PAPER_;--ground:GROUND_;--on-ground:ONGROUND_;--foot:FOOT_;
--line:color-mix(in srgb,var(--ink) 14%,var(--paper));--soft:color-mix(in srgb,var(--accent) 8%,var(--paper))}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;background:var(--ground);
color:var(--ink);font:1rem/1.55 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
padding:clamp(1.25rem,6vh,4rem) 1rem 2rem}
header,main,footer{width:100%;max-width:36rem}
header{text-align:center;margin-bottom:1.75rem;color:var(--on-ground)}
header a{color:inherit;text-decoration:none;display:inline-block}
.brand{font:600 1.5rem/1.2 ui-serif,Georgia,"Times New Roman",serif;letter-spacing:.01em}
header img{display:block;max-height:3rem;max-width:14rem;margin:0 auto}
main{background:var(--paper);border:1px solid var(--line);border-radius:1rem;padding:clamp(1.5rem,6vw,2.75rem);
box-shadow:0 1px 2px rgb(0 0 0/.04),0 12px 32px -16px rgb(0 0 0/.18)}
h1{overflow-wrap:break-word;hyphens:manual}
h1{font:600 clamp(1.5rem,5vw,1.875rem)/1.2 ui-serif,Georgia,"Times New Roman",serif;margin:0 0 .6rem;text-wrap:balance}
.nb{white-space:nowrap}
p{margin:0 0 1rem;text-wrap:pretty}
.lead{color:var(--muted);margin-bottom:1.75rem}
.note{background:var(--soft);border-left:3px solid var(--accent);border-radius:.375rem;padding:.75rem 1rem;margin:0 0 1.5rem}
.note p:last-child{margin:0}
form{margin:0}
button{font:inherit;font-weight:600;border-radius:.625rem;padding:.8rem 1.3rem;border:1px solid var(--accent);
background:var(--accent);color:var(--accent-text);cursor:pointer;min-height:3rem}
button:hover{filter:brightness(.92)}
button.quiet{background:transparent;color:var(--ink);border-color:var(--line);font-weight:500}
button.quiet:hover{background:var(--soft);filter:none}
:focus-visible{outline:3px solid var(--link);outline-offset:3px;border-radius:.375rem}
footer :focus-visible,header :focus-visible{outline-color:var(--on-ground)}
button:focus-visible{border-radius:.625rem}
input:focus-visible{border-radius:1rem}
.actions{display:flex;flex-wrap:wrap;gap:.625rem;margin-top:1.75rem}
fieldset{border:0;margin:0;padding:0;min-width:0}
legend{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.topic{display:flex;gap:1rem;align-items:flex-start;padding:1.1rem 0;border-top:1px solid var(--line);cursor:pointer}
.topic:last-of-type{border-bottom:1px solid var(--line)}
.topic span{flex:1;min-width:0}
.topic strong{display:block;font-weight:600}
.topic small{display:block;color:var(--muted);font-size:.9375rem}
input[type=checkbox]{appearance:none;-webkit-appearance:none;flex:none;width:2.75rem;height:1.625rem;margin:.1rem 0 0;
border-radius:1rem;background:color-mix(in srgb,var(--ink) 60%,var(--paper));position:relative;cursor:pointer;
transition:background .15s}
input[type=checkbox]::after{content:"";position:absolute;top:.1875rem;left:.1875rem;width:1.25rem;height:1.25rem;
border-radius:50%;background:#fff;box-shadow:0 1px 2px rgb(0 0 0/.3);transition:transform .15s}
input[type=checkbox]:checked{background:var(--accent)}
input[type=checkbox]:checked::after{transform:translateX(1.125rem)}
@media (forced-colors:active){input[type=checkbox]{appearance:auto;-webkit-appearance:auto}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}}
@media (max-width:30rem){.actions button{width:100%}}
footer{color:var(--foot);font-size:.875rem;text-align:center;margin-top:1.75rem}
footer p{margin:0 0 .35rem}
a{color:inherit;text-underline-offset:.2em}
footer a{display:inline-block;padding:.3rem .15rem}
main p a{color:var(--link);overflow-wrap:anywhere}
"""


@dataclass(frozen=True, slots=True)
class Page:
    """HTML and the headers that it must be served with."""

    html: str
    headers: Mapping[str, str]


def colour(value: str, otherwise: str) -> str:
    """A CSS colour, or the other one: what stands in settings must not be able to write CSS."""
    return value if _COLOUR.fullmatch(value.strip()) else otherwise


def link(url: str | None) -> str | None:
    """An http or https link, else None."""
    return url if url and urlsplit(url).scheme in {"http", "https"} else None


def together(text: str) -> str:
    """Escaped, with “e-mail” and “E-Mail-” never broken at their hyphen."""
    return re.sub(r"\b(e-mails?\b|E-Mails?\b-?)", r'<span class="nb">\1</span>', escape(text))


def page(brand: Brand, texts: Texts, title: str, body: str, *, elsewhere: Mapping[str, str] | None = None) -> Page:
    """``title`` is text, ``body`` is HTML that was escaped where it was put together; ``elsewhere`` are links to the
    same page in other languages."""
    style = _style(brand)
    home, name = link(brand.website), escape(brand.name)
    if logo := link(brand.logo_url):
        sign = f'<img src="{escape(logo)}" alt="{name}">'
    else:
        sign = f'<span class="brand">{name}</span>'
    if home:
        sign = f'<a href="{escape(home)}">{sign}</a>'
    html = (
        f'<!doctype html>\n<html lang="{texts.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex, nofollow">\n'
        f"<title>{escape(title)} – {name}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header>{sign}</header>\n<main>\n{body}\n</main>\n{_footer(brand, texts, elsewhere or {})}\n</body>\n</html>\n"
    )
    return Page(html, _headers(style, logo))


def _style(brand: Brand) -> str:
    paper, ground = colour(brand.paper, "#ffffff"), colour(brand.background, "#f5f5f4")
    ink = readable(colour(brand.ink, "#1c1917"), paper, "#1c1917")
    accent = readable(colour(brand.accent, "#0f766e"), paper, ink, least=PARTS)
    muted = colour(brand.muted, "#57534e")
    # A shop's colours were chosen for its pictures and buttons; small text has to be readable on them as well.
    colours = {
        "ACCENT_": accent,
        "ACCENTTEXT_": readable(colour(brand.accent_text, "#ffffff"), accent, paper),
        "LINK_": readable(accent, paper, ink),
        "INK_": ink,
        "MUTED_": readable(muted, paper, ink),
        "PAPER_": paper,
        "GROUND_": ground,
        "ONGROUND_": readable(ink, ground, "#1c1917"),
        "FOOT_": readable(muted, ground, ink),
    }
    style = _STYLE
    for word, value in colours.items():
        style = style.replace(f":{word}", f":{value}")
    return style


def _footer(brand: Brand, texts: Texts, elsewhere: Mapping[str, str]) -> str:
    mail = escape(brand.support_email)
    lines = [f"<p>{escape(brand.postal_address)}</p>", f'<p><a href="mailto:{mail}">{mail}</a>']
    if privacy := link(brand.privacy_url):
        lines.append(f' · <a href="{escape(privacy)}">{escape(texts("privacy"))}</a>')
    lines.append("</p>")
    if elsewhere:
        others = " · ".join(
            f'<a href="{escape(url)}" lang="{language}" hreflang="{language}">{TEXTS[language]["name"]}</a>'
            for language, url in elsewhere.items()
        )
        lines.append(f'<nav aria-label="{escape(texts("language"))}"><p>{others}</p></nav>')
    return f"<footer>{''.join(lines)}</footer>"


def _headers(style: str, logo: str | None) -> dict[str, str]:
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    pictures = "'none'"
    if logo:
        parts = urlsplit(logo)
        pictures = f"{parts.scheme}://{parts.netloc}" if re.fullmatch(r"[\w.:\[\]-]+", parts.netloc) else "'none'"
    policy = (
        f"default-src 'none'; style-src 'sha256-{allowed}'; img-src {pictures}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        # The address of the page is its key: it must not reach the shop's or the logo's server.
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
        "Strict-Transport-Security": "max-age=31536000",
    }
