"""What differs between two campaign folders, by name and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from homing.domain.campaigns import Campaigns
from homing.domain.time import SECOND, format_duration

Kind = Literal["new", "gone", "changed"]
# Folder of the campaigns → what one of its files is called.
PARTS = {
    "segments": "segment", "flows": "flow", "templates": "template", "codes": "code", "attributes": "attribute",
    "choices": "choice",
}  # fmt: skip
# What a template is compiled to follows what it says.
_COMPILED = frozenset({"variables", "computed", "choices", "revision", "format"})
_NAMES = {
    "steps": "its steps", "when": "its rule", "html": "its mail", "text": "its text part", "subject": "its subject",
    "description": "its description", "stages": "its stages", "variants": "its variants", "on": "what starts it",
    "stop_when": "its goal", "only_if": "who it is for", "exit_when": "its exit",
}  # fmt: skip
_MOST = 6
# Parts with more values than these are told without them.
_FEW = 3
# Told as changed, without the words.
_PROSE = frozenset({"html", "text", "description"})
# Words of the languages that only hold others together.
_GROUPS = frozenset({"all", "any"})
# Lengths of time are written with a unit.
_LENGTHS = frozenset(
    {"after", "again_after", "at_least", "before", "engaged_within", "expires_after", "flaps_within", "forget_after", "half_life",
     "keep", "max_age", "orders_within", "send_expires_after", "send_time_within", "valid_for", "viewed_within", "wait",
     "within"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One file that differs: ``what`` of it, in words; empty for a file that is new or gone."""

    part: str
    name: str
    kind: Kind
    what: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """``cap of marketing: 3 → 2``; ``new``."""
        return ", ".join(self.what) if self.what else self.kind


def changes(new: Campaigns, old: Campaigns) -> list[Change]:
    """Every file that differs, by part and name; settings last, as one."""
    found = []
    for part in PARTS:
        now, before = _written(new, part), _written(old, part)
        for name in sorted(now.keys() | before.keys()):
            if name not in before:
                found.append(Change(part, name, "new"))
            elif name not in now:
                found.append(Change(part, name, "gone"))
            elif now[name] != before[name] and (what := _differing(now[name], before[name])):
                found.append(Change(part, name, "changed", tuple(what)))
    products = len(new.products) - len(old.products)
    if new.products != old.products:
        more = f"{abs(products)} products {'more' if products > 0 else 'fewer'}" if products else "other products"
        found.append(Change("catalog", "catalog", "changed", (more,)))
    # With what nobody wrote, so that a value that is new is told with the one that it replaces.
    now, before = (one.settings.model_dump(mode="json", by_alias=True) for one in (new, old))
    if now != before:
        found.append(Change("settings", "settings", "changed", tuple(_settings(now, before))))
    return found


def touched(found: list[Change], part: str) -> list[str]:
    """The names that differ in one part."""
    return [change.name for change in found if change.part == part]


def _written(campaigns: Campaigns, part: str) -> dict[str, dict[str, Any]]:
    return {
        name: one.model_dump(mode="json", by_alias=True, exclude_defaults=True) for name, one in getattr(campaigns, part).items()
    }  # fmt: skip


def _differing(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    told = []
    for key in sorted(now.keys() | before.keys()):
        if key in _COMPILED or now.get(key) == before.get(key):
            continue
        name = _NAMES.get(key, key)
        pairs = list(_leaves(now.get(key), before.get(key), "" if key in _NAMES else key))
        said = _pair(*pairs[0]) if len(pairs) == 1 and key not in _PROSE else ""
        if not said:
            told.append(name)
            continue
        path = ".".join(part for part in pairs[0][0].split(".") if part not in _GROUPS)
        told.append(f"{name}: {path} {said}" if key in _NAMES and path else f"{path or name} {said}")
    return told


def _settings(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    pairs = list(_leaves(now, before))
    told = [f"{path} {_pair(path, new, old) or _whole(new, old)}".strip() for path, new, old in pairs[:_MOST]]
    return [*told, f"and {len(pairs) - _MOST} more"] if len(pairs) > _MOST else told


def _leaves(now: Any, before: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """The places that differ, as paths: ``topics.marketing.cap.messages``; of lists of other lengths the list."""
    if isinstance(now, Mapping) and isinstance(before, Mapping):
        return [
            leaf
            for key in sorted(now.keys() | before.keys())
            for leaf in _leaves(now.get(key), before.get(key), f"{path}.{key}" if path else str(key))
        ]
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        return [leaf for one, other in zip(now, before, strict=True) for leaf in _leaves(one, other, path)]
    return [] if now == before else [(path, now, before)]


def _pair(path: str, now: Any, before: Any) -> str:
    """``3 → 2`` for short values, else nothing."""
    if isinstance(now, dict | list) or isinstance(before, dict | list):
        return ""
    texts = [_said(path.rpartition(".")[2], one) for one in (before, now)]
    return " → ".join(texts) if all(len(text) <= 40 for text in texts) else ""


def _whole(now: Any, before: Any) -> str:
    """For a part that was not there before, or is gone: ``new (messages 2, within 7d)``; the values only where they are few."""
    if before is None and isinstance(now, dict):
        values = [(key, value) for key, value in now.items() if value not in (None, [], {})]
        few = len(values) <= _FEW and not any(isinstance(value, dict | list) for _, value in values)
        return f"new ({', '.join(f'{key} {_said(key, value)}' for key, value in values)})" if few and values else "new"
    return "removed" if now is None and isinstance(before, dict) else ""


def _said(key: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    # Counts have some of these names too, but none is a million: a second.
    long = isinstance(value, int) and key in _LENGTHS and value >= SECOND
    return format_duration(value) if long else str(value)
