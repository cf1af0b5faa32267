"""The stateless stack: the functions, and what wakes them. It can go and come back without losing anything."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from homing.domain.campaigns import Campaigns
from infra.config import StageSettings
from infra.constructs.alarms import Alarms
from infra.constructs.audits import Audits
from infra.constructs.backtests import Backtests
from infra.constructs.dashboards import BusinessDashboard, EngineersDashboard
from infra.constructs.event_schemas import EventSchemas
from infra.constructs.flow_engine import RUN_FLOWS_TIMEOUT, FlowEngine
from infra.constructs.flow_schedules import FlowSchedules
from infra.constructs.flow_triggers import FlowTriggers
from infra.constructs.http_api import HttpApi
from infra.constructs.ingestion import Ingestion
from infra.constructs.layers import Layers
from infra.constructs.mail_sender import MailSender
from infra.constructs.mailing import SEND_EMAIL_TIMEOUT, Mailing
from infra.constructs.profile_updates import ProfileUpdates
from infra.constructs.python_function import Workshop
from infra.constructs.ranking import Ranking
from infra.constructs.webhook_calls import WebhookCalls
from infra.constructs.work_queue import WorkQueue, dead_letter_queue
from infra.stacks.data import DataStack


class EngagementStack(Stack):
    """Composes: constructs own their resources, this says who gets what."""

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
        if stage.event_schemas:
            EventSchemas(self, "EventSchemas", stage=stage)
        FlowSchedules(
            self,
            "Schedules",
            stage=stage,
            campaigns=campaigns,
            inbox=self.inbox.queue,
            undelivered=self.undelivered,
        )
        self.api = HttpApi(self, "HttpApi", stage=stage)
        self.public_url = (stage.public_url or self.api.url).rstrip("/")
        self.mail = MailSender(
            self,
            "Mail",
            stage=stage,
            sender=stage.sender or campaigns.settings.brand.sender_address,
            topics=sorted(campaigns.settings.topics),
        )

        layers = Layers(self, "Layers", settings=stage, campaigns=campaigns)
        workshop = Workshop(stage, layers, self.undelivered)
        Ingestion(self, "Ingestion", workshop=workshop, data=data, api=self.api)
        self.updates = ProfileUpdates(self, "Profiles", workshop=workshop, data=data, triggers=self.triggers)
        # A shop without webhooks pays for none. Who has some keeps the queue when its last flow with a call was changed: runs
        # of the older version go on calling.
        webhooks = campaigns.settings.webhooks
        self.calls = WebhookCalls(self, "Calls", workshop=workshop, data=data).queue if webhooks else None
        FlowEngine(
            self,
            "Flows",
            workshop=workshop,
            data=data,
            inbox=self.inbox,
            outbox=self.outbox,
            calls=self.calls,
            triggers=self.triggers,
        )
        Mailing(
            self,
            "Mailing",
            workshop=workshop,
            data=data,
            outbox=self.outbox,
            sender=self.mail,
            api=self.api,
            public_url=self.public_url,
        )
        Ranking(self, "Ranking", workshop=workshop, data=data)
        Audits(self, "Audits", workshop=workshop, data=data)
        self.backtests = Backtests(self, "Backtests", workshop=workshop, data=data)
        self.functions = workshop.made
        self._watch()
        self._tell()

    def _watch(self) -> None:
        data, functions = self._data, self.functions
        alarms = Alarms(self, "Alarms", stage=self._stage)
        dead_letters = {
            "flow-inbox-dead": self.inbox.dead,
            "outbox-dead": self.outbox.dead,
            "undelivered": self.undelivered,
            **({"calls-dead": self.calls.dead} if self.calls else {}),
        }
        for name, queue in dead_letters.items():
            alarms.watch_dead_letters(name, queue)
        for function in functions.values():
            alarms.watch_function(function)
        alarms.watch_throttles()
        readers = [self.updates.update, self.updates.publish]
        for reader in readers:
            alarms.watch_lag(reader, above=Duration.minutes(2))
        alarms.watch_the_clock(functions["wake_due"])
        alarms.watch_waiting("flow-inbox", self.inbox.queue, above=Duration.minutes(30))
        alarms.watch_waiting("outbox", self.outbox.queue, above=Duration.minutes(30))
        alarms.watch_api(self.api.api)
        alarms.watch_quarantine()
        alarms.watch_audits()
        if any(code.pool for code in self._campaigns.codes.values()):
            # Minted codes never run out.
            alarms.watch_codes()
        alarms.watch_reputation()
        self.alarm_topic = alarms.topic
        self.business = BusinessDashboard(
            self, "Business", stage=self._stage, audit_log=functions["audit_segments"].log_group.log_group_name
        )
        self.engineers = EngineersDashboard(
            self,
            "Engineers",
            stage=self._stage,
            alarms=alarms.alarms,
            functions=list(functions.values()),
            stream_readers=readers,
            queues=[held.queue for held in (self.inbox, self.outbox, self.calls) if held],
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
            "BacktestMachineArn": (self.backtests.machine.ref, "homing backtest --stage starts it"),
            "CampaignsRevision": (self._campaigns.revision, "The campaigns that decide now"),
        }
        for number, (name, value) in enumerate(self.mail.dns_records, start=1):
            outputs[f"DkimRecord{number}"] = (f"{name} CNAME {value}", "Add this DNS record so that SES may sign")
        outputs |= self.mail.mail_from_outputs()
        for key, (value, description) in outputs.items():
            CfnOutput(self, key, value=value, description=description)
