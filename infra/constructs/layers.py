"""The three layers every function gets: code, packages, campaigns."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from homing.domain.campaigns import Campaigns
from infra import assets
from infra.config import PYTHON_VERSION, StageSettings

RUNTIME = lambda_.Runtime(f"python{PYTHON_VERSION}", lambda_.RuntimeFamily.PYTHON)
ARCHITECTURE = lambda_.Architecture.ARM_64


class Layers(Construct):
    """``core`` and ``dependencies`` for everybody, ``campaigns`` for those who decide or render."""

    def __init__(self, scope: Construct, id: str, *, settings: StageSettings, campaigns: Campaigns) -> None:
        super().__init__(scope, id)
        self._settings = settings
        core = self._layer("core", assets.core_layer(), "homing: domain, services, adapters")
        packages = (
            [self._layer("dependencies", assets.dependencies_layer(), "Locked packages")]
            if settings.dependencies
            else []
        )
        self.code = [core, *packages]
        self.campaigns = self._layer(
            "campaigns", assets.campaigns_layer(campaigns), f"Published campaigns, revision {campaigns.revision}"
        )

    def _layer(self, name: str, folder: Path, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            name.capitalize(),
            layer_version_name=self._settings.named(name),
            description=description,
            code=lambda_.Code.from_asset(str(folder)),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
        )
