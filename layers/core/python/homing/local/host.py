"""The local host: the deployed stack in this process, on a virtual clock.

    with LocalHost.deployed(start="2026-03-02T08:00:00Z") as host:
        host.http("POST", "/v1/track", host.authorization(), body)
        host.advance("45m")
        print(host.mails[-1].subject)

What runs are the handlers of the template's functions, woken by its mappings, rules, schedules and routes, over moto. One
host at a time in a process: moto, the clock and the environment are the process's.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from moto import mock_aws

from homing.adapters.memory.caller import Called, MemoryCaller
from homing.domain.errors import HomingError
from homing.local.bus import Buses, bus_names, rules_of
from homing.local.clock import VirtualClock, duration_of, instant_of
from homing.local.direct import Moto
from homing.local.faults import Faults
from homing.local.hosting import Functions
from homing.local.http import Response, api_of
from homing.local.mail import SentMail, Ses
from homing.local.provision import provision
from homing.local.sources import Source
from homing.local.sources.asynchronous import AsyncQueue
from homing.local.sources.queue import QueueSource
from homing.local.sources.timers import Timers
from homing.local.synth import repository, synthesize
from homing.local.template import Place, Template
from homing.local.watch import DecisionWatch
from homing.local.wire import Operation, Wire
from homing.local.wiring import Wiring
from homing.runtime import clock as runtime_clock
from homing.runtime import observability, parts
from homing.runtime.observability import MemoryTelemetry

WRITE_KEY = "local-write-key"
WEBHOOK_SECRET = "local-webhook-secret"
# So often may work make new work without time passing before it counts as a loop.
_ENOUGH = 100_000
# After so many steps of the clock moto's list of everything it ever made is emptied.
_TIDY_EVERY = 500


class LocalHost:
    """See the module. ``faults`` makes things go wrong on purpose. ``direct=False`` sends every call through all of moto.

    ``code`` is the folder that holds ``functions/``, where Lambda has its task root. ``follow`` says which SES events come
    by themselves after a mail (mail.Ses).
    """

    def __init__(
        self,
        template: Template,
        *,
        start: int | str | datetime,
        code: Path | None = None,
        direct: bool = True,
        follow: frozenset[str] = frozenset({"Send", "Delivery"}),
    ) -> None:
        self.template = template
        self.clock = VirtualClock(instant_of(start))
        self.faults = Faults()
        self.moto = Moto(template.place.region)
        self.wire = Wire(self.faults, self.moto.changed)
        self.functions = Functions.of(template, self.faults)
        self.decisions = DecisionWatch()
        self.wire.observers.append(self.decisions)
        self.telemetry: dict[str, MemoryTelemetry] = {}
        # Who is called instead of the webhooks: takes everything, unless told otherwise.
        self.caller = MemoryCaller()
        self._mock = mock_aws()
        self._code = str(code) if code else None
        self._environment: dict[str, str | None] = {}
        wiring = Wiring(template, self.moto, self.functions, self.functions.invoke, self.clock)
        self._wiring = wiring
        self._async = AsyncQueue(self.functions.invoke, wiring.deliver, self.clock, wiring.async_settings())
        self._timers = Timers(self.clock)
        self._sources: list[Source] = []
        self._settled = 0
        self.bus = Buses(
            bus_names(template), rules_of(template), self.clock, wiring.send, self._async.accept,
            template.place.account, template.place.region,
        )  # fmt: skip
        sets = frozenset(found.name for found in template.resources("AWS::SES::ConfigurationSet"))
        identities = any(True for _ in template.resources("AWS::SES::EmailIdentity"))
        self.ses = Ses(sets, identities, self.moto, self.clock, self._publish_default, self._timers.at, follow)
        self.api = api_of(template, self.functions.invoke, self.clock)
        self.wire.served = {
            ("events", "PutEvents"): lambda params, _: self.bus.put_events(params),
            ("sesv2", "SendEmail"): self.ses.send_email,
            ("sqs", "ChangeMessageVisibilityBatch"): self._change_visibility,
        }
        if direct:
            self.wire.direct = self.moto.operations()

    @classmethod
    def deployed(cls, *, start: int | str | datetime, campaigns: Path | None = None, **options: Any) -> Self:
        """The app of this checkout with these campaigns, or its own; ``options`` as the constructor has them.

        ``api_url`` among them is where links lead. Raises SynthFailed, InvalidInput outside a checkout.
        """
        root = repository()
        place = Place(api_url=options.pop("api_url", Place().api_url))
        return cls(Template.load(synthesize(campaigns, root=root), place), start=start, code=root, **options)

    def __enter__(self) -> Self:
        place = self.template.place
        self._set_environment(
            {
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_SESSION_TOKEN": "local",
                "AWS_REGION": place.region,
                "AWS_DEFAULT_REGION": place.region,
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ENDPOINT_URL": None,
                "AWS_PROFILE": None,
            }
        )
        if self._code:
            sys.path.append(self._code)
        self._mock.start()
        self.wire.install()
        boto3.DEFAULT_SESSION = None
        self.functions.cold_start()
        self._install_runtime()
        try:
            provision(self.template, self._secrets())
            self._wiring.index_tables()
            self._sources = [self._timers, self._async, *self._wiring.sources(self._async.accept)]
        except BaseException:
            self.close()
            raise
        self.wire.calls.clear()
        self.wire.long.clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives clock, environment and boto3 back; what was stored is gone."""
        runtime_clock.install(runtime_clock.system_clock)
        observability.install()
        parts.install_sleep(time.sleep)
        parts.install_workers()
        parts.install_caller()
        self.wire.remove()
        self.functions.cold_start()
        if self._code:
            sys.path.remove(self._code)
        self._mock.stop()
        boto3.DEFAULT_SESSION = None
        self._set_environment(self._environment)

    # Time

    def now(self) -> int:
        """The virtual instant."""
        return self.clock()

    def advance(self, duration: int | str) -> None:
        """Lets time pass (``3d``, or microseconds), doing all that falls due on the way."""
        self.advance_to(self.clock() + duration_of(duration))

    def advance_to(self, moment: int | str | datetime) -> None:
        """Lets time pass until then, jumping from due instant to due instant. The past is ignored."""
        until = instant_of(moment)
        self.settle()
        while (due := self.next_at()) is not None and due <= until:
            self.clock.set(due)
            self.settle()
        self.clock.set(until)
        self.settle()

    def settle(self) -> None:
        """Does all that is due now. Raises HomingError when that never ends."""
        self._settled += 1
        if self._settled % _TIDY_EVERY == 0:
            self.moto.tidy()
        for _ in range(_ENOUGH):
            # A list: every source gets its turn, or a busy one would starve the rest.
            if not any([source.poll() for source in self._sources]):  # noqa: C419
                return
        raise HomingError(f"work makes new work without end; the latest errors: {list(self.functions.raised)[-3:]}")

    def next_at(self) -> int | None:
        """The earliest instant at which something is due; None when all is quiet."""
        return min((at for source in self._sources if (at := source.next_at()) is not None), default=None)

    # In and out

    def http(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | str = b""
    ) -> Response:
        """A request to the HTTP API, answered at once; what it sets off happens when time passes (or ``settle``)."""
        return self.api.request(method, path, headers, body)

    def authorization(self) -> dict[str, str]:
        """The header with the local write key, as SDKs send it."""
        return {"authorization": "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()}

    @property
    def mails(self) -> list[SentMail]:
        """Every mail that SES took, oldest first."""
        return self.ses.mails

    @property
    def calls(self) -> list[Called]:
        """Every call of a webhook, oldest first; nobody was called."""
        return self.caller.calls

    def ses_event(self, mail: SentMail, kind: str, **more: Any) -> None:
        """Lets SES report something about a mail (mail.Ses.event)."""
        self.ses.event(mail, kind, **more)

    def put_event(self, detail_type: str, detail: dict[str, Any], source: str = "marketing") -> None:
        """Puts an event on the template's own bus, as a marketer does with ``FlowRequested``."""
        own = next(name for name in sorted(self.bus.names) if name != "default")
        self.bus.publish(own, source, detail_type, detail)

    def queue(self, name: str) -> list[str]:
        """Bodies that lie in a queue nobody works off (a dead-letter queue), by the end of its name."""
        for resource in self.template.resources("AWS::SQS::Queue"):
            if resource.name.endswith(name):
                return [message.body for message in self.moto.queue(resource.name)._messages]
        raise KeyError(name)

    def items(self, table: str) -> Iterator[dict[str, Any]]:
        """The items of a table, by the end of its name (``profiles``), as DynamoDB's API spells them."""
        return self.moto.items(self._named("AWS::DynamoDB::Table", table))

    def objects(self, bucket: str) -> dict[str, bytes]:
        """The objects of a bucket, by its logical id (``Archive``)."""
        found = next(r for r in self.template.resources("AWS::S3::Bucket") if r.logical_id.startswith(bucket))
        return dict(self.moto.objects(found.name))

    def secret(self, end: str) -> str:
        """The text of a secret, by the end of its name (``keys``)."""
        name = self._named("AWS::SecretsManager::Secret", end)
        return boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]

    def _named(self, type_: str, end: str) -> str:
        return next(found.name for found in self.template.resources(type_) if found.name.endswith(end))

    def _change_visibility(self, params: Mapping[str, Any], moto: Operation) -> dict[str, Any]:
        """Messages that a function was handed are not moto's any more."""
        name = str(params["QueueUrl"]).rsplit("/", 1)[-1]
        for source in self._sources:
            if isinstance(source, QueueSource) and source.mapping.queue_arn.endswith(f":{name}"):
                return source.change_visibility(params)
        return moto(params)

    def _publish_default(self, source: str, detail_type: str, detail: dict[str, Any]) -> None:
        self.bus.publish("default", source, detail_type, detail)

    def _secrets(self) -> dict[str, str]:
        """The ingest secret of the template with keys that work."""
        text = json.dumps({"write_keys": [WRITE_KEY], "shopify": WEBHOOK_SECRET})
        return {
            secret.name: text
            for secret in self.template.resources("AWS::SecretsManager::Secret")
            if "write_keys" in str(secret.raw.get("Properties", {}).get("SecretString", ""))
        }

    def _install_runtime(self) -> None:
        """The clock; telemetry that is kept; nobody waits in real time; and one worker, so that what functions do side
        by side on AWS happens in the same order in every run."""
        runtime_clock.install(self.clock)
        parts.install_sleep(lambda _: None)
        parts.install_workers(1)
        parts.install_caller(self.caller)

        def telemetry(function: str) -> MemoryTelemetry:
            return self.telemetry.setdefault(function, MemoryTelemetry())

        observability.install(telemetry)

    def _set_environment(self, values: Mapping[str, str | None]) -> None:
        self._environment = {key: os.environ.get(key) for key in values}
        for key, value in values.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
