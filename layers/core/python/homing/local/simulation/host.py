"""What the simulated shop needs of the stack that it talks to, and what it does to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

SesKind = Literal["Delivery", "Open", "Click", "Bounce", "Complaint"]


class Reply(Protocol):
    """An HTTP answer."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def body(self) -> bytes:
        """The answer, JSON or nothing."""


class CapturedMail(Protocol):
    """A mail that left the stack."""

    @property
    def recipient(self) -> str:
        """The address it went to."""

    @property
    def html(self) -> str:
        """The HTML part."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers beside the usual, such as List-Unsubscribe."""


class ShopHost(Protocol):
    """The stack under test: HTTP in, mails out, a clock that is moved by hand. Instants are microseconds since the
    epoch; ``advance_to`` does all that falls due on the way."""

    @property
    def mails(self) -> Sequence[CapturedMail]:
        """All mails so far, oldest first; it only grows."""

    def http(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One request to the API; ``path`` may carry a query string."""

    def advance_to(self, instant: int) -> None:
        """Moves the clock; an instant in the past does nothing."""

    def ses_event(self, mail: Any, kind: SesKind) -> None:
        """Publishes what SES would about that mail, now."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request of the storefront, the shop system or a mail program. ``events`` counts the messages in it."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    events: int = 0
    label: str = "events"


@dataclass(frozen=True, slots=True)
class MailReaction:
    """A customer's mail program or provider reports something about a mail."""

    mail: CapturedMail
    kind: SesKind


@dataclass(frozen=True, slots=True)
class Action:
    """Something that happens at an instant."""

    at: int
    what: Request | MailReaction
