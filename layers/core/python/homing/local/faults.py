"""Faults on purpose: a function that dies before or after its work, an AWS call that fails or whose reply is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

When = Literal["before", "after"]


class Crash(Exception):  # noqa: N818 - what happened, not an error class of the product
    """The process died: whatever it wrote stays written, whatever it meant to answer is lost."""


@dataclass
class _Fault:
    when: When
    times: int
    error: str = ""


@dataclass
class Faults:
    """What shall go wrong, once or n times; a fault that was used up is gone. ``happened`` counts those that struck."""

    happened: int = 0
    _functions: dict[str, list[_Fault]] = field(default_factory=dict)
    _calls: dict[tuple[str, str], list[_Fault]] = field(default_factory=dict)

    def fail(self, function: str, when: When = "before", times: int = 1) -> None:
        """Lets a function die ``before`` its handler runs, or ``after`` it ran and before its answer is heard."""
        self._functions.setdefault(function, []).append(_Fault(when, times))

    def fail_call(
        self, service: str, operation: str, error: str = "ThrottlingException", when: When = "before", times: int = 1
    ) -> None:
        """Lets an AWS call fail with that error code; ``after`` means that the service did it and the reply is lost.

        ``service`` is boto3's name (``sesv2``), ``operation`` the API's (``SendEmail``). The error ``timeout`` is a
        read time-out and ``reset`` a closed connection instead of an answer.
        """
        self._calls.setdefault((service, operation), []).append(_Fault(when, times, error))

    def clear(self) -> None:
        """No more faults."""
        self._functions.clear()
        self._calls.clear()

    def strike(self, function: str, when: When) -> None:
        """Raises Crash where the plan says so."""
        if self._take(self._functions.get(function), when):
            raise Crash(f"{function} died {when} its work, as planned")

    def call_error(self, service: str, operation: str, when: When) -> Exception | None:
        """The error that this call shall meet now, if any."""
        fault = self._take(self._calls.get((service, operation)), when) if self._calls else None
        return _error_of(fault.error, operation) if fault else None

    def _take(self, faults: list[_Fault] | None, when: When) -> _Fault | None:
        for fault in faults or ():
            if fault.when == when and fault.times > 0:
                fault.times -= 1
                self.happened += 1
                return fault
        return None


def _error_of(code: str, operation: str) -> Exception:
    import botocore.exceptions as errors

    endpoint: dict[str, Any] = {"endpoint_url": "https://aws.invalid", "error": "planned"}
    if code == "timeout":
        return errors.ReadTimeoutError(**endpoint)
    if code == "reset":
        return errors.ConnectionClosedError(**endpoint)
    status = 500 if code in {"InternalServerError", "InternalFailure", "ServiceUnavailable"} else 400
    response: Any = {"Error": {"Code": code, "Message": "planned"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return errors.ClientError(response, operation)
