"""The pages that customers see: whole in every language, readable, and theirs."""

from __future__ import annotations

import re
import string
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.campaigns import Brand, Topic
from homing.domain.delivery.pages import preferences as pages
from homing.domain.delivery.pages.contrast import PARTS, TEXT, contrast
from homing.domain.delivery.pages.layout import Page
from homing.domain.delivery.pages.texts import LANGUAGES, TEXTS, Texts, accepted, known, texts
from homing.domain.profiles.profile import EXPLICIT, Profile, TraitValue
from tests.fixtures.shop import BRAND

TROUBLES: tuple[pages.Trouble, ...] = ("link_old", "link_incomplete", "bad_method", "busy")
TOPICS = {
    "marketing": Topic.model_validate({
        "title": "Offers", "description": "Now and then.",
        "translations": {"de": {"title": "Angebote", "description": "Hin und wieder."}},
    }),
    "letters": Topic(title="Letters", description="On paper."),
}  # fmt: skip


def frame(language: str, brand: Brand = BRAND) -> pages.Frame:
    others = {other: f"?t=x&lang={other}" for other in LANGUAGES if other != language}
    return pages.Frame(brand, Texts(language), others)


def every_page(language: str, brand: Brand = BRAND) -> dict[str, Page]:
    held = frame(language, brand)
    choices = [pages.choice_of(name, topic, held, "en", on=name == "letters") for name, topic in TOPICS.items()]
    return {
        "preferences": pages.preferences(held, choices),
        "saved": pages.preferences(held, choices, saved=held.texts.count("saved", 1)),
        "bounced": pages.preferences(held, choices, suppressed="bounce"),
        "complained": pages.preferences(held, choices, suppressed="complaint"),
        "ask": pages.ask_to_unsubscribe(held, ""),
        "ask for one": pages.ask_to_unsubscribe(held, "Offers"),
        "done": pages.unsubscribed(held, ""),
        "done for one": pages.unsubscribed(held, "Offers"),
        "nobody": pages.nothing_known(held),
        **{what: pages.trouble(held, what) for what in TROUBLES},
    }


