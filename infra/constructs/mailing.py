"""Mails out, what became of them, and what customers say about it."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from homing.runtime.settings import ManagePreferencesSettings, RecordEngagementSettings, SendEmailSettings
from infra.constructs.http_api import HttpApi
from infra.constructs.mail_sender import MailSender
from infra.constructs.python_function import Workshop
from infra.constructs.work_queue import WorkQueue
from infra.stacks.data import DataStack

SEND_EMAIL_TIMEOUT = Duration.seconds(60)


class Mailing(Construct):
    """``send_email``, ``record_engagement`` and ``manage_preferences``."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workshop: Workshop,
        data: DataStack,
        outbox: WorkQueue,
        sender: MailSender,
        api: HttpApi,
        public_url: str,
    ) -> None:
        super().__init__(scope, id)
        stage = workshop.stage
        send = workshop.make(
            self,
            "send_email",
            "Claims, checks again, renders, sends through SES, records",
            SendEmailSettings(
                stage=stage.name,
                keys_secret=data.secrets.keys_arn,
                campaigns=stage.bundle,
                profiles_table=data.profiles.name,
                journal_table=data.journal.name,
                configuration_set=sender.configuration_set_name,
                public_url=public_url,
                sender=stage.sender,
                rate_per_second=stage.rate_per_second,
                workers=stage.mail_workers,
            ),
            timeout=SEND_EMAIL_TIMEOUT,
            memory_mb=1024,
        )
        data.secrets.allow_keys(send)
        data.profiles.allow_read(send)
        data.journal.allow_keep_ledgers(send)
        data.journal.allow_hold(send)
        data.journal.allow_draw_codes(send)
        data.journal.allow_keep_pace(send)
        sender.allow_send(send)
        outbox.feed(send, batch_size=10, max_concurrency=stage.mail_workers)

        record = workshop.make(
            self,
            "record_engagement",
            "What became of a mail: deliveries, bounces, complaints, opens, clicks",
            RecordEngagementSettings(
                stage=stage.name,
                keys_secret=data.secrets.keys_arn,
                stream=data.events.name,
                profiles_table=data.profiles.name,
                journal_table=data.journal.name,
            ),
            timeout=Duration.seconds(30),
            asynchronous=True,
        )
        data.secrets.allow_keys(record)
        data.events.allow_put(record)
        data.profiles.allow_stop(record)
        data.journal.allow_keep_ledgers(record)
        data.journal.allow_keep_pace(record)
        sender.report_to(record, stage=stage, undelivered=workshop.undelivered)

        preferences = workshop.make(
            self,
            "manage_preferences",
            "One-click unsubscribe and the preference page",
            ManagePreferencesSettings(
                stage=stage.name,
                keys_secret=data.secrets.keys_arn,
                campaigns=stage.bundle,
                stream=data.events.name,
                profiles_table=data.profiles.name,
            ),
            timeout=Duration.seconds(25),
        )
        data.secrets.allow_keys(preferences)
        data.events.allow_put(preferences)
        data.profiles.allow_read(preferences)
        data.profiles.allow_stop(preferences)
        api.answer_customers(preferences)
