"""golden-liquid: what Shopify's own Liquid makes of 1,054 templates, made by ours.

Three things differ from the environment that mails are rendered in (``environments().text``), because the cases are about
the language and mails about customers:

- a missing variable is empty text, as Liquid has it; in mails it is an error with its place;
- ``include`` and ``render`` load the templates of the case; in mails blocks are put in at publishing, and the tags are gone;
- no escaping, as in subjects and text parts; HTML parts escape what they put out.

Limits, strict syntax, filters and the way text is put out are those of mails.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from liquid import DictLoader, Mode
from liquid.exceptions import LiquidError

from homing.domain.content.bounded import Bounded
from homing.domain.content.engine import environments
from homing.domain.content.filters import Filters

CASES = Path(__file__).resolve().parents[4] / "shared" / "data" / "liquid" / "golden_liquid.json"

_BLANK = "python-liquid: only empty texts and lists are blank; for nil, false and what is missing ask `{% if x %}`"
# Cases that fail, and why. One that passes, or another that fails, fails the test.
KNOWN = {
    "blank and empty, false is equal to blank": _BLANK,
    "blank and empty, nil is equal to blank": _BLANK,
    "blank and empty, null is equal to blank": _BLANK,
    "blank and empty, undefined is equal to blank": _BLANK,
    "tags, case, unexpected when token, strict2": "python-liquid takes `and` in `when`; Shopify refuses it since 2025",
    "tags, comment, incomplete tags are not parsed": "python-liquid does not read a comment's text, so takes what is open",
}


def cases() -> list[dict[str, Any]]:
    """All of them; skips the test where they are missing."""
    if not CASES.exists():
        pytest.skip("golden-liquid is not beside the project (shared/data/liquid)")
    found: list[dict[str, Any]] = json.loads(CASES.read_text(encoding="utf-8"))["tests"]
    return found


def environment(templates: dict[str, str]) -> Bounded:
    """The environment of text parts, but for what is said above."""
    result = Bounded(loader=DictLoader(templates), tolerance=Mode.STRICT, strict_filters=True, autoescape=False)
    result.filters = dict(environments().text.filters)
    return result


def passes(case: dict[str, Any]) -> bool:
    """Whether ours makes of it what it should."""
    try:
        shown = environment(case.get("templates", {})).from_string(case["template"]).render(**case.get("data", {}))
    except LiquidError:
        return bool(case.get("invalid"))
    return not case.get("invalid") and shown in (case.get("results") or [case["result"]])


def test_liquid_is_what_shopify_makes_of_it_but_for_what_is_known() -> None:
    every = cases()
    assert len({case["name"] for case in every}) == len(every) == 1054
    failed = {case["name"] for case in every if not passes(case)}
    assert failed == KNOWN.keys()


def test_our_filters_replace_none_of_liquids_own() -> None:
    own = {tag.removesuffix(" filter") for case in cases() for tag in case.get("tags", ()) if tag.endswith(" filter")}
    assert "upcase" in own
    assert not own & Filters("en", "EUR").all().keys()


def test_mails_refuse_every_template_that_is_no_liquid() -> None:
    taken = set()
    for case in cases():
        if case.get("invalid"):
            try:
                environments().text.from_string(case["template"]).render(**case.get("data", {}))
                taken.add(case["name"])
            except LiquidError:
                pass
    assert taken <= KNOWN.keys()
