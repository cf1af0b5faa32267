"""An AWS of our own on loopback: ministack for the account, and an outgoing mail server that keeps what it gets."""

from __future__ import annotations

import json
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from infra.config import ROOT
from tests.e2e.certificates import Certificates, make_certificates

REGION = "eu-central-1"
BIN = Path(sys.executable).parent
CDK = ROOT / ".cdk/node_modules/.bin/cdk"


@dataclass
class MailSink:
    """A real SMTP server; whatever arrives is a mail that left."""

    port: int
    received: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        return "250 kept"

    def to(self, address: str) -> list[EmailMessage]:
        """What this address got."""
        return [message for message in self.received if address in str(message["To"])]


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """Listens while the block runs."""
    sink = MailSink(free_port())
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


@contextmanager
def ses_endpoint(sink: MailSink) -> Iterator[str]:
    """SES's SendEmail as far as mail leaves by it: ministack takes the call, but its relay forgets ``Headers``.

    Functions reach it by AWS_ENDPOINT_URL_SESV2, a setting of every AWS SDK.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _ses_handler(sink))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _ses_handler(sink: MailSink) -> type[BaseHTTPRequestHandler]:
    class SendEmail(BaseHTTPRequestHandler):
        count = 0

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v2/email/outbound-emails", self.path
            SendEmail.count += 1
            message_id = f"e2e-{SendEmail.count:04d}"
            simple = request["Content"]["Simple"]
            mail = EmailMessage(policy=policy.SMTP)
            mail["From"] = request["FromEmailAddress"]
            mail["To"] = ", ".join(request["Destination"]["ToAddresses"])
            mail["Subject"] = simple["Subject"]["Data"]
            mail["Message-ID"] = f"<{message_id}@{REGION}.amazonses.com>"
            for header in simple.get("Headers", []):
                mail[header["Name"]] = header["Value"]
            mail.set_content(simple["Body"]["Text"]["Data"])
            mail.add_alternative(simple["Body"]["Html"]["Data"], subtype="html")
            with smtplib.SMTP("127.0.0.1", sink.port) as relay:
                relay.send_message(mail)
            self._answer(json.dumps({"MessageId": message_id}).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return SendEmail


@dataclass(frozen=True)
class Account:
    """The emulated account: where it listens, and the environment of those who use it."""

    endpoint: str
    environment: dict[str, str]
    certificates: Certificates
    log: Path


@contextmanager
def ministack(folder: Path, *, ses: str) -> Iterator[Account]:
    """Runs ministack in a process group of its own, which ends with the block."""
    port = free_port()
    home, scratch = folder / "home", folder / "tmp"
    home.mkdir()
    scratch.mkdir()
    keys = {
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    base = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    certificates = make_certificates(folder)
    environment = {**base, **keys, **certificates.trusted(), "PATH": f"{BIN}{os.pathsep}{base.get('PATH', '')}"}
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [BIN / "ministack"],
            cwd=folder,
            env={
                **environment,
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "MINISTACK_HOST": "localhost",
                "MINISTACK_REGION": REGION,
                "LAMBDA_EXECUTOR": "local",
                # Calls are checked against the policies of whoever makes them, as IAM does; ours ask for TLS.
                "AUTH": "true",
                "USE_SSL": "1",
                "MINISTACK_SSL_CERT": str(certificates.certificate),
                "MINISTACK_SSL_KEY": str(certificates.key),
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "AWS_ENDPOINT_URL_SESV2": ses,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    endpoint = f"https://127.0.0.1:{port}"
    try:
        _wait_until_up(port, process, log)
        yield Account(endpoint, {**environment, "AWS_ENDPOINT_URL": endpoint}, certificates, log)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _wait_until_up(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, f"ministack ended:\n{log.read_text()[-2000:]}"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"ministack did not come up:\n{log.read_text()[-2000:]}")


def cdk(*arguments: str, account: Account, cwd: Path) -> None:
    """The pinned CDK CLI, with its HOME apart; what it said is in the error when it fails."""
    done = subprocess.run(
        [CDK, *arguments],
        cwd=cwd,
        env={**account.environment, "CDK_DISABLE_CLI_TELEMETRY": "1", "CI": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"cdk {arguments[0]} failed:\n{(done.stdout + done.stderr)[-5000:]}"


def free_port() -> int:
    """A port of loopback that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def has_cdk() -> bool:
    """Whether `make` has installed the CDK CLI."""
    return CDK.exists() and shutil.which("node", path=str(BIN)) is not None
