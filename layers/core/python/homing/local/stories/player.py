"""Playing one story: its steps on the stage, its expectations judged."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from homing.domain.campaigns import Campaigns
from homing.domain.content.yaml_source import Path
from homing.domain.errors import InvalidInput
from homing.domain.flows.language import Flow
from homing.domain.flows.run import Run
from homing.domain.profiles.local_time import zone_of
from homing.domain.profiles.profile import Profile
from homing.domain.stories import language as lang
from homing.domain.stories.check import Known, changed_flow
from homing.domain.stories.expected import Expect
from homing.domain.stories.language import Person, Step, Story, instant_of
from homing.domain.time import format_duration, zone
from homing.local.stories.judge import judge
from homing.local.stories.messages import message
from homing.local.stories.stage import Line, Mailed, Stage
from homing.local.stories.timeline import clock, timeline, values_written
from homing.services.resolve import resolve
from homing.sources.segment_spec import read_message

_ONE_CLICK = b"List-Unsubscribe=One-Click"
_BOX = re.compile(r'name="topic" value="([^"]+)"( checked)?')


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that does not hold, or a step that can't be done."""

    line: int
    column: int
    description: str
    expected: str
    instead: str


@dataclass(slots=True)
class Played:
    """What came of a story. ``timeline`` is all that happened."""

    story: Story
    checks: int = 0
    failures: list[Failure] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Impossible(InvalidInput):
    """A step that can't be done: a click in a mail that nobody got."""


def play(story: Story, campaigns: Campaigns, known: Known) -> Played:
    """Plays it to its end, or to the step that can't be done."""
    began = time.perf_counter()
    player = Player(story, campaigns, known)
    player.play()
    player.played.timeline = timeline(player.stage.log, player.whose, player.zone)
    player.played.seconds = time.perf_counter() - began
    return player.played


