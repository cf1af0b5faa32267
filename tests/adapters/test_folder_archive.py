"""An archive that was copied to a folder."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from homing.adapters.folder_archive import FolderArchive
from homing.domain.errors import InvalidInput


def test_what_was_put_is_listed_in_order_and_read_back(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    archive.put("events/date=2026-03-03/b", [{"a": 1}, {"a": "ä"}])
    archive.put("events/date=2026-03-02/b", [{"a": 3}])
    archive.put("elsewhere/b", [])
    assert list(archive.keys("events/")) == ["events/date=2026-03-02/b", "events/date=2026-03-03/b"]
    assert archive.read("events/date=2026-03-03/b") == [{"a": 1}, {"a": "ä"}]


def test_gzipped_objects_as_the_bucket_holds_them_are_read(tmp_path: Path) -> None:
    file = tmp_path / "events/date=2026-03-02/b.jsonl.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    archive = FolderArchive(tmp_path)
    assert [archive.read(key) for key in archive.keys("events/")] == [[{"a": 1}, {"a": 2}]]


@pytest.mark.parametrize(("name", "data"), [("b.jsonl", b"{"), ("b.jsonl.gz", b"not gzip")])
def test_a_broken_file_says_which(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidInput, match="b: the file holds no JSON lines"):
        FolderArchive(tmp_path).read("b")


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not a folder"):
        FolderArchive(tmp_path / "nowhere")
