"""A staged backtest over the archive bucket of a stage."""

from __future__ import annotations

import re

from homing.adapters.s3 import S3Archive
from homing.adapters.s3_files import S3Files
from homing.domain.errors import InvalidInput
from homing.local.backtests.staged import Staged
from homing.runtime import parts
from homing.runtime.settings import BacktestSettings

PREFIX = "backtests/"
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def staged(backtest: str) -> Staged:
    """As a function of the stage does it. Raises InvalidInput for what is no id of a backtest."""
    return of_bucket(BacktestSettings.load().archive_bucket, backtest)


def of_bucket(bucket: str, backtest: str) -> Staged:
    """Everything about one backtest lies under its own prefix."""
    if not _ID.fullmatch(backtest):
        raise InvalidInput("an id of a backtest has letters, digits and -", code="bad_id", where="id")
    s3 = parts.client("s3")
    return Staged(S3Files(s3, bucket, f"{PREFIX}{backtest}/"), S3Archive(s3, bucket))
