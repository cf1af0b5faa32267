"""Two dashboards: one for those who sell, one for those who are on call."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.python_function import METRICS_NAMESPACE, PythonFunction

_HOUR = Duration.hours(1)
_MINUTE = Duration.minutes(1)


class BusinessDashboard(Construct):
    """What customers did and what was mailed, from Homing's own metrics, by the hour."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings, audit_log: str) -> None:
        super().__init__(scope, id)
        self.name = stage.named("business")
        rows = [
            [
                ("Customers come", ["EventsReceived", "EventsRejected", "EventsFolded"]),
                (
                    "Moments worth a mail",
                    ["TransitionsPublished", "TriggersPublished", "FlowsStarted", "SendsRequested"],
                ),
            ],
            [
                ("Mails", ["MessagesSent", "MessagesDeferred", "MessagesDropped", "MessagesUnknown"]),
                ("What became of them", ["EmailDelivered", "EmailOpened", "EmailLinkClicked"]),
            ],
            [
                (
                    "Unwanted or unreachable",
                    ["Unsubscribed", "EmailMarkedAsSpam", "EmailBounced", "AddressesSuppressed", "SendingStopped"],
                ),
                ("Audit: broken, or worth a look", ["AuditErrors", "AuditWarnings"]),
            ],
            [
                ("Flows by hand", ["FlowRequestsAccepted", "MessagesRefused", "PeopleHandedOn", "RunsParked"]),
                (
                    "Triggers that started nothing",
                    ["TriggersTooOld", "TriggersNotForThem", "TriggersTooSoon", "TriggersStopped"],
                ),
            ],
        ]
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self.name,
            default_interval=Duration.days(14),
            widgets=[
                [
                    cloudwatch.GraphWidget(
                        title=title,
                        width=12,
                        height=7,
                        left=[_business_metric(metric) for metric in metrics],
                        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
                    )
                    for title, metrics in row
                ]
                for row in rows
            ]
            + [
                [
                    # The log is read when somebody looks; a metric for each segment would be paid for day and night.
                    cloudwatch.LogQueryWidget(
                        title="Segments: people, night by night",
                        width=24,
                        height=8,
                        log_group_names=[audit_log],
                        view=cloudwatch.LogQueryVisualizationType.LINE,
                        query_lines=[
                            'filter message = "segment size"',
                            "stats max(size) by bin(1d), segment",
                        ],
                    )
                ]
            ],
        )


class EngineersDashboard(Construct):
    """Alarms first, then the way of an event from left to right: API, stream, functions, queues, tables."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: StageSettings,
        alarms: Sequence[cloudwatch.IAlarm],
        functions: Sequence[PythonFunction],
        stream_readers: Sequence[PythonFunction],
        queues: Sequence[sqs.IQueue],
        dead_letters: Sequence[sqs.IQueue],
        stream: str,
        tables: Sequence[str],
        api_id: str,
    ) -> None:
        super().__init__(scope, id)
        self.name = stage.named("engineers")

        def api(metric: str, statistic: str = "Sum") -> cloudwatch.Metric:
            return _metric("AWS/ApiGateway", metric, {"ApiId": api_id}, statistic)

        def kinesis(metric: str, statistic: str = "Sum") -> cloudwatch.Metric:
            return _metric("AWS/Kinesis", metric, {"StreamName": stream}, statistic)

        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self.name,
            default_interval=Duration.hours(6),
            widgets=[
                [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=4)],
                [
                    _graph("HTTP API", [api("Count"), api("4xx"), api("5xx")], [api("Latency", "p95")]),
                    _graph(
                        "Stream",
                        [kinesis("IncomingRecords"), kinesis("WriteProvisionedThroughputExceeded")],
                        [
                            reader.metric("IteratorAge", statistic="Maximum", label=reader.name)
                            for reader in stream_readers
                        ],
                    ),
                    _graph(
                        "Queues: waiting",
                        [queue.metric_approximate_number_of_messages_visible() for queue in queues],
                        [queue.metric_approximate_age_of_oldest_message() for queue in queues],
                    ),
                ],
                [
                    _graph("Invocations", [f.metric_invocations(label=f.name) for f in functions]),
                    _graph("Errors", [f.metric_errors(label=f.name) for f in functions]),
                    _graph("Duration, p95", [f.metric_duration(label=f.name, statistic="p95") for f in functions]),
                ],
                [
                    _graph("Dead letters", [q.metric_approximate_number_of_messages_visible() for q in dead_letters]),
                    _graph(
                        "Table units",
                        [
                            _metric("AWS/DynamoDB", f"Consumed{kind}CapacityUnits", {"TableName": table})
                            for table in tables
                            for kind in ("Read", "Write")
                        ],
                    ),
                    _graph(
                        "Throttles",
                        [
                            *(f.metric_throttles(label=f.name) for f in functions),
                            *(
                                _metric("AWS/DynamoDB", f"{kind}ThrottleEvents", {"TableName": table})
                                for table in tables
                                for kind in ("Read", "Write")
                            ),
                        ],
                    ),
                ],
            ],
        )


def _business_metric(name: str) -> cloudwatch.MathExpression:
    # A search finds the metric under whatever dimensions it is written, and adds them up.
    return cloudwatch.MathExpression(
        expression=f"SUM(SEARCH('Namespace=\"{METRICS_NAMESPACE}\" MetricName=\"{name}\"', 'Sum', 3600))",
        using_metrics={},
        label=name,
        period=_HOUR,
    )


def _metric(namespace: str, name: str, dimensions: dict[str, str], statistic: str = "Sum") -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace, metric_name=name, dimensions_map=dimensions, statistic=statistic, period=_MINUTE
    )


def _graph(
    title: str, left: Sequence[cloudwatch.IMetric], right: Sequence[cloudwatch.IMetric] = ()
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, width=8, height=6, left=list(left), right=list(right))
