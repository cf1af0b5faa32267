"""The settings of a stage, read from ``cdk.json``: what may differ between dev, prod and a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from homing.domain.errors import InvalidInput

# The one place that names the Python of Lambda; functions, layers and their bytecode follow.
PYTHON_VERSION = "3.13"

ROOT = Path(__file__).resolve().parent.parent


class StageSettings(BaseModel):
    """One stage of ``cdk.json``; every field has a default that suits a small shop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,15}$")]
    # Left out, the account and region of the credentials that deploy are used.
    account: str | None = None
    region: str | None = None
    # Folder of the campaigns, from the root of the repo.
    campaigns: str = "layers/campaigns"

    # The address mails come from; the brand's in settings.yaml when left out.
    sender: str | None = None
    # "existing": the sender's domain is verified in this account already, by somebody else's stack.
    identity: Literal["create", "existing"] = "create"
    # Where customers reach the HTTP API (https://...); its own endpoint when left out.
    public_url: str | None = None
    cors_origins: tuple[str, ...] = ("*",)
    requests_per_second: int = Field(500, ge=1)
    burst: int = Field(1000, ge=1)

    # Kinesis shards (1,000 events a second each); None: on demand, which costs more than twice one shard when idle.
    shards: int | None = Field(1, ge=1)
    # Messages a second that SES lets the account send (`homing domain check DOMAIN --stage NAME` tells): all copies of
    # send_email together keep to it. SES begins with 14 outside of its sandbox, where it is 1.
    rate_per_second: int = Field(14, ge=1)
    # How many copies of send_email run at once; more than the rate would only wait for each other.
    send_concurrency: int = Field(2, ge=2, le=1000)

    # How many copies of call_webhooks run at once, each with ten calls of other systems at most.
    call_concurrency: int = Field(5, ge=2, le=1000)

    # False: data goes with the stack. For stages that hold nobody's data.
    keep_data: bool = True
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365] = 30
    # Who gets the alarms; more can subscribe to the topic later.
    alarm_emails: tuple[str, ...] = ()

    # For emulators of AWS that run functions in their own interpreter: without the arm64 packages of the dependencies
    # layer, and with the path of the published bundle where there is no /opt.
    dependencies: bool = True
    bundle: str = "/opt/campaigns/bundle.json"
    # For emulators that have no schema registry.
    event_schemas: bool = True

    @property
    def mail_workers(self) -> int:
        """Copies of send_email at once; SQS knows no fewer than two."""
        return max(2, min(self.send_concurrency, self.rate_per_second))

    def named(self, what: str) -> str:
        """The physical name of a resource: ``homing-<stage>-<what>``."""
        return f"homing-{self.name}-{what}".replace("_", "-")


def context() -> dict[str, Any]:
    """The context of ``cdk.json``: what the CDK CLI passes, for those who synthesize without it."""
    loaded = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    assert isinstance(loaded, dict)
    return loaded


def stage_settings(stages: Mapping[str, Any] | str, stage: str) -> StageSettings:
    """The settings of one stage; ``stages`` may be JSON text, since ``cdk -c stages=...`` passes text.

    Raises InvalidInput that names the stage and the fields that are wrong.
    """
    known = json.loads(stages) if isinstance(stages, str) else stages
    if stage not in known:
        raise InvalidInput(f"no stage {stage!r} in cdk.json; there are: {', '.join(sorted(known))}", code="stage")
    try:
        return StageSettings.model_validate({"name": stage, **known[stage]})
    except ValidationError as error:
        raise InvalidInput(f"stage {stage!r} in cdk.json: {error}", code="stage") from error
