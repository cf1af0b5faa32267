"""Calling other systems: who it is about as they are by now, one signed request, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from homing.domain.campaigns import Campaigns, Webhook
from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.flows.effects import CallRequest
from homing.domain.profiles.profile import Profile
from homing.domain.webhooks import retries
from homing.domain.webhooks.message import Signer, body_of, headers_of
from homing.services.breaker import Breaker
from homing.services.ports import Answer, Caller, Clock, Overlap, ProfileStore
from homing.services.resolve import resolve

# done: taken. refused: a second try can't help. dropped: there is nobody to call, or nobody whom it is about. retried: it
# failed, and is tried again. postponed: its webhook rests, and it was not called. ending: its time is up, and what is left
# of its deliveries is used up. given_up: this was the last of them.
Status = Literal["done", "refused", "dropped", "retried", "postponed", "ending", "given_up"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A call as the queue hands it out: for which time, and when for the first."""

    request: CallRequest
    receives: int = 1
    first_at: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """``wait``: how long (microseconds) until it shall come again; None: it is settled."""

    status: Status
    reason: str = ""
    wait: int | None = None


@dataclass(frozen=True)
class CallWebhooks:
    """Handles what the queue of calls hands out together. ``jitter`` gives 0 to 1.

    A call is made at least once, under one id. Its order among others is nobody's promise.
    """

    campaigns: Campaigns
    profiles: ProfileStore
    caller: Caller
    signer: Signer
    clock: Clock
    jitter: Callable[[], float]
    overlap: Overlap = map
    breaker: Breaker = field(default_factory=Breaker)

    def __call__(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """An outcome for each, in their order. Calls overlap: the slowest is waited for, and no other one twice."""
        # A message that the queue hands out twice at once is one call.
        unique: dict[str, Delivery] = {}
        for delivery in deliveries:
            unique.setdefault(delivery.request.id, delivery)
        known = self.campaigns.settings.webhooks
        wanted = {one.request.profile_id for one in unique.values() if one.request.webhook in known}
        try:
            people = resolve(self.profiles, wanted) if wanted else {}
        except Unavailable:
            return [self._again(delivery, "profiles_unavailable") for delivery in deliveries]
        outcomes = dict(zip(unique, self.overlap(lambda one: self._one(one, people), unique.values()), strict=True))
        return [outcomes[delivery.request.id] for delivery in deliveries]

    def _one(self, delivery: Delivery, people: Mapping[str, Profile]) -> Outcome:
        request = delivery.request
        webhook = self.campaigns.settings.webhooks.get(request.webhook)
        if webhook is None:
            return Outcome("dropped", "unknown_webhook")
        profile = people.get(request.profile_id)
        if profile is None:
            return Outcome("dropped", "profile_gone")
        if delivery.first_at is not None and self.clock() >= delivery.first_at + retries.GIVE_UP_AFTER:
            last = delivery.receives >= retries.MAX_RECEIVES
            return Outcome("given_up" if last else "ending", "no_answer_in_time", 0)
        if rest := self.breaker.resting(request.webhook, self.clock()):
            return self._again(delivery, "resting", asked=rest, status="postponed")
        return self._call(delivery, webhook, profile)

    def _call(self, delivery: Delivery, webhook: Webhook, profile: Profile) -> Outcome:
        request = delivery.request
        body = body_of(request, webhook, profile)
        try:
            answer = self.caller.post(webhook.url, body, headers_of(request, body, self.signer, self.clock()))
        except InvalidInput as error:
            self.breaker.answered(request.webhook)
            return Outcome("refused", error.code)
        except Unavailable as error:
            self.breaker.failed(request.webhook, self.clock())
            return self._again(delivery, str(error))
        return self._understood(delivery, answer)

    def _understood(self, delivery: Delivery, answer: Answer) -> Outcome:
        name, now = delivery.request.webhook, self.clock()
        meaning, reason = retries.meaning(answer.status), f"http_{answer.status}"
        asked = retries.retry_after(answer.retry_after, now) if meaning == "again" else 0
        if answer.status >= 500:
            self.breaker.failed(name, now)
        else:
            self.breaker.answered(name)
        if asked:
            self.breaker.asked_for(name, asked, now)
        if meaning == "again":
            return self._again(delivery, reason, asked=asked)
        return Outcome(meaning, reason)

    def _again(self, delivery: Delivery, reason: str, *, asked: int = 0, status: Status = "retried") -> Outcome:
        now = self.clock()
        first_at = now if delivery.first_at is None else delivery.first_at
        wait = retries.wait(delivery.receives, first_at, now, self.jitter(), asked)
        return Outcome(status, reason, wait)
