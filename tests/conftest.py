"""What every test may use: an AWS account in this process, and nothing of the developer's real one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from homing.runtime.observability import MemoryTelemetry
    from tests.account import Account

# The same cases every time, so that a red run is the change's fault; HOMING_EXPLORE=1 looks for new ones and prints how
# to repeat what it finds.
settings.register_profile("same", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("explore" if os.environ.get("HOMING_EXPLORE") else "same")

REGION = "eu-central-1"
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test credentials, so that a forgotten fake can't reach anything; settings of the developer's shell are unset."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "HOMING_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def aws() -> Iterator[str]:
    """An empty AWS account, made of moto; gives the region."""
    from moto import mock_aws

    with mock_aws():
        yield REGION


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the starter campaigns, published."""
    from homing.adapters.files import read_folder, write_bundle
    from homing.domain.content.publish import publish

    path = tmp_path_factory.mktemp("campaigns") / "bundle.json"
    write_bundle(publish(read_folder(ROOT / "layers" / "campaigns")), path)
    return str(path)


@pytest.fixture
def account(aws: str, bundle: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account with everything that the stack makes, and the functions' environment; nobody waits in it."""
    from homing.runtime import parts, wiring
    from tests.account import create_account

    made = create_account(aws, bundle)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(parts, "_sleep", lambda _seconds: None)
    wiring.reset()
    yield made
    wiring.reset()


@pytest.fixture
def voice() -> Iterator[MemoryTelemetry]:
    """What functions say, kept."""
    from homing.runtime import observability

    kept = observability.MemoryTelemetry()
    observability.install(lambda _function: kept)
    yield kept
    observability.install()
