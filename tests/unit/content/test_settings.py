"""What settings and durations may not say, and where it is told."""

from __future__ import annotations

import pytest

from homing.domain.campaigns import Campaigns, Cap, Cart
from homing.domain.content.publish import collect, publish
from tests.unit.content.support import SETTINGS, campaign_files

MINUTE = 60_000_000


def told(*, brand: str = "", rest: str = "", **files: bytes) -> list[str]:
    """Findings about the settings with these lines: under ``brand:`` from line 2 on, or at the end, from line 12 on."""
    text = SETTINGS.decode().replace("brand:\n", f"brand:\n{brand}") + rest
    return [str(problem) for problem in collect(campaign_files() | {"settings.yaml": text.encode()} | files)[1]]


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("time_zone: Berlin", 12, "there is no time zone 'Berlin' (did you mean 'Europe/Berlin'?)"),
        ("time_zone: Europe/Belrin", 12, "there is no time zone 'Europe/Belrin' (did you mean 'Europe/Berlin'?)"),
        ("time_zone: New York", 12, "there is no time zone 'New York' (did you mean 'America/New_York'?)"),
        ("currency: eur", 11, "'eur' is not a currency: write its three capitals, such as EUR"),
        ("currency: XQQ", 11, "there is no currency 'XQQ' (write its ISO 4217 code, such as EUR)"),
        ("language: German", 11, "there is no language 'German' (did you mean 'de'?)"),
        ("language: xx", 11, "there is no language 'xx' (write a code such as en, de or pt-BR)"),
        ("cart: {after: 30}", 15, "30 what? write 30m, 30h or 30d"),
        ("cart: {after: true}", 15, "true is not a duration: write 30m, 20h or 3d"),
        ("celebrate_at: 9", 15, "9 is not a time of day: write 09:00"),
        ("celebrate_at: 9:30", 15, "'9:30' is not a time of day: write 09:30"),
        ("quiet_hours: {from: 21, until: 08:00}", 21, "21 is not a time of day: write 21:00"),
    ],
)
def test_the_settings_name_what_exists_and_say_their_units(line: str, column: int, message: str) -> None:
    assert told(rest=line) == [f"settings.yaml:12:{column}: invalid_value {message}"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("accent: red", "'red' is not a colour"),
        ('accent: "#12345"', "'#12345' is not a colour"),
        ("accent: #fff", "the colour is empty: YAML reads # as a comment"),
        ("reply_to: Ana <ana@shop.example>", "'Ana <ana@shop.example>' is not a mail address"),
        ("privacy_url: www.shop.example", "'www.shop.example' is not a web address"),
        ("logo_url: javascript:alert(1)", "'javascript:alert(1)' is not a web address"),
        ("link_hosts: [https://shop.example/]", "'https://shop.example/' is not a host"),
    ],
)
def test_the_brand_has_colours_addresses_and_links(line: str, message: str) -> None:
    (problem,) = told(brand=f"  {line}\n")
    assert problem.startswith(f"settings.yaml:2:{'16' if 'hosts' in line else ''}")
    assert f"invalid_value {message}" in problem


def test_topics_cover_each_other_in_no_circle() -> None:
    topics = "  a: {title: A, covered_by: b}\n  b: {title: B, covered_by: a}\n  c: {title: C, covered_by: a}\n"
    assert told(rest=topics) == ["settings.yaml:12:29: topic_cycle topics cover each other in a circle: a → b → a"]
    (problem,) = told(rest="  a: {title: A, covered_by: marketng}\n")
    assert problem.endswith("unknown_topic there is no topic 'marketng' (did you mean 'marketing'?)")


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("flows/f.yaml", "on: birthday\nsteps: [{wait: 20}, {send: note}]\n", "2:16"),
        ("segments/s.yaml", "when: {did: X, within: 20}\n", "1:24"),
        ("segments/s.yaml", "when: {known_for: {at_least: 20}}\n", "1:30"),
    ],
)
def test_a_written_number_is_no_duration(file: str, text: str, place: str) -> None:
    problems = collect(campaign_files() | {file: text.encode()})[1]
    assert [str(problem) for problem in problems] == [f"{file}:{place}: invalid_value 20 what? write 20m, 20h or 20d"]


def test_bundles_and_code_count_microseconds() -> None:
    text = SETTINGS + b"cart: {after: 45m}\nquiet_hours: {from: 21:00, until: 08:00}\n"
    campaigns = publish(campaign_files() | {"settings.yaml": text})
    again = Campaigns.model_validate_json(campaigns.model_dump_json(by_alias=True, exclude_unset=True))
    assert again == campaigns
    assert again.settings.cart == Cart(after=45 * MINUTE)
    assert Cap(messages=1, within=MINUTE).within == MINUTE
