"""What every test may use: an AWS account in this process, and nothing of the developer's real one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from moto import mock_aws

REGION = "eu-central-1"


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
    with mock_aws():
        yield REGION
