"""The one place where services meet their adapters: a factory for each function, named as the function.

A factory reads its settings from the environment when it is first called, and builds its service once. Adapters are
imported inside, so that a function loads only what it uses. Several functions can live in one process (the local host):
what they share is only what does not depend on whose environment it was.
"""

from __future__ import annotations

import secrets
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from homing.runtime import clock, parts, settings
from homing.runtime.parallel import InThreads

if TYPE_CHECKING:
    from homing.adapters.sqs import SqsVisibility
    from homing.services.audit_segments import AuditSegments
    from homing.services.call_webhooks import CallWebhooks
    from homing.services.manage_preferences import ManagePreferences
    from homing.services.publish_changes import PublishChanges
    from homing.services.rank_customers import RankCustomers
    from homing.services.receive_events import ReceiveEvents
    from homing.services.receive_webhook import ReceiveWebhook
    from homing.services.record_engagement import RecordEngagement
    from homing.services.run_flows import RunFlows
    from homing.services.send_email import SendEmail
    from homing.services.update_profiles import UpdateProfiles
    from homing.services.wake_due import WakeDue

# How long write keys and webhook secrets are believed before they are read again: rotation needs no deployment.
INGEST_REFRESH = 5 * 60 * 1_000_000


def reset() -> None:
    """Forgets every service, client, secret and bundle; the next call builds them anew."""
    for factory in _CACHED:
        factory.cache_clear()
    parts.reset()


@cache
def update_profiles() -> UpdateProfiles:
    """Folds stream batches; reads and writes of different people overlap."""
    from homing.adapters.s3 import S3Archive, S3Quarantine
    from homing.services.update_profiles import UpdateProfiles

    own = settings.UpdateProfilesSettings.load()
    s3 = parts.client("s3")
    return UpdateProfiles(
        campaigns=parts.campaigns(own.campaigns),
        identity=parts.identity(own.keys_secret),
        profiles=parts.profiles(own.profiles_table),
        archive=S3Archive(s3, own.archive_bucket),
        quarantine=S3Quarantine(s3, own.quarantine_bucket),
        parallel=InThreads(parts.pool()),
        rankings=parts.rankings(own.profiles_table),
    )


@cache
def publish_changes() -> PublishChanges:
    """Tells the bus and keeps the member index."""
    from homing.adapters.eventbridge import EventBridgeBus
    from homing.services.publish_changes import PublishChanges

    own = settings.PublishChangesSettings.load()
    return PublishChanges(
        bus=EventBridgeBus(parts.client("events"), own.bus, backoff=parts.backoff()),
        journal=parts.journal(own.journal_table),
    )


@cache
def wake_due() -> WakeDue:
    """Hands on what has come due."""
    from homing.adapters.dynamodb_progress import DynamoProgress
    from homing.adapters.sqs import SqsInbox, SqsOutbox, SqsQueue
    from homing.services.wake_due import WakeDue

    own = settings.WakeDueSettings.load()
    sqs, overlap = parts.client("sqs"), parts.pool().map
    return WakeDue(
        profiles=parts.profiles(own.profiles_table),
        journal=parts.journal(own.journal_table),
        stream=parts.stream(own.stream),
        inbox=SqsInbox(SqsQueue(sqs, own.inbox_queue, backoff=parts.backoff(), overlap=overlap)),
        outbox=SqsOutbox(SqsQueue(sqs, own.outbox_queue, backoff=parts.backoff(), overlap=overlap)),
        clock=clock.now,
        progress=DynamoProgress(parts.client("dynamodb"), own.journal_table),
        overlap=overlap,
        wait=parts.wait,
        shards=own.shards,
    )


@cache
def audit_segments() -> AuditSegments:
    """The nightly audit; reads that don't depend on each other overlap."""
    from homing.services.audit_segments import AuditSegments

    own = settings.AuditSegmentsSettings.load()
    archive = parts.archive(own.archive_bucket)
    return AuditSegments(
        campaigns=parts.campaigns(own.campaigns),
        journal=parts.journal(own.journal_table),
        archive=archive,
        reader=archive,
        clock=clock.now,
        overlap=parts.pool().map,
    )


