"""Events in: from storefronts that speak Segment's HTTP API, and from the webhooks of shops."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from homing.runtime.settings import ReceiveEventsSettings, ReceiveWebhookSettings
from infra.constructs.http_api import HttpApi
from infra.constructs.python_function import Workshop
from infra.stacks.data import DataStack


class Ingestion(Construct):
    """``receive_events`` and ``receive_webhook``: they may read their secrets and put on the stream."""

    def __init__(self, scope: Construct, id: str, *, workshop: Workshop, data: DataStack, api: HttpApi) -> None:
        super().__init__(scope, id)
        common = {
            "stage": workshop.stage.name,
            "stream": data.events.name,
            "keys_secret": data.secrets.keys_arn,
            "ingest_secret": data.secrets.ingest_arn,
        }
        receive_events = workshop.make(
            self,
            "receive_events",
            "Segment's HTTP API: stamps events and puts them on the stream",
            ReceiveEventsSettings(**common),
            # API Gateway gives up after 30 s.
            timeout=Duration.seconds(25),
        )
        receive_webhook = workshop.make(
            self,
            "receive_webhook",
            "Webhooks of shops: verifies the signature, maps to events",
            ReceiveWebhookSettings(**common),
            # Shopify gives up after 5 s and sends the same again: no use in working longer than twice that.
            timeout=Duration.seconds(10),
        )
        for function in (receive_events, receive_webhook):
            data.events.allow_put(function)
            data.secrets.allow_keys(function)
            data.secrets.allow_ingest(function)
        api.answer_events(receive_events)
        api.answer_webhooks(receive_webhook)
