"""The folders that become layers and function code. Same sources, same folders: nothing here looks at a clock or at git.

Folders are cached in ``build/`` under a hash of their sources and appear there only when complete.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from homing.domain.campaigns import Campaigns
from infra.config import PYTHON_VERSION, ROOT

BUILD = ROOT / "build"
LOCK = ROOT / "layers/dependencies/requirements.txt"
# manylinux2014 would silently choose old wheels; Lambda's Amazon Linux 2023 has glibc 2.34.
PLATFORM = "aarch64-manylinux_2_28"
# The host for one machine and the command line stay at home.
NOT_DEPLOYED = frozenset({"local", "cli"})
# But for what plays history: a stage tries campaigns on its archive with the code that tries them on one machine.
DEPLOYED_ALL_THE_SAME = frozenset(
    f"local/{name}.py"
    for name in (
        "__init__", "backtest", "clockwork", "counting", "decisions", "figures", "outputs", "recording",
        "refusals", "flows/__init__", "flows/counting", "backtests/__init__", "backtests/comparing", "backtests/deployed",
        "backtests/dividing", "backtests/nights", "backtests/playing", "backtests/sources", "backtests/spool",
        "backtests/staged", "backtests/steps", "backtests/streams", "backtests/told",
    )
)  # fmt: skip


def core_layer() -> Path:
    """``python/homing`` without ``cli``, and of ``local`` only what plays history."""
    package = ROOT / "layers/core/python/homing"
    return _python_folder("core", package, Path("python/homing"), leave_out=NOT_DEPLOYED, keep=DEPLOYED_ALL_THE_SAME)


def functions_code() -> Path:
    """``functions/<name>/handler.py``: in Lambda the same dotted path as in tests."""
    return _python_folder("functions", ROOT / "functions", Path("functions"))


def campaigns_layer(campaigns: Campaigns) -> Path:
    """``campaigns/bundle.json``, which Lambda shows as ``/opt/campaigns/bundle.json``."""
    bundle = campaigns.model_dump_json(by_alias=True, exclude_none=True).encode()

    def fill(folder: Path) -> None:
        (folder / "campaigns").mkdir()
        (folder / "campaigns/bundle.json").write_bytes(bundle)

    return _folder("campaigns", bundle, fill)


def dependencies_layer() -> Path:
    """The locked wheels for Lambda on arm64, installed by uv without Docker."""

    def fill(folder: Path) -> None:
        subprocess.run(
            [
                _uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:",
                "--python-platform", PLATFORM, "--python-version", PYTHON_VERSION,
                "--target", str(folder / "python"), "--requirement", str(LOCK),
            ],
            check=True,
        )  # fmt: skip
        # Console scripts carry the path of the interpreter that ran uv.
        shutil.rmtree(folder / "python/bin", ignore_errors=True)
        for record in folder.glob("python/*.dist-info/RECORD"):
            record.unlink()
        (folder / "python/.lock").unlink(missing_ok=True)
        _compile(folder)

    return _folder("dependencies", LOCK.read_bytes() + PLATFORM.encode() + _compiler_tag(), fill)


def _python_folder(
    kind: str, source: Path, target: Path, leave_out: Iterable[str] = (), keep: Iterable[str] = ()
) -> Path:
    skipped, kept = frozenset(leave_out), frozenset(keep)

    def wanted(path: Path) -> bool:
        place = path.relative_to(source)
        return place.parts[0] not in skipped or place.as_posix() in kept

    files = sorted(
        path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts and wanted(path)
    )
    digest = b"".join(
        str(path.relative_to(source)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest() for path in files
    )

    def fill(folder: Path) -> None:
        for path in files:
            copy = folder / target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        _compile(folder)

    return _folder(kind, digest + _compiler_tag(), fill)


def _folder(kind: str, sources: bytes, fill: Callable[[Path], None]) -> Path:
    """The cached folder for these sources; filled beside its place and moved there whole."""
    folder = BUILD / f"{kind}-{hashlib.sha256(sources).hexdigest()[:16]}"
    if not folder.exists():
        BUILD.mkdir(exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=BUILD))
        try:
            fill(unfinished)
            unfinished.chmod(0o755)
            unfinished.rename(folder)
        except OSError:
            # Another synth was quicker with the same folder.
            if not folder.exists():
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _compile(folder: Path) -> None:
    """Bytecode for the Python of Lambda: imports take half the time. Unchecked, since unzipped times say nothing."""
    compiler = _compiler()
    if compiler is None:
        return
    subprocess.run(
        [
            compiler, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
            "-s", str(folder), "-p", "/opt", str(folder),
        ],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""},
    )  # fmt: skip


@cache
def _compiler() -> str | None:
    """An interpreter of Lambda's version on this machine, if there is one; nothing is downloaded for it."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [
        sys.executable if sys.version_info[:2] == tuple(map(int, PYTHON_VERSION.split("."))) else None,
        # pyenv puts a shim on the path even for versions that are not switched on; these come before it.
        *sorted(str(path) for path in versions.glob(f"{PYTHON_VERSION}.*/bin/python")),
        shutil.which(f"python{PYTHON_VERSION}"),
    ]
    works = (
        c for c in candidates if c and subprocess.run([c, "-c", ""], capture_output=True, check=False).returncode == 0
    )
    return next(works, None)


@cache
def _compiler_tag() -> bytes:
    """Folders with and without bytecode differ, so their hashes must."""
    compiler = _compiler()
    if compiler is None:
        return b"source"
    tag = "import sys; print(sys.implementation.cache_tag, sys.version_info[:3])"
    return subprocess.run([compiler, "-c", tag], capture_output=True, check=True).stdout


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise FileNotFoundError("uv is missing: run `make setup`, or install the extra `homing[deploy]`")
    return found
