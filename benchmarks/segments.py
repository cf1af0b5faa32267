"""Does the cost of an event follow what it touches, and what does compiling rules bring?"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from benchmarks import inputs, interpreter, manysegments
from benchmarks.measure import Report, Spread, Table, number
from homing.adapters.memory import MemoryProfiles, MemoryQuarantine
from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event
from homing.domain.profiles.memory import event_key
from homing.domain.profiles.profile import Profile
from homing.domain.segments.native import native
from homing.domain.time import HOUR
from homing.services.update_profiles import StreamItem, UpdateProfiles

_MOST = 1.5
_FASTER = 8
_CHUNKS = 6
_BATCH = 100


def run(*, quick: bool) -> Report:
    """``facts``: ratios by input and kind of the other segments, and by how much compiled rules are faster."""
    size = 1_500 if quick else 6_000
    sources: dict[str, list[StreamItem]] = {
        "simulated shop": inputs.simulated(2 * size),
        "crowd": inputs.crowd(2 * size),
    }
    if inputs.has_real_orders():
        sources["real orders"] = inputs.real_orders(2 * size)
    sources = {name: [record for record in records if _event(record)] for name, records in sources.items()}
    report = Report("segments", "Segments")
    many, ratios = _many(sources, size)
    if not quick and inputs.has_real_orders():
        # Every twentieth household of Complete Journey, whole: what customers look like after a quarter.
        sources["real orders, a quarter"] = inputs.quarter(20)
    plain, faster = _plain(sources, 300 if quick else 2_000)
    report.facts = {"ratios": ratios, "faster": faster}
    worst = max(ratios.values())
    least = min(faster.values())
    report.verdicts = [
        ("1,000 segments instead of 30 ≤ 1.5 × per event", f"{worst:.2f} × at most", worst <= _MOST),
        ("compiled rules ≥ 8 × a plain interpreter", f"{least:.1f} × at least", least >= _FASTER),
    ]
    report.tables = [many, plain]
    return report


def _event(record: StreamItem) -> Event | None:
    """None for what the updater would put into quarantine, or nobody's."""
    try:
        event = Event.from_json(record.data)
    except InvalidInput:
        return None
    return event if event.identifiers else None


# 1,000 segments


def _many(sources: Mapping[str, list[StreamItem]], size: int) -> tuple[Table, dict[str, float]]:
    base = manysegments.base()
    campaigns = {
        "30": manysegments.with_segments(base),
        "1,000, mixed": manysegments.with_segments({**base, **manysegments.mixture()}),
        "1,000, one event": manysegments.with_segments({**base, **manysegments.one_event()}),
        "1,000, one event, ranges": manysegments.with_segments({**base, **manysegments.ranges()}),
    }
    rows: list[list[str]] = []
    ratios: dict[str, float] = {}
    for name, records in sources.items():
        events = [event for record in records if (event := _event(record))]
        engine = _chunks({kind: _Engine(one).take for kind, one in campaigns.items()}, events, size)
        updater = _chunks({kind: _Updater(one).take for kind, one in campaigns.items()}, records, size)
        for kind in campaigns:
            row = [name, kind]
            for found in (engine, updater):
                cost = Spread.of(found[kind])
                times = Spread.of([mine / other for mine, other in zip(found[kind], found["30"], strict=True)])
                row += [cost.text(1), "1" if kind == "30" else times.text(2)]
                if kind == "1,000, mixed" and found is updater:
                    ratios[name] = times.median
            rows.append(row)
    columns = ("events", "segments", "engine, CPU µs an event", "× 30", "updater, CPU µs an event", "× 30")
    notes = [
        "The same events, a sixth at a time, through one after the other. Engine: what is due, fold, evaluation, normal form."
        f" Updater: parsing, reading, decoding, encoding and writing in memory besides, in batches of {_BATCH}.",
        "mixed: the 970 others are about other shelves, products, coupons, stores, plans, campaigns, lists and moments. Four"
        " in ten hang on event names that the stream is full of and differ in what they ask of a property; nobody is in them.",
        "one event: all 970 others hang on `Product Viewed`, each for another product: the engine finds those that ask for"
        " this product's value at once. ranges: each for a price above another limit; every view is held against all 970,"
        " which is the price of asking so, and not within the budget's promise.",
    ]
    return Table("1,000 segments instead of 30", columns, rows, notes), ratios


class _Engine:
    """The engine alone, profiles as objects."""

    def __init__(self, campaigns: Campaigns) -> None:
        self.engine = Engine(campaigns)
        self.profiles: dict[str, Profile] = {}

    def take(self, events: Sequence[Event]) -> None:
        """Each event for itself."""
        for event in events:
            id_ = event.identifiers.get("user_id") or next(iter(event.identifiers.values()))
            profile = self.profiles.get(id_)
            if profile is None:
                profile = self.profiles[id_] = Profile(id_)
            self.engine.receive(profile, event)
            self.engine.finish(profile)
            profile.changes = []


class _Updater:
    """The updater, profiles encoded as the table keeps them."""

    def __init__(self, campaigns: Campaigns) -> None:
        self.update = UpdateProfiles(campaigns, inputs.IDENTITY, MemoryProfiles(), None, MemoryQuarantine())
        assert self.update.engine

    def take(self, records: Sequence[StreamItem]) -> None:
        """In batches."""
        for start in range(0, len(records), _BATCH):
            part = records[start : start + _BATCH]
            assert self.update(part, batch=part[0].sequence).failed is None


