"""The rule of the internal segment ``@review``: something about this person should be looked at."""

from __future__ import annotations

from homing.domain.campaigns import Settings
from homing.domain.profiles.profile import Profile
from homing.domain.profiles.reviewing import reasons


class ReviewRule:
    """True of profiles with doubts about who they are or with contradicting traits; never changes with time alone."""

    reads = frozenset({"*review"})

    def __init__(self, settings: Settings) -> None:
        self._review = settings.review

    def check(self, profile: Profile, t: int, since: int | None = None) -> tuple[bool, None]:
        """Whether somebody should look, at any instant."""
        return bool(reasons(profile, self._review)), None
