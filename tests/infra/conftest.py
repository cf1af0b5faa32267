"""The app, synthesized once for all tests of this folder, with the starter campaigns and the settings of production."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.config import ROOT, context

Resource = dict[str, Any]


@dataclass(frozen=True)
class Synthesized:
    """The templates of both stacks."""

    data: dict[str, Any]
    engagement: dict[str, Any]

    def all(self, kind: str) -> dict[str, Resource]:
        """Resources of a type by logical id, of both stacks."""
        return {
            name: resource
            for template in (self.data, self.engagement)
            for name, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def functions(self) -> dict[str, Resource]:
        """Properties of the functions by the name of their folder."""
        return {
            function["Properties"]["Handler"].split(".")[1]: function["Properties"]
            for function in self.all("AWS::Lambda::Function").values()
        }


def synthesize(folder: Path, **settings: Any) -> Synthesized:
    """Both templates, as ``cdk synth -c stage=prod`` would write them; with other settings of the stage."""
    from aws_cdk import App

    from infra.app import build

    known = context()
    stages = {**known["stages"], "prod": {**known["stages"]["prod"], **settings}}
    app = App(context={**known, "stage": "prod", "stages": stages}, outdir=str(folder))
    build(app)
    app.synth()
    data, engagement = sorted(folder.glob("assembly-*/*.template.json"))
    return Synthesized(json.loads(data.read_text()), json.loads(engagement.read_text()))


@pytest.fixture(scope="session", autouse=True)
def _node_of_the_virtual_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
        yield


@pytest.fixture(scope="session")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(tmp_path_factory.mktemp("cdk"))


@pytest.fixture(scope="session")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """With campaigns in which the birthday's code comes from a pool."""
    campaigns = tmp_path_factory.mktemp("shop") / "campaigns"
    shutil.copytree(ROOT / "layers/campaigns", campaigns)
    code = campaigns / "codes/birthday.yaml"
    code.write_text(code.read_text().replace("minted: {prefix: CAKE}", "pool: true"))
    return synthesize(tmp_path_factory.mktemp("cdk"), campaigns=str(campaigns))


@pytest.fixture(scope="session")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """With campaigns whose cart flow calls a webhook: every function there is."""
    campaigns = tmp_path_factory.mktemp("shop") / "campaigns"
    shutil.copytree(ROOT / "layers/campaigns", campaigns)
    settings, flow = campaigns / "settings.yaml", campaigns / "flows/cart-recovery.yaml"
    settings.write_text(settings.read_text() + "webhooks:\n  crm: {url: https://crm.example.com/homing}\n")
    flow.write_text(flow.read_text().replace("steps:\n", "steps:\n  - call: crm\n", 1))
    return synthesize(tmp_path_factory.mktemp("cdk"), campaigns=str(campaigns), call_concurrency=7)
