"""The mailbox page of ``homing serve``: every captured mail, the latest first, as a person would see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from homing.domain.time import iso, to_datetime
from homing.local.mail import SentMail

_STEPS = ("30m", "1h", "1d", "7d")
_REACTIONS = ("Open", "Click", "Bounce", "Complaint")
_SCRIPT = """
const seen = Number(document.body.dataset.count), clock = document.querySelector('time');
setInterval(async () => {
  const state = await (await fetch('/_/clock')).json();
  clock.textContent = state.shown;
  if (state.mails !== seen && !location.hash.includes('keep')) location.reload();
}, 2000);
const stage = document.querySelector('.stage');
document.querySelectorAll('[data-view]').forEach(button => button.addEventListener('click', () => {
  document.querySelectorAll('[data-view]').forEach(b => b.setAttribute('aria-pressed', b === button));
  const frame = stage.querySelector('iframe'), text = stage.querySelector('pre'), view = button.dataset.view;
  frame.hidden = view === 'text'; text.hidden = view !== 'text'; frame.classList.toggle('phone', view === 'phone');
}));
"""


def page(mails: Sequence[SentMail], number: int | None, now: int, hint: str) -> str:
    """The page with mail ``number`` open (counted from 0; by default the latest). ``hint`` shows how to get one."""
    if number is None or not 0 <= number < len(mails):
        number = len(mails) - 1
    entries = "".join(_entry(mails[index], index, index == number) for index in reversed(range(len(mails))))
    style = (files("homing.local") / "mailbox.css").read_text(encoding="utf-8")
    steps = "".join(f'<button name="advance" value="{step}">+{step}</button>' for step in _STEPS)
    body = _mail(mails[number], number) if mails else _empty(hint)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Mailbox ({len(mails)})</title><style>{style}</style></head>"
        f'<body data-count="{len(mails)}"><header><h1><span>Homing</span> mailbox</h1>'
        f"<time>{shown(now)}</time>"
        f'<form method="post" action="/_/clock" aria-label="Let time pass">{steps}</form></header>'
        f'<nav aria-label="Mails">{entries}</nav><main>{body}</main><script>{_SCRIPT}</script></body></html>'
    )


def shown(instant: int) -> str:
    """A time as the page shows it."""
    return to_datetime(instant).strftime("%a %d %b %Y, %H:%M:%S UTC")


def as_json(mail: SentMail, number: int) -> dict[str, Any]:
    """A mail for programs."""
    return {
        "number": number,
        "message_id": mail.message_id,
        "sent_at": iso(mail.sent_at),
        "from": mail.sender,
        "to": mail.recipient,
        "subject": mail.subject,
        "html": mail.html,
        "text": mail.text,
        "headers": dict(mail.headers),
        "tags": dict(mail.tags),
    }


def _entry(mail: SentMail, number: int, current: bool) -> str:
    mark = ' aria-current="true"' if current else ""
    return (
        f'<a href="/_/mail/{number}"{mark}><div class="row"><span>{escape(mail.recipient)}</span>'
        f"<span>{to_datetime(mail.sent_at).strftime('%d %b %H:%M')}</span></div>"
        f"<b>{escape(mail.subject)}</b><p>{escape(_gist(mail.text))}</p></a>"
    )


def _gist(text: str) -> str:
    """The first paragraph that says something: the brand's name and bare links do not."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return next((part for part in paragraphs if len(part) > 50 and "://" not in part), " ".join(paragraphs))[:160]


def _mail(mail: SentMail, number: int) -> str:
    facts = _list({"From": mail.sender, "To": mail.recipient, "Sent": shown(mail.sent_at)})
    headers = f"<details><summary>Headers</summary>{_list(mail.headers)}</details>" if mail.headers else ""
    views = "".join(
        f'<button type="button" data-view="{view}" aria-pressed="{"true" if view == "desktop" else "false"}">'
        f"{view.title()}</button>"
        for view in ("desktop", "phone", "text")
    )
    reactions = "".join(f'<button name="kind" value="{kind}">{kind}</button>' for kind in _REACTIONS)
    return (
        f'<div class="about"><h2>{escape(mail.subject)}</h2>{facts}{headers}'
        f'<form class="tools" method="post" action="/_/mail/{number}" aria-label="What the customer does">'
        f'{views}<span class="gap"></span>{reactions}</form></div>'
        f'<div class="stage"><iframe title="The mail" sandbox="allow-popups" src="/_/mail/{number}.html"></iframe>'
        f"<pre hidden>{escape(mail.text)}</pre></div>"
    )


def _list(facts: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f"<dl>{rows}</dl>"


def _empty(hint: str) -> str:
    return (
        '<div class="empty"><h2>No mail yet</h2><p>Post events, let time pass with the buttons above, and what customers '
        f"would get appears here.</p><pre>{escape(hint)}</pre></div>"
    )
