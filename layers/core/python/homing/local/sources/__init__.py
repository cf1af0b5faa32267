"""What wakes functions: pollers and schedules with AWS's semantics, on the virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class FunctionFailed(Exception):  # noqa: N818 - Lambda's word for it
    """A function raised, timed out or died; its event must be delivered again."""

    def __init__(self, function: str, cause: BaseException) -> None:
        super().__init__(f"{function} failed: {type(cause).__name__}: {cause}")
        self.function = function
        self.cause = cause


# Function name and event to its answer; raises FunctionFailed.
Invoke = Callable[[str, dict[str, Any]], Any]
# ARN of a destination, the document for it, and the event that failed (which only S3 destinations are given).
Deliver = Callable[[str, dict[str, Any], dict[str, Any]], None]


class Source(Protocol):
    """Something with work that may be due."""

    def poll(self) -> bool:
        """Does what is due now; True when it did anything."""

    def next_at(self) -> int | None:
        """The earliest instant at which there will be work, as far as known; an instant that has passed means now."""
