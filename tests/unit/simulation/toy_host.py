"""A host of forty lines: archives what is posted, reminds of carts after half an hour, and answers like the real one."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homing.domain.time import MINUTE, iso, parse_instant
from homing.local.outputs import Message, Outputs, ProfileLine, QuarantineLine, Transition
from homing.local.simulation.host import SesKind


@dataclass(frozen=True)
class ToyReply:
    status: int
    body: bytes = b""


@dataclass(frozen=True)
class ToyMail:
    recipient: str
    html: str
    headers: Mapping[str, str]
    message_id: str
    profile_id: str


@dataclass
class ToyHost:
    """Who is who is told by user id, else anonymous id; there is no merging."""

    now: int = 0
    mails: list[ToyMail] = field(default_factory=list)
    posts: list[tuple[int, str, Mapping[str, str], bytes]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    carts: dict[str, int] = field(default_factory=dict)
    moves: list[Transition] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def http(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ToyReply:
        assert method == "POST"
        self.posts.append((self.now, path, headers, body))
        if path != "/v1/batch":
            return ToyReply(200)
        raw = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        try:
            messages = json.loads(raw)["batch"]
            for message in messages:
                parse_instant(message.get("timestamp", ""))
                assert message.get("userId") or message.get("anonymousId")
        except Exception:  # noqa: BLE001 - a toy refuses whatever it can't read
            return ToyReply(400)
        for message in messages:
            self._take(message)
        return ToyReply(200)

    def _take(self, message: dict[str, Any]) -> None:
        self.seen[message["messageId"]] += 1
        person = message.get("userId") or message["anonymousId"]
        name = message.get("event") or {"identify": "Identified"}.get(message["type"], "Page Viewed")
        if message["type"] == "identify":
            self.people.setdefault(person, {}).update(message["traits"])
        identifiers = {"user_id": person} if message.get("userId") else {}
        if message.get("anonymousId"):
            identifiers["anonymous_id"] = message["anonymousId"]
        self._line(
            message["messageId"], name, person, message["timestamp"], message.get("properties") or {}, identifiers
        )
        at = parse_instant(message["timestamp"])
        if name in {"Product Added", "Cart Viewed", "Checkout Started"} and at > self.now - 30 * MINUTE:
            self.carts[person] = at
        elif name == "Order Completed":
            self.carts.pop(person, None)

    def _line(self, id_: str, name: str, person: str, at: str, properties: Any, identifiers: dict[str, str]) -> None:
        line = {"message_id": id_, "type": "track", "name": name, "profile_id": person, "identifiers": identifiers}
        self.lines.append(line | {"occurred_at": at, "received_at": iso(self.now), "properties": properties})

    def advance_to(self, instant: int) -> None:
        self.now = max(self.now, instant)
        for person, touched in list(self.carts.items()):
            if person in self.people and touched + 30 * MINUTE <= self.now:
                del self.carts[person]
                self._remind(person, touched + 30 * MINUTE)

    def _remind(self, person: str, at: int) -> None:
        traits, number = self.people[person], len(self.messages)
        html = f"<html><head></head><body><h1>{traits['first_name']}, your cart waits.</h1></body></html>"
        agreed = number % 5 != 4
        headers = {
            "List-Unsubscribe": f"<https://shop.example/unsubscribe?token={person}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        self.messages.append(
            Message(
                message_id=f"m{number}", profile_id=person, to=traits["email"], flow="cart-recovery", run_id=f"r{number}",
                template="cart-reminder", trigger="cart_abandoned", triggered_at=at, decided_at=at,
                sent_at=self.now if agreed else None, status="sent" if agreed else "dropped",
                reason="" if agreed else "no_consent", subject="Still yours" if agreed else "", html=html, text="Hello",
                headers=headers,
            )
        )  # fmt: skip
        self.moves.append(Transition(at=at, profile_id=person, segment="open-cart", change="entered"))
        if agreed:
            self.mails.append(ToyMail(traits["email"].upper(), html, headers, f"m{number}", person))

    def ses_event(self, mail: Any, kind: SesKind) -> None:
        assert isinstance(mail, ToyMail)
        names = {"Delivery": "Email Delivered", "Open": "Email Opened", "Click": "Email Link Clicked"}
        properties = {"send_id": mail.message_id}
        name = names.get(kind, "Email Bounced")
        self._line(f"{mail.message_id}{kind}", name, mail.profile_id, iso(self.now), properties, {})

    def outputs(self) -> Outputs:
        body = "\n".join(json.dumps(line) for line in self.lines).encode()
        people = [ProfileLine(profile_id=person, traits=traits) for person, traits in self.people.items()]
        bad = [QuarantineLine(code="unreadable", reason="line_items is no list", source="shopify")]
        return Outputs(
            messages=self.messages, transitions=self.moves, profiles=people, quarantine=bad,
            archive={"events/date=2026-10-12/a.jsonl": body},
        )  # fmt: skip