class Player:
    """See the module."""

    def __init__(self, story: Story, campaigns: Campaigns, known: Known) -> None:
        self.story, self.known = story, known
        self.played = Played(story)
        self.shop = zone(campaigns.settings.time_zone)
        self.stage = Stage(campaigns, now=instant_of(story.at, self.shop, 0))
        self.only = next(iter(story.people)) if len(story.people) == 1 else None
        self._messages = 0

    def play(self) -> None:
        for name, person in self.story.people.items():
            self._introduce(name, person)
        for step in self.story.steps:
            if not self._tried(step):
                return

    def _tried(self, step: Step) -> bool:
        try:
            self._step(step)
        except InvalidInput as error:
            self._fail(step.path, "", "this can be done", error.message)
            return False
        return True

    def _step(self, step: Step) -> None:
        what = step.what
        if isinstance(what, Expect):
            self._expect(what)
        elif isinstance(what, lang.Advance):
            self.stage.let_pass(self.stage.now + what.advance)
        elif isinstance(what, lang.Until):
            until = instant_of(what.until, self.shop, self.stage.now)
            if until < self.stage.now:
                raise Impossible(f"it is {clock(self.stage.now, self.shop)} already, after {clock(until, self.shop)}")
            self.stage.let_pass(until)
        elif isinstance(what, lang.Outage):
            self._outage(what, step.meanwhile)
        elif isinstance(what, lang.Request):
            self._request(what)
        elif isinstance(what, lang.Pause | lang.Resume | lang.Stop):
            self._order(what)
        elif isinstance(what, lang.Product):
            self._product(what)
        elif isinstance(what, lang.Deploy):
            self._deploy(step, what)
        else:
            self._deed(step.who, what)

    # What people do

    def _introduce(self, name: str, person: Person) -> None:
        consent = person.consent
        if isinstance(consent, bool):
            topics = self.stage.campaigns.settings.topics
            consent = {topic: consent for topic, held in topics.items() if not held.transactional}
        traits = {**person.traits(), **({"consent": consent} if consent else {})}
        if traits or person.email:
            self._send(name, "identify", person.names(name), traits)

    def _deed(self, who: str, what: Any) -> None:
        if isinstance(what, lang.Event):
            self._event(who, what)
        elif isinstance(what, lang.Opens | lang.Clicks | lang.Bounces | lang.Complains):
            self._react(who, what)
        elif isinstance(what, lang.Unsubscribes):
            self._note(who, f"unsubscribes {'with one click' if what.unsubscribes == 'one_click' else 'on the page'}")
            body = _ONE_CLICK if what.unsubscribes == "one_click" else b""
            self._post(who, "unsubscribe", self._mail(who, what.by), body)
        elif isinstance(what, lang.Prefers):
            self._note(who, f"saves the preference page: {_on_off(what.prefers)}")
            sent = self._mail(who, what.by)
            shown = self.stage.visit("GET", "preferences", self._token(sent, "preferences")).body
            boxes = {topic: bool(ticked) for topic, ticked in _BOX.findall(shown)} | what.prefers
            form = urlencode([("topic", topic) for topic, on in boxes.items() if on])
            self._post(who, "preferences", sent, form.encode())
        elif isinstance(what, lang.Confirms):
            self._note(who, f"confirms by {what.confirms}")
            self._post(who, "confirm", self._mail(who, what.confirms), b"")

    def _event(self, who: str, what: lang.Event) -> None:
        person = self.story.people[who]
        shown = partial(values_written, zone=self.zone(who))
        names = what.as_.said() if what.as_ is not None else _usual(person.names(who))
        if isinstance(what, lang.Says):
            kind, name, values, text = "identify", "", what.says, f"says {shown(what.says)}"
        elif isinstance(what, lang.IsAlso):
            also = what.is_also.said()
            kind, name, values, text = "identify", "", {}, f"is also {shown(also)}"
            names = {**names, **also}
        else:
            assert isinstance(what, lang.Does)
            kind, name, values = "track", what.does, what.all_properties()
            text = f"{name}{f' ({shown(values)})' if values else ''}"
        text += f", as {shown(names)}" if what.as_ is not None else ""
        text += f", {format_duration(what.late)} ago, told now" if what.late else ""
        self._note(who, f"{text}{', told twice' if what.twice else ''}")
        for _ in range(2 if what.twice else 1):
            self._send(who, kind, names, values, name, what.late, again=what.twice)
        self._messages += 1

    def _send(
        self, who: str, kind: str, names: dict[str, str], values: dict[str, Any], name: str = "", late: int = 0, *,
        again: bool = False,
    ) -> None:  # fmt: skip
        now = self.stage.now
        if not again:
            self._messages += 1
        written = message(kind, names, values, name, id=f"story-{self._messages}", at=now - late)
        self.stage.say(read_message(written, received=now))

    def _react(self, who: str, what: Any) -> None:
        machine = {"machine": "true"} if getattr(what, "machine", False) else {}
        by = ", a machine does" if machine else ""
        if isinstance(what, lang.Opens):
            self._note(who, f"opens {what.opens}{by}")
            self.stage.react(self._mail(who, what.opens), "Open", **machine)
        elif isinstance(what, lang.Clicks):
            sent = self._mail(who, what.clicks)
            links = [link.replace("&amp;", "&") for link in re.findall(r'href="(http[^"]+)"', sent.mail.html)]
            link = next((link for link in links if what.link in link), None)
            if link is None:
                raise Impossible(f"no link in {what.clicks} contains {what.link!r}")
            self._note(who, f"clicks {what.clicks}{by}: {link.partition('?')[0]}")
            self.stage.react(sent, "Click", link=link, **machine)
        elif isinstance(what, lang.Bounces):
            self._note(who, f"{what.bounces} bounces{'' if what.for_good else ', perhaps not for good'}")
            kind = "Permanent" if what.for_good else "Transient"
            self.stage.react(self._mail(who, what.bounces), "Bounce", bounceType=kind)
        else:
            self._note(who, f"marks {what.complains} as spam")
            self.stage.react(self._mail(who, what.complains), "Complaint")

    def _mail(self, who: str, template: str | None) -> Mailed:
        """The latest mail that they got, of a template."""
        for sent in reversed(self.stage.mails):
            if template in {None, sent.entry.template} and self.is_of(sent.profile_id, who):
                return sent
        raise Impossible(f"{who} has got no mail{f' {template}' if template else ''} so far")

    def _token(self, sent: Mailed, page: str) -> str:
        found = re.search(rf"/{page}\?t=([\w-]+)", f"{sent.mail.headers}{sent.mail.html}{sent.mail.text}")
        if found is None:
            raise Impossible(f"{sent.entry.template} has no link to {page}")
        return found[1]

    def _post(self, who: str, page: str, sent: Mailed, body: bytes) -> None:
        answer = self.stage.visit("POST", page, self._token(sent, page), body)
        if answer.status != 200:
            raise Impossible(f"the page answered {who} with {answer.status}")

    # What else happens

    def _outage(self, what: lang.Outage, meanwhile: tuple[Step, ...]) -> None:
        until = self.stage.now + what.outage
        self._note("", f"an outage of {format_duration(what.outage)} begins")
        self.stage.stop_working()
        for step in meanwhile:
            self._step(step)
        if self.stage.now > until:
            raise Impossible(f"the outage ends {clock(until, self.shop)}, before all of `meanwhile` has happened")
        self.stage.now = until
        self._note("", "the outage is over")
        self.stage.go_on()

    def _request(self, what: lang.Request) -> None:
        self._messages += 1
        id_ = what.request_id or f"request-{self._messages}"
        detail: dict[str, Any] = {"flow": what.request, "request_id": id_, "data": what.data}
        if what.segment is not None:
            detail["segment"] = what.segment
        else:
            who = what.for_ or self.only or ""
            kind, value = next(iter(self.story.people[who].names(who).items()))
            detail[kind] = value
        self._note("", f"a marketer asks for {what.request} for {what.segment or what.for_ or self.only}")
        self.stage.ask("FlowRequested", detail, id_)

    def _order(self, what: lang.Pause | lang.Resume | lang.Stop) -> None:
        self._messages += 1
        order = type(what).__name__
        flow = getattr(what, order.lower())
        self._note("", f"a marketer {order.lower()}s {flow}")
        self.stage.ask(f"Flow{order}Requested", {"flow": flow}, f"order-{self._messages}")

    def _product(self, what: lang.Product) -> None:
        self._messages += 1
        product_id = str(what.product)
        held = self.stage.campaigns.products.get(product_id)
        detail: dict[str, Any] = {"product_id": product_id}
        parts = []
        if what.price is not None:
            before = f"{what.price.from_:.2f}" if what.price.from_ is not None else (held.price if held else None)
            detail["price"] = {"now": f"{what.price.to:.2f}"} | ({} if before is None else {"before": before})
            detail |= {"currency": what.currency} if what.currency else {}
            parts.append(f"costs {what.price.to:.2f}{f' instead of {before}' if before is not None else ''}")
        if what.in_stock is not None:
            detail["in_stock"] = {"before": not what.in_stock, "now": what.in_stock}
            parts.append("can be had again" if what.in_stock else "can't be had any more")
        self._note("", f"{product_id} {' and '.join(parts)}")
        self.stage.ask("ProductChanged", detail, f"product-{self._messages}")

    def _deploy(self, step: Step, what: lang.Deploy) -> None:
        flows = dict(self.stage.campaigns.flows)
        for name, changes in what.deploy.items():
            if changes is None:
                flows.pop(name, None)
                continue
            flow, problems = changed_flow(self.story, step, name, self.known)
            if flow is None:
                raise Impossible(str(problems[0]))
            flows[name] = flow
        self._note("", f"deployed: {', '.join(what.deploy)}")
        self.stage.deploy(self.stage.campaigns.model_copy(update={"flows": flows}))

    # Expectations

    def _expect(self, what: Expect) -> None:
        broken = len(self.played.failures)
        for check in what.checks:
            self.played.checks += 1
            miss = judge(check, self)
            if miss is not None:
                self._fail(check.path, what.description, miss.expected, miss.instead)
        if what.description and len(self.played.failures) == broken:
            self.stage.log.append(Line(self.stage.now, "held", f"✓ {what.description}"))

    def _fail(self, path: Path, description: str, expected: str, instead: str) -> None:
        line, column = self.story.located.place(path, key=True)
        self.played.failures.append(Failure(line, column, description, expected, instead))
        self.stage.log.append(Line(self.stage.now, "broken", f"✗ {description or expected} (line {line})"))

    # Who is who

    def profile(self, who: str | None) -> Profile | None:
        """Somebody's profile, if there is one by now."""
        who = who or self.only or ""
        id_ = self.stage.identity.person(self.story.people[who].names(who))  # type: ignore[arg-type]
        return resolve(self.stage.profiles, [id_]).get(id_) if id_ else None

    def is_of(self, profile_id: str, who: str) -> bool:
        """Whether a profile is, or became, that person's."""
        profile = self.profile(who)
        found = resolve(self.stage.profiles, [profile_id]).get(profile_id)
        return profile is not None and found is not None and profile.id == found.id

    def whose(self, profile_id: str) -> tuple[str, ZoneInfo]:
        """The name of a profile's person in the story, else its address, and the zone."""
        profile = resolve(self.stage.profiles, [profile_id]).get(profile_id)
        if profile is None:
            return "somebody", self.shop
        tz = zone_of(profile, self.shop.key)
        name = next((one for one in self.story.people if self.is_of(profile_id, one)), None)
        return name or profile.email or "somebody", tz

    def zone(self, who: str) -> ZoneInfo:
        """Somebody's zone; the shop's for nobody."""
        profile = self.profile(who) if who else None
        return zone_of(profile, self.shop.key) if profile else self.shop

    def flow_of(self, run: Run) -> Flow | None:
        """The version of the flow that a run goes by."""
        current = self.stage.flows.engine.flows.get(run.flow)
        if current is not None and run.flow_version in {"", current.version}:
            return current.flow
        held = self.stage.journal.load_flow(run.flow, run.flow_version)
        return Flow.model_validate(held) if held is not None else None

    def _note(self, who: str, text: str) -> None:
        self.stage.log.append(Line(self.stage.now, "deed", text, who=who))


def _usual(names: dict[str, str]) -> dict[str, str]:
    """What a shop knows at every click: the account (else the card, else the address), and the browser and device."""
    strong = next((name for name in ("user_id", "loyalty_id", "email") if name in names), None)
    return {name: value for name, value in names.items() if name == strong or name in {"anonymous_id", "device_id"}}


def _on_off(topics: dict[str, bool]) -> str:
    return ", ".join(f"{topic} {'on' if on else 'off'}" for topic, on in topics.items())
