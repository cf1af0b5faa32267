"""What `homing check` says of webhooks, and what `homing webhook` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from homing.adapters.https import HttpsCaller
from homing.adapters.memory import MemoryCaller
from homing.cli import deployed
from homing.cli.main import command
from homing.domain.content.lint import lint
from homing.domain.errors import Unavailable
from homing.domain.webhooks.message import Signer
from homing.runtime import parts
from tests.account import KEYS
from tests.unit.content.support import SETTINGS, campaign_files
from tests.unit.webhooks.test_call_webhooks import verified

CRM = "https://crm.example.com/homing"


def files(settings: str, steps: str = "- call: crm\n  - send: note") -> dict[str, bytes]:
    flow = f"on: cart_abandoned\nsteps:\n  {steps}\n".encode()
    return {**campaign_files(), "settings.yaml": SETTINGS + settings.encode(), "flows/tell.yaml": flow}


def found(settings: str, steps: str = "- call: crm\n  - send: note") -> list[str]:
    return [str(finding.problem) for finding in lint(files(settings, steps)) if finding.severity == "error"]


def test_a_webhook_that_is_there_is_fine() -> None:
    assert found(f"webhooks: {{crm: {{url: '{CRM}'}}}}\n") == []


def test_a_call_of_a_webhook_that_is_not_there_is_told_with_the_one_that_was_meant() -> None:
    (line,) = found(f"webhooks: {{warehouse: {{url: '{CRM}'}}}}\n", "- call: warehuose\n  - send: note")
    said = "unknown_webhook there is no webhook 'warehuose' (did you mean 'warehouse'?)"
    assert line == f"flows/tell.yaml:3:11: {said}"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://crm.example.com/", "write it whole, such as https://crm.shop.example/homing"),
        ("https://169.254.169.254/latest/meta-data", "it is an address inside of a network"),
        ("https://0x7f.1/", "it is a number that programs take for an address: write the host's name"),
        ("https://localhost:8080/", "it is a name that only leads somewhere inside of a network"),
    ],
)
def test_an_address_that_can_not_be_called_is_told_in_its_line(url: str, complaint: str) -> None:
    lines = found(f"webhooks:\n  crm:\n    url: {url}\n")
    line = len(SETTINGS.splitlines()) + 3
    assert lines[0].startswith(f"settings.yaml:{line}:")
    assert lines[0].endswith(f"invalid_value '{url}' can't be called: {complaint}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in files(f"webhooks: {{crm: {{url: '{CRM}'}}}}\n").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    stage = deployed.Deployed("try", "p", "a", "j", "homing-try-keys", "r")
    monkeypatch.setattr(deployed, "find_stage", lambda name: stage)
    monkeypatch.setattr(parts, "secret", lambda arn: lambda: KEYS)
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["webhook", *arguments, "--stage", "try", "--campaigns", str(folder)])
    return result.exit_code, result.output.strip()


def test_the_receivers_secret_is_printed_and_it_is_the_one_that_signs(folder: Path) -> None:
    code, secret = run(folder, "secret", "crm")
    body = b'{"id": "c1"}'
    assert code == 0
    assert verified(body, Signer(KEYS.encode()).signature("crm", body, 1_800_000_000_000_000), secret, 1_800_000_000)


def test_the_secret_of_a_webhook_that_is_not_there_is_not_made_up(folder: Path) -> None:
    code, said = run(folder, "secret", "crmm")
    assert code == 2
    assert "settings.yaml has no webhook 'crmm'; there are: crm" in said


@pytest.mark.parametrize(
    ("answer", "code", "expected"),
    [
        (200, 0, "crm answered 200: taken"),
        (401, 1, "crm answered 401: refused: a call of a flow would be given up"),
        (503, 1, "crm answered 503: would be tried again"),
        (Unavailable("timeout"), 1, "crm: no answer (timeout); a call of a flow would be tried again"),
    ],
)
def test_a_call_to_try_says_what_came_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: int | Unavailable, code: int, expected: str
) -> None:
    caller = MemoryCaller()
    caller.answer(CRM, answer)
    monkeypatch.setattr(HttpsCaller, "post", lambda self, *call: caller.post(*call))
    assert run(folder, "test", "crm") == (code, expected)
    (call,) = caller.calls
    assert json.loads(call.body)["data"] == {"test": True}
    secret = Signer(KEYS.encode()).secret("crm")
    seconds = int(call.headers["Homing-Signature"][2:12])
    assert verified(call.body, call.headers["Homing-Signature"], secret, seconds)