@cache
def rank_customers() -> RankCustomers:
    """Thresholds of RFM scores, from a sample of the shop's customers."""
    from homing.adapters.dynamodb_rankings import DynamoRankings
    from homing.domain.engine import Engine
    from homing.services.rank_customers import RankCustomers

    own = settings.RankCustomersSettings.load()
    return RankCustomers(
        engine=Engine(parts.campaigns(own.campaigns)),
        profiles=parts.profiles(own.profiles_table),
        journal=parts.journal(own.journal_table),
        rankings=DynamoRankings(parts.client("dynamodb"), own.profiles_table, backoff=parts.backoff()),
        clock=clock.now,
    )


@cache
def run_flows() -> RunFlows:
    """Starts, advances and ends runs."""
    from homing.adapters.eventbridge import EventBridgeBus
    from homing.adapters.s3_lists import S3Lists
    from homing.adapters.sqs import SqsCalls, SqsInbox, SqsOutbox, SqsQueue
    from homing.domain.flows.passage import PASSED, Passage
    from homing.runtime.observability import telemetry
    from homing.services.run_flows import RunFlows

    own = settings.RunFlowsSettings.load()
    sqs = parts.client("sqs")
    return RunFlows(
        campaigns=parts.campaigns(own.campaigns),
        identity=parts.identity(own.keys_secret),
        profiles=parts.profiles(own.profiles_table),
        journal=parts.journal(own.journal_table),
        outbox=SqsOutbox(SqsQueue(sqs, own.outbox_queue, backoff=parts.backoff())),
        clock=clock.now,
        rankings=parts.rankings(own.profiles_table),
        stream=parts.stream(own.stream),
        # A page of a job is hundreds of calls.
        inbox=SqsInbox(SqsQueue(sqs, own.inbox_queue, backoff=parts.backoff(), overlap=parts.pool().map)),
        calls=SqsCalls(SqsQueue(sqs, own.calls_queue, backoff=parts.backoff())) if own.calls_queue else None,
        bus=EventBridgeBus(parts.client("events"), own.bus, backoff=parts.backoff()),
        lists=S3Lists(parts.client("s3"), own.lists_bucket),
        # A line for each advance: `homing flows --stage` counts them when somebody looks.
        told=lambda before, after: telemetry("run_flows").info(PASSED, **Passage.of(before, after).to_dict()),
    )


@cache
def call_webhooks() -> CallWebhooks:
    """Calls other systems; calls of one batch overlap."""
    from random import random

    from homing.domain.webhooks.message import Signer
    from homing.services.call_webhooks import CallWebhooks

    own = settings.CallWebhooksSettings.load()
    return CallWebhooks(
        campaigns=parts.campaigns(own.campaigns),
        profiles=parts.profiles(own.profiles_table),
        caller=parts.caller(),
        signer=Signer(parts.secret(own.keys_secret)().encode()),
        clock=clock.now,
        jitter=random,
        overlap=parts.pool().map,
    )


@cache
def calls_visibility() -> SqsVisibility:
    """When calls that shall be tried again are handed out again."""
    from homing.adapters.sqs import SqsVisibility

    return SqsVisibility(parts.client("sqs"), settings.CallWebhooksSettings.load().calls_queue)


