"""Functions in this process: imported by their handlers' dotted paths, run under their own environments.

What Lambda keeps apart by processes is kept apart here by what is put back after each call: the environment is the
function's only while it runs. Modules and their caches are shared, as they would be between functions of one process;
``cold_start`` forgets them.
"""

from __future__ import annotations

import importlib
import os
import sys
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import TextIOBase
from pathlib import Path
from typing import Any

import orjson

from homing.local.faults import Faults
from homing.local.sources import FunctionFailed
from homing.local.template import Resource, Template

# Loud libraries whisper: what they would write goes to ``Functions.log`` anyway.
_QUIET = {"POWERTOOLS_LOG_LEVEL": "WARNING", "POWERTOOLS_TRACE_DISABLED": "true"}


@dataclass(frozen=True, slots=True)
class HostedFunction:
    """One ``AWS::Lambda::Function``. ``short`` is its folder in ``functions/``."""

    name: str
    short: str
    arn: str
    handler: str
    environment: Mapping[str, str]
    memory_mb: int = 128
    timeout_s: int = 3


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a handler about its invocation."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    timeout_s: int
    aws_request_id: str
    function_version: str = "$LATEST"
    log_group_name: str = "/local"
    log_stream_name: str = "local"

    def get_remaining_time_in_millis(self) -> int:
        """Virtual time stands still while a function runs."""
        return self.timeout_s * 1000


class Log(TextIOBase):
    """Collects what functions print, line by line; keeps the latest."""

    def __init__(self, kept: int = 10_000) -> None:
        self.lines: deque[str] = deque(maxlen=kept)

    def write(self, text: str) -> int:
        """Takes a piece of text; what ends in a line break is a line."""
        self.lines.extend(line for line in text.splitlines() if line)
        return len(text)


@dataclass(slots=True)
class Functions:
    """All functions of a template, callable by physical or short name or ARN."""

    functions: dict[str, HostedFunction]
    faults: Faults
    log: Log = field(default_factory=Log)
    invocations: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    raised: deque[FunctionFailed] = field(default_factory=lambda: deque(maxlen=100))

    @classmethod
    def of(cls, template: Template, faults: Faults) -> Functions:
        """Those of the template."""
        hosted = [_hosted(template, resource) for resource in template.resources("AWS::Lambda::Function")]
        return cls({function.name: function for function in hosted}, faults)

    def find(self, name: str) -> HostedFunction:
        """By name, short name or ARN. Raises KeyError."""
        name = name.split(":")[6] if name.startswith("arn:") else name
        if name in self.functions:
            return self.functions[name]
        return next(function for function in self.functions.values() if function.short == name)

    def cold_start(self) -> None:
        """Forgets the functions' modules and every cache of ``homing``, clients included: the next call starts anew."""
        packages = {function.handler.partition(".")[0] for function in self.functions.values()}
        for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
            del sys.modules[name]
        for name, module in list(sys.modules.items()):
            if name.startswith("homing."):
                for value in list(vars(module).values()):
                    if callable(clear := getattr(value, "cache_clear", None)):
                        clear()

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Runs a handler with a copy of the event and gives a copy of its answer, both as JSON would carry them.

        Raises FunctionFailed for whatever it raises.
        """
        function = self.find(name)
        self.invocations[function.short] += 1
        context = Context(function.name, function.arn, function.memory_mb, function.timeout_s, str(uuid.uuid4()))
        try:
            self.faults.strike(function.short, "before")
            copy = orjson.loads(orjson.dumps(event))
            with _environment(function.environment), redirect_stdout(self.log):
                answer = _load(function.handler)(copy, context)
            answer = orjson.loads(orjson.dumps(answer))
            self.faults.strike(function.short, "after")
        except Exception as error:
            failure = FunctionFailed(function.short, error)
            self.errors[function.short] += 1
            self.raised.append(failure)
            raise failure from error
        return answer


def _load(handler: str) -> Any:
    module, _, attribute = handler.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _hosted(template: Template, resource: Resource) -> HostedFunction:
    properties = resource.properties
    opt = [template.assets / f"asset.{key}" for key in _layer_keys(template, resource)]
    variables = properties.get("Environment", {}).get("Variables", {})
    handler = properties["Handler"]
    return HostedFunction(
        name=resource.name,
        short=handler.split(".")[-3] if handler.count(".") >= 2 else resource.name,
        arn=resource.arn,
        handler=handler,
        environment={
            **{key: _in_layers(str(value), opt) for key, value in variables.items()},
            **_QUIET,
            "AWS_LAMBDA_FUNCTION_NAME": resource.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(properties.get("MemorySize", 128)),
        },
        memory_mb=int(properties.get("MemorySize", 128)),
        timeout_s=int(properties.get("Timeout", 3)),
    )


def _layer_keys(template: Template, resource: Resource) -> Iterator[str]:
    arns = resource.properties.get("Layers", [])
    for layer in template.resources("AWS::Lambda::LayerVersion"):
        if layer.arn in arns:
            yield str(layer.properties["Content"]["S3Key"]).removesuffix(".zip")


def _in_layers(value: str, folders: list[Path]) -> str:
    """A path under /opt as the path of that file in the layer that has it."""
    if value.startswith("/opt/"):
        for folder in folders:
            if (folder / value.removeprefix("/opt/")).exists():
                return str(folder / value.removeprefix("/opt/"))
    return value


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
