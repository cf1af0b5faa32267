"""Cold starts: each handler in a fresh process with compiled bytecode, against a client and a logger alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import Report, Spread, Table
from homing.adapters.files import write_bundle
from homing.runtime.settings import Settings

BUDGET = 1.3
_REGION = "eu-central-1"

# What every function needs before it does anything: one client and the logger.
_BASE = """
import boto3
from aws_lambda_powertools import Logger
imported = spent()
boto3.client("dynamodb")
Logger(service="base")
"""
# The handler as Lambda imports it; then everything that its first invocation builds, secrets answered in the process.
_HANDLER = """
import functions.{name}.handler
imported = spent()
from homing.runtime import parts, wiring
from botocore.awsrequest import AWSResponse
def secret(request, **_):
    answer = AWSResponse(request.url, 200, {{"content-type": "application/x-amz-json-1.1"}}, None)
    answer._content = b'{{"SecretString": "{{\\\\"write_keys\\\\": [\\\\"k\\\\"], \\\\"shopify\\\\": \\\\"s\\\\"}}"}}'
    return answer
parts.session().register("before-send.secrets-manager", secret)
# What the parts of a backtest need is built for each of them anew.
getattr(wiring, "{name}", bool)()
"""
_SCRIPT = """
import time, json
began = time.process_time()
def spent(): return (time.process_time() - began) * 1000
{body}
print(json.dumps([imported, spent()]))
"""


def run(*, quick: bool) -> Report:
    """CPU ms of importing and of importing and building, medians, and ratios to the base of the same round."""
    names = sorted(path.parent.name for path in (inputs.ROOT / "functions").glob("*/handler.py"))
    scripts = {"base": _BASE} | {name: _HANDLER.format(name=name) for name in names}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in scripts}
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(Path(folder))
        for round_ in range(2 if quick else 6):
            for name, body in scripts.items():
                imported, built = _measure(body, environment)
                # The first round compiles.
                if round_:
                    found[name].append((imported, built))
    base = found["base"]
    rows = [_row("boto3, a client, powertools Logger", base, base)]
    rows += [_row(name, found[name], base) for name in names]
    slow, over = (
        [name for name in names if Spread.of(_ratios(found[name], base, index)).median > BUDGET] for index in (0, 1)
    )
    notes = [
        "Import: the handler's module, all that Lambda does before the first event. Ready: also clients, settings, campaigns"
        " and service, which the first invocation builds. × base: against the first row ready, in the same round.",
        f"Budget: the import within {BUDGET} × of the base: "
        + (f"missed by {', '.join(slow)}." if slow else "kept by all.")
        + (f" Ready takes longer than that: {', '.join(over)} (each further client costs 20–40 ms)." if over else ""),
    ]
    table = Table(
        "Start of each function, CPU ms in a fresh process with bytecode",
        ("function", "import", "× base", "ready", "× base"), rows, notes,
    )  # fmt: skip
    verdicts = []
    for index, what in enumerate(("import of each handler", "handler ready, against one client and logger ready")):
        ratios = {name: Spread.of(_ratios(found[name], base, index)).median for name in names}
        worst = max(names, key=lambda name: ratios[name])
        verdicts.append((f"{what} ≤ {BUDGET} ×", f"{ratios[worst]:.2f} × at most ({worst})", ratios[worst] <= BUDGET))
    return Report("imports", "Cold starts", tables=[table], verdicts=verdicts)


def _ratios(measured: list[tuple[float, float]], base: list[tuple[float, float]], index: int) -> list[float]:
    """To the base when it is ready, in the same round."""
    return [m[index] / b[1] for m, b in zip(measured, base, strict=True)]


def _row(name: str, measured: list[tuple[float, float]], base: list[tuple[float, float]]) -> list[str]:
    cells = [name]
    for index in (0, 1):
        cells.append(Spread.of([m[index] for m in measured]).text())
        cells.append(Spread.of(_ratios(measured, base, index)).text(2))
    return cells


def _measure(body: str, environment: dict[str, str]) -> tuple[float, float]:
    command = [sys.executable, "-c", _SCRIPT.format(body=body)]
    done = subprocess.run(command, cwd=inputs.ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"a function does not start:\n{done.stderr[-2000:]}")
    imported, built = json.loads(done.stdout.splitlines()[-1])
    return imported, built


def _models(model: type[Settings]) -> Iterator[type[Settings]]:
    """All kinds of settings."""
    for kind in model.__subclasses__():
        yield kind
        yield from _models(kind)


def _environment(folder: Path) -> dict[str, str]:
    """As Lambda has it, with bytecode in a folder of our own."""
    bundle = folder / "bundle.json"
    write_bundle(inputs.campaigns(), bundle)
    named = {"campaigns": str(bundle), "public_url": "https://mail.example"}
    asked = {name for model in _models(Settings) for name, field in model.model_fields.items() if field.is_required()}
    settings = {name: f"https://sqs/{name}" if name.endswith("_queue") else name for name in asked} | named
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HOMING_", "PYTHONDONTWRITE"))}
    return {
        **kept,
        **{f"HOMING_{name.upper()}": value for name, value in settings.items()},
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "PYTHONPATH": str(inputs.ROOT),
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_REGION": _REGION,
        "POWERTOOLS_METRICS_NAMESPACE": "Homing",
    }
