from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from homing.domain.campaigns import Campaigns
from homing.local import report
from homing.local.outputs import Outputs
from homing.local.report.pictures import embed

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
_VOID = {"meta", "img", "br", "link", "base", "input", "hr", "rect", "polyline", "polygon", "path", "circle"}


class Balance(HTMLParser):
    """Finds tags that are not closed, ids that come twice and links within the page that lead nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.unlabelled: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "id" in given:
            self.ids.append(str(given["id"]))
        if (link := str(given.get("href") or "")).startswith("#"):
            self.targets.append(link[1:])
        if (tag == "img" and "alt" not in given) or (tag == "iframe" and not given.get("title")):
            self.unlabelled.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


@pytest.fixture
def page(story: Outputs, campaigns: Campaigns) -> str:
    pictures = {"https://s.example/b.png": PNG}
    return report.render(story, campaigns=campaigns, pictures=pictures, answers={"not JSON (400)": 3}, note="A note.")


def test_the_page_is_well_formed_and_everything_has_a_name(page: str) -> None:
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert balance.unlabelled == []
    assert len(balance.ids) == len(set(balance.ids))
    assert set(balance.targets) <= set(balance.ids)
    assert len(balance.targets) >= 8


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(page: str) -> None:
    outside = re.sub(r'srcdoc="[^"]*"', "", page)
    assert "<script" not in outside
    assert not re.search(r'(?:src|href)="https?:', outside)
    assert re.findall(r'<iframe sandbox=""', page)
    assert "default-src 'none'" in page


def test_what_people_wrote_is_text_and_not_html(page: str) -> None:
    assert "Love<lace" not in page
    assert "Ada Love&lt;lace" in page
    assert "Still &lt;yours&gt;" in page


def test_money_dates_and_names_read_as_people_write_them(page: str) -> None:
    assert "€36.00" in page
    assert "€36 + CHF\xa011" in page
    assert "Mon 12 Oct, 11:00" in page  # 09:00 UTC, in the shop's zone
    assert "12 October 2026" in page
    assert "at most 5 days before" in page


def test_the_story_goes_from_the_first_click_to_the_order(page: str) -> None:
    story = page.split('id="story"')[1].split("</section>")[0]
    said = [
        "Looked at 1 product", "No stranger any more", "Put into the cart", "abandoned", "Got a mail", "Opened the mail",
        "Clicked", "Ordered for €36.00", "Now belongs to",
    ]  # fmt: skip
    assert [story.index(words) for words in said[:-1]] == sorted(story.index(words) for words in said[:-1])
    assert said[-1] in story
    assert story.count("Opened the mail") == 1


def test_reasons_are_told_in_sentences_and_details_are_left_out(page: str) -> None:
    assert "They never agreed to mails on this topic." in page
    assert "The template could not be filled in." in page


def test_sections_without_data_are_left_out(campaigns: Campaigns) -> None:
    page = report.render(Outputs(), campaigns=campaigns)
    assert "<section" not in page
    assert 'href="#funnel"' not in page
    Balance().feed(page)


def test_it_does_without_campaigns_as_a_replay_of_anything_may(story: Outputs) -> None:
    page = report.render(story)
    assert "The shop" in page
    assert "cart" in page


def test_known_pictures_come_inside_and_others_keep_their_address() -> None:
    mail = '<img alt="" src="https://s.example/a.png?x=1&amp;y=2"><img src="https://s.example/b.png">'
    embedded = embed(mail, {"https://s.example/a.png?x=1&y=2": PNG})
    assert 'src="data:image/png;base64,' in embedded
    assert 'src="https://s.example/b.png"' in embedded


def test_the_file_is_written_with_its_folder(tmp_path: Path, story: Outputs) -> None:
    report.write(story, tmp_path / "deep" / "report.html")
    assert (tmp_path / "deep" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_where_nothing_is_known_of_readers_nothing_is_said_of_them(story: Outputs, campaigns: Campaigns) -> None:
    past = Outputs(messages=story.messages, transitions=story.transitions, profiles=story.profiles)
    page = report.render(past, campaigns=campaigns)
    assert "From a visit to an order" not in page
    assert ">Opened<" not in page
    assert "were clicked" not in page
    assert "Nothing is known of how readers reacted" in page


def test_long_periods_are_told_by_week(story: Outputs, campaigns: Campaigns) -> None:
    whole_year = (1767222000_000_000, 1798758000_000_000)
    page = report.render(story, campaigns=campaigns, period=whole_year)
    assert "Mails week by week" in page
    assert page.count("<rect class=") == 1
