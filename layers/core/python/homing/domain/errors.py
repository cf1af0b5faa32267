"""Every error that Homing raises on purpose.

HomingError
├── InvalidInput      never retried: quarantined with the reason, or answered with a 4xx
│   └── InvalidCampaign   what a marketer wrote, with file, line and column
└── Unavailable       retried: throttling, time-outs, a dependency that is down
    └── Conflict      somebody else wrote first: read again and fold again
"""

from __future__ import annotations


class HomingError(Exception):
    """Root of the tree; the type says whether trying again can help."""


class InvalidInput(HomingError):  # noqa: N818 - named for what it is, as the design does
    """Input that will never be right however often it is tried.

    ``code`` is a short stable word for machines (``missing_user``), ``where`` the place in the input
    (``batch[3].timestamp``), the message says what was wrong and what to do.
    """

    def __init__(self, message: str, *, code: str = "invalid", where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.code = code
        self.where = where
        self.message = message


class InvalidCampaign(InvalidInput):
    """A mistake in a file of ``layers/campaigns``; prints as ``file:line:col: code message``."""

    def __init__(self, message: str, *, code: str, file: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message, code=code)
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.code} {self.message}"


class Unavailable(HomingError):  # noqa: N818
    """Something that may work when tried again later."""


class Conflict(Unavailable):
    """A conditional write lost against another writer."""
