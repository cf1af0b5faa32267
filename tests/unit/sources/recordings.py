"""Requests of real SDKs and shops, recorded; they lie beside the project and are skipped where they are missing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homing.services.http import HttpRequest

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def folder(name: str) -> Path:
    """A folder of recorded input; skips the test where there is none."""
    path = SHARED / name
    if not path.is_dir():
        pytest.skip(f"recorded input is missing: ../shared/data/{name}")
    return path


def sdk_requests(name: str) -> Iterator[tuple[HttpRequest, dict[str, Any]]]:
    """The requests that an SDK sent, byte for byte, and the line of each recording."""
    for text in (folder("sdk_recordings") / f"{name}.jsonl").read_text().splitlines():
        line = json.loads(text)
        headers = {key.lower(): value for key, value in line["headers"]}
        body = base64.b64decode(line["body_base64"])
        yield HttpRequest(line["method"], line["path_as_sdk_sends"], headers, {}, body), line
