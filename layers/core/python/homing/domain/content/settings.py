"""What the settings may say but the world does not know: zones, currencies, languages, topics.

The tables are large, so they are asked only when campaigns are checked or published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from homing.domain.content.suggest import closest, did_you_mean
from homing.domain.content.yaml_source import Located
from homing.domain.errors import InvalidCampaign


def wrong_settings(located: Located) -> Iterator[InvalidCampaign]:
    """Mistakes that the model of the settings can't see. Values of a wrong type are left to the model."""
    settings = located.value
    if not isinstance(settings, Mapping):
        return
    for key, hint_of in (("time_zone", _time_zone), ("currency", _currency), ("language", _language)):
        value = settings.get(key)
        if isinstance(value, str) and (message := hint_of(value)):
            yield located.error(message, code="invalid_value", path=(key,))
    languages = settings.get("languages")
    for index, value in enumerate(languages if isinstance(languages, list) else ()):
        if isinstance(value, str) and (message := _language(value)):
            yield located.error(message, code="invalid_value", path=("languages", index))
    topics = settings.get("topics")
    if isinstance(topics, Mapping):
        yield from _covers(located, topics)


def _time_zone(name: str) -> str | None:
    if name in _zones():
        return None
    wanted = name.strip().lower().replace(" ", "_")
    # The city is what people know: Berlin is Europe/Berlin.
    same = [zone for zone in sorted(_zones()) if wanted in (zone.lower(), zone.lower().rpartition("/")[2])]
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(_zones(), reverse=True)}
    city = closest(name.rpartition("/")[2], cities)
    meant = next(iter(same), None) or closest(name, _zones()) or (cities[city] if city else None)
    hint = f"did you mean {meant!r}?" if meant else "write one such as Europe/Berlin"
    return f"there is no time zone {name!r} ({hint})"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) | {"UTC"}


def _currency(code: str) -> str | None:
    from babel.core import Locale
    from babel.numbers import list_currencies

    if code in list_currencies() or not (len(code) == 3 and code.isascii() and code.isupper()):
        # What is not even three capitals, the model refuses.
        return None
    known = set(Locale("en").currencies)
    return f"there is no currency {code!r}{did_you_mean(code, known) or ' (write its ISO 4217 code, such as EUR)'}"


def _language(code: str) -> str | None:
    from babel.core import Locale, UnknownLocaleError

    try:
        Locale.parse(code.replace("-", "_"))
        return None
    except (UnknownLocaleError, ValueError):
        pass
    names = {name.lower(): key.replace("_", "-") for key, name in Locale("en").languages.items()}
    native = {str(Locale(key).get_display_name() or "").lower(): key for key in ("de", "fr", "es", "it", "nl", "pl")}
    meant = (native | names).get(code.strip().lower())
    hint = f"did you mean {meant!r}?" if meant else "write a code such as en, de or pt-BR"
    return f"there is no language {code!r} ({hint})"


def _covers(located: Located, topics: Mapping[str, Any]) -> Iterator[InvalidCampaign]:
    above = {
        name: topic["covered_by"]
        for name, topic in topics.items()
        if isinstance(topic, Mapping) and isinstance(topic.get("covered_by"), str)
    }
    told: set[str] = set()
    for name, cover in above.items():
        path = ("topics", name, "covered_by")
        if cover not in topics:
            message = f"there is no topic {cover!r}{did_you_mean(cover, [one for one in topics if one != name])}"
            yield located.error(message, code="unknown_topic", path=path)
            continue
        trail = [name]
        while (following := above.get(trail[-1])) is not None and following not in trail:
            trail.append(following)
        if following == name and name not in told:
            told.update(trail)
            message = f"topics cover each other in a circle: {' → '.join([*trail, name])}"
            yield located.error(message, code="topic_cycle", path=path)
