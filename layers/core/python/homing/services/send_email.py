"""Sending one message: claim, check again, render, SES, remember.

A send is never doubled: its claim is a conditional write on the person's ledger, made after all checks and right before
the one call of SES. SES knows no idempotency token; when its reply is lost, or the process dies after the claim, the send
is *unknown*, is not repeated, and is settled by the SES event that carries its tag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from homing.domain.campaigns import Campaigns
from homing.domain.delivery import gate
from homing.domain.delivery.best_time import best_hours
from homing.domain.delivery.ledger import RETRY, Entry, Ledger
from homing.domain.delivery.links import Links
from homing.domain.delivery.message import Mail, SendRequest
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.flows.control import PAUSED
from homing.domain.flows.engine import cart_gone
from homing.domain.profiles.carts import all_names
from homing.domain.profiles.identity import Identity, normalise
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, MINUTE
from homing.services import contents
from homing.services.claims import MOVED, Claims, Decision
from homing.services.codes import Codes, NoCode
from homing.services.composing import Composer, Renderer
from homing.services.flow_states import FlowStates
from homing.services.ports import Clock, Journal, Lost, Mailer, ProfileStore, Refused, Throttled
from homing.services.resolve import trail
from homing.services.sending_rate import Pace, Pause

LEASE = 2 * MINUTE
# Without an SES event for so long, an unknown transactional send is repeated. A marketing one is given up: it stays
# unknown and is counted.
SETTLE_AFTER = DAY
# A mail whose pool of discount codes is empty looks again after this long.
NO_CODE_RETRY = 60 * MINUTE
_ATTEMPTS = 5


@dataclass(frozen=True)
class SendEmail:
    """``token`` makes lease tokens; ``sender`` overrides the brand's address."""

    campaigns: Campaigns
    identity: Identity
    profiles: ProfileStore
    journal: Journal
    mailer: Mailer
    renderer: Renderer
    links: Links
    clock: Clock
    token: Callable[[], str]
    sender: str | None = None
    engine: Engine | None = None
    codes: Codes | None = None
    pace: Pace | None = None

    @cached_property
    def _claims(self) -> Claims:
        return Claims(self.journal, self.clock)

    @cached_property
    def _states(self) -> FlowStates:
        return FlowStates(self.journal, self.clock)

    @cached_property
    def _compose(self) -> Composer:
        return Composer(self.campaigns, self.identity, self.renderer, self.links, self.sender, self.engine)

    def __call__(self, request: SendRequest) -> Decision:
        """Sends, defers or drops. Raises Unavailable when the message should come back to the queue."""
        for _ in range(_ATTEMPTS):
            try:
                return self._freed(request, self._attempt(request))
            except Conflict:
                continue
        raise Unavailable(f"the ledger of this person is written too often, send {request.send_id} goes back")

    def _attempt(self, request: SendRequest) -> Decision:
        now = self.clock()
        passed, profile = trail(self.profiles, request.profile_id)
        if profile is not None:
            for merged in passed[:-1]:
                if done := self._leave(merged, request, now):
                    return done
            request = replace(request, profile_id=profile.id)
        ledger = self.journal.load_ledger(request.profile_id)
        held = ledger.entries.get(request.send_id)
        if held is not None:
            done = self._claims.already(request, ledger, held, now)
            if done is not None:
                return done
        verdict = self._verdict(request, profile, ledger, now)
        entry = self._entry(request, held, now).change(values=verdict.values, behind="")
        if verdict.decision == "drop":
            return self._claims.save(
                ledger, entry.change(status="dropped", reason=verdict.reason, wake_at=None, request=None), now
            )
        if verdict.decision == "defer" and verdict.reason == PAUSED:
            return self._hold(request, verdict, ledger, entry, now)
        if verdict.decision == "defer":
            later = entry.change(
                status="deferred",
                reason=verdict.reason,
                not_before=verdict.until or now,
                wake_at=verdict.until,
                request=request.to_dict(),
                behind=verdict.behind,
            )
            # Who could leave and sleeps on, because room came sooner than expected, is woken with the same write.
            return self._claims.save(ledger.woken(now, ids=verdict.wake), later, now)
        assert profile is not None
        content = contents.choose(self.campaigns, self.engine, request, profile, now)
        entry = entry.change(variant=content.variant, because=content.because)
        low = False
        if self.codes is not None and request.code:
            drawn = self.codes.draw(request, _names(profile), now)
            if isinstance(drawn, NoCode):
                without = self._claims.save(ledger, _without_code(entry, request, drawn, now), now)
                return replace(without, codes_low=drawn.later)
            content, low = replace(content, code=(drawn.text, drawn.expires)), drawn.low
            entry = entry.change(code=drawn.text)
        try:
            mail = self._compose(request, profile, now, content)
        except InvalidInput as error:
            failed = entry.change(status="dropped", reason=f"render_failed: {error}"[:300], wake_at=None, request=None)
            return self._claims.save(ledger, failed, now)
        if self.pace is not None and (pause := self.pace(request.topic, request.flow)):
            return self._claims.save(ledger, _paused(entry, request, pause), now)
        # Only a transactional send that stays unknown is looked at again: it is owed, and will be repeated.
        owed = not entry.counts
        claimed = entry.change(
            status="sending", reason="", at=now, lease=self.token(), lease_until=now + LEASE,
            attempts=entry.attempts + 1, wake_at=now + SETTLE_AFTER if owed else None,
            request=request.to_dict() if owed else None,
        )  # fmt: skip
        return replace(self._send(request, mail, self._claims.claim(ledger, claimed, now), claimed), codes_low=low)

    def _hold(self, request: SendRequest, verdict: gate.Verdict, ledger: Ledger, entry: Entry, now: int) -> Decision:
        """Leaves a send of a paused flow in the ledger, until the flow goes on or the send expires. The note by which it is
        then found comes first. Raises Conflict when the flow went on in the meantime."""
        self.journal.hold(request.flow, request.profile_id, now)
        held = entry.change(
            status="deferred", reason=PAUSED, not_before=now, wake_at=verdict.until, request=request.to_dict(),
        )  # fmt: skip
        decision = self._claims.save(ledger, held, now)
        if not self._states.now(request.flow).paused:
            # Whoever lets go what the pause held may have looked before it was there.
            raise Conflict("the flow goes on")
        return decision

    def _freed(self, request: SendRequest, decision: Decision) -> Decision:
        """What is dropped, and stored as dropped, gives its discount code back; when it is delivered again, once more. A
        code of an unknown send stays where it may be."""
        entry = decision.entry
        if (
            self.codes is None
            or not request.code
            or entry is None
            or entry.status != "dropped"
            or entry.reason == MOVED
        ):
            return decision
        _, profile = trail(self.profiles, request.profile_id)
        self.codes.release(request, _names(profile) if profile else [request.profile_id])
        return decision

    def _leave(self, merged: str, request: SendRequest, now: int) -> Decision | None:
        """Hands a send on from the ledger of a profile that was merged into another, and closes it there: a worker that
        has not heard of the merge can't claim it any more. What was claimed there before stays what it is."""
        ledger = self.journal.load_ledger(merged)
        held = ledger.entries.get(request.send_id)
        if held is not None and held.reason == MOVED:
            return None
        if held is not None and held.status != "deferred":
            return self._claims.already(request, ledger, held, now)
        entry = self._entry(request, held, now)
        self._claims.save(ledger, entry.change(status="dropped", reason=MOVED, wake_at=None, request=None), now)
        return None

    def _verdict(self, request: SendRequest, profile: Profile | None, ledger: Ledger, now: int) -> gate.Verdict:
        ids = [request.profile_id]
        entries = list(ledger.entries.values())
        best: list[int] = []
        if profile is not None:
            best = best_hours(self.campaigns, self.engine, profile, now)
            # What they got, and ended, under the names of profiles that were merged into this one counts. What still
            # waits there is moved here when it wakes.
            ids += sorted(profile.merged)
            for merged in sorted(profile.merged):
                held = self.journal.load_ledger(merged).entries.values()
                entries += [entry for entry in held if entry.status in gate.COUNTED]
            if profile.email:
                ids.append(self.identity.key("email", normalise("email", profile.email)))
        stops = self.profiles.stops(ids).values()
        verdict = gate.decide(
            request, profile, stops, entries, self.campaigns.settings, now, flows=self.campaigns.flows, best=best
        )
        if verdict.decision != "drop" and profile is not None and self._cart_ordered(request, profile, now):
            verdict = gate.Verdict("drop", "cart_ordered")
        settings, flow = self.campaigns.settings, self.campaigns.flows.get(request.flow)
        return gate.under(self._states.of(request.flow), verdict, request, settings, flow)

    def _cart_ordered(self, request: SendRequest, profile: Profile, now: int) -> bool:
        cart = request.data.get("cart")
        if not isinstance(cart, Mapping):
            return False
        token = str(cart.get("token") or "")
        named = {self.identity.cart(name): name for name in all_names(profile.carts, [token])}
        closed = self.profiles.closed_carts(named) if named else {}
        if self.engine is None:
            return bool(closed)
        for cart, at in closed.items():
            # By whomever. A token may be used again: an order before this filling of the cart does not close it.
            self.engine.close_cart(profile, named[cart], at)
        return cart_gone(dict(request.data), profile, self.engine, now)

    def _entry(self, request: SendRequest, held: Entry | None, now: int) -> Entry:
        flow = self.campaigns.flows.get(request.flow)
        if held is not None:
            return held.change(priority=flow.priority if flow else 0)
        topic = self.campaigns.settings.topics.get(request.topic)
        return Entry(
            send_id=request.send_id, status="deferred", topic=request.topic, flow=request.flow,
            template=request.template, at=now, run_id=request.run_id, decided_at=request.decided_at,
            counts=not (topic and topic.transactional), priority=flow.priority if flow else 0,
            expires_at=gate.expiry(request.decided_at, flow, self.campaigns.settings),
        )  # fmt: skip

    def _send(self, request: SendRequest, mail: Mail, ledger: Ledger, claimed: Entry) -> Decision:
        try:
            if self.clock() >= claimed.lease_until:
                # It stood still for so long that what was checked may hold no more, and others may have taken over.
                raise Unavailable(f"the claim of send {claimed.send_id} ran out before SES was called")
            provider_id = self.mailer.send(mail)
        except Lost as error:
            return self._claims.settle(ledger, claimed, status="unknown", reason=f"reply_lost: {error}"[:200])
        except Refused as error:
            return self._claims.settle(
                ledger, claimed, status="dropped", reason=f"refused: {error}"[:200], wake_at=None
            )
        except (Throttled, Unavailable):
            # Certainly not sent: the claim is given back before the message returns to the queue, and the sweep looks
            # after it, should the queue lose it.
            self._claims.settle(
                ledger, claimed, status="deferred", reason="throttled", not_before=0, lease_until=0,
                wake_at=self.clock() + RETRY, request=request.to_dict(),
            )  # fmt: skip
            raise
        return self._claims.settle(
            ledger,
            claimed,
            status="sent",
            sent_at=self.clock(),
            provider_id=provider_id,
            wake_at=None,
            request=None,
        )


def _names(profile: Profile) -> list[str]:
    """The profile and those that were merged into it."""
    return [profile.id, *sorted(profile.merged)]


def _paused(entry: Entry, request: SendRequest, pause: Pause) -> Entry:
    """What the account or its reputation has no room for now waits like anything else that waits."""
    return entry.change(
        status="deferred", reason=pause.reason, not_before=pause.until, wake_at=pause.until,
        request=request.to_dict(), values={**(entry.values or {}), **pause.values},
    )  # fmt: skip


def _without_code(entry: Entry, request: SendRequest, why: NoCode, now: int) -> Entry:
    """A mail that promises a code does not leave without one: it waits for the next import, or is dropped."""
    if why.later:
        later = now + NO_CODE_RETRY
        return entry.change(
            status="deferred", reason=why.reason, not_before=later, wake_at=later, request=request.to_dict()
        )
    return entry.change(status="dropped", reason=why.reason, wake_at=None, request=None)
