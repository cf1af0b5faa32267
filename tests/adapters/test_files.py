"""The contract of the files of a job."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import boto3
import pytest

from homing.adapters.folder_files import FolderFiles
from homing.adapters.s3_files import S3Files
from homing.domain.errors import InvalidInput


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "folder":
        (tmp_path / "kept").mkdir()
        return FolderFiles(tmp_path / "kept")
    client = boto3.client("s3", region_name=request.getfixturevalue("aws"))
    client.create_bucket(Bucket="store", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return S3Files(client, "store", "backtests/one/")


def put(files: Any, tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    files.put(name, tmp_path / "file")


def test_a_file_comes_back_as_it_was_stored_last(files: Any, tmp_path: Path) -> None:
    put(files, tmp_path, "part-1/lines", b"old")
    put(files, tmp_path, "part-1/lines", b"new" * 100_000)
    files.get("part-1/lines", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"new" * 100_000


def test_names_come_in_their_order_under_a_prefix(files: Any, tmp_path: Path) -> None:
    for name in ("plan/b.json", "plan/a.json", "plans"):
        put(files, tmp_path, name, b"{}")
    assert list(files.names("plan/")) == ["plan/a.json", "plan/b.json"]
    assert list(files.names("elsewhere")) == []


def test_what_is_not_there_is_told(files: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        files.get("nowhere", tmp_path / "back")


def test_the_same_file_is_the_same_object(aws: str, tmp_path: Path) -> None:
    client = boto3.client("s3", region_name=aws)
    client.create_bucket(Bucket="store", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    bodies = []
    for _ in range(2):
        put(S3Files(client, "store", "x/"), tmp_path, "one", b"same")
        bodies.append(client.get_object(Bucket="store", Key="x/one.gz")["Body"].read())
    assert bodies[0] == bodies[1]
    assert gzip.decompress(bodies[0]) == b"same"
