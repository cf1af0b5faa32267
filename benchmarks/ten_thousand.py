"""Ten thousand personal mails through the whole way in memory, with caps, quiet hours, windows, best hours, priorities,
hold-outs and people who end it: what was decided, and whether any promise was broken.

The checks know nothing of the gate: they look at who got what when, and at what the people of this shop said and where
they live.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks import inputs
from benchmarks.measure import Report, Table, number
from homing.domain.campaigns import Campaigns, Settings
from homing.domain.delivery.ledger import Entry
from homing.domain.flows.language import Flow
from homing.domain.time import DAY, iso, parse_instant
from homing.local.backtest import Backtest
from homing.sources.segment_spec import read_message

START = parse_instant("2026-10-19T00:00:00Z")
DAYS = 10
# Ten days with the night on which Europe's clocks are put back. The last name is of no zone: the shop's counts.
ZONES = (
    "Europe/Berlin", "Europe/Lisbon", "America/New_York", "America/Sao_Paulo", "Asia/Tokyo", "Asia/Kathmandu",
    "Australia/Sydney", "Mars/Olympus",
)  # fmt: skip
SHOPS_ZONE = "Europe/Berlin"
QUIET = ("21:00", "08:00")
CAPS = {"marketing": (3, 7 * DAY), None: (2, DAY)}
FLOWS: list[dict[str, Any]] = [
    {"name": "cart", "on": "cart_abandoned", "topic": "cart_reminders", "priority": 10, "expires_after": "20h",
     "run_once_per": "cart", "steps": [{"send": "cart-reminder"}]},
    {"name": "offer", "on": "flow_requested", "priority": 5, "steps": [{"send": "win-back"}],
     "send_window": {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "19:00"}},
    {"name": "news", "on": "flow_requested", "send_time": "best", "steps": [{"send": "win-back"}],
     "holdout": {"percent": 10}},
]  # fmt: skip


@dataclass(slots=True)
class Person:
    """Who they are and what they said. ``ended_at``: when they unsubscribed."""

    name: str
    zone: str
    agreed: bool
    ended_at: int | None = None


@dataclass(slots=True)
class Seen:
    """Everything that was decided: the last word on each send and why it waited before."""

    last: dict[str, tuple[str, Entry]] = field(default_factory=dict)
    waited: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, _now: int, profile_id: str, entry: Entry) -> None:
        self.last[entry.send_id] = profile_id, entry
        if entry.status == "deferred":
            self.waited[entry.send_id].append("a higher priority" if entry.behind else entry.reason)


def campaigns() -> Campaigns:
    """The starter set's mails under stricter rules."""
    starter = inputs.campaigns()
    plain = starter.settings.model_dump(by_alias=True, exclude_unset=True, mode="json")
    topics = {
        "marketing": {"title": "Offers", "cap": {"messages": 3, "within": "7d"}},
        "cart_reminders": {"title": "Carts", "covered_by": "marketing"},
    }
    rules = {
        "time_zone": SHOPS_ZONE, "quiet_hours": {"from": QUIET[0], "until": QUIET[1]}, "topics": topics,
        "cap": {"messages": 2, "within": "1d"}, "send_expires_after": "3d", "holdout": {"percent": 5},
    }  # fmt: skip
    settings = Settings.model_validate({"brand": plain["brand"], **rules})
    flows = {flow["name"]: Flow.model_validate(flow) for flow in FLOWS}
    return starter.model_copy(update={"settings": settings, "flows": flows})


def people(count: int, rng: random.Random) -> list[Person]:
    """A sixth never agreed, and one in twelve ends it in these days."""
    made = []
    for n in range(count):
        person = Person(f"Person{n:05d}", rng.choice(ZONES), rng.random() > 1 / 6)
        if rng.random() < 1 / 12:
            person.ended_at = START + rng.randrange(DAY, DAYS * DAY)
        made.append(person)
    return made


