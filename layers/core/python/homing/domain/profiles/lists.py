"""Lists of people that a marketer uploaded (``homing list``): of each the latest word on whether somebody is on it.

Each list is one register whose later word wins, and of all registers the latest hundred are kept: what another hundred
push out in one half of a history, they push out in the whole, so the order of folding does not matter.
"""

from __future__ import annotations

from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.profiles import bounds

# Since when, and whether: joined (True) or left (False).
Word = tuple[int, bool]

EVENTS = frozenset({names.LIST_JOINED, names.LIST_LEFT})
MAX_LISTS = 100


def add(lists: dict[str, Word], event: Event) -> set[str]:
    """Folds ``List Joined`` or ``List Left``. Returns what it changes: ``*list:<name>``, or nothing."""
    stated = event.properties.get("list")
    if not isinstance(stated, str) or not (name := stated.strip()):
        return set()
    name = bounds.label(name)
    held = lists.get(name)
    word = (event.occurred, event.name == names.LIST_JOINED)
    if held is not None and word <= held:
        return set()
    lists[name] = word
    return {f"*list:{name}"}


def join(left: dict[str, Word], right: dict[str, Word]) -> None:
    """Adds to ``left`` what ``right`` knows."""
    for name, word in right.items():
        if name not in left or word > left[name]:
            left[name] = word


def prune(lists: dict[str, Word]) -> None:
    """Keeps the latest hundred."""
    if len(lists) > MAX_LISTS:
        kept = sorted(lists.items(), key=lambda item: (item[1], item[0]), reverse=True)[:MAX_LISTS]
        lists.clear()
        lists.update(kept)
