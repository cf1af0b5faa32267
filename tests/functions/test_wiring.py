"""The composition root: each factory builds its service from the environment, once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.runtime import clock, wiring
from tests.account import Account

FACTORIES = [
    wiring.update_profiles,
    wiring.publish_changes,
    wiring.wake_due,
    wiring.audit_segments,
    wiring.rank_customers,
    wiring.run_flows,
    wiring.call_webhooks,
    wiring.send_email,
    wiring.receive_events,
    wiring.receive_webhook,
    wiring.record_engagement,
    wiring.manage_preferences,
]
by_name = pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)


@by_name
def test_a_service_is_built_once_until_a_reset(account: Account, factory: Callable[[], Any]) -> None:
    first = factory()
    assert factory() is first
    wiring.reset()
    assert factory() is not first


@by_name
def test_a_missing_environment_is_named(factory: Callable[[], Any]) -> None:
    wiring.reset()
    with pytest.raises(InvalidInput, match="HOMING_STAGE"):
        factory()


def test_functions_of_one_process_share_clients_but_not_settings(account: Account, monkeypatch: Any) -> None:
    runs = wiring.run_flows()
    monkeypatch.setenv("HOMING_PROFILES_TABLE", "elsewhere")
    wakes = wiring.wake_due()
    assert wiring.run_flows() is runs
    assert wakes.journal is runs.journal
    assert wakes.profiles is not runs.profiles


def test_a_rotated_write_key_is_known_after_five_minutes(account: Account, monkeypatch: Any) -> None:
    now = [clock.now()]
    clock.install(lambda: now[0])
    try:
        assert wiring.receive_events().write_keys == {"wk"}
        secret = account.environment["HOMING_INGEST_SECRET"]
        account.client("secretsmanager").put_secret_value(
            SecretId=secret, SecretString='{"write_keys": ["wk", "new"], "shopify": "shush"}'
        )
        assert wiring.receive_events().write_keys == {"wk"}
        now[0] += wiring.INGEST_REFRESH
        assert wiring.receive_events().write_keys == {"wk", "new"}
        assert wiring.receive_webhook().secrets == {"shopify": "shush"}
    finally:
        clock.install(clock.system_clock)


def test_handlers_import_nothing_that_lambda_lacks_or_that_only_others_need() -> None:
    """What is for one machine only (YAML, MJML, the command line), and what a service loads when it first needs it."""
    script = (
        "import importlib, sys\n"
        f"for name in {[factory.__name__ for factory in FACTORIES]}:\n"
        "    importlib.import_module(f'functions.{name}.handler')\n"
        "absent = {'boto3', 'moto', 'yaml', 'mrml', 'css_inline', 'click', 'rich', 'PIL', 'aws_cdk', 'liquid'}\n"
        "print(sorted(absent & sys.modules.keys()))"
    )
    # An empty environment: importing a module reads none of it.
    done = subprocess.run([sys.executable, "-c", script], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_functions_that_only_hand_on_load_nothing_of_what_flows_and_segments_mean() -> None:
    for name in ("wake_due", "receive_events", "receive_webhook", "record_engagement"):
        script = (
            f"import sys, functions.{name}.handler\n"
            "heavy = {'homing.domain.flows.effects', 'homing.domain.flows.language', 'homing.domain.segments.language',"
            " 'homing.domain.engine'}\n"
            "print(sorted(heavy & sys.modules.keys()))"
        )
        done = subprocess.run([sys.executable, "-c", script], env={}, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]", name
