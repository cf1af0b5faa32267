"""Drawing discount codes: one for each customer and campaign, and none for a message that is not sent.

A grant is the one record in which a code is promised to somebody. It is written before the code is taken from the pool
(so a crash in between is gone on with, and no code is lost), and again when the code is theirs. A code of the pool is
taken with a condition on the code itself: of all who try, one gets it. Nothing is scanned, nothing is locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from zoneinfo import ZoneInfo

from homing.domain.campaigns import Campaigns
from homing.domain.codes.grant import Grant, Pool, expiry, grant_key
from homing.domain.codes.language import DiscountCode
from homing.domain.codes.minting import Mint
from homing.domain.delivery.message import SendRequest
from homing.domain.errors import Conflict, Unavailable
from homing.domain.time import SECOND, to_datetime

# Each time somebody else was faster; beyond it the message returns to the queue.
_ATTEMPTS = 100


class CodeStore(Protocol):
    """Grants and pools. Everything is by key, strongly consistent, and each write is one conditional write."""

    def load_grant(self, name: str, key: str) -> Grant | None:
        """The grant of a customer and campaign."""

    def save_grant(self, name: str, grant: Grant, *, expected: int) -> None:
        """Conflict unless the stored version is ``expected`` (0: nothing there)."""

    def grants(self, name: str) -> Iterable[Grant]:
        """All of a name, page by page, in no order: for reports."""

    def pool(self, name: str) -> Pool:
        """How far it is drawn; an empty pool where nothing was imported."""

    def add(self, name: str, texts: Sequence[str]) -> int:
        """Imports codes; those that are there already are left alone. Returns how many were new."""

    def claim(self, name: str, number: int, owner: str) -> str | None:
        """Takes a code, unless somebody else has it (None). Quiet when ``owner`` has it already."""

    def free(self, name: str, number: int, owner: str) -> None:
        """Gives a code up; quiet when ``owner`` does not have it."""

    def passed(self, name: str, number: int) -> None:
        """Notes that a code is taken: nobody needs to try it any more."""

    def put_back(self, name: str, number: int) -> None:
        """Notes that a code may be tried again."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A code that is the customer's; ``expires`` is the first instant at which it is not valid any more."""

    text: str
    expires: int
    # The pool has fewer left than the marketer calls low; told by the draw that takes one.
    low: bool = False


@dataclass(frozen=True, slots=True)
class NoCode:
    """Why there is none; ``later``: there may be one when codes were imported."""

    reason: str
    later: bool = False


