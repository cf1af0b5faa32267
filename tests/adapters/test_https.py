"""Calling over HTTPS: a real server with a real certificate on this machine, and addresses that are never connected to."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from homing.adapters.https import HttpsCaller
from homing.domain.errors import InvalidInput, Unavailable
from homing.services.ports import Answer
from tests.e2e.certificates import Certificates, make_certificates

# Handles one request of the server.
Act = Callable[[BaseHTTPRequestHandler], None]


class Receiver:
    """Somebody else's system, under ``localhost``; ``act`` answers."""

    def __init__(self, certificates: Certificates) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.act: Act = lambda handler: answer(handler, 200)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((self.command, self.path, headers, body))
                receiver.act(self)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Cut connections are part of these stories."""

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.trusted = ssl.create_default_context(cafile=str(certificates.authority))
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.server_port}/hook?x=1"

    def caller(self, **more: Any) -> HttpsCaller:
        """One that knows where ``localhost`` is, and may go there."""
        settings = {
            "resolve": lambda host, port: ["127.0.0.1"],
            "allowed": lambda address: True,
            "context": self.trusted,
        }
        return HttpsCaller(**{"timeout": 5.0, **settings, **more})


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"ok", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(Path(tmp_path_factory.mktemp("certificates")))


@pytest.fixture
def receiver(certificates: Certificates) -> Iterator[Receiver]:
    made = Receiver(certificates)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_request_arrives_as_it_was_said(receiver: Receiver) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "c1"}
    assert receiver.caller().post(receiver.url, '{"a":"ä"}'.encode(), headers) == Answer(200)
    ((method, path, seen, body),) = receiver.requests
    assert (method, path, body) == ("POST", "/hook?x=1", '{"a":"ä"}'.encode())
    assert seen["content-type"] == "application/json"
    assert seen["idempotency-key"] == "c1"
    assert seen["host"] == f"localhost:{receiver.server.server_port}"


def test_status_and_retry_after_are_the_answer(receiver: Receiver) -> None:
    receiver.act = lambda handler: answer(handler, 503, Retry_After="120")
    assert receiver.caller().post(receiver.url, b"{}", {}) == Answer(503, "120")


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.act = lambda handler: answer(handler, 307, location=receiver.url)
    assert receiver.caller().post(receiver.url, b"{}", {}).status == 307
    assert len(receiver.requests) == 1


def test_of_a_long_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    written = 0

    def gush(handler: BaseHTTPRequestHandler) -> None:
        nonlocal written
        handler.send_response(200)
        handler.send_header("content-length", str(10**9))
        handler.end_headers()
        for _ in range(10_000):
            written += handler.wfile.write(b"x" * 100_000)

    receiver.act = gush
    began = time.monotonic()
    assert receiver.caller().post(receiver.url, b"{}", {}) == Answer(200)
    assert time.monotonic() - began < 2
    assert written < 100_000_000


def test_an_answer_that_breaks_off_after_its_status_is_an_answer(receiver: Receiver) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(204)
        handler.send_header("content-length", "100")
        handler.end_headers()
        handler.connection.close()

    receiver.act = cut
    assert receiver.caller().post(receiver.url, b"{}", {}).status == 204


def test_who_says_nothing_has_no_more_than_the_time_out(receiver: Receiver) -> None:
    receiver.act = lambda handler: time.sleep(3)
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"^timeout$"):
        receiver.caller(timeout=0.4).post(receiver.url, b"{}", {})
    assert time.monotonic() - began < 1.5


def test_who_says_a_byte_now_and_then_has_no_more_time_than_anybody(receiver: Receiver) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200:
            handler.connection.sendall(bytes([byte]))
            time.sleep(0.05)

    receiver.act = drip
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"^timeout$"):
        receiver.caller(timeout=0.6).post(receiver.url, b"{}", {})
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("said", [b"", b"not http at all\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n"])
def test_what_is_no_answer_is_no_answer(receiver: Receiver, said: bytes) -> None:
    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.sendall(said)
        handler.connection.close()

    receiver.act = act
    with pytest.raises(Unavailable, match=r"^no_answer$"):
        receiver.caller().post(receiver.url, b"{}", {})


def test_a_certificate_of_another_host_or_authority_is_not_believed(receiver: Receiver) -> None:
    elsewhere = receiver.url.replace("localhost", "crm.example.com")
    with pytest.raises(Unavailable, match=r"^bad_certificate$"):
        receiver.caller().post(elsewhere, b"{}", {})
    with pytest.raises(Unavailable, match=r"^bad_certificate$"):
        receiver.caller(context=ssl.create_default_context()).post(receiver.url, b"{}", {})
    assert receiver.requests == []


def test_nobody_at_home_is_unreachable_and_no_name_is_no_host(receiver: Receiver) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable, match=r"^unreachable$"):
        receiver.caller().post(f"https://localhost:{port}/", b"{}", {})

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    with pytest.raises(Unavailable, match=r"^no_such_host$"):
        receiver.caller(resolve=unknown).post(receiver.url, b"{}", {})


def test_the_second_address_is_tried_when_the_first_is_out_of_reach(receiver: Receiver) -> None:
    two = receiver.caller(resolve=lambda host, port: ["::1", "127.0.0.1"])
    assert two.post(receiver.url, b"{}", {}) == Answer(200)


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["8.8.8.8", "127.0.0.1"]]
)
def test_a_name_that_leads_inside_is_never_connected_to(receiver: Receiver, found: list[str]) -> None:
    """Whatever the name: what counts is what the name servers say, all of it."""
    caller = HttpsCaller(resolve=lambda host, port: found, context=receiver.trusted)
    with pytest.raises(Unavailable, match=r"^private_address$"):
        caller.post(receiver.url, b"{}", {})
    assert receiver.requests == []


def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to(receiver: Receiver) -> None:
    """A name server that says something else the second time is not asked a second time."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    assert receiver.caller(resolve=resolve, allowed=lambda address: address == "127.0.0.1").post(
        receiver.url, b"{}", {}
    ) == Answer(200)
    assert asked == ["localhost"]


def test_with_the_systems_resolver_this_machine_is_not_called(receiver: Receiver) -> None:
    port = receiver.server.server_port
    for host in ("localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
        with pytest.raises(Unavailable, match=r"^(private_address|no_such_host)$"):
            HttpsCaller(context=receiver.trusted).post(f"https://{host}:{port}/", b"{}", {})
    assert receiver.requests == []


@pytest.mark.parametrize(
    "url",
    ["http://crm.example.com/", "https:///x", "https://a:b@crm.example.com/", "https://crm.example.com:99999/", "x"],
)
def test_what_is_no_https_address_is_refused(receiver: Receiver, url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        receiver.caller().post(url, b"{}", {})
    assert caught.value.code == "bad_url"


def test_a_path_that_can_not_be_asked_for_is_refused(receiver: Receiver) -> None:
    url = receiver.url.replace("/hook", "/ho ok")
    with pytest.raises(InvalidInput):
        receiver.caller().post(url, b"{}", {})
    assert receiver.requests == []