def story(everybody: list[Person], rng: random.Random) -> list[tuple[int, dict[str, Any]]]:
    """What happens, in order: sign-ups, looking around, carts, unsubscribing, and what marketers ask for."""
    found: list[tuple[int, dict[str, Any]]] = []
    for person in everybody:
        begin = START - rng.randrange(1, 5 * DAY)
        said = {"email": f"{person.name.lower()}@example.com", "first_name": person.name, "timezone": person.zone}
        found.append((begin, _identify(person, said | {"consent": {"marketing": person.agreed}})))
        views = (begin + rng.randrange(DAY) for _ in range(rng.randrange(3)))
        found += [(at, _track(person, "Product Viewed", product_id="stoneware-mug")) for at in views]
        if person.ended_at is not None:
            found.append((person.ended_at, _track(person, "Unsubscribed", topic="marketing")))
        for day in range(DAYS - 4):
            at = START + day * DAY
            for flow, share in (("offer", 0.25), ("news", 0.3)):
                if rng.random() < share:
                    request = {"flow": flow, "user_id": person.name, "request_id": f"{flow}-{day}"}
                    found.append((at + rng.randrange(DAY), {"request": request}))
            if rng.random() < 0.2:
                cart = {"product_id": "olive-board", "cart_id": f"{person.name}-{day}", "quantity": 1}
                found.append((at + rng.randrange(DAY), _track(person, "Product Added", **cart)))
    return sorted(found, key=lambda one: (one[0], str(one[1])))


def _identify(person: Person, traits: dict[str, Any]) -> dict[str, Any]:
    return {"type": "identify", "userId": person.name, "traits": traits}


def _track(person: Person, name: str, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "userId": person.name, "properties": properties}


def run(*, quick: bool) -> Report:
    """Prints the distribution; the verdicts are the promises."""
    rng = random.Random(11)
    everybody = people(400 if quick else 3_600, rng)
    seen, received = Seen(), dict[str, tuple[str, bool]]()
    backtest = Backtest(campaigns(), watch=seen)
    cpu = time.process_time()
    for at, what in story(everybody, rng):
        backtest.pass_time(at)
        backtest.now = max(backtest.now, at)
        if request := what.get("request"):
            backtest.request(request)
        else:
            backtest.run(
                [read_message({**what, "messageId": f"{at}-{what['userId']}", "timestamp": iso(at)}, received=at)]
            )
        _collect(backtest, received)
    backtest.pass_time(START + (DAYS + 5) * DAY)
    _collect(backtest, received)
    cpu = time.process_time() - cpu
    report = Report("ten_thousand", "Ten thousand personal mails")
    report.intro = (
        f"{number(len(everybody))} people in {len(ZONES)} time zones (one of them does not exist), {DAYS} days, three flows of "
        f"different priority, at most 2 mails a day and 3 of marketing in 7 days, quiet from {QUIET[0]} to {QUIET[1]}, working "
        "hours for offers, each person's best hour for news, 5 % held out of everything and 10 % of news."
    )
    report.tables = [_distribution(seen, cpu), _waits(seen)]
    report.verdicts = _verdicts(everybody, seen, received, quick=quick)
    return report


def _collect(backtest: Backtest, received: dict[str, tuple[str, bool]]) -> None:
    for sent in backtest.mailer.sent:
        name = sent.mail.recipient.partition("@")[0].capitalize()
        own = name in sent.mail.html and sent.mail.headers["List-Unsubscribe"][1:-1] in sent.mail.html.replace(
            "&amp;", "&"
        )
        send_id = sent.mail.tags["homing_send"]
        # A second mail of one send would show as one that is not their own.
        received[send_id] = name, own and send_id not in received
    backtest.mailer.sent.clear()


def _outcome(entry: Entry, waited: list[str]) -> str:
    if entry.status == "sent":
        return "sent after waiting" if waited else "sent at once"
    return f"{entry.status}: {entry.reason.partition(':')[0]}"


def _distribution(seen: Seen, cpu: float) -> Table:
    flows = [flow["name"] for flow in FLOWS]
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for send_id, (_, entry) in seen.last.items():
        counted[_outcome(entry, seen.waited[send_id])][entry.flow] += 1
    ordered = sorted(counted.items(), key=lambda item: (not item[0].startswith("sent"), -item[1].total(), item[0]))
    total = len(seen.last)
    rows = [
        [what, *(number(by[flow]) for flow in flows), number(by.total()), f"{by.total() / total:.1%}"]
        for what, by in ordered
    ]
    whole = Counter(entry.flow for _, entry in seen.last.values())
    rows.append(["decided", *(number(whole[flow]) for flow in flows), number(total), "100.0%"])
    columns = ("outcome", *(f"{flow['name']} ({flow.get('priority', 0)})" for flow in FLOWS), "all", "share")
    notes = [
        f"{number(cpu, 1)} s of CPU for everything, {number(cpu * 1000 / total, 2)} ms a decision; flows with priority."
    ]
    return Table("What became of every send", columns, rows, notes)


