"""Other template engines for the same mail: Jinja2 and liquidjs, fetched into ``build/engines`` when they are measured.

Both get the mail's own published parts. Jinja2's are translated from Liquid; what comes out must be what ours makes.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from homing.domain.content.filters import Filters

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "engines"
JINJA, LIQUIDJS = "3.1.6", "10.21.0"
_PATIENCE = 120.0  # seconds for a registry


class NotThereError(Exception):
    """Why an engine can't be measured here."""


def jinja(parts: Sequence[str], context: Mapping[str, Any], filters: Filters) -> tuple[list[str], Callable[[], Any]]:
    """What Jinja2 makes of the parts (HTML first, which is escaped), and a call that renders them once more."""
    folder = FOLDER / f"jinja2-{JINJA}"
    if not (folder / "jinja2").is_dir():
        _fetch([
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder),
            f"jinja2=={JINJA}",
        ], "pip")  # fmt: skip
    if str(folder) not in sys.path:
        # Last: whatever the environment has itself comes first.
        sys.path.append(str(folder))
    jinja2 = importlib.import_module("jinja2")
    templates = []
    for index, part in enumerate(parts):
        environment = jinja2.Environment(autoescape=index == 0, keep_trailing_newline=True)
        environment.filters |= {
            "money": filters.money, "plural": filters.plural, "minus": lambda value, other: value - other,
            "piece": lambda value, start: str(value)[start : start + 1],
        }  # fmt: skip
        templates.append(environment.from_string(_as_jinja(part)))

    def render() -> list[str]:
        return [template.render(context) for template in templates]

    return render(), render


def liquidjs(
    parts: Sequence[str], context: Mapping[str, Any], *, repeat: int, rounds: int
) -> tuple[list[str], list[float]]:
    """What liquidjs makes of the parts (HTML first, which is escaped), and CPU ms per mail of each repetition."""
    npm, node = (
        shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name) for name in ("npm", "node")
    )
    if npm is None or node is None:
        raise NotThereError("liquidjs needs Node.js, and there is no npm")
    folder = FOLDER / f"liquidjs-{LIQUIDJS}"
    if not (folder / "node_modules" / "liquidjs").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _fetch([
            npm, "install", "--silent", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--prefix",
            str(folder), f"liquidjs@{LIQUIDJS}",
        ], "npm")  # fmt: skip
    # Modules are looked for beside the script.
    script = folder / "liquidjs.mjs"
    shutil.copy(Path(__file__).with_name("liquidjs.mjs"), script)
    told = {
        "parts": parts,
        "escaped": [index == 0 for index in range(len(parts))],
        "context": context,
        "repeat": repeat,
    }
    done = subprocess.run(
        [node, str(script)], input=json.dumps(told | {"rounds": rounds}, default=_plain), capture_output=True, text=True,
        timeout=_PATIENCE, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NotThereError(f"liquidjs fails: {(done.stderr.strip().splitlines() or ['no word of why'])[-1]}")
    found = json.loads(done.stdout)
    return found["shown"], found["ms"]


def cpu_ms(call: Callable[[], Any], times: int) -> float:
    """CPU ms of one call, of many."""
    call()
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times * 1000


def _fetch(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotThereError(f"{what} could not fetch it: {type(error).__name__}") from error
    if done.returncode:
        raise NotThereError(f"{what} could not fetch it (no network, or no registry)")


def _as_jinja(part: str) -> str:
    """The Liquid of the cart mail as Jinja2. Not a translator of every template."""

    def translated(match: re.Match[str]) -> str:
        code = match[0].replace("assign ", "set ").replace("elsif ", "elif ")
        code = re.sub(r"\bcart\.items\.first\b", 'cart["items"][0]', code)
        code = re.sub(r"\bcart\.items\.size\b", 'cart["items"]|length', code)
        code = re.sub(r"\bcart\.items\b", 'cart["items"]', code)
        code = re.sub(r"\|\s*slice:", "| piece:", code)
        code = re.sub(r"\bitems\.size\b", "items|length", code)
        code = re.sub(r"(\w+) limit: (\d+)", r"\1[:\2]", code)
        return re.sub(r"\|\s*(\w+):\s*([^|%}]*[^|%}\s])", r"| \1(\2)", code)

    return re.sub(r"{%.*?%}|{{.*?}}", translated, part, flags=re.DOTALL)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
