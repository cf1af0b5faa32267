"""What the stack gives a function is what the function's settings ask for."""

from __future__ import annotations

import pytest

from homing.domain.errors import InvalidInput
from homing.runtime import settings
from infra.config import ROOT, context, stage_settings
from tests.infra.conftest import Synthesized

pytestmark = pytest.mark.xdist_group("synth")

FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/handler.py"))
OPTIONAL = {"HOMING_SENDER", "HOMING_CALLS_QUEUE"}


def model_of(name: str) -> type[settings.Settings]:
    model = getattr(settings, "".join(part.capitalize() for part in name.split("_")) + "Settings")
    assert issubclass(model, settings.Settings)
    return model


def test_every_function_of_the_folder_is_deployed_under_its_dotted_path(
    stacks: Synthesized, calling: Synthesized
) -> None:
    assert sorted(calling.functions()) == FUNCTIONS
    assert set(FUNCTIONS) - set(stacks.functions()) == {"call_webhooks"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_field_of_the_settings_is_set_and_nothing_else(name: str, calling: Synthesized) -> None:
    given = {key for key in calling.functions()[name]["Environment"]["Variables"] if key.startswith("HOMING_")}
    asked = {settings.PREFIX + field.upper() for field in model_of(name).model_fields}

    assert given <= asked
    assert asked - given <= OPTIONAL


@pytest.mark.parametrize("name", FUNCTIONS)
def test_only_functions_that_read_the_bundle_get_the_campaigns_layer(name: str, calling: Synthesized) -> None:
    layers = [layer["Ref"] for layer in calling.functions()[name]["Layers"]]

    reads_bundle = issubclass(model_of(name), settings.WithCampaigns)
    assert any("Campaigns" in layer for layer in layers) is reads_bundle
    assert any("Core" in layer for layer in layers)
    assert any("Dependencies" in layer for layer in layers)


def test_an_unknown_stage_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"no stage 'staging' in cdk\.json; there are: dev, prod"):
        stage_settings(context()["stages"], "staging")


def test_a_misspelt_stage_setting_is_refused() -> None:
    with pytest.raises(InvalidInput, match="shard_count"):
        stage_settings({"dev": {"shard_count": 3}}, "dev")


def test_stages_may_come_as_text_from_the_command_line() -> None:
    assert stage_settings('{"qa": {"shards": 3}}', "qa").shards == 3
