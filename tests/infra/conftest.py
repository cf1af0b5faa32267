"""The app, synthesized once for all tests of this folder, with the starter campaigns and the settings of production."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.config import context

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


def synthesize(folder: Path) -> Synthesized:
    """Both templates, as ``cdk synth -c stage=prod`` would write them."""
    from aws_cdk import App

    from infra.app import build

    app = App(context={**context(), "stage": "prod"}, outdir=str(folder))
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
