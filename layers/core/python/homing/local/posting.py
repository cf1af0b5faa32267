"""Posting messages to a stack's door, in batches that it takes, with patience."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homing.adapters.backoff import Backoff
from homing.domain.errors import HomingError, InvalidInput, Unavailable

# Below what the API takes in one request (500 KB).
_MAX_BYTES = 400_000
_MAX_MESSAGES = 500
_TIMEOUT = 30

_PATIENCE = Backoff(attempts=5, base=0.5, most=8.0)


def post(
    messages: Sequence[Mapping[str, Any]], url: str, write_key: str, *, backoff: Backoff = _PATIENCE
) -> Iterator[tuple[int, str]]:
    """Posts all messages to the batch endpoint ``url``; yields place and reason of those that it refused.

    What was not answered is sent again: the messages' ids tell the stack that it has them. Raises HomingError when the
    stack can't be reached or does not know the key; messages before that are stored.
    """
    if not url.startswith(("https://", "http://")):
        raise InvalidInput(f"{url!r} is not a web address: write https://…/v1/batch", code="bad_url")
    headers = {
        "Content-Type": "application/json",
        "Authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode(),
    }
    for start, batch in _batches(messages):
        body = json.dumps({"batch": batch}).encode()
        request = urllib.request.Request(url, body, headers)
        for rejected in _answer(request, backoff).get("rejected", ()):
            yield start + int(rejected["index"]), str(rejected["message"])


def _batches(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Sequence[Mapping[str, Any]]]]:
    start, size = 0, 0
    for index, message in enumerate(messages):
        length = len(json.dumps(message)) + 2
        if index > start and (size + length > _MAX_BYTES or index - start == _MAX_MESSAGES):
            yield start, messages[start:index]
            start, size = index, 0
        size += length
    if start < len(messages):
        yield start, messages[start:]


def _answer(request: urllib.request.Request, backoff: Backoff) -> dict[str, Any]:
    failure = ""
    for _ in backoff.tries():
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
                return _object(response.read())
        except urllib.error.HTTPError as error:
            said = _object(error.read())
            if error.code == 400 and said.get("rejected"):
                return said
            failure = str(said.get("message") or error.reason)
            if error.code < 500 and error.code != 429:
                raise HomingError(f"{request.full_url} refused: {failure} ({error.code})") from error
        except OSError as error:
            failure = str(getattr(error, "reason", error))
    raise Unavailable(f"{request.full_url} can't be reached: {failure}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
