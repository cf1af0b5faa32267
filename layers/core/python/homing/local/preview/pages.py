"""The pages of the site: one that shows all mails by flow and step, and one for each mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files

from homing.domain.content.lint import Finding
from homing.domain.content.render import Rendered
from homing.local.preview.mails import Mail
from homing.local.report.text import count

# Flow, what starts it, and its stops: when, the template, and the mails of everybody.
Chapter = tuple[str, str, Sequence[tuple[str, str, Sequence[Mail]]]]


def index(brand: str, chapters: Sequence[Chapter], findings: Mapping[str, Sequence[Finding]], note: str) -> str:
    """The page of all mails."""
    jump = "".join(f'<a href="#{escape(flow)}">{escape(flow)}</a>' for flow, _, _ in chapters)
    flows = "".join(_flow(chapter, findings) for chapter in chapters)
    head = f'<header><h1>Mails of {escape(brand)}</h1><p>{escape(note)}</p><nav class="jump">{jump}</nav></header>'
    return _page(f"Mails of {brand}", f"{head}<main>{flows}</main>")


def mail_page(
    mail: Mail, when: str, findings: Sequence[Finding], before: Mail | None, after: Mail | None
) -> str:  # fmt: skip
    """The page of one mail: on desktop and phone, light and dark, its text, its links, and what is to be said of it."""
    turn = "".join(
        f'<a href="{escape(other.name)}.html">{word}: {escape(other.person.name)}</a>'
        for word, other in (("before", before), ("next", after))
        if other is not None
    )
    facts = {
        "Subject": mail.rendered.subject,
        "Preheader": mail.preheader or "(none)",
        "To": mail.person.name,
        "When": f"{when} in {mail.person.use.flow}",
        "Template": mail.template,
        "Size": f"{mail.size / 1024:.1f} KB of HTML, {len(mail.rendered.text.encode()) / 1024:.1f} KB of text",
    }
    if mail.person.because:
        facts["Shows"] = " · ".join(mail.person.because)
    told = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    head = (
        f"<header><h1>{escape(mail.rendered.subject)}</h1><dl>{told}</dl>"
        f'<nav class="turn"><a href="index.html">All mails</a>{turn}</nav></header>'
    )
    if mail.mistake:
        return _page(mail.rendered.subject, f'{head}<main><p class="mistake">{escape(mail.mistake)}</p></main>')
    text = f'<div class="view text"><h3>Text part</h3><pre>{escape(mail.rendered.text)}</pre></div>'
    views = _views(mail, dark=False) + text + _views(mail, dark=True)
    rows = "".join(f"<tr><td>{escape(link.label)}</td><td>{escape(link.url)}</td></tr>" for link in mail.links)
    links = f"<section><h3>{len(mail.links)} links</h3><table>{rows}</table></section>" if rows else ""
    body = f'{_warnings(findings)}<div class="views">{views}</div>{links}'
    return _page(mail.rendered.subject, f"{head}<main>{body}</main>")


def _views(mail: Mail, *, dark: bool) -> str:
    source = f"mails/{escape(mail.name)}{'.dark' if dark else ''}.html"
    return "".join(
        f'<div class="view {kind.lower()}{" dark" if dark else ""}"><h3>{kind}{", dark mode" if dark else ""}</h3>'
        f'<iframe sandbox="allow-same-origin" title="{kind}" src="{source}"></iframe></div>'
        for kind in ("Desktop", "Phone")
    )


def _flow(chapter: Chapter, findings: Mapping[str, Sequence[Finding]]) -> str:
    flow, starts, stops = chapter
    body = "".join(
        f'<div class="stop"><h3>{escape(template)} · {escape(when)}</h3><div class="cards">'
        f"{''.join(_card(mail, findings.get(template, ())) for mail in mails)}</div></div>"
        for when, template, mails in stops
    )
    return f'<section class="flow" id="{escape(flow)}"><h2>{escape(flow)}</h2><p>{escape(starts)}</p>{body}</section>'


def _card(mail: Mail, findings: Sequence[Finding]) -> str:
    facts = [
        f'<span class="chip">{mail.size / 1024:.0f} KB</span>',
        f'<span class="chip">{len(mail.links)} links</span>',
    ]
    if findings:
        facts.append(f'<span class="chip warn">{count(len(findings), "finding")}</span>')
    shot = (
        f'<iframe loading="lazy" tabindex="-1" scrolling="no" sandbox="allow-same-origin" title="{escape(mail.name)}" '
        f'src="mails/{escape(mail.name)}.html"></iframe>'
        if mail.rendered != Rendered("(no mail)", "", "")
        else f'<p class="mistake">{escape(mail.mistake)}</p>'
    )
    return (
        f'<a class="card" href="{escape(mail.name)}.html"><div class="shot">{shot}</div><div class="about">'
        f"<b>{escape(mail.rendered.subject)}</b><span>{escape(mail.person.name)}</span>"
        f'<div class="facts">{"".join(facts)}</div></div></a>'
    )


def _warnings(findings: Iterable[Finding]) -> str:
    rows = "".join(
        f"<li><code>{escape(one.problem.code)}</code> {escape(one.problem.message)} "
        f"<small>{escape(one.problem.file)}:{one.problem.line}:{one.problem.column}</small></li>"
        for one in findings
    )
    return f'<ul class="warnings">{rows}</ul>' if rows else ""


def _page(title: str, body: str) -> str:
    style = (files("homing.local.preview") / "style.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>{body}</body></html>"
    )
