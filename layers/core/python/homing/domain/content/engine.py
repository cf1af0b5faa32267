"""Liquid as templates may use it: strict, bounded, with the filters of a shop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from liquid import Environment


@dataclass(frozen=True, slots=True)
class Environments:
    """``html`` escapes what it puts out, ``text`` does not (subjects, text parts)."""

    html: Environment
    text: Environment


@lru_cache(maxsize=16)
def environments(language: str = "en", currency: str = "EUR") -> Environments:
    """Environments for a shop's language and currency. python-liquid is imported here, when first needed: it takes
    longer to import than the rest of the sending function."""
    from liquid import Mode

    from homing.domain.content.bounded import Bounded, Missing
    from homing.domain.content.filters import Filters

    filters = Filters(language, currency)

    def build(*, autoescape: bool) -> Environment:
        environment = Bounded(tolerance=Mode.STRICT, undefined=Missing, strict_filters=True, autoescape=autoescape)
        # Blocks are put in at publishing; nothing is loaded while a mail is rendered.
        for tag in ("include", "render"):
            del environment.tags[tag]
        for name, function in filters.all().items():
            environment.add_filter(name, function)
        # `safe` would switch escaping off.
        environment.filters.pop("safe", None)
        return environment

    return Environments(html=build(autoescape=True), text=build(autoescape=False))


def excerpt(error: Any) -> str:
    """The piece of Liquid in which an error of python-liquid arose, on one line; empty when it is not known."""
    from homing.domain.content.mjml import LIQUID

    token = getattr(error, "token", None)
    if token is None or token.start_index < 0:
        return ""
    for match in LIQUID.finditer(token.source):
        if match.start() <= token.start_index < match.end():
            return " ".join(match[0].split())
    return ""
