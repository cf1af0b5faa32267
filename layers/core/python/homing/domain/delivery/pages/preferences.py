"""The preference page and what surrounds an unsubscription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from homing.domain.campaigns import Brand, Topic
from homing.domain.delivery.pages.layout import Page, link, page, together
from homing.domain.delivery.pages.texts import Texts, known

Trouble = Literal["link_old", "link_incomplete", "bad_method", "busy"]
_HEADINGS: Mapping[Trouble, str] = {
    "link_old": "bad_link", "link_incomplete": "bad_link",
    "bad_method": "bad_method", "busy": "busy",
}  # fmt: skip
_TEXTS: Mapping[Trouble, str] = {"bad_method": "bad_method_text", "busy": "busy_text"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A topic as offered: ``on`` when its mails are sent now; ``language`` is that of its words where it is not the
    page's."""

    topic: str
    title: str
    description: str
    on: bool
    language: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all pages share: the shop, the language, and links to the same page in other languages."""

    brand: Brand
    texts: Texts
    elsewhere: Mapping[str, str]

    def page(self, title: str, body: Sequence[str], *, elsewhere: bool = True) -> Page:
        """``body`` is escaped HTML. A page that a POST led to has no address in another language."""
        return page(self.brand, self.texts, title, "\n".join(body), elsewhere=self.elsewhere if elsewhere else None)

    def say(self, key: str, **values: object) -> str:
        """A text with the shop's name, escaped, its e-mails unbroken."""
        return together(self.texts(key, shop=self.brand.name, **values))

    def with_mail(self, key: str) -> str:
        """A text with a link to the shop's address."""
        before, after = self.texts(key, mail="\x1f").split("\x1f")
        mail = escape(self.brand.support_email)
        return f'{together(before)}<a href="mailto:{mail}">{mail}</a>{together(after)}'


def words_of(topic: Topic, language: str, shops: str) -> tuple[str, str, str]:
    """Title, description, and the language they are in where the topic has none in the page's: then it is the shop's."""
    if known(shops) != language:
        if held := topic.translations.get(language):
            return held.title, held.description, ""
        return topic.title, topic.description, shops
    return topic.title, topic.description, ""


def choice_of(name: str, topic: Topic, frame: Frame, shops: str, *, on: bool) -> Choice:
    """A topic as the page offers it; ``shops`` is the language of settings.yaml."""
    title, description, language = words_of(topic, frame.texts.language, shops)
    return Choice(name, title, description, on, language)


def title_of(topic: str, topics: Mapping[str, Topic], frame: Frame, shops: str) -> str:
    """What the topic is called on the page; ``*`` and topics that are gone have no title."""
    return words_of(topics[topic], frame.texts.language, shops)[0] if topic in topics else ""


def preferences(frame: Frame, choices: Sequence[Choice], *, saved: str = "", suppressed: str = "") -> Page:
    """The page with a switch for each topic. ``saved`` is what a save did; ``suppressed`` bounce or complaint."""
    say = frame.say
    parts = [f"<h1>{say('preferences')}</h1>"]
    if saved:
        parts.append(f'<div class="note" role="status"><p>{together(saved)}</p></div>')
    if suppressed:
        why = "complaint" if suppressed == "complaint" else "bounce"
        parts.append(f'<div class="note"><p>{say(why)} {frame.with_mail("again")}</p></div>')
    parts.append(f'<p class="lead">{say("choose")}</p>')
    switches = "\n".join(_switch(number, choice) for number, choice in enumerate(choices, 1))
    parts.append(
        f'<form method="post">\n<fieldset>\n<legend>{say("topics")}</legend>\n{switches}\n</fieldset>\n'
        f'<div class="actions"><button type="submit" name="save" value="1">{say("save")}</button>'
        f'<button class="quiet" type="submit" name="everything" value="off">{say("leave")}</button></div>\n'
        "</form>"
    )
    return frame.page(frame.texts("preferences"), parts)


def _switch(number: int, choice: Choice) -> str:
    """The title names the switch for those who hear the page, the description follows."""
    checked = " checked" if choice.on else ""
    spoken = f' lang="{escape(choice.language)}"' if choice.language else ""
    about, described = "", ""
    if choice.description:
        about = f'<small id="about-{number}">{escape(choice.description)}</small>'
        described = f' aria-describedby="about-{number}"'
    return (
        f'<label class="topic"><span{spoken}><strong id="topic-{number}">{escape(choice.title)}</strong>{about}</span>'
        f'<input type="checkbox" role="switch" name="topic" value="{escape(choice.topic)}"{checked} '
        f'aria-labelledby="topic-{number}"{described}></label>'
    )


def ask_to_unsubscribe(frame: Frame, title: str) -> Page:
    """One button. Scanners open every link in a mail, so opening this page changes nothing. No title: everything."""
    what = frame.say("unsubscribe_topic", topic=title) if title else frame.say("unsubscribe_all")
    body = [
        f"<h1>{what}</h1>",
        f'<p class="lead">{frame.say("at_once")}</p>',
        f'<form method="post"><button type="submit" name="confirm" value="1">{frame.say("unsubscribe")}</button></form>',
    ]
    return frame.page(frame.texts("unsubscribe"), body)


def unsubscribed(frame: Frame, title: str) -> Page:
    """After it. For a single topic, everything else is one more button away."""
    body = [f'<div role="status"><h1>{frame.say("unsubscribed")}</h1>']
    if title:
        body.append(f'<p class="lead">{frame.say("no_more_topic", topic=title)}</p></div>')
        body.append(
            '<form method="post"><button class="quiet" type="submit" name="everything" value="off">'
            f"{frame.say('leave')}</button></form>"
        )
    else:
        body.append(f'<p class="lead">{frame.say("no_more")}</p></div>')
        body.append(_back(frame))
    return frame.page(frame.texts("unsubscribed"), body, elsewhere=False)


def trouble(frame: Frame, what: Trouble) -> Page:
    """When a link or the service does not work; says whom to write to."""
    heading = _HEADINGS[what]
    body = [
        f"<h1>{frame.say(heading)}</h1>",
        f"<p>{frame.say(_TEXTS.get(what, what))}</p>",
        f"<p>{frame.with_mail('or_write')}</p>",
    ]
    return frame.page(frame.texts(heading), body, elsewhere=False)


def nothing_known(frame: Frame) -> Page:
    """For somebody whose profile is gone."""
    body = [f"<h1>{frame.say('unknown')}</h1>", f"<p>{frame.say('unknown_text')}</p>", _back(frame)]
    return frame.page(frame.texts("unknown"), body)


def _back(frame: Frame) -> str:
    home = link(frame.brand.website)
    return f'<p><a href="{escape(home)}">{frame.say("back")}</a></p>' if home else ""
