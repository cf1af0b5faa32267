"""Archive and quarantine over S3.

Gzipped JSON lines: Athena, DuckDB and ``zcat`` read them as they are. Objects are encrypted by the bucket's default
encryption, or with ``kms_key`` where one is given.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from homing.adapters.aws_errors import aws_errors
from homing.domain.errors import InvalidInput
from homing.services.ports import Rejected

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SUFFIX = ".jsonl.gz"


class _Lines:
    def __init__(self, client: S3Client, bucket: str, *, prefix: str = "", kms_key: str | None = None) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._encryption: dict[str, Any] = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        )

    def _store(self, key: str, lines: Iterable[Mapping[str, Any]]) -> None:
        data = b"".join(map(_line, lines))
        with aws_errors(f"storing an object in {self._bucket}"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=f"{self._prefix}{key}{SUFFIX}",
                # No time in the header: storing the same lines again stores the same bytes.
                Body=gzip.compress(data, compresslevel=6, mtime=0),
                # No Content-Encoding: readers that honour it would unpack once and then again because of the suffix.
                ContentType="application/gzip",
                **self._encryption,
            )


def _line(line: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # Numbers beyond 64 bits, which senders may send.
        return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class S3Archive(_Lines):
    """What was folded; written, and read back."""

    def put(self, key: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """Stores JSON lines under ``key`` + ``.jsonl.gz``; the same key overwrites."""
        self._store(key, lines)

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys in their order, a page of 1,000 a call, as they are asked for."""
        token: dict[str, Any] = {}
        while True:
            with aws_errors(f"listing {self._bucket}"):
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=f"{self._prefix}{prefix}", **token)
            for item in page.get("Contents", ()):
                if item["Key"].endswith(SUFFIX):
                    yield item["Key"].removeprefix(self._prefix).removesuffix(SUFFIX)
            if not page.get("NextContinuationToken"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def read(self, key: str) -> list[dict[str, Any]]:
        """The lines of one key. Raises InvalidInput, with the key, where they are not JSON lines."""
        with aws_errors(f"reading an object of {self._bucket}"):
            body = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{key}{SUFFIX}")["Body"].read()
        try:
            return [json.loads(line) for line in gzip.decompress(body).splitlines() if line]
        except (ValueError, OSError, EOFError) as error:
            raise InvalidInput("the object holds no gzipped JSON lines", code="bad_archive", where=key) from error


class S3Quarantine(_Lines):
    """Bad records, whole, with the reason."""

    def put(self, key: str, records: Sequence[Rejected]) -> None:
        """Stores a line for each record, its bytes in base64 under ``raw``; the same key overwrites."""
        self._store(key, [line_of(record) for record in records])


def line_of(record: Rejected) -> dict[str, Any]:
    """A rejected record as JSON."""
    return {
        "at": record.at,
        "code": record.code,
        "reason": record.reason,
        "where": record.where,
        "source": record.source,
        "extra": dict(record.extra),
        "raw": base64.b64encode(record.raw).decode(),
    }


def record_of(line: Mapping[str, Any]) -> Rejected:
    """Reads :func:`line_of`, to replay after a fix."""
    return Rejected(
        raw=base64.b64decode(line["raw"]),
        code=line["code"],
        reason=line["reason"],
        source=line["source"],
        at=line["at"],
        where=line["where"],
        extra=line["extra"],
    )
