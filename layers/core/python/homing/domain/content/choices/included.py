"""``<mj-include path="{{ choice.hero }}" />``: one of the blocks that a choice lists, all put in at publishing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from homing.domain.content.choices.language import Choice
from homing.domain.content.problems import validate
from homing.domain.content.yaml_source import parse_yaml
from homing.domain.errors import InvalidCampaign, InvalidInput

_CHOSEN = re.compile(r"{{-?\s*(?P<path>choice\.(?P<name>\w+)(?:\.(?P<value>\w+))?)\s*-?}}")
# A variant that says this puts in nothing.
NOTHING = "none"


def chosen_blocks(files: Mapping[str, bytes], wanted: str) -> list[tuple[str, str]] | None:
    """The Liquid condition and the block for each variant, in the order of the choice; None when the path is no choice's.

    Raises InvalidInput when the choice is not there, can't be read, or has a variant that names no block.
    """
    if not (match := _CHOSEN.fullmatch(wanted.strip())):
        return None
    name, value = match["name"], match["value"]
    choice = _read(files, name)
    blocks: list[str] = []
    for variant in choice.variants():
        block = variant if isinstance(variant, str) and value is None else None
        if isinstance(variant, dict) and value is not None:
            block = str(variant.get(value) or "") or None
        if block is None:
            raise InvalidInput(f"not every variant of the choice {name!r} names a block in {match['path']}")
        if block not in blocks:
            blocks.append(block)
    return [(f'{match["path"]} == "{block}"', block) for block in blocks]


def _read(files: Mapping[str, bytes], name: str) -> Choice:
    file = f"choices/{name}.yaml"
    if file not in files:
        raise InvalidInput(f"there is no choice {name!r}")
    try:
        located = parse_yaml(files[file], file)
    except InvalidCampaign:
        located = None
    if located is not None and isinstance(located.value, dict):
        located.value.setdefault("name", name)
        choice, _ = validate(Choice, located)
        if choice is not None:
            return choice
    raise InvalidInput(f"the choice {name!r} has mistakes of its own")
