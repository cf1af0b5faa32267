"""homing domain check: plain words about a sender's DNS, with a resolver that knows what a test told it."""

from __future__ import annotations

import json
from typing import Any

import dns.resolver
import pytest
from click.testing import CliRunner

from homing.cli import domain
from homing.domain.delivery.dns_records import examine
from homing.domain.errors import HomingError

Zone = dict[tuple[str, str], list[str]]
TOKENS = ("t1", "t2", "t3")
DKIM = [(f"{token}._domainkey.shop.example", f"{token}.dkim.amazonses.com") for token in TOKENS]
WELL: Zone = {
    **{(name, "CNAME"): [f"{value}."] for name, value in DKIM},
    ("bounce.shop.example", "MX"): ["10 feedback-smtp.eu-central-1.amazonses.com."],
    ("bounce.shop.example", "TXT"): ["v=spf1 include:amazonses.com ~all"],
    ("_dmarc.shop.example", "TXT"): ["v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.example"],
    ("shop.example", "MX"): ["10 mx.shop.example."],
}


def told(zone: Zone, name: str = "shop.example") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in examine(name, DKIM, f"bounce.{name}", lambda name, kind: zone.get((name, kind), [])):
        found.setdefault(finding.level, []).append(f"{finding.about}: {finding.text}")
    return found


def test_a_domain_that_is_set_up_has_nothing_to_hear() -> None:
    assert set(told(WELL)) == {"ok"}


def test_an_empty_zone_hears_what_to_add() -> None:
    wrong = told({})["wrong"]
    assert len(wrong) == 6
    assert "DKIM: add: t1._domainkey.shop.example CNAME t1.dkim.amazonses.com" in wrong
    assert 'SPF: add: bounce.shop.example TXT "v=spf1 include:amazonses.com ~all"' in wrong


@pytest.mark.parametrize(
    ("place", "values", "level", "words"),
    [
        (("t2._domainkey.shop.example", "CNAME"), ["old.dkim.amazonses.com."], "wrong", "leads to old.dkim"),
        (("bounce.shop.example", "MX"), ["10 mx.shop.example."], "wrong", "that of SES"),
        (("bounce.shop.example", "MX"), [*WELL["bounce.shop.example", "MX"], "20 mx.shop.example."], "wrong", "one MX"),
        (("bounce.shop.example", "TXT"), ["v=spf1 a ~all"], "wrong", "does not let SES send"),
        (("bounce.shop.example", "TXT"), ["v=spf1 include:amazonses.com ~all"] * 2, "wrong", "2 SPF records"),
        (("_dmarc.shop.example", "TXT"), ["v=DMARC1; p=none; rua=mailto:a@shop.example"], "advice", "only watches"),
        (("_dmarc.shop.example", "TXT"), ["v=DMARC1; p=reject"], "advice", "nobody gets the reports"),
        (("_dmarc.shop.example", "TXT"), ["v=DMARC1; rua=mailto:a@shop.example"], "wrong", "no policy"),
        (("_dmarc.shop.example", "TXT"), ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "wrong", "counts as none"),
        (("_dmarc.shop.example", "TXT"), ["v=DMARC1; p=reject; rua=mailto:a@b; aspf=s"], "advice", "only DKIM"),
        (("shop.example", "MX"), ["0 ."], "advice", "receives no mail"),
    ],
)
def test_each_mistake_is_told_alone(place: tuple[str, str], values: list[str], level: str, words: str) -> None:
    found = told({**WELL, place: values})
    assert [text for text in found[level] if words in text] == found[level]
    assert len(found[level]) == 1


def test_a_subdomain_follows_the_policy_of_the_domain_above_it() -> None:
    zone: Zone = {("_dmarc.shop.example", "TXT"): ["v=DMARC1; p=reject; sp=none; rua=mailto:a@shop.example"]}
    found = told(zone, "mail.shop.example")
    assert "DMARC: _dmarc.shop.example says none" in found["ok"]


def test_the_command_exits_with_one_when_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["check", "Shop.Example.", *(word for token in TOKENS for word in ("--dkim", token))]
    internet: Zone = {("amazonses.com", "NS"): ["ns-1.awsdns-1.example."]}
    for zone, code in (({**WELL, **internet}, 0), (internet, 1)):
        monkeypatch.setattr(domain, "resolver", lambda zone=zone: lambda name, kind: zone.get((name, kind), []))
        ran = CliRunner().invoke(domain.command, [*arguments, "--json"])
        assert ran.exit_code == code
        assert {finding["level"] for finding in json.loads(ran.output)} >= {"wrong" if code else "ok"}
        assert CliRunner().invoke(domain.command, arguments).exit_code == code


def test_a_domain_is_no_address() -> None:
    assert CliRunner().invoke(domain.command, ["check", "me@shop.example"]).exit_code == 2


def test_without_a_network_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> Any:
        raise dns.resolver.NoNameservers

    monkeypatch.setattr(dns.resolver, "resolve", offline)
    with pytest.raises(HomingError, match="is this machine online"):
        domain.resolver()("shop.example", "MX")


def test_in_a_network_that_knows_no_name_nothing_is_said_of_the_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain, "resolver", lambda: lambda name, kind: [])
    ran = CliRunner().invoke(domain.command, ["check", "shop.example"])
    assert isinstance(ran.exception, HomingError)
    assert "is it online" in str(ran.exception)


def test_a_name_that_is_not_there_has_no_records(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: Any, **__: Any) -> Any:
        raise dns.resolver.NXDOMAIN

    monkeypatch.setattr(dns.resolver, "resolve", nothing)
    assert domain.resolver()("shop.example", "MX") == []


@pytest.mark.parametrize(("rate", "levels"), [(14, ["ok"]), (50, ["ok", "wrong"]), (5, ["ok", "advice"])])
def test_the_rate_of_the_stage_is_held_against_that_of_the_account(rate: int, levels: list[str]) -> None:
    account = {"ProductionAccessEnabled": True, "SendQuota": {"MaxSendRate": 14.0, "Max24HourSend": 50_000.0}}
    assert [finding.level for finding in domain.limits(account, rate)] == levels


def test_the_sandbox_is_told() -> None:
    texts = [finding.text for finding in domain.limits({"SendQuota": {"MaxSendRate": 1.0, "Max24HourSend": 200.0}}, 1)]
    assert any("sandbox" in text for text in texts)
