"""Secrets from Secrets Manager, read when first needed and again from time to time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from homing.adapters.aws_errors import aws_errors
from homing.domain.errors import HomingError, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class Secret:
    """The text of a secret. ``refresh`` (microseconds) is how long it is believed, so that keys can be rotated without
    a deployment; None means for the life of the process."""

    def __init__(
        self, client: SecretsManagerClient, secret_id: str, *, clock: Callable[[], int], refresh: int | None = None
    ) -> None:
        self._client = client
        self._id = secret_id
        self._clock = clock
        self._refresh = refresh
        self._text: str | None = None
        self._read_at = 0

    def __call__(self) -> str:
        """The text; raises Unavailable when it could never be read. A refresh that fails keeps the text it had."""
        now = self._clock()
        if self._text is None or (self._refresh is not None and now - self._read_at >= self._refresh):
            try:
                with aws_errors("reading a secret"):
                    self._text = self._client.get_secret_value(SecretId=self._id)["SecretString"]
            except HomingError:
                if self._text is None:
                    raise
            self._read_at = now
        return self._text


def json_object(text: str) -> dict[str, Any]:
    """A secret that is a JSON object. Raises Unavailable when it is not: an operator mends that, and the text of a
    secret must not end in an error message."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Unavailable("a secret is not a JSON object")
    return value
