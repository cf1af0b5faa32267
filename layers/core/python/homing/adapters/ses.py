"""Sending through SES (API v2).

SES has no idempotency token, so what matters here is to say truthfully what is known after a failure: certainly not
sent (Throttled, Refused, Unavailable), or nobody knows (Lost). The client must not retry by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
)

from homing.adapters.aws_errors import code_of, status_of
from homing.domain.delivery.message import Mail
from homing.domain.errors import HomingError, Unavailable
from homing.services.ports import Clock, Lost, Refused, Throttled

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import BodyTypeDef

# Of the very message or its recipient: no second try can help.
_REFUSED = frozenset(
    {
        "MessageRejected",
        "BadRequestException",
        "ValidationException",
        "InvalidParameterValue",
        "InvalidParameterException",
    }
)
_THROTTLES = frozenset(
    {
        "TooManyRequestsException",
        "LimitExceededException",
        "SendingPausedException",
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
    }
)
# The request was never written to a connection: SES can't have heard of the message.
_NEVER_LEFT = (
    EndpointConnectionError,
    ConnectTimeoutError,
    ProxyConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    NoRegionError,
)
# SES and its load balancers close connections that lie idle; a frozen Lambda does not hear of it, and what is then
# written into the dead connection counts as lost. Past this time (microseconds) a fresh connection is made instead.
_IDLE = 10_000_000


def client_config() -> Config:
    """Time-outs in seconds, and no retries: a repeated SendEmail is a second e-mail."""
    from botocore.config import Config

    return Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 1, "mode": "standard"})


class SesMailer:
    """Sends ``Simple`` content, so that nobody builds MIME here; ``configuration_set`` brings the events home.

    Mail of one of ``topics`` goes through the topic's own set, ``<configuration_set>-<topic>``.
    """

    def __init__(
        self, client: SESV2Client, configuration_set: str, *, clock: Clock, topics: Collection[str] = ()
    ) -> None:
        self._client = client
        self._configuration_set = configuration_set
        self._topics = frozenset(topics)
        self._clock = clock
        self._used_at = 0

    def send(self, mail: Mail) -> str:
        """SES's message id. Raises Throttled, Refused, Unavailable (certainly not sent) or Lost (nobody knows)."""
        self._drop_idle_connection()
        body: BodyTypeDef = {"Html": _content(mail.html), "Text": _content(mail.text)}
        try:
            answer = self._client.send_email(
                FromEmailAddress=mail.sender,
                Destination={"ToAddresses": [mail.recipient]},
                ReplyToAddresses=[mail.reply_to] if mail.reply_to else [],
                Content={
                    "Simple": {
                        "Subject": _content(mail.subject),
                        "Body": body,
                        "Headers": [{"Name": name, "Value": value} for name, value in mail.headers.items()],
                    }
                },
                EmailTags=[{"Name": name, "Value": value} for name, value in mail.tags.items()],
                ConfigurationSetName=self._set_of(mail),
            )
        except (ClientError, BotoCoreError) as error:
            raise _verdict(error) from error
        return answer["MessageId"]

    def _set_of(self, mail: Mail) -> str:
        topic = mail.tags.get("homing_topic", "")
        return f"{self._configuration_set}-{topic}" if topic in self._topics else self._configuration_set

    def _drop_idle_connection(self) -> None:
        now = self._clock()
        if now - self._used_at > _IDLE:
            self._client.close()
        self._used_at = now


def _content(text: str) -> Any:
    return {"Data": text, "Charset": "UTF-8"}


def _verdict(error: ClientError | BotoCoreError) -> HomingError:
    """What is known after that failure. In doubt: Lost."""
    if isinstance(error, ClientError):
        code, status = code_of(error), status_of(error)
        if code in _REFUSED:
            return Refused(f"SES refused the message: {code}", code="message_refused")
        if code in _THROTTLES or status == 429:
            return Throttled(f"SES took nothing: {code}")
        if status >= 500:
            return Lost(f"SES failed with {status} {code}")
        # A sender not yet verified, a missing permission or configuration set: an operator mends that.
        return Unavailable(f"SES took nothing: {code}")
    if isinstance(error, ParamValidationError):
        return Refused("the message has the wrong shape for SES", code="message_refused")
    if isinstance(error, _NEVER_LEFT):
        return Unavailable(f"SES could not be reached: {type(error).__name__}")
    return Lost(f"the reply of SES was lost: {type(error).__name__}")
