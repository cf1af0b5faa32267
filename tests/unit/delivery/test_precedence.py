"""What a cap stops waits its turn: by priority, then by age, until it expires. Compared with a naive simulation."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.memory import MemoryInbox, MemoryJournal, MemoryMailer, MemoryOutbox, MemoryProfiles, MemoryStream
from homing.domain.content.render import Renderer
from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.links import Links
from homing.domain.delivery.message import SendRequest
from homing.domain.engine import Engine
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, MINUTE
from homing.services.send_email import SendEmail
from homing.services.wake_due import WakeDue
from tests.fixtures.shop import campaigns, event, identified, instant

START = instant("2026-03-02T00:00:00Z")
PRIORITIES = {"low": 0, "middle": 5, "high": 10}
TOPICS = {"marketing": {"title": "News"}, "carts": {"title": "Carts", "covered_by": "marketing"}}


class World:
    """One person, any number of flows, and the sweep of each minute."""

    def __init__(self, flows: list[dict[str, Any]], **rules: Any) -> None:
        made = [{"on": "flow_requested", "steps": [{"send": "hello"}], **flow} for flow in flows]
        self.campaigns = campaigns(flows=made, **{"topics": TOPICS, **rules})
        self.identity = Identity(b"secret")
        self.profiles, self.journal, self.mailer = MemoryProfiles(), MemoryJournal(isolate=False), MemoryMailer()
        self.outbox = MemoryOutbox()
        self.now = START
        engine = Engine(self.campaigns)
        self.profile = Profile(self.identity.key("user_id", "ana"), version=1)
        engine.receive(self.profile, identified("ana", "2026-03-01T00:00:00Z"))
        self.profiles.write(self.profile, expected=0)
        self.send = SendEmail(
            self.campaigns, self.identity, self.profiles, self.journal, self.mailer, Renderer(self.campaigns),
            Links(b"secret", "https://api.example"), lambda: self.now, lambda: "lease", engine=engine,
        )  # fmt: skip
        self.wake = WakeDue(self.profiles, self.journal, MemoryStream(), MemoryInbox(), self.outbox, lambda: self.now)

    def request(self, send_id: str, flow: str, topic: str = "marketing") -> SendRequest:
        return SendRequest(send_id, self.profile.id, "run", flow, "hello", topic, "flow_requested", self.now, self.now)

    def sweep(self, order: Random | None = None) -> None:
        """Everything that is due at this minute; the queue hands on in any order."""
        while True:
            self.wake()
            requests = list(self.outbox.take())
            if not requests:
                return
            if order:
                order.shuffle(requests)
            for request in requests:
                self.send(request)

    def until(self, t: int) -> None:
        while (due := self.journal.next_wake()) is not None and due <= t:
            self.now = max(self.now, -(-due // MINUTE) * MINUTE)
            self.sweep()
        self.now = t

    def entry(self, send_id: str) -> Entry:
        return self.journal.load_ledger(self.profile.id).entries[send_id]


FLOWS: list[dict[str, Any]] = [{"name": name, "priority": number} for name, number in PRIORITIES.items()]
ONE_A_DAY = {"cap": {"messages": 1, "within": "1d"}, "send_expires_after": "3d"}


def test_room_under_the_cap_goes_to_the_highest_priority_then_to_the_earliest() -> None:
    world = World(FLOWS, **ONE_A_DAY)
    for hour, (name, flow) in enumerate({"first": "low", "a": "low", "b": "middle", "c": "high", "d": "high"}.items()):
        world.until(START + hour * HOUR)
        world.send(world.request(name, flow))
    assert world.entry("first").status == "sent"
    world.until(START + 4 * DAY)
    sent = sorted((world.entry(name).sent_at, name) for name in "abcd" if world.entry(name).status == "sent")
    assert [(at - START, name) for at, name in sent] == [(DAY, "c"), (2 * DAY, "d"), (3 * DAY, "b")]
    assert world.entry("a").reason.startswith("cap_until_expired")


def test_a_send_that_lets_another_go_first_says_which() -> None:
    world = World(FLOWS, **ONE_A_DAY)
    world.send(world.request("first", "low"))
    for name in ("low", "high"):
        world.send(world.request(name, name))
    world.now = START + DAY
    # The queue has both; the lower one comes out first.
    assert world.send(SendRequest.from_dict(world.entry("low").request or {})).reason == "cap"
    assert (world.entry("low").behind, (world.entry("low").values or {})["flow"]) == ("high", "high")
    assert world.send(SendRequest.from_dict(world.entry("high").request or {})).status == "sent"
    assert world.entry("low").wake_at == world.now


def test_when_the_higher_one_is_dropped_the_lower_one_goes_at_once() -> None:
    world = World(FLOWS, **ONE_A_DAY)
    world.send(world.request("first", "low"))
    for name in ("low", "high"):
        world.send(world.request(name, name))
    world.now = START + DAY
    world.send(SendRequest.from_dict(world.entry("low").request or {}))
    broken = SendRequest.from_dict({**(world.entry("high").request or {}), "template": "gone"})
    assert world.send(broken).status == "dropped"
    world.sweep()
    assert world.entry("low").status == "sent"


def test_room_that_comes_early_is_first_offered_to_who_waits() -> None:
    """SES threw the first message away, so it takes no place; the higher one sleeps until the window would have ended."""
    world = World(FLOWS, **ONE_A_DAY)
    world.send(world.request("first", "low"))
    world.send(world.request("high", "high"))
    ledger = world.journal.load_ledger(world.profile.id)
    world.journal.save_ledger(ledger.put(ledger.entries["first"].change(status="dropped")), expected=ledger.version)
    world.now = START + HOUR
    assert world.send(world.request("low", "low")).reason == "cap"
    world.sweep()
    assert world.entry("high").sent_at == START + HOUR
    assert world.entry("low").status == "deferred"


def test_a_higher_one_that_is_decided_in_the_night_goes_before_a_lower_one_that_waits_for_the_morning() -> None:
    world = World(FLOWS, quiet_hours={"from": "22:00", "until": "08:00"}, **ONE_A_DAY)
    world.send(world.request("low", "low"))
    world.now = START + 3 * HOUR
    world.send(world.request("high", "high"))
    world.until(START + 20 * HOUR)
    assert world.entry("high").sent_at == START + 8 * HOUR
    assert world.entry("low").status == "deferred"


def test_who_may_not_get_the_higher_one_gets_the_lower_one() -> None:
    """A waiting send of a topic that was ended takes nobody's turn."""
    world = World(FLOWS, **ONE_A_DAY)
    world.send(world.request("first", "low"))
    world.send(world.request("high", "high", "carts"))
    engine = Engine(world.campaigns)
    engine.receive(world.profile, event("Unsubscribed", "2026-03-02T01:00:00Z", user_id="ana", topic="carts"))
    world.profile.version = 2
    world.profiles.write(world.profile, expected=1)
    world.now = START + DAY
    assert world.send(world.request("low", "low")).status == "sent"