@dataclass(frozen=True)
class Codes:
    """Draws and takes back. ``mint`` works under the deployment's secret."""

    campaigns: Campaigns
    store: CodeStore
    mint: Mint

    def draw(self, request: SendRequest, people: Sequence[str], now: int) -> Drawn | NoCode:
        """The code for a send that is about to leave. ``people`` are the profile and those that were merged into it: who
        has a code under an earlier name keeps it. Asking again gives the same code. Raises Unavailable."""
        code = self.campaigns.codes.get(request.code)
        if code is None:
            return NoCode("unknown_code")
        for _ in range(_ATTEMPTS):
            try:
                return self._draw(code, request, people, now)
            except Conflict:
                continue
        raise Unavailable(f"the codes of {code.name} are drawn too often at once")

    def release(self, request: SendRequest, people: Sequence[str]) -> None:
        """A send that was to carry the code will certainly never leave: unless another one does, or did, the code is free
        again. The drop must be stored before. Harmless when repeated. Raises Unavailable."""
        code = self.campaigns.codes.get(request.code)
        if code is None:
            return
        for person in people:
            self._let_go(code.name, grant_key(request.flow, person, request.run_id, code), request.send_id)

    def _let_go(self, name: str, key: str, send_id: str) -> None:
        for _ in range(_ATTEMPTS):
            try:
                return self._release(name, key, send_id)
            except Conflict:
                continue
        raise Unavailable(f"the codes of {name} are drawn too often at once")

    def _draw(self, code: DiscountCode, request: SendRequest, people: Sequence[str], now: int) -> Drawn | NoCode:
        low = False
        keys = [grant_key(request.flow, person, request.run_id, code) for person in people]
        found = [self.store.load_grant(code.name, key) for key in keys]
        held = next((one for one in found if one is not None and one.holders), None)
        if held is None:
            begun = self._begin(code, keys[0], found[0], request.send_id, now)
            if isinstance(begun, NoCode):
                return begun
            held, low = begun
        elif held.expires <= now:
            return NoCode("code_expired")
        elif request.send_id not in held.holders:
            joined = held.change(holders=(*held.holders, request.send_id))
            self.store.save_grant(code.name, joined, expected=held.version)
            held = joined
        if not held.text:
            taken = self._take(code.name, held)
            if isinstance(taken, NoCode):
                return taken
            held = taken
        return Drawn(held.text, held.expires, low)

    def _begin(
        self, code: DiscountCode, key: str, before: Grant | None, send_id: str, now: int
    ) -> tuple[Grant, bool] | NoCode:
        """A new grant, stored, and whether the pool is low; ``before`` is what an earlier one left, which nobody holds."""
        low = False
        if before is not None and before.number is not None:
            before = self._give_back(code.name, before)
        zone = ZoneInfo(self.campaigns.settings.time_zone)
        expires = expiry(code, zone, now)
        if expires <= now:
            return NoCode("code_ended")
        expected = before.version if before else 0
        grant = Grant(key, expected + 1, expected + 1, now, expires, holders=(send_id,))
        if code.minted is not None:
            last = to_datetime(expires - SECOND).astimezone(zone).date()
            grant = replace(grant, text=self.mint.mint(code.name, code.minted.prefix, key, last))
        else:
            pool = self.store.pool(code.name)
            candidate, low = pool.candidate(), pool.left <= code.low
            if candidate is None:
                return NoCode("no_code_left", later=True)
            grant = replace(grant, number=candidate)
        self.store.save_grant(code.name, grant, expected=expected)
        return grant, low

    def _take(self, name: str, held: Grant) -> Grant | NoCode:
        """The code that the grant names, or the next one that can be had."""
        for _ in range(_ATTEMPTS):
            assert held.number is not None
            text = self.store.claim(name, held.number, held.owner)
            self.store.passed(name, held.number)
            if text is not None:
                mine = held.change(text=text)
                try:
                    self.store.save_grant(name, mine, expected=held.version)
                except Conflict:
                    self._unless_ours(name, held)
                    raise
                return mine
            candidate = self.store.pool(name).candidate()
            if candidate is None:
                self.store.save_grant(name, held.change(number=None, holders=()), expected=held.version)
                return NoCode("no_code_left", later=True)
            # Each try owns under a name of its own: what a worker took that came late is nobody else's.
            following = held.change(number=candidate, epoch=held.version + 1)
            self.store.save_grant(name, following, expected=held.version)
            held = following
        raise Unavailable(f"the codes of {name} are drawn too often at once")

    def _unless_ours(self, name: str, tried: Grant) -> None:
        """Another worker went on with this grant. Under the same epoch it took the same code, which stays; otherwise what
        was taken here is given back."""
        now = self.store.load_grant(name, tried.key)
        if tried.number is not None and (now is None or now.owner != tried.owner or not now.holders):
            self.store.free(name, tried.number, tried.owner)
            self.store.put_back(name, tried.number)

    def _release(self, name: str, key: str, send_id: str) -> None:
        held = self.store.load_grant(name, key)
        if held is None:
            return
        if send_id in held.holders:
            left = held.change(holders=tuple(one for one in held.holders if one != send_id))
            self.store.save_grant(name, left, expected=held.version)
            held = left
        if not held.holders and held.number is not None:
            self._give_back(name, held)

    def _give_back(self, name: str, held: Grant) -> Grant:
        """The code of a grant that nobody holds. It is free before the grant forgets it: whoever stops in between leaves
        something to go on with."""
        assert held.number is not None
        self.store.free(name, held.number, held.owner)
        self.store.put_back(name, held.number)
        empty = held.change(number=None, text="")
        self.store.save_grant(name, empty, expected=held.version)
        return empty
