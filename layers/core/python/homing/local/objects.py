"""Short cuts into moto's buckets: moto goes through all objects of a bucket for each page of a list, and writes each page
as XML that botocore then reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from botocore.response import StreamingBody
from moto.s3.models import FakeDeleteMarker

from homing.local.wire import NotDirect, Params

_PAGE = 1_000


class Objects:
    """The operations on objects; ``s3`` gives moto's S3, another one each time that moto starts."""

    def __init__(self, s3: Callable[[], Any]) -> None:
        self._s3 = s3

    def put(self, params: Params) -> dict[str, Any]:
        """PutObject."""
        if not params.keys() <= {"Bucket", "Key", "Body", "ContentType"} or not isinstance(params["Body"], bytes):
            raise NotDirect
        key = self._s3().put_object(params["Bucket"], params["Key"], params["Body"])
        if content_type := params.get("ContentType"):
            key.set_metadata({"content-type": content_type})
        return {"ETag": key.etag}

    def get(self, params: Params) -> dict[str, Any]:
        """GetObject."""
        if not params.keys() <= {"Bucket", "Key"}:
            raise NotDirect
        bucket = self._s3().get_bucket(params["Bucket"])
        key = bucket.keys[params["Key"]]
        if bucket.is_versioned or isinstance(key, FakeDeleteMarker):
            raise NotDirect
        body = key.value
        return {
            "Body": StreamingBody(BytesIO(body), len(body)),
            "ContentLength": len(body),
            "ContentType": key.metadata.get("content-type", "binary/octet-stream"),
            "ETag": key.etag,
            "LastModified": _utc(key.last_modified),
            "Metadata": {},
        }

    def list(self, params: Params) -> dict[str, Any]:
        """ListObjectsV2, a page: by prefix, in the order of keys."""
        if not params.keys() <= {"Bucket", "Prefix", "MaxKeys", "ContinuationToken"}:
            raise NotDirect
        s3 = self._s3()
        bucket, prefix, size = s3.get_bucket(params["Bucket"]), params.get("Prefix", ""), params.get("MaxKeys", _PAGE)
        token = params.get("ContinuationToken")
        after = s3._pagination_tokens[token] if token else ""
        names = sorted(name for name in bucket.keys if name.startswith(prefix) and name > after)
        page = [bucket.keys[name] for name in names[:size]]
        if bucket.is_versioned or size < 1 or any(isinstance(key, FakeDeleteMarker) for key in page):
            raise NotDirect
        answer = {
            "Name": bucket.name, "Prefix": prefix, "MaxKeys": size, "KeyCount": len(page),
            "IsTruncated": len(names) > size,
            "Contents": [
                {"Key": key.name, "LastModified": _utc(key.last_modified), "ETag": key.etag, "Size": key.size,
                 "StorageClass": key.storage_class}
                for key in page
            ],
        }  # fmt: skip
        if len(names) > size:
            # moto's own kind of token, so that the next page may come the long way.
            token = hashlib.md5(names[size - 1].encode(), usedforsecurity=False).hexdigest()
            s3._pagination_tokens[token] = names[size - 1]
            answer["NextContinuationToken"] = token
        return answer


def _utc(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)
