"""What is known of one person at an instant, and how it came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.campaigns import Campaigns
from homing.domain.content.yaml_source import Located
from homing.domain.delivery.ledger import Entry
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.events.event import PERSON_IDENTIFIERS, Event
from homing.domain.explain import words
from homing.domain.explain.evidence import Evidence, statement
from homing.domain.explain.reasons import Explainer, Reason
from homing.domain.flows.run import Run
from homing.domain.profiles import carts, codec, memory
from homing.domain.profiles.identity import Identity, normalise
from homing.domain.profiles.profile import Profile
from homing.domain.profiles.reviewing import reasons
from homing.domain.time import iso, zone
from homing.local.backtest import LOCAL_SECRET, Backtest
from homing.local.explain.lines import lines_of
from homing.local.explain.messages import Told, in_order
from homing.local.recording import Recorded
from homing.services.ports import Journal, ProfileStore
from homing.services.resolve import trail
from homing.sources.segment_spec import read_message

# What tells one event from another, in this order.
_TELLING = ("order_id", "product_id", "list", "topic", "send_id", "total", "cart_id", "url")
_MOST = 3
Advanced = Callable[[Backtest, Run | None, Run], None]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that changed: a membership or a trait, when, and why. ``line`` is that of the event, 0 where it was
    time alone."""

    at: int
    what: str
    why: str
    line: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {"at": iso(self.at), "what": self.what, "why": self.why, "line": self.line or None}


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether somebody is in a segment, and until when if nothing happens."""

    segment: str
    member: bool
    until: int | None


@dataclass(slots=True)
class Story:
    """Everything about one person at ``at``. History is known only with a recording."""

    profile: Profile
    at: int
    zone: ZoneInfo
    revision: str
    # Lines of the recording that are about this person or whoever shares something with them; None without one.
    lines: int | None = None
    memberships: list[Membership] = field(default_factory=list)
    explained: dict[str, Reason] = field(default_factory=dict)
    computed: dict[str, tuple[Any, int | None]] = field(default_factory=dict)
    carts: list[carts.Cart] = field(default_factory=list)
    review: list[str] = field(default_factory=list)
    segments_past: list[Moment] = field(default_factory=list)
    traits_past: list[Moment] = field(default_factory=list)
    # What was decided about mails to them; None where nobody asked the journal.
    messages: list[Told] | None = None


def stored(
    campaigns: Campaigns, places: Mapping[str, Located], store: ProfileStore, identity: Identity, person: str, at: int,
    segment: str | None = None, journal: Journal | None = None,
) -> Story:  # fmt: skip
    """The story as a table tells it: without history, but with the ledger's messages. Raises InvalidInput when it knows
    nobody of that name."""
    profile = find(store, identity, person)
    story = _tell(Engine(campaigns), places, profile, at, segment, Evidence(_zone(campaigns)))
    if journal is not None:
        ledgers = [journal.load_ledger(id) for id in (profile.id, *sorted(profile.merged))]  # noqa: A001
        story.messages = in_order((entry.at, entry) for ledger in ledgers for entry in ledger.entries.values())
    return story


def replayed(
    campaigns: Campaigns, places: Mapping[str, Located], recording: Path, person: str, *, at: int | None = None,
    segment: str | None = None, tick: Callable[[int], None] | None = None, beyond: int = 0,
) -> Story:  # fmt: skip
    """The story as a recording tells it, played up to ``at`` (by default ``beyond`` this person's last event). Raises
    InvalidInput when the recording knows nobody of that name, or not yet."""
    identity = Identity(LOCAL_SECRET)
    lines = lines_of(recording, person, identity, tick=tick)
    at = lines[-1].at + beyond if at is None else at
    played = Played(campaigns, [line for line in lines if line.at <= at], at)
    if not played.events:
        raise InvalidInput(
            f"the first event of {person!r} is of {iso(lines[0].at)}, later than {iso(at)}", code="too_early"
        )
    backtest = played.backtest
    profile = find(backtest.profiles, identity, person)
    own = [(line, event) for line, event in played.events if played.owner(event) == profile.id]
    evidence = Evidence(_zone(campaigns), told_by(own))
    story = _tell(backtest.update.engine, places, profile, at, segment, evidence)
    story.lines = len(played.events)
    ids = {profile.id, *profile.merged}
    story.segments_past = [moment for whose, moment in played.moments if whose in ids]
    story.traits_past = _traits_past(own)
    story.messages = in_order((when, entry) for when, whose, entry in played.decided if whose in ids)
    return story


class Played:
    """Lines through the backtest, with what changed at each. ``advanced`` hears of each run before and after an advance."""

    def __init__(
        self, campaigns: Campaigns, lines: list[Recorded], at: int, *, advanced: Advanced | None = None
    ) -> None:
        self.decided: list[tuple[int, str, Entry]] = []
        self.backtest = Backtest(campaigns, keep_mails=False, watch=lambda *told: self.decided.append(told))
        if advanced is not None:
            self.backtest.flows = replace(self.backtest.flows, told=lambda *run: advanced(self.backtest, *run))
        self.events: list[tuple[int, Event]] = []
        self.moments: list[tuple[str, Moment]] = []
        self._owners: dict[str, str] = {}
        for line in lines:
            try:
                message = {name: value for name, value in line.message.items() if name != "sentAt"}
                event = read_message(message, received=line.at)
            except InvalidInput:
                continue
            self.events.append((line.line, event))
            self.backtest.run([event])
            self._notice(event, line.line)
        self.backtest.run([], until=at)
        self._notice(None, 0)

    def owner(self, event: Event) -> str:
        """Id of the profile that the event's strongest identifier leads to in the end."""
        id = self.backtest.identity.person(event.identifiers) or ""  # noqa: A001
        if id not in self._owners:
            self._owners[id] = trail(self.backtest.profiles, id)[0][-1]
        return self._owners[id]

    def _notice(self, event: Event | None, line: int) -> None:
        found, self.backtest.telling.transitions = self.backtest.telling.transitions, []
        for change in found:
            by_event = event is not None and change.at >= event.received
            why = described(event) if by_event and event is not None else "time passed"
            moment = Moment(change.at, f"{change.change} {change.segment}", why, line if by_event else 0)
            self.moments.append((change.profile_id, moment))


def described(event: Event) -> str:
    """``Order Completed (order_id 4711, total 20.4)``."""
    details = _details(event)
    return f"{event.name} ({details})" if details else event.name


def _details(event: Event) -> str:
    found = [name for name in _TELLING if isinstance(event.properties.get(name), str | int | float)][:_MOST]
    return ", ".join(f"{name} {words.value(event.properties[name])}" for name in found)


def told_by(events: list[tuple[int, Event]]) -> Callable[[int], str]:
    """What is known of an event besides its time, by its key."""
    known: dict[int, str] = {}
    for line, event in events:
        details = _details(event)
        known.setdefault(memory.event_key(event), f"{details}, line {line}" if details else f"line {line}")
    return lambda key: known.get(key, "")


def _traits_past(events: list[tuple[int, Event]]) -> list[Moment]:
    """What each source said of each trait, whenever it said something new."""
    latest: dict[tuple[str, str], Any] = {}
    found = []
    for line, event in events:
        if event.type != "identify":
            continue
        for name, value in event.properties.items():
            if (name, event.source) in latest and latest[name, event.source] == value:
                continue
            latest[name, event.source] = value
            said = "removed" if value is None else f"is {words.value(value)}"
            found.append(Moment(event.occurred, f"{name} {said}", f"said {words.heard(event.source)}", line))
    return found


def find(store: ProfileStore, identity: Identity, person: str) -> Profile:
    """By profile id, or by any identifier; ``email:ana@shop.example`` says which kind."""
    kind, _, rest = person.partition(":")
    kinds = [known for known in PERSON_IDENTIFIERS if known == kind and rest]
    value = rest if kinds else person
    ids = [identity.key(known, normalise(known, value)) for known in kinds or PERSON_IDENTIFIERS]
    for id in [person, *ids]:  # noqa: A001
        profile = trail(store, id)[1]
        if profile is not None:
            return profile
    raise InvalidInput(f"there is no profile of {person!r}", code="unknown_person")


def _tell(
    engine: Engine, places: Mapping[str, Located], found: Profile, at: int, segment: str | None, evidence: Evidence
) -> Story:
    # A copy: time passes in it without anybody being told.
    profile = codec.decode(found.id, found.version, codec.encode(found))
    at = max(at, profile.evaluated_at)
    engine.settle(profile, at)
    explainer = Explainer(engine, evidence, places)
    settings = engine.campaigns.settings
    story = Story(profile, at, evidence.zone, engine.campaigns.revision)
    wanted = [segment] if segment is not None else list(engine.segments)
    story.explained = {name: explainer.segment(profile, name, at) for name in wanted}
    story.memberships = [
        Membership(name, reason.holds, reason.changes_at) for name, reason in sorted(story.explained.items())
    ]
    for name in sorted(engine.attributes.asked):
        attribute = engine.attributes.get(name)
        story.computed[name] = attribute.value(profile, at), attribute.next_change(profile, at)
    for rule in engine.staged:
        # Where they stand, and when they may stand elsewhere.
        story.computed[rule.name] = rule.evaluate(profile, at)
    states = (
        carts.state(profile.carts, token, at, settings.cart.forget_after) for token in carts.open_tokens(profile.carts)
    )
    story.carts = [cart for cart in states if cart is not None and cart.items]
    for reason in reasons(profile, settings.review):
        if reason.conflict is not None:
            trait, winner, rival = reason.conflict
            story.review.append(
                f"{trait}: {statement(winner, evidence.zone)}; against it {statement(rival, evidence.zone)}"
            )
        elif reason.doubt is not None:
            story.review.append(f"shares {reason.doubt.kind} with profile {reason.doubt.other}")
    return story


def _zone(campaigns: Campaigns) -> ZoneInfo:
    return zone(campaigns.settings.time_zone)
