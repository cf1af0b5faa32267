"""Lists of people over S3: files that somebody put into the stack's own bucket, or names with another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from homing.adapters.aws_errors import aws_errors, code_of
from homing.domain.errors import InvalidInput

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SCHEME = "s3://"
_GONE = frozenset({"NoSuchKey", "NoSuchBucket", "404"})
_DENIED = frozenset({"AccessDenied", "403", "AllAccessDisabled"})
# Read behind the end: there is nothing more.
_BEHIND = "InvalidRange"


class S3Lists:
    """``bucket`` is where a key without a bucket lies."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, name: str, offset: int, size: int) -> bytes:
        """One ranged read."""
        bucket, key = self._place(name)
        with aws_errors(f"reading a list of {bucket}"):
            try:
                answer = self._client.get_object(Bucket=bucket, Key=key, Range=f"bytes={offset}-{offset + size - 1}")
                return answer["Body"].read()
            except ClientError as error:
                code = code_of(error)
                if code == _BEHIND:
                    return b""
                if code in _GONE:
                    raise InvalidInput(f"there is no object {key} in {bucket}", code="list_unreadable") from error
                if code in _DENIED:
                    raise InvalidInput(
                        f"{key} in {bucket} is not there, or may not be read: put it into s3://{self._bucket}/",
                        code="list_unreadable",
                    ) from error
                raise

    def _place(self, name: str) -> tuple[str, str]:
        if not name.startswith(_SCHEME):
            return self._bucket, name
        bucket, _, key = name.removeprefix(_SCHEME).partition("/")
        if not bucket or not key:
            raise InvalidInput(f"write s3://{self._bucket}/people.csv", code="list_unreadable")
        return bucket, key
