"""The settings of each function: a frozen model per handler, read from the environment when first needed.

The CDK app builds each function's environment from the same models (:meth:`Settings.environment`), so a field that the
stack forgets is a type error there, not a surprise at night.
"""

from __future__ import annotations

import os
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from homing.domain.errors import InvalidInput

PREFIX = "HOMING_"


class Settings(BaseModel):
    """Fields become ``HOMING_<FIELD>`` variables."""

    # Only the model that a function loads is built, not all of this module: 40 ms of each cold start.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    stage: str

    @classmethod
    def load(cls) -> Self:
        """Reads the process environment; raises InvalidInput naming the missing variables."""
        values = {
            name: os.environ[PREFIX + name.upper()] for name in cls.model_fields if PREFIX + name.upper() in os.environ
        }
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            names = ", ".join(PREFIX + str(item["loc"][0]).upper() for item in error.errors())
            raise InvalidInput(f"set these environment variables: {names}", code="settings") from error

    def environment(self) -> dict[str, str]:
        """What the stack puts into the function's environment."""
        return {PREFIX + name.upper(): str(value) for name, value in self.model_dump().items() if value is not None}


class WithKeys(Settings):
    """``keys_secret``: ARN of the Secrets Manager secret whose text is hashed into ids and signatures."""

    keys_secret: str


class WithCampaigns(Settings):
    """``campaigns``: path of the published bundle."""

    campaigns: str = "/opt/campaigns/bundle.json"


class ReceiveEventsSettings(WithKeys):
    """``ingest_secret``: ARN of a JSON secret ``{"write_keys": [...], "shopify": "..."}``."""

    stream: str
    ingest_secret: str


class ReceiveWebhookSettings(ReceiveEventsSettings):
    """The same."""


class UpdateProfilesSettings(WithKeys, WithCampaigns):
    """Stream in; profiles, archive and quarantine out."""

    profiles_table: str
    archive_bucket: str
    quarantine_bucket: str


class PublishChangesSettings(Settings):
    """Profiles stream in; bus and member index out."""

    bus: str
    journal_table: str


class WakeDueSettings(Settings):
    """Two tables with wake-up indexes; stream, inbox and outbox to hand on to. ``shards``: how many the stream has, by
    which wake-ups are paced."""

    profiles_table: str
    journal_table: str
    stream: str
    shards: int = 1
    inbox_queue: str
    outbox_queue: str


class AuditSegmentsSettings(WithCampaigns):
    """Member index and archive in; summaries into the archive out."""

    journal_table: str
    archive_bucket: str


class BacktestSettings(Settings):
    """Archive in; plan, parts and results under ``backtests/`` of the same bucket out."""

    archive_bucket: str


class BacktestPlanSettings(BacktestSettings):
    """The same."""


class BacktestPartSettings(BacktestSettings):
    """The same."""


class RankCustomersSettings(WithCampaigns):
    """Member index and profiles in; thresholds out, into the profiles table."""

    profiles_table: str
    journal_table: str


class RunFlowsSettings(WithKeys, WithCampaigns):
    """Inbox and lists of people in; runs, outbox, events about customers, requests of other flows, calls of webhooks and
    answers on the bus out. Queues are URLs; ``calls_queue`` is there where campaigns have webhooks."""

    profiles_table: str
    journal_table: str
    outbox_queue: str
    stream: str
    inbox_queue: str
    calls_queue: str | None = None
    bus: str
    lists_bucket: str


class CallWebhooksSettings(WithKeys, WithCampaigns):
    """Calls in; other systems out."""

    profiles_table: str
    calls_queue: str


class SendEmailSettings(WithKeys, WithCampaigns):
    """Outbox in; SES out. ``public_url`` is where unsubscribe links lead; ``sender`` overrides the brand's address."""

    profiles_table: str
    journal_table: str
    configuration_set: str
    public_url: str
    sender: str | None = None
    # The account's rate, and among how many copies of the function it is shared.
    rate_per_second: int = 14
    workers: int = 2


class RecordEngagementSettings(WithKeys):
    """SES events in; stream, stops and ledgers out."""

    stream: str
    profiles_table: str
    journal_table: str


class ManagePreferencesSettings(WithKeys, WithCampaigns):
    """Unsubscribe and preference requests in; stream and stops out."""

    stream: str
    profiles_table: str
