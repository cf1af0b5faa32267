"""SES: the sender's identity, a configuration set for each topic, and the way of their events back to us."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.python_function import PythonFunction

_TOLD = [
    ses.EmailSendingEvent.SEND,
    ses.EmailSendingEvent.DELIVERY,
    ses.EmailSendingEvent.DELIVERY_DELAY,
    ses.EmailSendingEvent.BOUNCE,
    ses.EmailSendingEvent.COMPLAINT,
    ses.EmailSendingEvent.REJECT,
    ses.EmailSendingEvent.RENDERING_FAILURE,
    ses.EmailSendingEvent.OPEN,
    ses.EmailSendingEvent.CLICK,
    ses.EmailSendingEvent.SUBSCRIPTION,
]


class MailSender(Construct):
    """Sends from one domain. Each topic has a configuration set of its own, with its own reputation in SES's metrics, to be
    paused alone; one without a topic is for tests and other senders. What happens comes back over the default bus."""

    def __init__(
        self, scope: Construct, id: str, *, stage: StageSettings, sender: str, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(scope, id)
        self.domain = sender.rpartition("@")[2]
        # SES events can only go to the default bus.
        bus = events.EventBus.from_event_bus_name(self, "DefaultBus", "default")
        self.configuration_set = self._set("", stage, bus)
        self.topic_sets = [self._set(topic, stage, bus) for topic in topics]
        self.dns_records: list[tuple[str, str]] = []
        # Bounces return to a name of the domain's own, so that SPF is aligned too (DMARC).
        self.mail_from = f"bounce.{self.domain}" if stage.identity == "create" else ""
        if stage.identity == "create":
            identity = ses.EmailIdentity(
                self, "Identity", identity=ses.Identity.domain(self.domain), configuration_set=self.configuration_set,
                mail_from_domain=self.mail_from,
                # Until its records are there, mail leaves from SES's own name instead of not at all.
                mail_from_behavior_on_mx_failure=ses.MailFromBehaviorOnMxFailure.USE_DEFAULT_VALUE,
            )  # fmt: skip
            self.dns_records = [
                (identity.dkim_dns_token_name1, identity.dkim_dns_token_value1),
                (identity.dkim_dns_token_name2, identity.dkim_dns_token_value2),
                (identity.dkim_dns_token_name3, identity.dkim_dns_token_value3),
            ]

    def _set(self, topic: str, stage: StageSettings, bus: events.IEventBus) -> ses.ConfigurationSet:
        of = f"Topic-{topic}" if topic else ""
        made = ses.ConfigurationSet(
            self,
            f"ConfigurationSet{of}",
            configuration_set_name=stage.named("mail") + (f"-{topic}" if topic else ""),
            reputation_metrics=True,
            suppression_reasons=ses.SuppressionReasons.BOUNCES_AND_COMPLAINTS,
        )
        ses.ConfigurationSetEventDestination(
            self,
            f"ToDefaultBus{of}",
            configuration_set=made,
            configuration_set_event_destination_name=stage.named("events"),
            destination=ses.EventDestination.event_bus(bus),
            events=_TOLD,
        )
        return made

    @property
    def configuration_set_name(self) -> str:
        """The configuration set of mails without a topic; a topic's is ``<this>-<topic>``."""
        return self.configuration_set.configuration_set_name

    @property
    def _set_names(self) -> list[str]:
        return [held.configuration_set_name for held in (self.configuration_set, *self.topic_sets)]

    def mail_from_outputs(self) -> dict[str, tuple[str, str]]:
        """The DNS records of the custom MAIL FROM: output → record and what it is for."""
        if not self.mail_from:
            return {}
        region = Stack.of(self).region
        return {
            "MailFromMx": (
                f"{self.mail_from} MX 10 feedback-smtp.{region}.amazonses.com", "Add this DNS record: bounces return to SES",
            ),
            "MailFromSpf": (
                f'{self.mail_from} TXT "v=spf1 include:amazonses.com ~all"', "Add this DNS record: SES may send for you",
            ),
        }  # fmt: skip

    def allow_send(self, function: PythonFunction) -> None:
        """Sends from the domain, through the configuration sets."""
        stack = Stack.of(self)
        function.may(
            ["ses:SendEmail"],
            [
                stack.format_arn(service="ses", resource="identity", resource_name=self.domain),
                *(
                    stack.format_arn(service="ses", resource="configuration-set", resource_name=name)
                    for name in self._set_names
                ),
            ],
        )

    def report_to(self, function: PythonFunction, *, stage: StageSettings, undelivered: sqs.IQueue) -> None:
        """What happens to these configuration sets' mails goes to the function."""
        events.Rule(
            self,
            "Happened",
            rule_name=stage.named("mail-happened"),
            description="Deliveries, bounces, complaints, opens and clicks of Homing's mails",
            event_pattern=events.EventPattern(
                source=["aws.ses"],
                detail={"mail": {"tags": {"ses:configuration-set": self._set_names}}},
            ),
            targets=[
                targets.LambdaFunction(
                    function, dead_letter_queue=undelivered, retry_attempts=185, max_event_age=Duration.hours(24)
                )
            ],
        )
