"""What somebody should look at in a profile: doubts about who it is, and traits that contradict themselves.

Each has a mark. Dismissing it adds the mark to ``profile.dismissed``, so that the same thing does not come back; another
person, or another value, is another mark.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from homing.domain.campaigns import Review
from homing.domain.profiles import people
from homing.domain.profiles.conflicts import Conflict, conflicts
from homing.domain.profiles.profile import Profile


class Reason(NamedTuple):
    """Why a profile is on the review list: a doubt about who it is, or a conflict of traits."""

    mark: str
    doubt: people.Doubt | None
    conflict: Conflict | None


def reasons(profile: Profile, review: Review) -> list[Reason]:
    """Everything that is open, doubts first; empty for nearly everybody."""
    found: list[Reason] = []
    if profile.doubts:
        found += [Reason(people.mark(*doubt), doubt, None) for doubt in people.open_doubts(profile)]
    if profile.rivals:
        found += [
            Reason(mark, None, conflict)
            for conflict in conflicts(profile, review)
            if (mark := conflict_mark(conflict)) not in profile.dismissed
        ]
    return found


def conflict_mark(conflict: Conflict) -> str:
    """The trait and what is said of it, whoever says which; a hash, since marks are listed where names may not be."""
    said = sorted({repr(conflict.winner.value), repr(conflict.rival.value)})
    digest = hashlib.blake2b("\x1f".join(said).encode(errors="replace"), digest_size=5).hexdigest()
    return f"trait:{conflict.trait}|{digest}"
