"""A queue that a function works off, with its dead-letter queue."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.acknowledge import acknowledge
from infra.constructs.python_function import PythonFunction

DEAD_LETTER_RETENTION = Duration.days(14)


def dead_letter_queue(scope: Construct, id: str, *, name: str) -> sqs.Queue:
    """Where a message goes that nobody could handle; kept as long as SQS keeps anything."""
    queue = sqs.Queue(
        scope,
        id,
        queue_name=name,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=DEAD_LETTER_RETENTION,
    )
    acknowledge(queue, "AwsSolutions-SQS3", "This is a dead-letter queue itself; an alarm watches it.")
    return queue


class WorkQueue(Construct):
    """SQS with batch item failures: one bad message never takes its neighbours along."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: StageSettings,
        name: str,
        function_timeout: Duration,
        max_receives: int = 5,
    ) -> None:
        super().__init__(scope, id)
        self.dead = dead_letter_queue(self, "Dead", name=stage.named(f"{name}-dead"))
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=stage.named(name),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html asks for six times the timeout.
            visibility_timeout=Duration.seconds(6 * int(function_timeout.to_seconds())),
            retention_period=Duration.days(4),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead, max_receive_count=max_receives),
        )

    @property
    def url(self) -> str:
        """The queue's URL."""
        return self.queue.queue_url

    def allow_put(self, function: PythonFunction) -> None:
        """Sends messages."""
        function.may(["sqs:SendMessage"], [self.queue.queue_arn])

    def allow_postpone(self, function: PythonFunction) -> None:
        """Says when messages that it was handed, and did not get done, come again."""
        function.may(["sqs:ChangeMessageVisibility"], [self.queue.queue_arn])

    def feed(self, function: PythonFunction, *, batch_size: int, max_concurrency: int | None = None) -> None:
        """Lets the function work the queue off."""
        function.add_event_source(
            event_sources.SqsEventSource(
                self.queue,
                batch_size=batch_size,
                report_batch_item_failures=True,
                max_concurrency=max_concurrency,
            )
        )
