"""The local stack over real HTTP: the deployed paths, and under ``/_/`` the mailbox, the clock, the bus, the quarantine.

Requests are taken in threads and worked on one at a time. A thread lets virtual time follow real time, ahead by what
``/_/clock`` added.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from homing.domain.errors import HomingError, InvalidInput
from homing.domain.time import DAY, iso
from homing.local import by_hand, mailbox
from homing.local.clock import duration_of, instant_of
from homing.local.collect import call_lines, quarantined
from homing.local.host import LocalHost
from homing.local.http import Response

_PUMP_SECONDS = 0.25
_FARTHEST = 5 * 366 * DAY
_ONLY_POST = b'{"code": "method_not_allowed", "message": "events are posted"}'
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Served:
    """A host that follows real time. ``real`` is the real clock, ``ahead`` how far virtual time runs before it."""

    host: LocalHost
    real: Callable[[], int]
    hint: str = ""
    ahead: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)

    def pump(self) -> None:
        """Until stopped: does what falls due. An error is logged and does not end it."""
        while not self.stopped.wait(_PUMP_SECONDS):
            with self.lock:
                try:
                    self._catch_up()
                except HomingError:
                    _LOG.exception("the local host stumbled")

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        """One request, at the virtual time it comes."""
        with self.lock:
            self._catch_up()
            if path.startswith("/_/"):
                try:
                    return self._own(method, path.partition("?")[0], headers, body)
                except InvalidInput as error:
                    return _json(400, {"code": error.code, "message": error.message})
            if path == "/" and method == "GET":
                return Response(302, {"location": "/_/mail"})
            return self.host.http(method, path, headers, body)

    def _catch_up(self) -> None:
        self.host.advance_to(self.real() + self.ahead)

    def _own(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        if path == "/_/clock":
            return self._clock(method, headers, body)
        if path == "/_/events":
            if method != "POST":
                return Response(405, {"content-type": "application/json", "allow": "POST"}, _ONLY_POST)
            return _json(200, by_hand.publish(self.host, body))
        if path == "/_/quarantine":
            lines = quarantined(self.host.objects("Quarantine"))
            return _json(200, [line.model_dump(mode="json") for line in lines])
        if path == "/_/calls":
            return _json(200, [line.model_dump(mode="json") for line in call_lines(self.host)])
        mails = self.host.mails
        if path in {"/_/mail", "/_/mail/"}:
            return _html(mailbox.page(mails, None, self.host.now(), self.hint))
        if path == "/_/mail.json":
            return _json(200, [mailbox.as_json(mail, number) for number, mail in enumerate(mails)])
        number, _, kind = path.removeprefix("/_/mail/").partition(".")
        if not number.isdigit() or int(number) >= len(mails):
            return _json(404, {"code": "not_found", "message": f"there is nothing at {path}"})
        mail = mails[int(number)]
        if method == "POST":
            self.host.ses_event(mail, _field(headers, body, "kind"))
            self.host.settle()
            return Response(303, {"location": f"/_/mail/{number}"})
        if kind == "html":
            return _html(mail.html)
        return _html(mailbox.page(mails, int(number), self.host.now(), self.hint))

    def _clock(self, method: str, headers: dict[str, str], body: bytes) -> Response:
        if method == "POST":
            before = self.host.now()
            if to := _field(headers, body, "to", ""):
                target = instant_of(to)
                if target < before:
                    raise InvalidInput(
                        f"{iso(target)} is past: it is {iso(before)} here, and time never runs back", code="past"
                    )
            else:
                target = before + duration_of(_field(headers, body, "advance"))
            if target - before > _FARTHEST:
                raise InvalidInput("at most five years at a time: each minute between is played", code="too_far")
            self.host.advance_to(target)
            self.ahead += max(0, target - before)
            if "text/html" in headers.get("accept", ""):
                return Response(303, {"location": "/_/mail"})
        state = {"now": iso(self.host.now()), "shown": mailbox.shown(self.host.now()), "mails": len(self.host.mails)}
        due = self.host.next_at()
        return _json(200, {**state, "next_due": iso(due) if due is not None else None})


Answer = Callable[[str, str, dict[str, str], bytes], Response]


def server(answer: Answer, port: int, address: str = "127.0.0.1") -> ThreadingHTTPServer:
    """A server that asks ``answer`` (Served.answer); raises OSError when the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length) if length else b""
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = answer(self.command, self.path, headers, body)
            self.send_response(response.status)
            for name, value in response.headers.items():
                if name != "content-length":
                    self.send_header(name, value)
            for cookie in response.cookies:
                self.send_header("set-cookie", cookie)
            self.send_header("content-length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)

        do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            _LOG.info(format, *args)

    return ThreadingHTTPServer((address, port), Handler)


def system_now() -> int:
    """Real time in microseconds since the epoch."""
    return time.time_ns() // 1000


def _field(headers: dict[str, str], body: bytes, name: str, default: str | None = None) -> str:
    """A field of a form or of a JSON object. Raises InvalidInput when it is missing and has no default."""
    try:
        if "json" in headers.get("content-type", ""):
            value = json.loads(body).get(name, default)
        else:
            value = parse_qs(body.decode()).get(name, [default])[0]
    except (ValueError, AttributeError):
        value = default
    if value is None:
        raise InvalidInput(f"say {name}, such as {name}={'3d' if name == 'advance' else '…'}", code="missing_field")
    return str(value)


def _json(status: int, value: Any) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(value).encode())


def _html(text: str) -> Response:
    return Response(200, {"content-type": "text/html; charset=utf-8"}, text.encode())
