"""Files of a job under a prefix of a bucket, gzipped."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from homing.adapters.aws_errors import aws_errors, code_of
from homing.domain.errors import InvalidInput

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SUFFIX = ".gz"


class S3Files:
    """Names are keys behind the prefix, without the suffix. Whole files are packed and unpacked on the way; memory holds none."""

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def put(self, name: str, path: Path) -> None:
        """Stores a file; one of the same name is replaced."""
        with tempfile.TemporaryFile() as packed:
            # No time and no name in the header: storing the same file again stores the same bytes.
            with path.open("rb") as plain, gzip.GzipFile("", "wb", 6, packed, mtime=0) as into:
                shutil.copyfileobj(plain, into)
            packed.seek(0)
            with aws_errors(f"storing an object in {self._bucket}"):
                self._client.put_object(
                    Bucket=self._bucket, Key=self._key(name), Body=packed, ContentType="application/gzip"
                )

    def get(self, name: str, path: Path) -> None:
        """Writes a stored file to a path. Raises InvalidInput when there is none."""
        with aws_errors(f"reading an object of {self._bucket}"):
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=self._key(name))["Body"]
            except ClientError as error:
                if code_of(error) == "NoSuchKey":
                    raise InvalidInput(f"there is no {self._prefix}{name}", code="no_file", where=name) from error
                raise
            with gzip.open(cast("IO[bytes]", body)) as plain, path.open("wb") as into:
                shutil.copyfileobj(plain, into)

    def names(self, prefix: str) -> Iterator[str]:
        """The names that begin so, in their order."""
        token: dict[str, str] = {}
        while True:
            with aws_errors(f"listing {self._bucket}"):
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix + prefix, **token)  # type: ignore[arg-type]
            for item in page.get("Contents", ()):
                yield item["Key"].removeprefix(self._prefix).removesuffix(SUFFIX)
            if not page.get("NextContinuationToken"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}{SUFFIX}"
