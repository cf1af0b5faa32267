"""Conditions of the language as sentences, and instants and durations as a person writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.segments import language as lang
from homing.domain.segments.comparisons import Anniversary, Comparison, Test
from homing.domain.segments.when import Between, During
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, to_datetime

# Where events come from, as a person would say it: "segment" is how they are written down, and means no segment.
_SOURCES = {
    "segment": "through the shop's SDK", "shopify": "by Shopify", "ses": "by the mail service", "flow": "by a flow",
    "preferences": "on the preference page", "preference page": "on the preference page",
    "one-click": "with one click in the mail program", "confirmation link": "with the confirmation link",
    "csv": "from a CSV file", "import": "in an import", "": "by nobody", "unknown": "by an unknown source",
}  # fmt: skip
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAYS = {
    "mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
    "sun": "Sunday",
}  # fmt: skip


def when(instant: int, zone: ZoneInfo) -> str:
    """``22 Nov 2026, 09:30``, on the clock of the zone; seconds and their parts only where there are some."""
    moment = to_datetime(instant).astimezone(zone)
    text = f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M}"
    if moment.microsecond:
        return f"{text}:{moment:%S}.{moment.microsecond:06d}".rstrip("0")
    return f"{text}:{moment:%S}" if moment.second else text


def heard(source: str) -> str:
    """How a statement came: ``through the shop's SDK``, ``by Shopify``, ``by checkout``. What is no source of Homing's is the
    shop's own name for it."""
    return _SOURCES.get(source) or f"by {source.replace('_', ' ')}"


