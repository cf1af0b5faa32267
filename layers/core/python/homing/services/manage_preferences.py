"""Unsubscribing, and the preference page. Consent is an event too, but a withdrawal must not wait for the stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qs, urlencode

from homing.domain.campaigns import Campaigns
from homing.domain.delivery import gate
from homing.domain.delivery.links import LinkClaims, Links
from homing.domain.delivery.message import Stop
from homing.domain.delivery.pages import confirm
from homing.domain.delivery.pages import preferences as pages
from homing.domain.delivery.pages.layout import Page
from homing.domain.delivery.pages.texts import LANGUAGES, texts
from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.events import names
from homing.domain.events.event import Event, derived_message_id
from homing.domain.profiles.fold import BY_LINK, EVERY_TOPIC
from homing.domain.profiles.identity import Identity, normalise
from homing.domain.profiles.profile import Profile
from homing.domain.time import to_datetime
from homing.services.http import HttpRequest, HttpResponse
from homing.services.ports import Clock, ProfileStore, Stream, StreamRecord
from homing.services.resolve import resolve

SOURCE = BY_LINK
ONE_CLICK, PAGE, CONFIRMED = "one-click", "preference page", "confirmation link"
_MAX_BODY = 10_000


@dataclass(frozen=True, slots=True)
class _Word:
    topic: str
    granted: bool
    source: str
    wording: str = ""


@dataclass(frozen=True)
class ManagePreferences:
    """GET only ever shows; POST changes.

    A withdrawal is written as a stop, which the next send reads strongly consistent, before the event goes to the
    stream; doing both twice is doing them once.

    A save is the person's word on every topic shown, whatever is stored: an earlier save may still be on the stream, so
    what looks unchanged may not be. The latest word wins, in whatever order they are folded.
    """

    campaigns: Campaigns
    identity: Identity
    profiles: ProfileStore
    stream: Stream
    links: Links
    clock: Clock

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers a page of ``/unsubscribe``, ``/preferences`` or ``/confirm``."""
        purpose: Literal["unsubscribe", "preferences", "confirm"] = "preferences"
        if request.last_segment == "unsubscribe":
            purpose = "unsubscribe"
        elif request.last_segment == "confirm":
            purpose = "confirm"
        if request.method not in {"GET", "HEAD", "POST"}:
            return _html(405, pages.trouble(self._frame(request), "bad_method"))
        try:
            claims = self.links.read(request.query.get("t", ""), purpose, self.clock())
        except InvalidInput as error:
            status = 410 if error.code == "link_expired" else 400
            refused = pages.trouble(self._frame(request), "link_old" if status == 410 else "link_incomplete")
            return _html(status, refused, counts={"LinksRefused": 1}, facts={"code": error.code})
        answers = {"unsubscribe": self._unsubscribe, "preferences": self._preferences, "confirm": self._confirm}
        try:
            return answers[purpose](request, claims)
        except Unavailable:
            failed = _html(503, pages.trouble(self._frame(request), "busy"), counts={"Unavailable": 1})
            return HttpResponse(503, failed.body, {**failed.headers, "Retry-After": "30"}, failed.counts)

    def _unsubscribe(self, request: HttpRequest, claims: LinkClaims) -> HttpResponse:
        if request.method != "POST":
            frame = self._frame_for(request, claims)
            return _html(200, pages.ask_to_unsubscribe(frame, self._title(claims.topic, frame)))
        form = _form(request)
        # RFC 8058: a mail provider's POST, urlencoded or multipart; any other POST was made on the page.
        source = ONE_CLICK if b"One-Click" in request.body else PAGE
        topic = EVERY_TOPIC if form.get("everything") else claims.topic
        self._say([claims.profile_id, claims.email_key], claims, [_Word(topic, False, source)])
        # Nobody looks at the answer to a mail provider.
        frame = self._frame(request) if source == ONE_CLICK else self._frame_for(request, claims)
        page = pages.unsubscribed(frame, self._title(topic, frame))
        return _html(200, page, counts={"Unsubscribed": 1}, facts={"topic": topic, "by": source})

    def _confirm(self, request: HttpRequest, claims: LinkClaims) -> HttpResponse:
        """The yes of a double opt-in: it holds for the address that the mail went to."""
        profile = resolve(self.profiles, [claims.profile_id]).get(claims.profile_id)
        frame = self._frame(request, profile)
        email = profile.email if profile is not None else None
        own = email is not None and claims.email_key == self.identity.key("email", normalise("email", email))
        if not own or claims.topic not in self.campaigns.settings.topics:
            return _html(410, confirm.nothing_to_confirm(frame), counts={"LinksRefused": 1})
        title = self._title(claims.topic, frame)
        if request.method != "POST":
            return _html(200, confirm.ask_to_confirm(frame, title))
        self._say([], claims, [replace(self._word(claims.topic, True, frame), source=CONFIRMED)])
        page = confirm.confirmed(frame, title)
        return _html(200, page, counts={"SubscriptionsConfirmed": 1}, facts={"topic": claims.topic})

    def _preferences(self, request: HttpRequest, claims: LinkClaims) -> HttpResponse:
        profile = resolve(self.profiles, [claims.profile_id]).get(claims.profile_id)
        if profile is None:
            return self._of_nobody(request, claims)
        frame = self._frame(request, profile)
        ids = [claims.profile_id, profile.id, claims.email_key]
        if profile.email:
            ids.append(self.identity.key("email", normalise("email", profile.email)))
        ids = list(dict.fromkeys(ids))
        # A send asks under the names of profiles that were merged into this one too.
        stops = list(self.profiles.stops({*ids, *profile.merged}).values())
        now_on = self._state(profile, stops)
        suppressed = next((stop.suppressed for stop in stops if stop.suppressed), "")
        if request.method != "POST":
            return _html(200, pages.preferences(frame, self._choices(now_on, frame), suppressed=suppressed))
        form = _form(request)
        if form.get("everything"):
            wanted = dict.fromkeys(now_on, False)
            words = [_Word(EVERY_TOPIC, False, PAGE)]
            counts = {"Unsubscribed": 1}
            saved = frame.texts("left")
        else:
            ticked = set(form.get("topic", ()))
            wanted = {topic: topic in ticked for topic in now_on}
            words = [self._word(topic, granted, frame) for topic, granted in wanted.items()]
            # Every word is said, but only a change is somebody more, or less, to write to.
            changed = [granted for topic, granted in wanted.items() if granted != now_on[topic]]
            counts = {"Unsubscribed": changed.count(False), "Subscribed": changed.count(True)}
            saved = frame.texts.count("saved", sum(wanted.values()))
        self._say(ids, claims, words)
        shown = pages.preferences(frame, self._choices(wanted, frame), saved=saved, suppressed=suppressed)
        return _html(200, shown, counts=counts, facts={"topics": [f"{word.topic}:{word.granted}" for word in words]})

    def _of_nobody(self, request: HttpRequest, claims: LinkClaims) -> HttpResponse:
        """The profile is gone, or not stored yet. A withdrawal holds all the same; there is nobody to believe a yes of."""
        if request.method == "POST":
            form = _form(request)
            topics, ticked = self.campaigns.settings.topics, set(form.get("topic", ()))
            off = [name for name, topic in topics.items() if not topic.transactional and name not in ticked]
            words = [EVERY_TOPIC] if form.get("everything") else off
            ids = list(dict.fromkeys([claims.profile_id, claims.email_key]))
            self._say(ids, claims, [_Word(topic, False, PAGE) for topic in words])
        return _html(200, pages.nothing_known(self._frame(request)))

    def _frame(self, request: HttpRequest, profile: Profile | None = None) -> pages.Frame:
        settings = self.campaigns.settings
        chosen = texts(
            asked=request.query.get("lang", ""), profile=profile, default=settings.language,
            accept=request.headers.get("accept-language", ""),
        )  # fmt: skip
        token = request.query.get("t", "")
        others = [language for language in LANGUAGES if language != chosen.language]
        elsewhere = {language: "?" + urlencode({"t": token, "lang": language}) for language in others}
        return pages.Frame(settings.brand, chosen, elsewhere)

    def _frame_for(self, request: HttpRequest, claims: LinkClaims) -> pages.Frame:
        """In the person's language, when that can be had: unsubscribing must not wait for it."""
        try:
            return self._frame(request, resolve(self.profiles, [claims.profile_id]).get(claims.profile_id))
        except Unavailable:
            return self._frame(request)

    def _state(self, profile: Profile, stops: Iterable[Stop]) -> dict[str, bool]:
        """The topics that people choose about, and whether their mails are sent now."""
        topics = self.campaigns.settings.topics
        # What suppresses the address is told apart from what the person chose.
        chosen = [Stop(stop.id, topics=stop.topics) for stop in stops]
        return {
            name: gate.refusal(profile, name, topics, chosen) is None
            for name, topic in topics.items()
            if not topic.transactional
        }

    def _title(self, topic: str, frame: pages.Frame) -> str:
        settings = self.campaigns.settings
        return pages.title_of(topic, settings.topics, frame, settings.language)

    def _choices(self, on: Mapping[str, bool], frame: pages.Frame) -> list[pages.Choice]:
        settings = self.campaigns.settings
        return [
            pages.choice_of(name, settings.topics[name], frame, settings.language, on=is_on)
            for name, is_on in on.items()
        ]

    def _word(self, topic: str, granted: bool, frame: pages.Frame) -> _Word:
        """In the words that stood on the page."""
        held = self._choices({topic: granted}, frame)[0]
        return _Word(topic, granted, PAGE, f"{held.title}: {held.description}".rstrip(": "))

    def _say(self, ids: list[str], claims: LinkClaims, words: list[_Word]) -> None:
        """``ids`` are the person and the addresses that a withdrawal holds for."""
        # Never dated ahead of the clock, whatever is stored: a yes from the future would outweigh the next withdrawal.
        now = self.clock()
        withdrawn = {word.topic: now for word in words if not word.granted}
        if withdrawn:
            for id_ in ids:
                self.profiles.stop(Stop(id=id_, topics=withdrawn))
        self.stream.put([_record(word, claims, now) for word in words])


def _record(word: _Word, claims: LinkClaims, now: int) -> StreamRecord:
    # Only a later yes outweighs a stop: what is on is said a moment after the topic that covers it was switched off.
    at = now + 1 if word.granted else now
    name = names.SUBSCRIBED if word.granted else names.UNSUBSCRIBED
    event = Event(
        message_id=f"preferences:{derived_message_id(claims.profile_id, word.topic, name, str(now))}",
        type="track",
        name=name,
        identifiers={},
        occurred_at=to_datetime(at),
        received_at=to_datetime(now),
        properties={"topic": word.topic, "source": word.source, **({"wording": word.wording} if word.wording else {})},
        context={"profile_id": claims.profile_id},
        source=SOURCE,
    )
    return StreamRecord(claims.profile_id, event.to_json())


def _form(request: HttpRequest) -> dict[str, list[str]]:
    """The fields of an urlencoded form; a multipart body (one-click) has none that matter."""
    return parse_qs(request.body[:_MAX_BODY].decode("utf-8", "replace"))


def _html(
    status: int, page: Page, *, counts: Mapping[str, int] | None = None, facts: Mapping[str, object] | None = None
) -> HttpResponse:
    return HttpResponse(status, page.html, page.headers, counts or {}, facts or {})
