"""The stateless stack: nine functions, and what wakes them. It can go and come back without losing anything."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from constructs import Construct
from homing.domain.campaigns import Campaigns
from homing.runtime.settings import (
    ManagePreferencesSettings,
    PublishChangesSettings,
    ReceiveEventsSettings,
    ReceiveWebhookSettings,
    RecordEngagementSettings,
    RunFlowsSettings,
    SendEmailSettings,
    Settings,
    UpdateProfilesSettings,
    WakeDueSettings,
)

from infra.config import StageSettings
from infra.constructs.alarms import Alarms
from infra.constructs.dashboards import BusinessDashboard, EngineersDashboard
from infra.constructs.flow_triggers import FlowTriggers
from infra.constructs.http_api import HttpApi
from infra.constructs.layers import Layers
from infra.constructs.mail_sender import MailSender
from infra.constructs.python_function import PythonFunction
from infra.constructs.stream_source import StreamSource
from infra.constructs.work_queue import WorkQueue, dead_letter_queue
from infra.stacks.data import DataStack

RUN_FLOWS_TIMEOUT = Duration.seconds(60)
SEND_EMAIL_TIMEOUT = Duration.seconds(60)


class EngagementStack(Stack):
    """Composes: constructs own their resources, this says who gets what and who may do what."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: StageSettings,
        campaigns: Campaigns,
        data: DataStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id, **kwargs)
        self._stage = stage
        self._campaigns = campaigns
        self._data = data
        self._layers = Layers(self, "Layers", settings=stage, campaigns=campaigns)
        self.functions: dict[str, PythonFunction] = {}

        self.undelivered = dead_letter_queue(self, "Undelivered", name=stage.named("undelivered"))
        self.inbox = WorkQueue(self, "FlowInbox", stage=stage, name="flow-inbox", function_timeout=RUN_FLOWS_TIMEOUT)
        self.outbox = WorkQueue(self, "Outbox", stage=stage, name="outbox", function_timeout=SEND_EMAIL_TIMEOUT)
        self.triggers = FlowTriggers(
            self,
            "Triggers",
            stage=stage,
            flows=campaigns.flows.values(),
            inbox=self.inbox.queue,
            undelivered=self.undelivered,
        )
        self.api = HttpApi(self, "HttpApi", stage=stage)
        sender = stage.sender or campaigns.settings.brand.sender_address
        self.mail = MailSender(self, "Mail", stage=stage, sender=sender)

        self._receive()
        self._update_and_publish()
        self._wake()
        self._run_and_send()
        self._answer_customers()
        self._watch()
        self._tell()

    def _receive(self) -> None:
        data = self._data
        common = {
            "stage": self._stage.name,
            "stream": data.events.name,
            "keys_secret": data.secrets.keys.secret_arn,
            "ingest_secret": data.secrets.ingest.secret_arn,
        }
        # API Gateway gives up after 30 s, shops after 5.
        receive_events = self._function(
            "receive_events",
            "Segment's HTTP API: stamps events and puts them on the stream",
            ReceiveEventsSettings(**common),
            timeout=Duration.seconds(25),
        )
        receive_webhook = self._function(
            "receive_webhook",
            "Webhooks of shops: verifies the signature, maps to events",
            ReceiveWebhookSettings(**common),
            timeout=Duration.seconds(10),
        )
        for function in (receive_events, receive_webhook):
            data.events.allow_put(function)
            data.secrets.allow_keys(function)
            data.secrets.allow_ingest(function)
        self.api.answer_events(receive_events)
        self.api.answer_webhooks(receive_webhook)

    def _update_and_publish(self) -> None:
        data = self._data
        update = self._function(
            "update_profiles",
            "Folds events into profiles, one conditional write per profile and batch",
            UpdateProfilesSettings(
                stage=self._stage.name,
                keys_secret=data.secrets.keys.secret_arn,
                campaigns=self._stage.bundle,
                profiles_table=data.profiles.name,
                archive_bucket=data.archive.name,
                quarantine_bucket=data.quarantine.name,
            ),
            timeout=Duration.seconds(120),
            # One vCPU, which is what 1,769 MB buy.
            memory_mb=1769,
        )
        data.secrets.allow_keys(update)
        data.profiles.allow_update(update)
        data.archive.allow_put(update)
        data.quarantine.allow_put(update)
        data.events.allow_consume(update)
        StreamSource(
            self,
            "EventsToProfiles",
            function=update,
            source_arn=data.events.stream.stream_arn,
            quarantine=data.quarantine,
            batch_size=1000,
            batching_window_seconds=1,
        )

        publish = self._function(
            "publish_changes",
            "Publishes what changed in profiles, and keeps the member index",
            PublishChangesSettings(
                stage=self._stage.name, bus=self.triggers.bus.event_bus_name, journal_table=data.journal.name
            ),
            timeout=Duration.seconds(60),
        )
        self.triggers.allow_publish(publish)
        data.journal.allow_keep_members(publish)
        data.profiles.allow_consume(publish)
        assert data.profiles.table.table_stream_arn is not None
        StreamSource(
            self,
            "ProfilesToBus",
            function=publish,
            source_arn=data.profiles.table.table_stream_arn,
            quarantine=data.quarantine,
            batch_size=100,
            batching_window_seconds=1,
            # Most writes publish nothing; the filter costs nothing, an invocation does.
            pattern={"dynamodb": {"NewImage": {"changes": {"B": [{"exists": True}]}}}},
        )

    def _wake(self) -> None:
        data = self._data
        wake = self._function(
            "wake_due",
            "Hands on the profiles, runs and sends whose time has come",
            WakeDueSettings(
                stage=self._stage.name,
                profiles_table=data.profiles.name,
                journal_table=data.journal.name,
                stream=data.events.name,
                inbox_queue=self.inbox.url,
                outbox_queue=self.outbox.url,
            ),
            timeout=Duration.seconds(55),
            asynchronous=True,
        )
        data.profiles.allow_find_due(wake)
        data.journal.allow_find_due(wake)
        data.journal.allow_keep_runs(wake)
        data.journal.allow_keep_ledgers(wake)
        data.events.allow_put(wake)
        self.inbox.allow_put(wake)
        self.outbox.allow_put(wake)
        events.Rule(
            self,
            "EachMinute",
            rule_name=self._stage.named("each-minute"),
            description="Wakes what is due",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[
                targets.LambdaFunction(
                    wake, dead_letter_queue=self.undelivered, retry_attempts=2, max_event_age=Duration.minutes(5)
                )
            ],
        )

    def _run_and_send(self) -> None:
        data, stage = self._data, self._stage
        run = self._function(
            "run_flows",
            "Starts, advances and ends runs; puts sends on the outbox",
            RunFlowsSettings(
                stage=stage.name,
                keys_secret=data.secrets.keys.secret_arn,
                campaigns=stage.bundle,
                profiles_table=data.profiles.name,
                journal_table=data.journal.name,
                outbox_queue=self.outbox.url,
            ),
            timeout=RUN_FLOWS_TIMEOUT,
        )
        data.secrets.allow_keys(run)
        data.profiles.allow_read(run)
        data.journal.allow_keep_runs(run)
        self.outbox.allow_put(run)
        self.inbox.feed(run, batch_size=10)

        send = self._function(
            "send_email",
            "Claims, checks again, renders, sends through SES, records",
            SendEmailSettings(
                stage=stage.name,
                keys_secret=data.secrets.keys.secret_arn,
                campaigns=stage.bundle,
                profiles_table=data.profiles.name,
                journal_table=data.journal.name,
                configuration_set=self.mail.configuration_set_name,
                public_url=self.public_url,
                sender=stage.sender,
            ),
            timeout=SEND_EMAIL_TIMEOUT,
            memory_mb=1024,
        )
        data.secrets.allow_keys(send)
        data.profiles.allow_read(send)
        data.journal.allow_keep_ledgers(send)
        self.mail.allow_send(send)
        self.outbox.feed(send, batch_size=10, max_concurrency=stage.send_concurrency)

        record = self._function(
            "record_engagement",
            "What became of a mail: deliveries, bounces, complaints, opens, clicks",
            RecordEngagementSettings(
                stage=stage.name,
                keys_secret=data.secrets.keys.secret_arn,
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
        self.mail.report_to(record, stage=stage, undelivered=self.undelivered)

    def _answer_customers(self) -> None:
        data = self._data
        preferences = self._function(
            "manage_preferences",
            "One-click unsubscribe and the preference page",
            ManagePreferencesSettings(
                stage=self._stage.name,
                keys_secret=data.secrets.keys.secret_arn,
                campaigns=self._stage.bundle,
                stream=data.events.name,
                profiles_table=data.profiles.name,
            ),
            timeout=Duration.seconds(25),
        )
        data.secrets.allow_keys(preferences)
        data.events.allow_put(preferences)
        data.profiles.allow_read(preferences)
        data.profiles.allow_stop(preferences)
        self.api.answer_customers(preferences)

    @property
    def public_url(self) -> str:
        """Where customers and shops reach us."""
        return (self._stage.public_url or self.api.url).rstrip("/")

    def _function(
        self,
        name: str,
        description: str,
        settings: Settings,
        *,
        timeout: Duration,
        memory_mb: int = 512,
        asynchronous: bool = False,
    ) -> PythonFunction:
        function = PythonFunction(
            self,
            "".join(part.capitalize() for part in name.split("_")),
            name=name,
            description=description,
            stage=self._stage,
            layers=self._layers,
            settings=settings,
            timeout=timeout,
            memory_mb=memory_mb,
            on_failure=destinations.SqsDestination(self.undelivered) if asynchronous else None,
        )
        self.functions[name] = function
        return function

    def _watch(self) -> None:
        data, functions = self._data, self.functions
        alarms = Alarms(self, "Alarms", stage=self._stage)
        dead_letters = {
            "flow-inbox-dead": self.inbox.dead,
            "outbox-dead": self.outbox.dead,
            "undelivered": self.undelivered,
        }
        for name, queue in dead_letters.items():
            alarms.watch_dead_letters(name, queue)
        for function in functions.values():
            alarms.watch_function(function)
        alarms.watch_throttles(functions.values())
        readers = [functions["update_profiles"], functions["publish_changes"]]
        for reader in readers:
            alarms.watch_lag(reader, above=Duration.minutes(2))
        alarms.watch_quarantine()
        alarms.watch_reputation()
        self.alarm_topic = alarms.topic
        self.business = BusinessDashboard(self, "Business", stage=self._stage)
        self.engineers = EngineersDashboard(
            self,
            "Engineers",
            stage=self._stage,
            alarms=alarms.alarms,
            functions=list(functions.values()),
            stream_readers=readers,
            queues=[self.inbox.queue, self.outbox.queue],
            dead_letters=list(dead_letters.values()),
            stream=data.events.name,
            tables=[data.profiles.name, data.journal.name],
            api_id=self.api.api.api_id,
        )

    def _tell(self) -> None:
        dashboards = (
            f"https://{self.region}.console.aws.amazon.com/cloudwatch/home?region={self.region}#dashboards/dashboard/"
        )
        outputs = {
            "ApiEndpoint": (self.public_url, "Give this to Segment, RudderStack or analytics.js SDKs as their host"),
            "ShopifyWebhookUrl": (
                f"{self.public_url}/webhooks/shopify",
                "Paste into Shopify: Settings, Notifications, Webhooks",
            ),
            "BusName": (self.triggers.bus.event_bus_name, "Marketers put FlowRequested here"),
            "SesIdentity": (self.mail.domain, "The domain mails come from; must be verified in SES"),
            "ConfigurationSetName": (self.mail.configuration_set_name, "Mails sent through it report back"),
            "AlarmTopicArn": (self.alarm_topic.topic_arn, "Subscribe whoever is on call"),
            "BusinessDashboard": (dashboards + self.business.name, "What customers did, what was mailed"),
            "EngineersDashboard": (dashboards + self.engineers.name, "Alarms, queues, errors, lag"),
            "CampaignsRevision": (self._campaigns.revision, "The campaigns that decide now"),
        }
        for number, (name, value) in enumerate(self.mail.dns_records, start=1):
            outputs[f"DkimRecord{number}"] = (f"{name} CNAME {value}", "Add this DNS record so that SES may sign")
        for key, (value, description) in outputs.items():
            CfnOutput(self, key, value=value, description=description)
