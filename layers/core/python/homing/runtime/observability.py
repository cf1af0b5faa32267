"""Logs and metrics of the functions, behind a small face. What goes in names nobody: ids, codes, counts.

Powertools writes structured logs and embedded metrics (namespace "Homing", dimension ``service``) to standard output;
a host on one machine, or a test, installs its own.
"""

from __future__ import annotations

import functools
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from homing.domain.errors import HomingError

NAMESPACE = "Homing"

Handler = Callable[[dict[str, Any], Any], Any]


class Telemetry(Protocol):
    """What a function says about itself."""

    def begin(self, context: Any) -> None:
        """An invocation begins; ``context`` is Lambda's."""

    def count(self, counts: Mapping[str, int]) -> None:
        """Adds to metrics, by their names in PascalCase; zeros are left out."""

    def info(self, message: str, **facts: Any) -> None:
        """Something worth knowing."""

    def warning(self, message: str, **facts: Any) -> None:
        """Something that somebody may have to look at."""

    def error(self, message: str, **facts: Any) -> None:
        """Something that failed."""

    def flush(self) -> None:
        """The invocation ends: metrics are written."""


class PowertoolsTelemetry:
    """Over aws-lambda-powertools."""

    def __init__(self, function: str) -> None:
        self._logger = Logger(service=function, use_rfc3339=True, utc=True)
        # Not the shared ``Metrics``: several functions may live in one process.
        self._metrics = EphemeralMetrics(namespace=NAMESPACE, service=function)

    def begin(self, context: Any) -> None:
        """Every line carries the request id."""
        self._logger.append_keys(request_id=getattr(context, "aws_request_id", None))

    def count(self, counts: Mapping[str, int]) -> None:
        """Adds to metrics."""
        for name, value in counts.items():
            if value:
                self._metrics.add_metric(name, "Count", value)

    def info(self, message: str, **facts: Any) -> None:
        """A line."""
        self._logger.info(message, extra=_safe(facts))

    def warning(self, message: str, **facts: Any) -> None:
        """A line."""
        self._logger.warning(message, extra=_safe(facts))

    def error(self, message: str, **facts: Any) -> None:
        """A line."""
        self._logger.error(message, extra=_safe(facts))

    def flush(self) -> None:
        """Writes the metrics, if there are any."""
        if self._metrics.metric_set:
            self._metrics.flush_metrics()


class MemoryTelemetry:
    """Keeps what was said: for tests and for the local host."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def begin(self, context: Any) -> None:
        """Nothing to prepare."""

    def count(self, counts: Mapping[str, int]) -> None:
        """Adds up."""
        self.counts.update(counts)

    def info(self, message: str, **facts: Any) -> None:
        """Keeps a line."""
        self.lines.append(("info", message, facts))

    def warning(self, message: str, **facts: Any) -> None:
        """Keeps a line."""
        self.lines.append(("warning", message, facts))

    def error(self, message: str, **facts: Any) -> None:
        """Keeps a line."""
        self.lines.append(("error", message, facts))

    def flush(self) -> None:
        """Nothing to write."""


_make: Callable[[str], Telemetry] = PowertoolsTelemetry
_made: dict[str, Telemetry] = {}


def telemetry(function: str) -> Telemetry:
    """The telemetry of a function, made when first asked for."""
    if function not in _made:
        _made[function] = _make(function)
    return _made[function]


def install(make: Callable[[str], Telemetry] = PowertoolsTelemetry) -> None:
    """From now on functions speak through what ``make`` gives for their name; without an argument, as deployed."""
    global _make
    _make = make
    _made.clear()


def observed(function: str) -> Callable[[Handler], Handler]:
    """Wraps a Lambda handler: begins and flushes, and logs what it raises by type and place, never by its text, since
    the text of a foreign error may repeat what a customer sent."""

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def invoke(event: dict[str, Any], context: Any) -> Any:
            voice = telemetry(function)
            voice.begin(context)
            try:
                return handler(event, context)
            except Exception as error:
                voice.error("invocation failed", **described(error))
                raise
            finally:
                voice.flush()

        return invoke

    return decorate


def described(error: BaseException) -> dict[str, Any]:
    """An error as facts for a log line. Homing's own errors are written to be read; of others only type and place."""
    facts: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, HomingError):
        facts |= {"reason": str(error), "code": getattr(error, "code", "")}
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    facts["place"] = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
    return facts


# Attributes of Python's own log records, which a line cannot carry again.
_TAKEN = frozenset({"name", "msg", "args", "message", "module", "lineno", "pathname", "filename", "created", "asctime"})


def _safe(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}_" if name in _TAKEN else name: value for name, value in facts.items()}
