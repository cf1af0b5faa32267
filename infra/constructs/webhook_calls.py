"""Calls of other systems, for shops whose flows make any."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from homing.domain.webhooks.retries import MAX_RECEIVES
from homing.runtime.settings import CallWebhooksSettings
from infra.constructs.python_function import PythonFunction, Workshop
from infra.constructs.work_queue import WorkQueue
from infra.stacks.data import DataStack

# Calls of a batch overlap: ten seconds for the slowest of them, and what looking up and reading profiles take.
CALL_WEBHOOKS_TIMEOUT = Duration.seconds(60)


class WebhookCalls(Construct):
    """The queue of calls, and ``call_webhooks``, which works it off: a few copies at most, so that other systems that are slow
    take none of the account's concurrency from the shop's own functions."""

    def __init__(self, scope: Construct, id: str, *, workshop: Workshop, data: DataStack) -> None:
        super().__init__(scope, id)
        stage = workshop.stage
        self.queue = WorkQueue(
            self,
            "Queue",
            stage=stage,
            name="calls",
            function_timeout=CALL_WEBHOOKS_TIMEOUT,
            max_receives=MAX_RECEIVES,
        )
        self.function: PythonFunction = workshop.make(
            self,
            "call_webhooks",
            "Tells other systems what flows say, signed, and again until they answer",
            CallWebhooksSettings(
                stage=stage.name,
                keys_secret=data.secrets.keys_arn,
                campaigns=stage.bundle,
                profiles_table=data.profiles.name,
                calls_queue=self.queue.url,
            ),
            timeout=CALL_WEBHOOKS_TIMEOUT,
        )
        data.secrets.allow_keys(self.function)
        data.profiles.allow_read(self.function)
        self.queue.allow_postpone(self.function)
        self.queue.feed(self.function, batch_size=10, max_concurrency=stage.call_concurrency)