def test_a_flow_says_how_long_its_mails_may_wait() -> None:
    world = World([{"name": "brief", "expires_after": "1h"}], **ONE_A_DAY)
    world.send(world.request("first", "brief"))
    world.now += HOUR
    late = world.send(world.request("second", "brief"))
    assert (late.status, late.reason) == ("dropped", "cap_until_expired")


# A naive simulation: every minute, those who wait in the order of precedence.


@dataclass(frozen=True)
class Ask:
    minute: int
    flow: str
    topic: str


asks = st.lists(
    st.builds(
        Ask, st.integers(0, 2 * 1440 // 10).map(lambda n: n * 10), st.sampled_from(sorted(PRIORITIES)),
        st.sampled_from(["marketing", "carts"]),
    ),
    min_size=1, max_size=14,
)  # fmt: skip
caps = st.none() | st.fixed_dictionaries(
    {"messages": st.integers(1, 3), "within": st.sampled_from(["30m", "5h", "1d", "36h"])}
)
MINUTES = {"30m": 30, "5h": 300, "1d": 1440, "36h": 2160, "8h": 480, "2d": 2880}
quiet = st.none() | st.sampled_from([("22:00", "08:00"), ("01:00", "05:30")])


def naive(
    asks: list[Ask], all_cap: Any, topic_cap: Any, night: tuple[str, str] | None, expire: dict[str, str]
) -> dict[str, int | None]:
    """Minute of each send, None for what expired. Knows nothing of wake-ups."""
    sent: list[tuple[int, str]] = []
    found: dict[str, int | None] = {}
    waiting: list[tuple[int, int, str, Ask]] = []

    def awake(minute: int) -> bool:
        if night is None:
            return True
        start, end = (int(text[:2]) * 60 + int(text[3:]) for text in night)
        of_day = minute % 1440
        return not (start <= of_day < end if start < end else of_day >= start or of_day < end)

    def room(topic: str, minute: int) -> bool:
        for cap, of in ((all_cap, None), (topic_cap, "marketing")):
            if cap is None or of not in (None, topic):
                continue
            recent = [at for at, other in sent if of in (None, other) and at > minute - MINUTES[cap["within"]]]
            if len(recent) >= cap["messages"]:
                return False
        return True

    numbered = sorted(((ask.minute, f"{n:02d}", ask) for n, ask in enumerate(asks)), key=lambda item: item[:2])
    for minute in range(5 * 1440):
        new = [(-PRIORITIES[ask.flow], at, name, ask) for at, name, ask in numbered if at == minute]
        # First those who wait, then one after the other those who come.
        for group in (sorted(waiting, key=lambda one: one[:3]), *([one] for one in new)):
            for one in group:
                _, at, name, ask = one
                if minute >= at + MINUTES[expire[ask.flow]]:
                    found[name] = None
                elif awake(minute) and room(ask.topic, minute):
                    found[name] = minute
                    sent.append((minute, ask.topic))
        waiting = [one for one in (*waiting, *new) if one[2] not in found]
    assert not waiting
    return found


@settings(max_examples=80, deadline=None)
@given(
    asks, caps, caps, quiet,
    st.fixed_dictionaries({name: st.sampled_from(["8h", "1d", "2d"]) for name in PRIORITIES}), st.randoms(use_true_random=False),
)  # fmt: skip
def test_the_gate_sends_what_and_when_a_naive_simulation_sends(
    asks: list[Ask], all_cap: Any, topic_cap: Any, night: tuple[str, str] | None, expire: dict[str, str], order: Random
) -> None:
    rules: dict[str, Any] = {"cap": all_cap} if all_cap else {}
    if night:
        rules["quiet_hours"] = {"from": night[0], "until": night[1]}
    topics = {**TOPICS, "marketing": {**TOPICS["marketing"], **({"cap": topic_cap} if topic_cap else {})}}
    world = World([{**flow, "expires_after": expire[flow["name"]]} for flow in FLOWS], topics=topics, **rules)
    coming: dict[int, list[tuple[str, Ask]]] = {}
    for number, ask in enumerate(asks):
        coming.setdefault(ask.minute, []).append((f"{number:02d}", ask))
    for minute in range(5 * 1440):
        world.now = START + minute * MINUTE
        due = world.journal.next_wake()
        if due is not None and due <= world.now:
            world.sweep(order)
        for name, ask in coming.get(minute, ()):
            world.send(world.request(name, ask.flow, ask.topic))
    entries = world.journal.load_ledger(world.profile.id).entries
    # Every send ends: sent, or given up with a reason.
    assert {entry.status for entry in entries.values()} <= {"sent", "dropped"}
    assert all(entry.reason for entry in entries.values() if entry.status == "dropped")
    found = {
        name: (entry.sent_at - START) // MINUTE if entry.status == "sent" else None for name, entry in entries.items()
    }
    assert found == naive(asks, all_cap, topic_cap, night, expire)
    # Never above a cap in any rolling window.
    for cap, topic in ((all_cap, None), (topic_cap, "marketing")):
        if cap:
            at = sorted(e.sent_at for e in entries.values() if e.status == "sent" and topic in (None, e.topic))
            within = MINUTES[cap["within"]] * MINUTE
            assert all(later - at[n] >= within for n, later in enumerate(at[cap["messages"] :]))
