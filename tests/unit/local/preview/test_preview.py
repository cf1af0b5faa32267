"""`homing preview`: every mail in every branch, on a site that needs no network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from homing.adapters.files import read_folder
from homing.cli.preview import command, preview
from homing.domain.content.publish import publish
from homing.domain.flows.language import Flow
from homing.local.preview.mails import scheme
from homing.local.preview.steps import starts, stops
from tests.unit.content.support import campaign_files

CAMPAIGNS = Path(__file__).parents[4] / "layers" / "campaigns"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    preview(CAMPAIGNS, out)
    return out


def test_there_is_a_page_for_each_mail_and_one_for_all(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    cards = re.findall(r'<a class="card" href="([^"]+)"', index)
    assert sorted(cards) == sorted(file.name for file in site.glob("*.html") if file.name != "index.html")
    assert len(cards) == len(set(cards)) >= 2 * len(publish(read_folder(CAMPAIGNS)).templates)


def test_every_file_that_is_named_is_there_and_nothing_comes_from_the_network(site: Path) -> None:
    for page in [*site.glob("*.html"), *site.glob("mails/*.html")]:
        text = page.read_text(encoding="utf-8")
        for source in re.findall(r'\ssrc="([^"]*)"', text):
            assert "://" not in source, (page.name, source)
            assert (page.parent / source).is_file(), (page.name, source)
        assert "url(http" not in text


def test_a_mail_is_shown_wide_narrow_dark_and_as_text(site: Path) -> None:
    page = next(site.glob("cart-recovery.*cart-reminder.1.html")).read_text(encoding="utf-8")
    assert re.findall(r'<div class="view ([\w ]+)">', page) == [
        "desktop",
        "phone",
        "text",
        "desktop dark",
        "phone dark",
    ]
    assert "Back to my cart: https://alder-and-moss.example/cart" in page
    assert "cart of three" in page


def test_light_and_dark_do_not_depend_on_who_looks() -> None:
    mail = (
        '<meta name="color-scheme" content="light dark"><style>:root { color-scheme: light dark; }'
        "@media (prefers-color-scheme: dark) { a { color: red } } @media (max-width: 9px) { b { color: red } }</style>"
    )
    dark, light = scheme(mail, dark=True), scheme(mail, dark=False)
    assert 'content="dark"' in dark
    assert "color-scheme: dark;" in dark
    assert "@media all { a" in dark
    assert 'content="light"' in light
    assert "@media not all { a" in light
    assert "prefers-color-scheme" not in light + dark
    assert "(max-width: 9px)" in light


def test_a_mail_that_fails_for_somebody_says_so_on_its_page(tmp_path: Path) -> None:
    body = "<mj-text>{% if city == 'Oslo' %}{{ nickname }}{% endif %}</mj-text>"
    folder, out = tmp_path / "campaigns", tmp_path / "site"
    for file, content in (campaign_files(body) | {"flows/f.yaml": b"on: birthday\nsteps: [{send: note}]\n"}).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    result = CliRunner().invoke(command, ["--campaigns", str(folder), "--out", str(out)])
    assert result.exit_code == 0, result.output
    failing = [page for page in out.glob("*.html") if '<p class="mistake">' in page.read_text(encoding="utf-8")]
    assert sorted(page.name for page in failing) == ["f.1.note.3.html", "index.html"]


def test_a_flow_tells_when_each_mail_goes_out_and_to_whom() -> None:
    flow = Flow.model_validate({
        "name": "f", "on": {"order_placed": {"nth": 2}},
        "steps": [
            {"send": "a"},
            {"wait": "20h"},
            {"if": {"segment": "vip"}, "then": [{"send": "b"}], "else": [{"wait": "1d"}, {"send": "c"}]},
        ],
    })  # fmt: skip
    assert [tuple(stop) for stop in stops(flow)] == [
        ("a", "at once"), ("b", "20h later, in vip"), ("c", "1d20h later, not in vip"),
    ]  # fmt: skip
    assert starts(flow) == "the second order is placed"


def test_waits_for_something_local_times_chance_and_ends_are_told_in_words() -> None:
    flow = Flow.model_validate({
        "name": "f", "on": {"did": "Review Posted", "where": {"stars": {"at_most": 2}}},
        "steps": [
            {"if": {"segment": "vip"}, "then": [{"end": "vip"}]},
            {"send": "a"},
            {"wait_for": {"any": [{"did": "Order Completed"}, {"message": "a", "was": "opened"}]}, "within": "3d",
             "then": [{"send": "b"}], "else": [{"wait": {"until": "09:00", "weekdays": ["tue"]}}, {"send": "c"}]},
            {"split": "s", "ways": [{"arm": "short", "percent": 40, "then": [{"send": "d"}]}]},
            {"if": {"all": [{"trait": {"country": "DE"}}, {"did": "X"}]}, "then": [{"send": "e"}]},
            {"end": "x"},
            {"send": "never"},
        ],
    })  # fmt: skip
    assert starts(flow) == "somebody did Review Posted where stars is at most 2"
    assert [tuple(stop) for stop in stops(flow)] == [
        ("a", "at once, not in vip"),
        ("b", "at once, not in vip, as soon as they do Order Completed or a is opened"),
        ("c", "3d later, not in vip, unless they do Order Completed or a is opened within 3 days, at 09:00 on Tuesday"),
        ("d", "3d later, not in vip, 40\u00a0% of all (short)"),
        ("e", "3d later, not in vip, if country is DE and did X"),
    ]


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ({"date_reached": {"trait": "renews_on", "before": "14d"}}, "it is 14 days before the date renews_on"),
        ({"date_reached": {"trait": "met_on", "yearly": True}}, "the date met_on comes, each year"),
        ({"price_dropped": {"viewed_within": "30d", "by": 10}},
         "what somebody looked at in the last 30 days costs at least 10\u00a0% less"),
        ({"back_in_stock": {"viewed_within": "7d"}}, "what somebody looked at in the last 7 days is there again"),
        ({"schedule": {"segment": "vip", "weekdays": ["mon"], "at": "09:00"}}, "it is Monday, 09:00, for everybody in vip"),
        ({"schedule": {"segment": "vip", "days": [1, -1], "at": "09:00"}},
         "it is day 1 or the last day of the month, 09:00, for everybody in vip"),
        ({"segment_left": "vip"}, "somebody leaves vip"),
        ("flow_requested", "you ask for it"),
    ],
)  # fmt: skip
def test_every_trigger_has_its_words(on: Any, words: str) -> None:
    assert starts(Flow.model_validate({"name": "f", "on": on, "steps": [{"send": "a"}]})) == words