@cache
def send_email() -> SendEmail:
    """Sends one message."""
    from homing.adapters.ses import SesMailer, client_config
    from homing.domain.content.render import Renderer
    from homing.domain.delivery.links import Links
    from homing.domain.delivery.rate import shares
    from homing.domain.engine import Engine
    from homing.services.send_email import SendEmail

    own = settings.SendEmailSettings.load()
    campaigns = parts.campaigns(own.campaigns)
    return SendEmail(
        campaigns=campaigns,
        identity=parts.identity(own.keys_secret),
        profiles=parts.profiles(own.profiles_table),
        journal=parts.journal(own.journal_table),
        mailer=SesMailer(
            parts.client("sesv2", client_config()),
            own.configuration_set,
            clock=clock.now,
            topics=campaigns.settings.topics,
        ),
        renderer=Renderer(campaigns),
        links=Links(parts.secret(own.keys_secret)().encode(), own.public_url),
        clock=clock.now,
        token=lambda: secrets.token_hex(8),
        sender=own.sender,
        engine=Engine(campaigns, rankings=parts.rankings(own.profiles_table)),
        codes=parts.codes(campaigns, own.journal_table, own.keys_secret) if campaigns.codes else None,
        pace=parts.pace(campaigns, own.journal_table, shares(own.rate_per_second, own.workers)),
    )


def receive_events() -> ReceiveEvents:
    """Events over HTTP; built anew when the ingest secret has changed."""
    own = _receive_events_settings()
    return _receive_events(own, parts.secret(own.ingest_secret, INGEST_REFRESH)())


@lru_cache(maxsize=1)
def _receive_events(own: settings.ReceiveEventsSettings, ingest: str) -> ReceiveEvents:
    from homing.adapters.secrets import json_object
    from homing.services.receive_events import ReceiveEvents

    return ReceiveEvents(
        stream=parts.stream(own.stream),
        identity=parts.identity(own.keys_secret),
        write_keys=frozenset(json_object(ingest).get("write_keys", ())),
        clock=clock.now,
    )


def receive_webhook() -> ReceiveWebhook:
    """Webhooks of shops; built anew when the ingest secret has changed."""
    own = _receive_webhook_settings()
    return _receive_webhook(own, parts.secret(own.ingest_secret, INGEST_REFRESH)())


@lru_cache(maxsize=1)
def _receive_webhook(own: settings.ReceiveWebhookSettings, ingest: str) -> ReceiveWebhook:
    from homing.adapters.secrets import json_object
    from homing.services.receive_webhook import ReceiveWebhook

    return ReceiveWebhook(
        stream=parts.stream(own.stream),
        identity=parts.identity(own.keys_secret),
        secrets={shop: secret for shop, secret in json_object(ingest).items() if isinstance(secret, str)},
        clock=clock.now,
    )


@cache
def record_engagement() -> RecordEngagement:
    """What SES tells of messages."""
    from homing.adapters.dynamodb_book import DynamoBook
    from homing.services.record_engagement import RecordEngagement
    from homing.services.sending_rate import Reckoning

    own = settings.RecordEngagementSettings.load()
    return RecordEngagement(
        stream=parts.stream(own.stream),
        profiles=parts.profiles(own.profiles_table),
        journal=parts.journal(own.journal_table),
        identity=parts.identity(own.keys_secret),
        clock=clock.now,
        reckoning=Reckoning(DynamoBook(parts.client("dynamodb"), own.journal_table), clock.now),
    )


@cache
def manage_preferences() -> ManagePreferences:
    """Unsubscribe links and the preference page."""
    from homing.domain.delivery.links import Links
    from homing.services.manage_preferences import ManagePreferences

    own = settings.ManagePreferencesSettings.load()
    return ManagePreferences(
        campaigns=parts.campaigns(own.campaigns),
        identity=parts.identity(own.keys_secret),
        profiles=parts.profiles(own.profiles_table),
        stream=parts.stream(own.stream),
        links=Links(parts.secret(own.keys_secret)().encode(), ""),
        clock=clock.now,
    )


@cache
def _receive_events_settings() -> settings.ReceiveEventsSettings:
    return settings.ReceiveEventsSettings.load()


@cache
def _receive_webhook_settings() -> settings.ReceiveWebhookSettings:
    return settings.ReceiveWebhookSettings.load()


_CACHED = (
    update_profiles,
    publish_changes,
    wake_due,
    audit_segments,
    rank_customers,
    run_flows,
    call_webhooks,
    calls_visibility,
    send_email,
    _receive_events,
    _receive_webhook,
    record_engagement,
    manage_preferences,
    _receive_events_settings,
    _receive_webhook_settings,
)
