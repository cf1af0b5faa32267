"""SES: the sender's identity, the configuration set, and the way of its events back to us."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.python_function import PythonFunction


class MailSender(Construct):
    """Sends from one domain through one configuration set, whose events come back over the default bus."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings, sender: str) -> None:
        super().__init__(scope, id)
        self.domain = sender.rpartition("@")[2]
        self.configuration_set = ses.ConfigurationSet(
            self,
            "ConfigurationSet",
            configuration_set_name=stage.named("mail"),
            reputation_metrics=True,
            suppression_reasons=ses.SuppressionReasons.BOUNCES_AND_COMPLAINTS,
        )
        # SES events can only go to the default bus.
        default_bus = events.EventBus.from_event_bus_name(self, "DefaultBus", "default")
        ses.ConfigurationSetEventDestination(
            self,
            "ToDefaultBus",
            configuration_set=self.configuration_set,
            configuration_set_event_destination_name=stage.named("events"),
            destination=ses.EventDestination.event_bus(default_bus),
            events=[
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
            ],
        )
        self.dns_records: list[tuple[str, str]] = []
        if stage.identity == "create":
            identity = ses.EmailIdentity(
                self, "Identity", identity=ses.Identity.domain(self.domain), configuration_set=self.configuration_set
            )
            self.dns_records = [
                (identity.dkim_dns_token_name1, identity.dkim_dns_token_value1),
                (identity.dkim_dns_token_name2, identity.dkim_dns_token_value2),
                (identity.dkim_dns_token_name3, identity.dkim_dns_token_value3),
            ]

    @property
    def configuration_set_name(self) -> str:
        """The configuration set's name."""
        return self.configuration_set.configuration_set_name

    def allow_send(self, function: PythonFunction) -> None:
        """Sends from the domain, through the configuration set."""
        stack = Stack.of(self)
        function.may(
            ["ses:SendEmail"],
            [
                stack.format_arn(service="ses", resource="identity", resource_name=self.domain),
                stack.format_arn(
                    service="ses", resource="configuration-set", resource_name=self.configuration_set_name
                ),
            ],
        )

    def report_to(self, function: PythonFunction, *, stage: StageSettings, undelivered: sqs.IQueue) -> None:
        """What happens to this configuration set's mails goes to the function."""
        events.Rule(
            self,
            "Happened",
            rule_name=stage.named("mail-happened"),
            description="Deliveries, bounces, complaints, opens and clicks of Homing's mails",
            event_pattern=events.EventPattern(
                source=["aws.ses"],
                detail={"mail": {"tags": {"ses:configuration-set": [self.configuration_set_name]}}},
            ),
            targets=[
                targets.LambdaFunction(
                    function, dead_letter_queue=undelivered, retry_attempts=185, max_event_age=Duration.hours(24)
                )
            ],
        )