def _waits(seen: Seen) -> Table:
    sends: Counter[str] = Counter()
    went: Counter[str] = Counter()
    for send_id, reasons in seen.waited.items():
        for reason in set(reasons):
            sends[reason] += 1
            went[reason] += seen.last[send_id][1].status == "sent"
    rows = [
        [reason, number(count), number(went[reason]), f"{went[reason] / count:.1%}"]
        for reason, count in sends.most_common()
    ]
    return Table(
        "Why sends waited",
        ("reason", "sends", "sent in the end", "share"),
        rows,
        ["A send may wait for several reasons."],
    )


def _verdicts(
    everybody: list[Person], seen: Seen, received: dict[str, tuple[str, bool]], *, quick: bool
) -> list[tuple[str, str, bool]]:  # fmt: skip
    known = {person.name: person for person in everybody}
    by_person: dict[str, list[Entry]] = defaultdict(list)
    for send_id, (name, _) in received.items():
        by_person[name].append(seen.last[send_id][1])
    sent = [entry for entries in by_person.values() for entry in entries]
    ended = Counter(entry.status for _, entry in seen.last.values())
    impersonal = sum(not own for _, own in received.values())
    broken = sum(_above(entries, topic) for entries in by_person.values() for topic in CAPS)
    nightly = sum(_at_night(known[name].zone, entry.sent_at) for name, of in by_person.items() for entry in of)
    unwanted = sum(_unwanted(known[name], entry) for name, of in by_person.items() for entry in of)
    closed = sum(
        entry.flow == "offer" and not _at_work(known[name].zone, entry.sent_at)
        for name, of in by_person.items() for entry in of
    )  # fmt: skip
    late = sum(entry.sent_at >= entry.expires_at for entry in sent)
    held_out = {whose for whose, entry in seen.last.values() if (entry.values or {}).get("holdout") == "holdout"}
    leaked = sum(whose in held_out and entry.status == "sent" for whose, entry in seen.last.values())
    open_ = len(seen.last) - ended["sent"] - ended["dropped"]
    return [
        ("ten thousand personal mails, each once, with their own name and link", f"{number(len(sent))}, {impersonal} not so",
         not impersonal and (quick or len(sent) >= 10_000)),
        ("no frequency cap violated in any rolling window", f"{broken} violations", broken == 0),
        ("none in the quiet hours where they live", f"{nightly} mails", nightly == 0),
        ("none outside the send window", f"{closed} mails", closed == 0),
        ("none to who did not agree, or ended it before", f"{unwanted} mails", unwanted == 0),
        ("none to people who are held out", f"{leaked} mails to {len(held_out)} people", leaked == 0 and bool(held_out)),
        ("none after it expired, none left undecided", f"{late} late, {open_} open", late == 0 and open_ == 0),
    ]  # fmt: skip


def _above(entries: list[Entry], topic: str | None) -> int:
    most, within = CAPS[topic]
    at = sorted(entry.sent_at for entry in entries if topic in (None, entry.topic))
    return sum(later - at[n] < within for n, later in enumerate(at[most:]))


def _local(zone: str, at: int) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(
        ZoneInfo(SHOPS_ZONE if zone.startswith("Mars") else zone)
    )


def _at_night(zone: str, at: int) -> bool:
    clock = f"{_local(zone, at):%H:%M}"
    return clock >= QUIET[0] or clock < QUIET[1]


def _at_work(zone: str, at: int) -> bool:
    here = _local(zone, at)
    return here.weekday() < 5 and 9 <= here.hour < 19


def _unwanted(person: Person, entry: Entry) -> bool:
    return not person.agreed or (person.ended_at is not None and entry.sent_at >= person.ended_at)
