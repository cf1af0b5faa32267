"""Runs the CDK app and keeps what it synthesizes, so that a second start takes no time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from homing.adapters.files import read_folder
from homing.domain.content.publish import collect
from homing.domain.errors import HomingError, InvalidInput

# The host needs no arm64 packages: functions run with those of this environment.
_STAGE = {"keep_data": False, "dependencies": False}
_NAME = "local"
_KEPT = 8


class SynthFailed(HomingError):  # noqa: N818 - said as what happened
    """The CDK app did not come to an end; the message is what it said."""


def repository(start: Path | None = None) -> Path:
    """The root of the checkout: the folder with ``cdk.json``, at or above ``start`` (default: here, then this file)."""
    for origin in [start] if start else [Path.cwd(), Path(__file__).resolve()]:
        for folder in (origin, *origin.parents):
            if (folder / "cdk.json").is_file() and (folder / "infra").is_dir():
                return folder
    raise InvalidInput("the local host reads the CDK app: run it in a checkout of Homing", code="no_checkout")


def synthesize(campaigns: Path | None = None, *, root: Path | None = None) -> Path:
    """The folder of the cloud assembly for a stage ``local``, with these campaigns or the checkout's.

    Cached in ``build/local`` under a hash of everything that goes into it. Raises SynthFailed with the app's own words,
    InvalidInput when there is no checkout, no such folder, or a mistake in the campaigns.
    """
    root = root or repository()
    campaigns = (campaigns or root / "layers/campaigns").resolve()
    if not campaigns.is_dir():
        raise InvalidInput(f"{campaigns} is not a folder", code="missing_folder")
    folder = root / "build" / "local" / _hash(root, campaigns)
    if not folder.exists():
        _check(campaigns)
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".synth-", dir=folder.parent))
        try:
            _run(root, campaigns, unfinished)
            unfinished.rename(folder)
            _prune(folder.parent)
        except OSError:
            # Another start was quicker with the same folder.
            if not folder.exists():
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _check(campaigns: Path) -> None:
    """Mistakes of marketers are told as such, all at once."""
    _, problems = collect(read_folder(campaigns))
    if problems:
        raise InvalidInput("\n".join(str(problem) for problem in problems), code="campaigns")


def _run(root: Path, campaigns: Path, target: Path) -> None:
    stage = {**_STAGE, "campaigns": str(campaigns)}
    environment = {
        **os.environ,
        # The virtual environment brings the Node.js that the CDK library runs on.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "CDK_OUTDIR": str(target),
        "CDK_CONTEXT_JSON": json.dumps({"stage": _NAME, "stages": {_NAME: stage}}),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SynthFailed(f"the CDK app failed:\n{_last_words(done.stdout + done.stderr)}")


def _prune(cache: Path) -> None:
    """Keeps the latest few."""
    folders = (path for path in cache.iterdir() if path.is_dir() and not path.name.startswith("."))
    for old in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _last_words(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-15:])


def _hash(root: Path, campaigns: Path) -> str:
    digest = hashlib.sha256(json.dumps(_STAGE).encode())
    homing = root / "layers/core/python/homing"
    # What the app reads; the code in its layers is not: functions run from the checkout.
    sources = [root / "cdk.json", homing / "runtime/settings.py"]
    for base, files in (
        (root, [*sources, *(root / "infra").rglob("*.py"), *(homing / "domain").rglob("*.py")]),
        (campaigns, _visible(campaigns)),
    ):
        for file in sorted(files):
            digest.update(f"{file.relative_to(base)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _visible(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
