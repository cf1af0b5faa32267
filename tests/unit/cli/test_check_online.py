"""`homing check --online`: links are fetched, from a server that is right here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from homing.cli.check import command
from homing.domain.content.checks.links import Address
from homing.domain.errors import InvalidCampaign
from homing.local.online import dead
from tests.unit.content.support import campaign_files

_ANSWERS = {"/fine": (200, 200), "/gone": (404, 404), "/no-head": (405, 200), "/broken": (500, 500),
            "/log-in": (401, 401), "/head-lies": (404, 200)}  # fmt: skip


class _Shop(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._answer(0)

    def do_GET(self) -> None:
        self._answer(1)

    def _answer(self, method: int) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/gone")
        else:
            self.send_response(_ANSWERS.get(self.path, (404, 404))[method])
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def shop() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def told(urls: list[str]) -> list[str]:
    where = InvalidCampaign("", code="dead_link", file="a", line=2, column=3)
    return [str(problem) for problem in dead([Address(url, where) for url in urls], timeout=2)]


def test_only_what_leads_nowhere_is_told(shop: str) -> None:
    paths = ["/fine", "/gone", "/no-head", "/broken", "/log-in", "/head-lies", "/moved"]
    assert told([shop + path for path in paths]) == [
        f"a:2:3: dead_link {shop}/gone answers 404 Not Found",
        f"a:2:3: dead_link {shop}/broken answers 500 Internal Server Error",
        f"a:2:3: dead_link {shop}/moved answers 404 Not Found",
    ]


def test_a_server_that_is_not_there_is_told() -> None:
    (problem,) = told(["http://127.0.0.1:1/"])
    assert "does not answer" in problem


def test_every_address_of_a_folder_is_fetched_once_with_its_place(tmp_path: Path, shop: str) -> None:
    body = f'<mj-text><a href="{shop}/gone">a</a><a href="{shop}/gone">b</a><a href="{shop}/fine">c</a></mj-text>'
    files = campaign_files(body) | {"flows/f.yaml": b"on: birthday\nsteps: [{send: note}]\n"}
    files = {name: content.replace(b"https://shop.example", shop.encode()) for name, content in files.items()}
    for file, content in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
    result = CliRunner().invoke(command, ["--campaigns", str(tmp_path), "--online"])
    lines = [line.removeprefix(f"{tmp_path}/") for line in result.output.splitlines() if "dead_link" in line]
    gone = [line for line in lines if "/gone" in line]
    assert gone == [f"templates/note.mjml:6:19: dead_link warning: {shop}/gone answers 404 Not Found"]
    assert [line.partition(": ")[0] for line in lines if "/p/mug" in line] == ["catalog/products.csv:2:27"]
    assert any(line.startswith("settings.yaml:3:12: ") for line in lines)
