"""Alarms: few, each with what it means and where docs/deploy.md says what to do."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.python_function import METRICS_NAMESPACE, PythonFunction

_FIVE_MINUTES = Duration.minutes(5)


class Alarms(Construct):
    """An encrypted topic, and the alarms that speak through it."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id)
        self._stage = stage
        # CloudWatch may not use the AWS-managed key of SNS: an encrypted topic that alarms can reach needs its own.
        key = kms.Key(
            self,
            "Key",
            description=f"Alarm topic of homing-{stage.name}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
            )
        )
        self.topic = sns.Topic(
            self, "Topic", topic_name=stage.named("alarms"), master_key=key, enforce_ssl=True, display_name="Homing"
        )
        for address in stage.alarm_emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(address))
        self.alarms: list[cloudwatch.Alarm] = []

    def when(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        *,
        description: str,
        above: float | None = None,
        below: float | None = None,
        periods: int = 1,
        out_of: int | None = None,
    ) -> None:
        """Alarms when the metric is above (silence is fine) or below (silence is not) a value in ``periods`` of
        ``out_of`` periods."""
        threshold = above if above is not None else below
        assert threshold is not None
        alarm = cloudwatch.Alarm(
            self,
            "".join(part.capitalize() for part in name.split("-")),
            alarm_name=self._stage.named(name),
            alarm_description=f"{description} See docs/deploy.md, alarm {name}.",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
            if above is not None
            else cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=out_of or periods,
            datapoints_to_alarm=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING
            if above is not None
            else cloudwatch.TreatMissingData.BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        self.alarms.append(alarm)

    def watch_dead_letters(self, name: str, queue: sqs.IQueue) -> None:
        """A message in it is work that nobody could do."""
        self.when(
            f"{name}-not-empty",
            queue.metric_approximate_number_of_messages_visible(period=_FIVE_MINUTES, statistic="Maximum"),
            above=0,
            description="Messages wait in a dead-letter queue.",
        )

    def watch_function(self, function: PythonFunction) -> None:
        """Errors, per function: each has its own first thing to look at."""
        self.when(
            f"{function.name.replace('_', '-')}-errors",
            function.metric_errors(period=_FIVE_MINUTES),
            above=0,
            description=f"{function.name} raised; its source retries.",
            periods=2,
            out_of=3,
        )

    def watch_throttles(self) -> None:
        """Too few concurrent executions are left: a limit of the account, so its metric is the account's too."""
        self.when(
            "functions-throttled",
            lambda_.Function.metric_all_throttles(period=_FIVE_MINUTES),
            above=0,
            description="Lambda throttled functions of this account.",
            periods=3,
            out_of=3,
        )

    def watch_lag(self, function: PythonFunction, *, above: Duration) -> None:
        """How old the records of a stream are when they are read."""
        self.when(
            f"{function.name.replace('_', '-')}-lag",
            function.metric("IteratorAge", period=Duration.minutes(1), statistic="Maximum"),
            above=above.to_milliseconds(),
            description=f"{function.name} reads its stream late.",
            periods=5,
            out_of=5,
        )

    def watch_api(self, api: apigw.HttpApi) -> None:
        """Requests that were answered with 5xx; a function that answers 503 has not failed in Lambda's eyes."""
        self.when(
            "api-errors",
            api.metric_server_error(period=_FIVE_MINUTES, statistic="Sum"),
            above=0,
            description="The HTTP API answered with 5xx.",
            periods=2,
            out_of=3,
        )

    def watch_waiting(self, name: str, queue: sqs.IQueue, *, above: Duration) -> None:
        """How long the oldest message has waited."""
        self.when(
            f"{name}-late",
            queue.metric_approximate_age_of_oldest_message(period=_FIVE_MINUTES, statistic="Maximum"),
            above=above.to_seconds(),
            description=f"Messages wait long in {name}.",
        )

    def watch_the_clock(self, function: PythonFunction) -> None:
        """Without its rule no wait would end and no cart would be abandoned, and nothing would fail."""
        self.when(
            "clock-stopped",
            function.metric_invocations(period=_FIVE_MINUTES),
            below=1,
            description=f"{function.name} was not woken.",
            periods=3,
        )

    def watch_quarantine(self) -> None:
        """Something could not be folded."""
        self.when(
            "quarantine-filling",
            cloudwatch.Metric(
                namespace=METRICS_NAMESPACE,
                metric_name="RecordsQuarantined",
                dimensions_map={"service": "update_profiles"},
                period=_FIVE_MINUTES,
                statistic="Sum",
            ),
            above=0,
            description="Records went to quarantine.",
        )

    def watch_audits(self) -> None:
        """The nightly audit found something broken."""
        self.when(
            "audit-errors",
            cloudwatch.Metric(
                namespace=METRICS_NAMESPACE,
                metric_name="AuditErrors",
                dimensions_map={"service": "audit_segments"},
                period=Duration.days(1),
                statistic="Sum",
            ),
            above=0,
            description="The nightly audit found something broken.",
        )

    def watch_codes(self) -> None:
        """A pool of discount codes runs low, or a mail found it empty. One alarm for all pools: an alarm is paid for each
        month, and the report tells which it is. It lasts for a day after the last draw that said so."""
        self.when(
            "codes-low",
            cloudwatch.Metric(
                namespace=METRICS_NAMESPACE,
                metric_name="CodesLow",
                dimensions_map={"service": "send_email"},
                period=Duration.hours(1),
                statistic="Sum",
            ),
            above=0,
            description="A pool of discount codes is low or empty.",
            out_of=24,
        )

    def watch_reputation(self) -> None:
        """SES puts an account under review at 5 % bounces or 0.1 % complaints: be earlier."""
        for name, metric, limit in (
            ("bounce-rate", "Reputation.BounceRate", 0.04),
            ("complaint-rate", "Reputation.ComplaintRate", 0.0008),
        ):
            self.when(
                name,
                cloudwatch.Metric(
                    namespace="AWS/SES", metric_name=metric, period=Duration.hours(1), statistic="Average"
                ),
                above=limit,
                description=f"The account's {name.replace('-', ' ')} is close to where SES reviews it.",
            )