def _chunks(takes: Mapping[str, Callable[[Any], None]], what: Sequence[Any], size: int) -> dict[str, list[float]]:
    """CPU µs per element by chunk, after ``size`` elements that are not measured."""
    found: dict[str, list[float]] = {kind: [] for kind in takes}
    size = min(size, len(what) // 2)
    for take in takes.values():
        take(what[:size])
    length = size // _CHUNKS
    kinds = list(takes)
    for turn, start in enumerate(range(size, size + _CHUNKS * length, length)):
        chunk = what[start : start + length]
        # Each kind is first now and then, and nobody pays for looking through what all of them hold.
        gc.collect()
        gc.freeze()
        for kind in kinds[turn % len(kinds) :] + kinds[: turn % len(kinds)]:
            take = takes[kind]
            began = time.process_time()
            take(chunk)
            found[kind].append((time.process_time() - began) / len(chunk) * 1e6)
    return found


# Against a plain interpreter


def _plain(sources: Mapping[str, list[StreamItem]], people: int) -> tuple[Table, dict[str, float]]:
    folder = inputs.ROOT / "layers" / "campaigns" / "segments"
    documents = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))}
    documents |= manysegments.base()
    chosen = {name: document for name, document in documents.items() if interpreter.understood(document["when"])}
    nodes = interpreter.prepare(chosen)
    engine = Engine(manysegments.with_segments(manysegments.base()))
    rules = [engine.segments[name] for name in nodes]
    functions = [native(rule) for rule in rules]
    rows: list[list[str]] = []
    faster: dict[str, float] = {}
    for name, records in sources.items():
        profiles, histories, t = _profiles(engine, records, people)
        pairs = list(zip(profiles, histories, strict=True))

        def compiled(pairs: Any = pairs, t: int = t) -> list[bool]:
            return [rule.check(profile, t)[0] for profile, _ in pairs for rule in rules]

        def interpreted(pairs: Any = pairs, t: int = t) -> list[bool]:
            return [interpreter.member(node, nodes, profile, t) for profile, _ in pairs for node in nodes.values()]

        def from_history(pairs: Any = pairs, t: int = t) -> list[bool]:
            return [
                interpreter.member_of_history(node, nodes, profile, events, t)
                for profile, events in pairs
                for node in nodes.values()
            ]

        def compiled_flip(pairs: Any = pairs, t: int = t) -> list[tuple[bool, int | None]]:
            return [function(profile, t) for profile, _ in pairs for function in functions]

        def interpreted_flip(pairs: Any = pairs, t: int = t) -> list[tuple[bool, int | None]]:
            return [interpreter.next_change(node, nodes, profile, t) for profile, _ in pairs for node in nodes.values()]

        if not (compiled() == interpreted() == from_history() and compiled_flip() == interpreted_flip()):
            raise RuntimeError(f"the interpreters and the compiled rules disagree over {name}")
        questions = len(profiles) * len(rules)
        for what, one, others in (
            ("member now?", compiled, {"what is remembered": interpreted, "raw events": from_history}),
            ("and until when?", compiled_flip, {"what is remembered": interpreted_flip}),
        ):
            for over, other in others.items():
                mine, theirs = [], []
                for _ in range(5):
                    mine.append(_time(one) / questions * 1e6)
                    theirs.append(_time(other) / questions * 1e6)
                times = Spread.of([b / a for a, b in zip(mine, theirs, strict=True)])
                rows.append([
                    name, what, over, Spread.of(mine).text(2), Spread.of(theirs).text(2), f"{times.text(1)} ×",
                ])  # fmt: skip
                if what == "and until when?":
                    faster[name] = times.median
    columns = (
        "profiles of",
        "question",
        "interpreter over",
        "compiled, CPU µs a rule",
        "interpreter",
        "compiled is faster",
    )
    left = sorted(documents.keys() - chosen.keys())
    notes = [
        f"{len(nodes)} rules: the starter segments and those of a usual shop, over {number(people)} profiles at most, after"
        " their last event. The answers of all columns are equal. The interpreter walks the parsed YAML; it neither parses nor"
        " hashes anything. To tell until when, it asks again at each instant at which something begins or ceases to count.",
        "The engine always asks both questions: without the second somebody would have to poll. It counts for the budget.",
        *([f"Not interpreted, so left out: {', '.join(left)}."] if left else []),
    ]
    return Table("Compiled rules against a plain interpreter", columns, rows, notes), faster


def _profiles(engine: Engine, records: list[StreamItem], people: int) -> tuple[list[Profile], list[list[Event]], int]:
    """Profiles and raw events of the same people, and an instant soon after."""
    held: dict[str, Profile] = {}
    histories: dict[str, dict[tuple[str, int], Event]] = {}
    t = 0
    for record in records:
        if (event := _event(record)) is None:
            continue
        id_ = event.identifiers.get("user_id") or next(iter(event.identifiers.values()))
        if id_ not in held and len(held) == people:
            continue
        engine.receive(held.setdefault(id_, Profile(id_)), event)
        engine.finish(held[id_])
        # Messages that came twice count once.
        histories.setdefault(id_, {}).setdefault((event.name, event_key(event)), event)
        t = max(t, event.received, event.occurred)
    return list(held.values()), [list(events.values()) for events in histories.values()], t + HOUR


def _time(ask: Callable[[], object]) -> float:
    """CPU seconds; without the collector, which would look through all profiles and histories for whoever comes first."""
    gc.collect()
    gc.disable()
    began = time.process_time()
    ask()
    taken = time.process_time() - began
    gc.enable()
    return taken
