"""What is said to another system, and the signature under it. docs/flows.md, "Webhooks", is written for who receives it."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from homing.domain.flows.effects import CallRequest
from homing.domain.profiles.profile import Profile
from homing.domain.time import SECOND, iso

if TYPE_CHECKING:
    from homing.domain.campaigns import Webhook

SIGNATURE = "Homing-Signature"


class Signer:
    """``secret`` is the deployment's keys secret, from which each webhook has a secret of its own."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, b"homing webhooks v1", hashlib.sha256).digest()

    def secret(self, webhook: str) -> str:
        """What the receiver of a webhook is given: ``whsec_`` and 64 hexadecimal digits. Another name, another secret."""
        return "whsec_" + hmac.new(self._key, webhook.encode(), hashlib.sha256).hexdigest()

    def signature(self, webhook: str, body: bytes, now: int) -> str:
        """``t=<unix seconds>,v1=<hex>``: HMAC-SHA256 of ``<t>.<body>`` under the webhook's secret."""
        seconds = now // SECOND
        signed = hmac.new(self.secret(webhook).encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()
        return f"t={seconds},v1={signed}"


def body_of(request: CallRequest, webhook: Webhook, profile: Profile) -> bytes:
    """The JSON of a call: what the step says, the profile as it is by now, and of the person what the settings allow."""
    said: dict[str, Any] = {
        "id": request.id, "webhook": request.webhook, "flow": request.flow, "run_id": request.run_id,
        "step": request.step, "at": iso(request.at), "profile_id": profile.id,
    }  # fmt: skip
    for kind in webhook.identify:
        if (value := _identifier(profile, kind)) is not None:
            said[kind] = value
    if webhook.traits:
        found = {name: _trait(profile, name) for name in webhook.traits}
        said["traits"] = {name: value for name, value in found.items() if value is not None}
    said["data"] = dict(request.data)
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(request: CallRequest, body: bytes, signer: Signer, now: int) -> dict[str, str]:
    """Signed anew with every try: a receiver may refuse what was signed long ago."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "homing",
        "Idempotency-Key": request.id,
        SIGNATURE: signer.signature(request.webhook, body, now),
    }


def _trait(profile: Profile, name: str) -> Any:
    """As it is called, or in the other spelling: templates know ``firstName`` as ``first_name``, too."""
    if (value := profile.trait(name)) is not None:
        return value
    plain = name.replace("_", "").lower()
    return next(
        (value for other, value in profile.all_traits().items() if other.replace("_", "").lower() == plain), None
    )


def _identifier(profile: Profile, kind: str) -> str | None:
    if kind == "email":
        return profile.email
    return min(profile.identifiers.get(kind, ()), default=None)
