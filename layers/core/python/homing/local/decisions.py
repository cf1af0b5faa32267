"""From what the stores hold after a run to the lines that people read; the same for the local host and the backtest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.message import Mail
from homing.domain.flows.effects import CallRequest
from homing.domain.flows.run import Run
from homing.domain.profiles.fold import FIRM
from homing.domain.profiles.profile import INTERNAL, Change, Profile
from homing.local.outputs import CallLine, Message, ProfileLine, Transition


def user_id_of(profile: Profile | None) -> str | None:
    """The customer's id in the shop; the first in order if a profile has several."""
    return min(profile.identifiers.get("user_id", ()), default=None) if profile else None


def message(profile_id: str, entry: Entry, run: Run | None, mail: Mail | None) -> Message:
    """One decision to send."""
    return Message(
        message_id=entry.send_id,
        profile_id=profile_id,
        to=mail.recipient if mail else None,
        flow=entry.flow,
        run_id=entry.run_id,
        template=entry.template,
        variant=entry.variant or None,
        because=entry.because,
        trigger=run.trigger if run else "",
        triggered_at=run.triggered_at if run else None,
        decided_at=entry.decided_at or None,
        sent_at=entry.sent_at or None,
        status=entry.status,
        reason=entry.reason,
        subject=mail.subject if mail else "",
        html=mail.html if mail else "",
        text=mail.text if mail else "",
        headers=dict(mail.headers) if mail else {},
    )


def messages(runs: Mapping[str, Run], entries: Iterable[tuple[str, Entry]], mails: Mapping[str, Mail]) -> list[Message]:
    """All decisions, by the time they were taken. ``entries`` with their profile ids, ``mails`` by send id."""
    found = [
        message(profile_id, entry, runs.get(entry.run_id), mails.get(entry.send_id)) for profile_id, entry in entries
    ]
    return sorted(found, key=lambda line: (line.decided_at or 0, line.message_id))


def transition(profile_id: str, user_id: str | None, change: Change) -> Transition | None:
    """A segment entered or left; None for other changes."""
    if change.kind not in {"segment_entered", "segment_left"} or change.name.startswith(INTERNAL):
        return None
    return Transition(
        at=change.at,
        profile_id=profile_id,
        user_id=user_id,
        segment=change.name,
        change="entered" if change.kind == "segment_entered" else "left",
    )


def call_line(request: CallRequest) -> CallLine:
    """A call that a step asked for."""
    return CallLine(
        call_id=request.id,
        at=request.at,
        webhook=request.webhook,
        flow=request.flow,
        run_id=request.run_id,
        step=request.step,
        profile_id=request.profile_id,
        data=dict(request.data),
    )


def profile_line(profile: Profile) -> ProfileLine:
    """A profile at the end."""
    return ProfileLine(
        profile_id=profile.id,
        user_id=user_id_of(profile),
        email=profile.email,
        identifiers={kind: sorted(values) for kind, values in profile.identifiers.items()},
        traits=profile.all_traits(),
        consents={topic: said.granted for topic, said in profile.consents.items() if not topic.endswith(FIRM)},
        segments=profile.named_segments,
        first_at=profile.first_at,
        last_at=profile.last_at,
        wake_at=profile.wake_at,
    )
