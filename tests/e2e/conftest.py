"""The app, deployed once for all end-to-end tests, by the CLI that deploys to AWS."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from homing.domain.content.publish import publish
from infra import assets
from infra.app import read_campaigns
from infra.config import ROOT
from tests.e2e.emulator import REGION, Account, MailSink, cdk, has_cdk, mail_sink, ministack, ses_endpoint

WRITE_KEY = "e2e-write-key"
CART_IDLE = "3s"


@dataclass(frozen=True)
class Deployed:
    """The deployed app: its outputs, its mail, its clients."""

    outputs: dict[str, str]
    sink: MailSink
    account: Account

    def client(self, service: str) -> Any:
        """A boto3 client of the emulated account."""
        return boto3.client(
            service,
            endpoint_url=self.account.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            verify=str(self.account.certificates.authority),
        )

    def carts_considered(self) -> list[str]:
        """Ids of the runs that abandoned carts have started, whether or not they led to a mail."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName="homing-e2e-journal")
        return [item["pk"]["S"] for page in pages for item in page["Items"] if item["sk"]["S"] == "run"]

    def wake(self) -> None:
        """What the rule does each minute, now."""
        answer = self.client("lambda").invoke(FunctionName="homing-e2e-wake-due", Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read().decode()

    def eventually(self, look: Callable[[], Any], what: str, *, seconds: float = 120) -> Any:
        """Wakes what is due until ``look`` finds something; fails with the emulator's last words."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := look():
                return found
            self.wake()
            time.sleep(0.5)
        raise AssertionError(f"{what} did not happen in {seconds} s:\n{self.said()}")

    def said(self) -> str:
        """The lines of all functions, for those who look for what went wrong."""
        logs = self.client("logs")
        lines = [
            f"{name.rpartition('/')[2]}: {event['message'].strip()}"
            for name in [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
            for stream in logs.describe_log_streams(logGroupName=name)["logStreams"]
            for event in logs.get_log_events(logGroupName=name, logStreamName=stream["logStreamName"])["events"]
            if '"level"' in event["message"]
        ]
        return "\n".join(lines[-40:])


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    if not has_cdk():
        pytest.skip("the CDK CLI is not installed: run `make e2e`")
    folder = tmp_path_factory.mktemp("e2e")
    campaigns = _impatient_campaigns(folder)
    bundle = assets.campaigns_layer(publish(read_campaigns(campaigns))) / "campaigns/bundle.json"
    stage = {
        "campaigns": str(campaigns),
        # The emulator runs functions in this interpreter, which has the packages, and has no /opt.
        "dependencies": False,
        "bundle": str(bundle),
        # It has no schema registry.
        "event_schemas": False,
        # It knows no DKIM tokens.
        "identity": "existing",
        "keep_data": False,
    }
    context = ["--context", "stage=e2e", "--context", f"stages={json.dumps({'e2e': stage})}"]
    outputs = folder / "outputs.json"
    with mail_sink() as sink, ses_endpoint(sink) as ses, ministack(folder, ses=ses) as account, _reachable(account):
        app = [*context, "--app", f"{sys.executable} -m infra.app", "--output", str(folder / "cdk.out")]
        # Elsewhere there is no cdk.json: bootstrapping needs no synthesis.
        cdk("bootstrap", f"aws://000000000000/{REGION}", account=account, cwd=folder)
        deploy = ["deploy", "Homing-e2e/*", *app, "--require-approval", "never", "--outputs-file", str(outputs)]
        cdk(*deploy, account=account, cwd=ROOT)
        stacks = json.loads(outputs.read_text())
        found = Deployed({name: value for stack in stacks.values() for name, value in stack.items()}, sink, account)
        _let_batches_through(found.client("iam"))
        found.client("secretsmanager").put_secret_value(
            SecretId=found.outputs["IngestSecretName"],
            SecretString=json.dumps({"write_keys": [WRITE_KEY], "shopify": "e2e-webhook-secret"}),
        )
        yield found


def _let_batches_through(iam: Any) -> None:
    """IAM knows one action, ``sqs:SendMessage``, for one message and for ten; ministack asks for one of the call's name."""
    for role in (role["RoleName"] for role in iam.list_roles()["Roles"] if "homing-e2e" in role["RoleName"]):
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in policy["Statement"]:
                if "sqs:SendMessage" in statement["Action"]:
                    one = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
                    statement["Action"] = [*one, "sqs:SendMessageBatch"]
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


def _impatient_campaigns(folder: Path) -> Path:
    """The starter campaigns, but a cart is abandoned after seconds, and nobody sleeps."""
    target = folder / "campaigns"
    shutil.copytree(ROOT / "layers/campaigns", target)
    path = target / "settings.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["cart"] = {"after": CART_IDLE}
    settings.pop("quiet_hours", None)
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return target


@contextmanager
def _reachable(account: Account) -> Iterator[None]:
    """What DNS and public certificates do elsewhere: ``*.localhost`` is loopback (RFC 6761, which not every resolver
    knows), and the account's certificate is trusted."""
    original = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **keywords: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return original("127.0.0.1" if str(name).endswith(".localhost") else host, *arguments, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        for name, value in account.certificates.trusted().items():
            patch.setenv(name, value)
        yield
