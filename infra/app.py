"""``cdk synth``, ``cdk deploy``: reads the stage of cdk.json and builds it. Looks at nothing but files of this repo."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from homing.domain.content.publish import publish
from infra.config import ROOT, context, stage_settings
from infra.stage import HomingStage


def build(app: App) -> HomingStage:
    """The stage that the context names (``-c stage=prod``), checked by cdk-nag when synthesized."""
    settings = stage_settings(app.node.try_get_context("stages"), app.node.try_get_context("stage"))
    campaigns = publish(read_campaigns(ROOT / settings.campaigns))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    return HomingStage(app, f"Homing-{settings.name}", settings=settings, campaigns=campaigns)


def main() -> None:
    """Entry point of cdk.json; without the CDK CLI, ``CDK_OUTDIR`` says where to write."""
    app = App(context=context())
    build(app)
    app.synth()


def read_campaigns(folder: Path) -> dict[str, bytes]:
    """The files of a campaigns folder, by their paths in it."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)}


if __name__ == "__main__":
    main()
