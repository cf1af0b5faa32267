"""Synthesizing: only when something changed, with mistakes told as mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from homing.domain.errors import InvalidInput
from homing.local import synth
from homing.local.backtest import LOCAL_SECRET as OF_BACKTEST
from homing.local.provision import LOCAL_SECRET

ROOT = Path(__file__).parents[3]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with everything that the hash looks at, whose app only notes that it ran."""
    (tmp_path / "cdk.json").write_text("{}")
    shutil.copytree(ROOT / "layers/campaigns", tmp_path / "layers/campaigns")
    for name in ("infra", "layers/core/python/homing/domain", "layers/core/python/homing/runtime"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "settings.py").write_text("")

    def run(_root: Path, campaigns: Path, target: Path) -> None:
        (target / "ran").write_text(str(campaigns))

    monkeypatch.setattr(synth, "_run", run)
    return tmp_path


def test_the_same_sources_are_synthesized_once(root: Path) -> None:
    first = synth.synthesize(root=root)
    (first / "ran").write_text("once")
    assert (synth.synthesize(root=root) / "ran").read_text() == "once"


@pytest.mark.parametrize("changed", ["infra/settings.py", "cdk.json", "layers/core/python/homing/domain/settings.py"])
def test_a_change_is_synthesized_anew(root: Path, changed: str) -> None:
    before = synth.synthesize(root=root)
    (root / changed).write_text("# changed")
    assert synth.synthesize(root=root) != before


def test_other_campaigns_are_another_assembly(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(root / "layers/campaigns", other)
    same = synth.synthesize(root=root)
    assert synth.synthesize(other, root=root) == same
    (other / "settings.yaml").write_text((other / "settings.yaml").read_text() + "\n# another\n")
    assert synth.synthesize(other, root=root) != same


def test_old_assemblies_are_cleared_away(root: Path) -> None:
    for number in range(synth._KEPT + 3):
        (root / "cdk.json").write_text(f'{{"n": {number}}}')
        latest = synth.synthesize(root=root)
    assert latest.exists()
    assert len(list((root / "build/local").iterdir())) == synth._KEPT


def test_mistakes_of_marketers_are_named_before_anything_runs(root: Path) -> None:
    flow = root / "layers/campaigns/flows/cart-recovery.yaml"
    flow.write_text(flow.read_text().replace("send:", "sned:", 1))
    with pytest.raises(InvalidInput, match=r"flows/cart-recovery\.yaml:\d+:\d+: unknown_step"):
        synth.synthesize(root=root)


def test_outside_a_checkout_the_reason_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="checkout"):
        synth.repository(tmp_path)


def test_an_app_that_fails_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/__init__.py").write_text("")
    (tmp_path / "infra/app.py").write_text("raise SystemExit('the stack said no')")
    with pytest.raises(synth.SynthFailed, match="the stack said no"):
        synth._run(tmp_path, tmp_path, tmp_path)


def test_the_host_and_the_backtest_give_people_the_same_ids() -> None:
    assert LOCAL_SECRET.encode() == OF_BACKTEST
