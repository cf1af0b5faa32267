"""Habits that filters of unwanted mail look for, in subjects and in whole mails. Only what is plainly one: a warning
that is usually wrong is soon not read any more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homing.domain.content.checks.page import Page
from homing.domain.content.mjml import LIQUID

# Longer subjects are cut off in most lists of mails, on phones after some 40 characters.
LONGEST_SUBJECT = 70
# Words of running text from which on a mail with pictures is not "only pictures"; a footer alone has about 20.
_FEWEST_WORDS = 30
_LOUD = re.compile(
    r"\b(?:free|gratis|act now|click here|buy now|order now|urgent|winner|you(?:'|’)?ve won|100 ?% free|cash|"
    r"risk[- ]free|no obligation|limited time|last chance)\b[^\w\s]{0,3}!{2,}|!{3,}",
    re.IGNORECASE,
)
_MONEY = re.compile(r"[$€£]{2,}")


def in_line(text: str, part: str) -> Iterator[tuple[str, str]]:
    """Code and message for a subject or preheader as it is written, its Liquid aside."""
    plain = LIQUID.sub(" ", text)
    letters = [letter for letter in plain if letter.isalpha()]
    words = [word for word in re.findall(r"[^\W\d_]{3,}", plain) if word.isupper()]
    if len(letters) >= 8 and len(words) >= 2 and sum(letter.isupper() for letter in letters) > 0.8 * len(letters):
        yield "shouting", f"the {part} is all in capitals: it reads as shouting, and filters count it"
    if _LOUD.search(plain) or _MONEY.search(plain) or plain.count("!") > 1:
        yield "loud_words", f"the {part} is loud ({_piece(plain)}): filters know the tone, and so do people"


def in_subject(subject: str) -> Iterator[tuple[str, str]]:
    """Code and message for a subject as somebody gets it."""
    if len(subject) > LONGEST_SUBJECT:
        yield (
            "long_subject",
            f"{len(subject)} characters: lists of mails show about {LONGEST_SUBJECT} ({subject[:40]}…)",
        )


def in_text(text: str) -> Iterator[tuple[str, int]]:
    """Message and place of loud words in the body as it is written."""
    for match in _LOUD.finditer(LIQUID.sub(lambda match: "\x00" * len(match[0]), text)):
        if not text[: match.start()].endswith("<"):
            yield f"loud words ({' '.join(match[0].split())}): filters know the tone, and so do people", match.start()


def pictures_only(page: Page) -> str | None:
    """A message when a mail says next to nothing without its pictures."""
    body = next((element for element in page.root.walk() if element.tag == "body"), page.root)
    pictures = sum(element.tag == "img" for element in body.walk())
    hidden = [element.text for element in body.walk() if "display:none" in element.attributes.get("style", "")]
    words = len(body.text.split()) - sum(len(text.split()) for text in hidden)
    if pictures and words < _FEWEST_WORDS:
        return f"{words} words beside {pictures} pictures: who sees no pictures sees nothing, and filters distrust it"
    return None


def _piece(text: str) -> str:
    match = _LOUD.search(text) or _MONEY.search(text) or re.search(r"!.*!", text)
    return " ".join(match[0].split())[:40] if match else "!"
