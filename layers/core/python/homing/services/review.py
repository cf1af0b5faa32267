"""The review list: who has something doubtful, why in words, and what somebody decides about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from homing.domain.attributes.rankings import Rankings
from homing.domain.campaigns import Campaigns
from homing.domain.engine import REVIEW, Engine
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.profiles import people
from homing.domain.profiles.conflicts import Conflict as Contradiction
from homing.domain.profiles.identity import Identity, is_shared_id
from homing.domain.profiles.profile import Profile
from homing.domain.profiles.reviewing import reasons
from homing.domain.time import to_datetime
from homing.services.merging import announce, close_ordered_carts, merge
from homing.services.ports import Clock, Journal, ProfileStore
from homing.services.resolve import load, resolve, root

_ATTEMPTS = 10
_CHUNK = 100
_KINDS = {
    "user_id": "a user_id",
    "loyalty_id": "a loyalty card",
    "email": "an e-mail address",
    "anonymous_id": "a browser",
    "device_id": "a device",
    "profile": "a link in a mail",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason to look. ``other`` is the profile that it is about, for doubts about who somebody is."""

    mark: str
    words: str
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody on the list."""

    profile_id: str
    name: str
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """As it is printed for programs."""
        return {
            "profile_id": self.profile_id,
            "name": self.name,
            "reasons": [{"mark": f.mark, "words": f.words, "other": f.other} for f in self.findings],
        }


@dataclass(frozen=True)
class ReviewList:
    """Reads the list, and acts on it."""

    campaigns: Campaigns
    identity: Identity
    profiles: ProfileStore
    journal: Journal
    clock: Clock
    # Thresholds of RFM scores; without them nobody has any.
    rankings: Rankings | None = None

    @cached_property
    def engine(self) -> Engine:
        """The compiled campaigns."""
        return Engine(self.campaigns, rankings=self.rankings)

    def listed(self) -> list[Listed]:
        """Everybody on the list, by id. The index follows the profiles by seconds; what is settled since is left out."""
        ids = sorted(self.journal.members(REVIEW))
        found: dict[str, Listed] = {}
        for start in range(0, len(ids), _CHUNK):
            for profile in resolve(self.profiles, ids[start : start + _CHUNK]).values():
                if findings := self._findings(profile):
                    found[profile.id] = Listed(profile.id, name_of(profile), findings)
        return [found[id_] for id_ in sorted(found)]

    def _findings(self, profile: Profile) -> tuple[Finding, ...]:
        open_ = reasons(profile, self.campaigns.settings.review)
        others = resolve(self.profiles, [reason.doubt.other for reason in open_ if reason.doubt])
        found = []
        for reason in open_:
            if reason.conflict:
                found.append(Finding(reason.mark, _contradiction(reason.conflict)))
            elif reason.doubt:
                other = others.get(reason.doubt.other)
                if other is None or other.id == profile.id:
                    # Erased, or one with this one by now.
                    continue
                found.append(Finding(reason.mark, _doubt(profile, reason.doubt.kind, other), other.id))
        return tuple(found)

    def dismiss(self, profile_id: str) -> int:
        """Takes everything that is open about a profile off the list, on the other one's side too; the same does not come
        back. Returns how much it was. Raises InvalidInput when there is no such profile."""
        profile = self._profile(profile_id)
        open_ = reasons(profile, self.campaigns.settings.review)
        if not open_:
            return 0
        self._change(profile.id, {reason.mark for reason in open_})
        names = {profile.id, *profile.merged}
        for reason in open_:
            other = resolve(self.profiles, [reason.doubt.other]).get(reason.doubt.other) if reason.doubt else None
            if other is not None and other.id != profile.id:
                marks = {people.mark(*doubt) for doubt in people.open_doubts(other) if doubt.other in names}
                if marks:
                    self._change(other.id, marks)
        return len(open_)

    def merge(self, winner_id: str, loser_id: str) -> str:
        """Makes one person of two, whatever the rule says of them; returns the id of the profile that stays, the first.

        Raises InvalidInput when one does not exist, both are one already, or one is a shared device.
        """
        for _ in range(_ATTEMPTS):
            winner, loser = self._profile(winner_id), self._profile(loser_id)
            if winner.id == loser.id:
                raise InvalidInput("these are one person already", code="same_person")
            if is_shared_id(winner.id) or is_shared_id(loser.id):
                raise InvalidInput("what was done on a shared device is nobody's", code="nobody")
            now, expected = self.clock(), winner.version
            for profile in (winner, loser):
                profile.changes = []
                close_ordered_carts(self.engine, self.profiles, self.identity, profile, now)
            merge(self.engine, winner, loser, now)
            winner.apart -= {loser.id, *loser.merged}
            self.engine.finish(winner)
            winner.version = expected + 1
            try:
                announced = announce(self.profiles, loser.id, loser.version, winner.id, expected)
                self.profiles.write(winner, expected=expected)
                self.profiles.point(loser.id, winner.id, expected=announced, shared=frozenset(loser.shared))
            except Conflict:
                # What is written already is merged again, which changes nothing.
                continue
            return winner.id
        raise Unavailable("one of them is written too often; run the command again")

    def _profile(self, id_: str) -> Profile:
        items = load(self.profiles, [id_])
        profile = items.get(root(items, id_))
        if not isinstance(profile, Profile):
            raise InvalidInput(f"there is no profile {id_}", code="no_profile")
        return profile

    def _change(self, id_: str, dismissed: Iterable[str]) -> None:
        for _ in range(_ATTEMPTS):
            profile, now = self._profile(id_), self.clock()
            expected = profile.version
            profile.changes = []
            close_ordered_carts(self.engine, self.profiles, self.identity, profile, now)
            self.engine.settle(profile, now)
            profile.dismissed |= set(dismissed)
            self.engine.reconsider(profile, now)
            self.engine.finish(profile)
            profile.version = expected + 1
            try:
                self.profiles.write(profile, expected=expected)
            except Conflict:
                continue
            return
        raise Unavailable(f"profile {id_} is written too often; run the command again")


def name_of(profile: Profile) -> str:
    """How a reviewer may know them: the strongest identifier."""
    for kind in people.STRONG:
        if values := profile.identifiers.get(kind):
            return f"{kind} {min(values)}"
    return "a visitor"


def _doubt(profile: Profile, kind: str, other: Profile) -> str:
    shared = _KINDS.get(kind, kind)
    verdict = people.compare(profile.identifiers, other.identifiers)
    if verdict == "different":
        deciding = next(k for k in people.STRONG if profile.identifiers.get(k) and other.identifiers.get(k))
        return f"shares {shared} with {name_of(other)} ({other.id}); their {deciding} differ, so they stay two people"
    if verdict == "same":
        return f"shares {shared} with {name_of(other)} ({other.id}), and by now looks like the same person"
    return f"shares {shared} with {name_of(other)} ({other.id}); nothing says whether they are one"


def _contradiction(conflict: Contradiction) -> str:
    winner, rival = conflict.winner, conflict.rival
    return (
        f"{conflict.trait}: {winner.source} says {_value(winner.value)} (since {_day(winner.at)}), "
        f"{rival.source} says {_value(rival.value)} ({_day(rival.at)})"
    )


def _value(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _day(at: int) -> str:
    return to_datetime(at).date().isoformat()