def duration(length: int) -> str:
    """``30 days``, ``90 minutes``: in the largest unit that it is a whole number of."""
    for unit, size in (("day", DAY), ("hour", HOUR), ("minute", MINUTE), ("second", SECOND)):
        if length % size == 0 and length:
            return count(length // size, unit)
    return f"{length / SECOND:g} seconds"


def count(number: int, noun: str) -> str:
    """``1 time``, ``3 times``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def value(held: Any) -> str:
    """A value as it is shown: text without quotes, unless it is empty or would read like something else."""
    if isinstance(held, bool):
        return "true" if held else "false"
    if held is None:
        return "nothing"
    if isinstance(held, float):
        # From 100,000 on `g` drops digits.
        return f"{held:g}" if abs(held) < 1e5 else f"{held:.15g}" if abs(held) < 1e15 else str(held)
    if isinstance(held, list | tuple):
        return ", ".join(value(item) for item in held) or "an empty list"
    if isinstance(held, Mapping):
        return ", ".join(f"{name}: {value(item)}" for name, item in held.items()) or "nothing"
    text = str(held)
    return text if text.strip() else repr(text)


def percent(number: float, digits: str = "g") -> str:
    """``10 %``, which no line breaks apart."""
    return f"{number:{digits}}\u00a0%"


def listed(parts: Iterable[str], word: str = "and") -> str:
    """``a, b and c``."""
    found = list(parts)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} {word} {found[-1]}" if found else ""


def test(asked: Test) -> str:
    """``is DE``, ``is at least 3 and less than 5``."""
    found = []
    if asked.exists is not None:
        found.append("is there" if asked.exists else "is missing")
    if asked.equals is not None:
        found.append(f"is {value(asked.equals)}")
    if asked.in_ is not None:
        found.append(f"is {listed([value(one) for one in asked.in_], 'or')}")
    if asked.contains is not None:
        found.append(f"contains {value(asked.contains)}")
    if numbers := bounds(asked):
        found.append(f"is {numbers}")
    return " and ".join(found + _dates(asked))


def bounds(asked: Comparison, show: str = "{:g}") -> str:
    """``at least 3 and less than 5``."""
    names = (("more_than", "more than"), ("at_least", "at least"), ("less_than", "less than"), ("at_most", "at most"))
    return " and ".join(
        f"{said} {show.format(bound)}" for name, said in names if (bound := getattr(asked, name)) is not None
    )


def _dates(asked: Test) -> list[str]:
    found = []
    if (length := getattr(asked, "within_last", None)) is not None:
        found.append(f"lies in the last {duration(length)}")
    if (length := getattr(asked, "within_next", None)) is not None:
        found.append(f"lies in the next {duration(length)}")
    if (day := getattr(asked, "since", None)) is not None:
        found.append(f"is {day} or later")
    if (day := getattr(asked, "before", None)) is not None:
        found.append(f"is before {day}")
    returns = getattr(asked, "anniversary", None)
    if isinstance(returns, Anniversary):
        found.append(f"has its anniversary today or in the next {count(returns.next_days, 'day')}")
    elif returns is not None:
        found.append("has its anniversary today")
    return found


def times(asked: lang.Times | lang.Distinct) -> str:
    """``at least 3``, ``exactly 2``, ``1 to 4``."""
    if asked.exactly is not None:
        return f"exactly {asked.exactly}"
    if asked.at_least is not None and asked.at_most is not None:
        return f"{asked.at_least} to {asked.at_most}"
    return f"at least {asked.at_least}" if asked.at_least is not None else f"at most {asked.at_most}"


def weekday(day: str) -> str:
    """``mon`` as Monday."""
    return _DAYS[day]


def where(tests: Mapping[str, Test]) -> str:
    """`` where price is at least 20``."""
    return f" where {listed([f'{path} {test(asked)}' for path, asked in tests.items()])}" if tests else ""


def span(within: int | None, between: Between | None = None, during: During | None = None) -> str:
    """`` within 30 days``, `` between 2026-11-01 and 2026-11-30``, `` on Saturday from 18:00 until 23:00``."""
    text = f" within {duration(within)}" if within is not None else ""
    if between is not None:
        text += f" from {between.from_}" if between.from_ else ""
        text += f" until {between.to}" if between.to else ""
    return text + (f" {clock(during)}" if during is not None else "")


def clock(during: During) -> str:
    """``on Monday and Friday from 09:00 until 17:00``."""
    parts = []
    if during.weekdays is not None:
        parts.append(f"on {listed([_DAYS[day] for day in during.weekdays])}")
    if during.from_ is not None or during.until is not None:
        start = f"{during.from_:%H:%M}" if during.from_ else "midnight"
        parts.append(f"from {start} until {f'{during.until:%H:%M}' if during.until else 'midnight'}")
    return " ".join(parts)


def condition(asked: lang.Condition) -> str:
    """A condition as a sentence about ``they``. Of ``all``, ``any`` and ``not`` only what holds them together."""
    text: str = _SENTENCES[type(asked)](asked)
    return text


def _did(asked: lang.Did) -> str:
    about = span(asked.within, asked.between, asked.during) + where(asked.where)
    for name in lang.AMOUNTS:
        if (amount := getattr(asked, name)) is not None:
            return f"the {name} of {amount.of} over their {asked.did}{about} is {bounds(amount)}"
    if asked.distinct is not None:
        return f"did {asked.did} with {times(asked.distinct)} different {asked.distinct.of}{about}"
    often = "" if asked.times == lang.Times(at_least=1) else f" {_often(asked.times)}"
    same = f" with the same {asked.same}" if asked.same else ""
    return f"did {asked.did}{often}{same}{about}"


def _often(asked: lang.Times) -> str:
    text = times(asked)
    return f"{text} time" if text.endswith(" 1") else f"{text} times"


def _did_not(asked: lang.DidNot) -> str:
    return f"did not do {asked.did_not}{span(asked.within, asked.between, asked.during)}{where(asked.where)}"


def _chosen(asked: lang.First | lang.Last) -> str:
    which, event = ("first", asked.first) if isinstance(asked, lang.First) else ("latest", asked.last)
    parts = []
    if asked.within is not None:
        parts.append(f"less than {duration(asked.within)} ago")
    if asked.ago is not None and asked.ago.at_least is not None:
        parts.append(f"at least {duration(asked.ago.at_least)} ago")
    if asked.ago is not None and asked.ago.less_than is not None:
        parts.append(f"less than {duration(asked.ago.less_than)} ago")
    if asked.between is not None:
        parts.append(span(None, asked.between).strip())
    parts += [f"{path} {test(one)}" for path, one in asked.having.items()]
    rest = f" was {listed(parts)}" if parts else " is known"
    return f"their {which} {event}{where(asked.where)}{rest}"


def _sequence(asked: lang.Sequence) -> str:
    steps = []
    for step in asked.sequence:
        if isinstance(step, lang.DidNotStep):
            steps.append(f"no {step.did_not}{where(step.where)}{span(step.within)}")
        else:
            steps.append(f"{step.did}{where(step.where)}{span(step.within)}")
    same = f" with the same {asked.same}" if asked.same else ""
    begun = f", begun in the last {duration(asked.within)}" if asked.within is not None else ""
    return f"did {', then '.join(steps)}{same}{begun}"


def _rate(asked: lang.Rate) -> str:
    least = f", of at least {asked.among}" if asked.among > 1 else ""
    return (
        f"the share of {asked.of} with {asked.rate}{where(asked.where)} (by {asked.by}) within {duration(asked.within)} "
        f"is {bounds(asked, '{:.0%}')}{least}"
    )


def _share(asked: lang.Share) -> str:
    share = asked.share
    if share.percent is not None:
        return f"belongs to the {percent(share.percent)} drawn for {share.of}"
    end = 100 if share.to is None else share.to
    return f"belongs to the part from {percent(share.from_ or 0)} to {percent(end)} drawn for {share.of}"


def _now(asked: lang.Now) -> str:
    parts = [clock(asked.now), span(None, asked.now.between).strip()]
    return f"it is now {' '.join(part for part in parts if part)}, where they are"


_SENTENCES: dict[type, Any] = {
    lang.All: lambda asked: "all of these hold" if len(asked.all) > 1 else "this holds",
    lang.Any_: lambda asked: "at least one of these holds" if len(asked.any) > 1 else "this holds",
    lang.Not: lambda _: "this does not hold",
    lang.Did: _did,
    lang.DidNot: _did_not,
    lang.First: _chosen,
    lang.Last: _chosen,
    lang.Sequence: _sequence,
    lang.Rate: _rate,
    lang.Trait: lambda asked: listed(f"{name} {test(one)}" for name, one in asked.trait.items()),
    lang.Computed: lambda asked: listed(f"computed {name} {test(one)}" for name, one in asked.computed.items()),
    lang.KnownFor: lambda asked: f"known for at least {duration(asked.known_for.at_least)}",
    lang.Now: _now,
    lang.InSegment: lambda asked: f"is in the segment {asked.segment}",
    lang.OnList: lambda asked: f"is on the list {asked.list}",
    lang.Share: _share,
}