class Reader(HTMLParser):
    """What a screen reader finds: elements with their attributes, and text outside of style."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} is closed where it is not open"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


EVERY = [(language, name) for language in LANGUAGES for name in every_page("en")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_blanks(language: str) -> None:
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    for key, text in TEXTS[language].items():
        blanks = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert blanks == {name for _, name, _, _ in string.Formatter().parse(TEXTS["en"][key]) if name}, key
        assert text.strip() == text != "", key


def test_texts_differ_between_languages() -> None:
    for key in TEXTS["en"].keys() - {"name"}:
        assert len({TEXTS[language][key] for language in LANGUAGES}) == len(LANGUAGES), key


def test_every_text_is_used() -> None:
    """What no page shows need not be translated."""
    used = set()

    class Counting(Texts):
        def __call__(self, key: str, **values: object) -> str:
            used.add(key)
            return super().__call__(key, **values)

    held = pages.Frame(
        BRAND.model_copy(update={"privacy_url": "https://shop.example/privacy"}), Counting("en"), {"de": "?"}
    )
    for why in ("", "bounce", "complaint"):
        pages.preferences(held, [], suppressed=why)
    for title in ("", "Offers"):
        pages.ask_to_unsubscribe(held, title)
        pages.unsubscribed(held, title)
    pages.nothing_known(held)
    for what in TROUBLES:
        pages.trouble(held, what)
    for number in (0, 1, 2):
        held.texts.count("saved", number)
    held.texts("left")
    assert TEXTS["en"].keys() - used == {"name", "anyway"}


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_a_page_is_whole_and_says_what_it_is(language: str, name: str) -> None:
    page = every_page(language)[name]
    found = Reader(page)
    assert not found.open, "every element is closed"
    assert found.all("html") == [{"lang": language}]
    assert len(found.all("h1")) == len(found.all("main")) == len(found.all("header")) == len(found.all("footer")) == 1
    assert len(found.all("title")) == 1
    assert "user-scalable" not in page.html
    assert "maximum-scale" not in page.html
    assert not {"script", "iframe", "object", "link"} & {tag for tag, _ in found.elements}
    assert not any(
        key.startswith("on") or key in {"style", "tabindex", "autofocus"} for _, a in found.elements for key in a
    )
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert not re.search(r"[{}]", "".join(found.text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_switch_has_a_name_and_a_description_and_the_group_has_one_too(language: str) -> None:
    found = Reader(every_page(language)["preferences"])
    ids = {attributes["id"] for _, attributes in found.elements if "id" in attributes}
    switches = found.all("input")
    assert len(switches) == 2
    for switch in switches:
        assert switch["role"] == "switch"
        assert {switch["aria-labelledby"], switch["aria-describedby"]} <= ids
    assert len(found.all("fieldset")) == len(found.all("legend")) == 1
    assert all(button.get("type") == "submit" for button in found.all("button"))
    assert found.all("form") == [{"method": "post"}]


def test_a_topic_stands_in_the_page_s_language_or_says_that_it_does_not() -> None:
    german = every_page("de")["preferences"].html
    assert "Angebote" in german
    assert '<span lang="en"><strong id="topic-2">Letters' in german
    assert '<span lang="en"' not in every_page("en")["preferences"].html


def test_numbers_have_their_plural() -> None:
    assert [Texts("en").count("saved", n).split(". ")[1] for n in (0, 1, 2)] == [
        "You get no more e-mails about offers or ideas.", "You get e-mails about 1 topic.",
        "You get e-mails about 2 topics.",
    ]  # fmt: skip
    assert [Texts("de").count("saved", n).rpartition(" ")[2] for n in (0, 1, 2)] == ["mehr.", "Thema.", "Themen."]


def person(**traits: str) -> Profile:
    profile = Profile("p")
    profile.traits.update({name: TraitValue(EXPLICIT, 1, "segment", value) for name, value in traits.items()})
    return profile


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ({"asked": "de", "profile": person(language="en"), "accept": "en"}, "de"),
        ({"asked": "tlh", "profile": person(language="de")}, "de"),
        ({"profile": person(locale="de-AT"), "accept": "en", "default": "en"}, "de"),
        ({"profile": person(language="fr", locale="de_CH")}, "de"),
        ({"profile": person(language="fr"), "accept": "de"}, "de"),
        ({"accept": "fr-FR, de;q=0.5, en;q=0.7", "default": "de"}, "en"),
        ({"accept": "de-CH", "default": "en"}, "de"),
        ({"accept": "fr", "default": "de-AT"}, "de"),
        ({"default": "fr"}, "en"),
        ({}, "en"),
    ],
)
def test_whose_language_a_page_has(said: dict[str, Any], language: str) -> None:
    assert texts(**said).language == language


@pytest.mark.parametrize(
    ("header", "language"),
    [("de, en", "de"), ("en;q=0, de;q=0.1", "de"), ("*", None), ("de;q=2, en", "en"), ("de;q=", None), (";;,,=", None)],
)
def test_accept_language_is_read_as_the_standard_says(header: str, language: str | None) -> None:
    assert accepted(header) == language


@given(st.text(max_size=200))
def test_no_header_upsets_a_page(header: str) -> None:
    assert accepted(header) in {None, *LANGUAGES}
    assert known(header) in {None, *LANGUAGES}


def test_contrast_is_counted_as_wcag_does() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#fff", "#fff") == 1


_HEX = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(("accent", "accent_text", "ink", "muted", "paper", "background"), _HEX)))
def test_whatever_colours_a_shop_has_its_pages_can_be_read(colours: dict[str, str]) -> None:
    css = every_page("en", BRAND.model_copy(update=colours))["ask"].html
    held = dict(re.findall(r"--([\w-]+):(#\w+)", css))
    for text, ground in (("ink", "paper"), ("muted", "paper"), ("link", "paper"), ("accent-text", "accent"),
                         ("on-ground", "ground"), ("foot", "ground")):  # fmt: skip
        assert contrast(held[text], held[ground]) >= TEXT, (text, ground)
    assert contrast(held["accent"], held["paper"]) >= PARTS
