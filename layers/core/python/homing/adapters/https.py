"""Posting to other systems over HTTPS, and only to the internet.

The host is looked up once, every address that it has must be public, and the connection goes to the address that was looked
at: whatever a name server says a moment later does not matter. The certificate is checked against the host's name.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.webhooks.addresses import is_public
from homing.services.ports import Answer

# Seconds for everything: looking up, connecting, sending, and the first bytes of the answer.
TIMEOUT = 10.0
# So much of an answer's body is read, so that who writes one is not cut off in the middle; it is thrown away.
_READ = 4096

# Gives the addresses of a host, as socket.getaddrinfo does.
Resolve = Callable[[str, int], Sequence[str]]


def addresses_of(host: str, port: int) -> list[str]:
    """What the name servers say, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Timed(ssl.SSLSocket):
    """A socket whose every step may take only what is left of the whole time: a server that sends a byte now and then gets
    no more of it than any other."""

    ends: float | None = None

    def _hurry(self) -> None:
        if self.ends is not None:
            left = self.ends - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.settimeout(left)

    def recv_into(self, *args: Any, **more: Any) -> int:
        self._hurry()
        return super().recv_into(*args, **more)

    def send(self, *args: Any, **more: Any) -> int:
        self._hurry()
        return super().send(*args, **more)


class _Connection(http.client.HTTPSConnection):
    """Connects to addresses that were looked at, under the host's name."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, addresses: Sequence[str], ends: float) -> None:
        super().__init__(host, port, context=context)
        self._addresses, self._ends, self._tls = addresses, ends, context

    def connect(self) -> None:
        self.sock = self._connected()
        self.sock.settimeout(_left(self._ends))
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
        if isinstance(self.sock, _Timed):
            self.sock.ends = self._ends

    def _connected(self) -> socket.socket:
        failure: OSError | None = None
        for address in self._addresses:
            try:
                return socket.create_connection((address, self.port), timeout=_left(self._ends))
            except OSError as error:
                # The next one may be of a kind that this machine can reach.
                failure = error
        raise failure or OSError("no address")


class HttpsCaller:
    """``allowed`` says which addresses may be called; ``context`` which certificates are believed."""

    def __init__(
        self,
        *,
        timeout: float = TIMEOUT,
        resolve: Resolve = addresses_of,
        allowed: Callable[[str], bool] = is_public,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout, self._resolve, self._allowed = timeout, resolve, allowed
        self._context = context or ssl.create_default_context()
        self._context.sslsocket_class = _Timed

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer; redirects are answers, too. Raises Unavailable: ``no_such_host``, ``private_address``, ``unreachable``,
        ``bad_certificate``, ``timeout`` or ``no_answer``; InvalidInput for what is no HTTPS address."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or 443
        except ValueError as error:
            raise InvalidInput("not a web address", code="bad_url") from error
        if parts.scheme != "https" or not host or parts.username is not None:
            raise InvalidInput("only https is called", code="bad_url")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        ends = time.monotonic() + self._timeout
        connection = _Connection(host, port, self._context, self._public(host, port), ends)
        try:
            connection.request("POST", target, body, dict(headers))
            answer = connection.getresponse()
            with suppress(OSError, http.client.HTTPException):
                answer.read1(_READ)
            return Answer(answer.status, answer.headers.get("Retry-After"))
        except ssl.SSLCertVerificationError as error:
            raise Unavailable("bad_certificate") from error
        except TimeoutError as error:
            raise Unavailable("timeout") from error
        except http.client.InvalidURL as error:
            raise InvalidInput("not a web address", code="bad_url") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable("unreachable" if isinstance(error, ConnectionRefusedError) else "no_answer") from error
        finally:
            connection.close()

    def _public(self, host: str, port: int) -> Sequence[str]:
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unavailable("no_such_host") from error
        if not found:
            raise Unavailable("no_such_host")
        if not all(self._allowed(address) for address in found):
            raise Unavailable("private_address")
        return found


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
