"""Whether what was expected is so; and if not, what there is instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from homing.domain.delivery.consent import word_on
from homing.domain.explain import words
from homing.domain.explain.messages import decision
from homing.domain.flows.run import Run
from homing.domain.flows.steps import find, kind_of
from homing.domain.stories.expected import Check, DecisionIs, MailIs, RunIs, Which, WhichRun
from homing.domain.stories.language import instant_of, is_time_of_day
from homing.domain.time import MINUTE, to_datetime
from homing.local.stories.stage import Mailed
from homing.local.stories.timeline import clock, written

if TYPE_CHECKING:
    from homing.local.stories.player import Player

# What proves in a link whose it is: nothing that anybody reads.
_TOKEN = re.compile(r"\?t=[\w-]+")


class Miss(NamedTuple):
    """What was expected, and what there is instead."""

    expected: str
    instead: str


def judge(check: Check, player: Player) -> Miss | None:
    """None when it is as expected."""
    return _JUDGES[check.word](check, player)


# Mails


def _mail(check: Check, player: Player) -> Miss | None:
    wanted: MailIs = check.what
    found = [sent for sent in player.stage.mails if not sent.told and _is(wanted, player, sent.profile_id, sent)]
    for sent in found[: wanted.count]:
        sent.told = True
    if len(found) != wanted.count:
        expected = f"{words.count(wanted.count, 'new mail')}{_which(wanted)}"
        return Miss(expected, _mails_instead(wanted, found, player))
    return next((miss for sent in found if (miss := _like(wanted, sent, player))), None)


def _like(wanted: MailIs, sent: Mailed, player: Player) -> Miss | None:
    """Whether a mail is as it should be."""
    mail, zone = sent.mail, player.whose(sent.profile_id)[1]
    if wanted.at is not None:
        # The next such time after the minute before is that minute itself, or not.
        at = instant_of(wanted.at, zone, sent.at // MINUTE * MINUTE - 1)
        if at // MINUTE != sent.at // MINUTE:
            shown = wanted.at if is_time_of_day(wanted.at) else clock(at, zone)
            return Miss(f"{sent.entry.template} at {shown}", f"it left at {clock(sent.at, zone)}")
    if wanted.topic is not None and wanted.topic != sent.entry.topic:
        return Miss(f"{sent.entry.template} under the topic {wanted.topic}", f"its topic is {sent.entry.topic}")
    if wanted.subject is not None and wanted.subject != mail.subject:
        return Miss(f"the subject “{wanted.subject}”", f"“{mail.subject}”")
    held = (mail.subject, mail.text, mail.html)
    for text in wanted.contains:
        if not any(text in one for one in held):
            return Miss(f"{sent.entry.template} contains “{text}”", f"it reads:\n{_quoted(mail.subject, mail.text)}")
    for text in wanted.not_contains:
        if any(text in one for one in held):
            return Miss(
                f"{sent.entry.template} does not contain “{text}”", f"it reads:\n{_quoted(mail.subject, mail.text)}"
            )
    return None


def _no_mail(check: Check, player: Player) -> Miss | None:
    wanted: Which = check.what
    more = check.word == "no_more_mail"
    found = [
        sent for sent in player.stage.mails
        if not (more and sent.told) and _is(wanted, player, sent.profile_id, sent)
    ]  # fmt: skip
    if not found:
        return None
    return Miss(f"no {'more ' if more else ''}mail{_which(wanted)}", _lines(_shown(sent, player) for sent in found))


def _mails_instead(wanted: MailIs, found: list[Mailed], player: Player) -> str:
    mails = player.stage.mails
    if found:
        return _lines(_shown(sent, player) for sent in found)
    parts = []
    before = [sent for sent in mails if sent.told and _is(wanted, player, sent.profile_id, sent)]
    others = [sent for sent in mails if not sent.told]
    if before:
        parts.append(f"none that was not expected before:{_lines(_shown(sent, player) for sent in before)}")
    elif others:
        parts.append(f"other mails:{_lines(_shown(sent, player) for sent in others)}")
    else:
        parts.append("no mail")
    if decided := _decided(wanted, player):
        parts.append(f"but:{_lines(decided)}")
    return "\n".join(parts)


def _decided(wanted: Which, player: Player, *, sent: bool = False) -> list[str]:
    """What was decided about the sends that are meant."""
    return [
        f"{entry.template} to {player.whose(profile_id)[0]}: {decision(entry, player.whose(profile_id)[1])}"
        for _, profile_id, entry in player.stage.decided.values()
        if (sent or entry.status != "sent") and _is(wanted, player, profile_id, entry)
    ]


def _is(wanted: Which, player: Player, profile_id: str, of: Any) -> bool:
    """Whether a mail or a decision is among those that are meant."""
    entry = of.entry if isinstance(of, Mailed) else of
    if wanted.to is not None:
        if "@" in wanted.to:
            if not isinstance(of, Mailed) or of.mail.recipient.lower() != wanted.to.lower():
                return False
        elif not player.is_of(profile_id, wanted.to):
            return False
    if wanted.template not in {None, entry.template} or wanted.flow not in {None, entry.flow}:
        return False
    run = player.stage.journal.load_run(entry.run_id)
    return run is not None and _about(run, wanted.cart, wanted.order)


def _about(run: Run, cart: Any, order: Any) -> bool:
    held = run.data
    return (cart is None or str(held.get("cart", {}).get("token")) == str(cart)) and (
        order is None or str(held.get("order", {}).get("order_id")) == str(order)
    )


# Runs and decisions


def _run(check: Check, player: Player) -> Miss | None:
    wanted: RunIs = check.what
    found = _runs(wanted, player)
    right = [run for run in found if _as_wanted(wanted, run, player)]
    if len(right) == wanted.count:
        return None
    state = (
        f"ended with {wanted.ended}"
        if wanted.ended
        else {"waiting": "waiting", "ended": "ended"}.get(wanted.state or "")
    )
    parts = [part for part in (state, f"before step {wanted.step}" if wanted.step is not None else "") if part]
    expected = (
        f"{words.count(wanted.count, 'run')} of {wanted.flow}{_of(wanted)}{f', {words.listed(parts)}' if parts else ''}"
    )
    return Miss(expected, _lines(_run_shown(run, player) for run in found) if found else "it did not begin")


def _no_run(check: Check, player: Player) -> Miss | None:
    wanted: WhichRun = check.what
    found = _runs(wanted, player)
    name = f" of {wanted.flow}" if wanted.flow else ""
    return Miss(f"no run{name}{_of(wanted)}", _lines(_run_shown(run, player) for run in found)) if found else None


def _runs(wanted: RunIs | WhichRun, player: Player) -> list[Run]:
    return [
        run
        for run in player.stage.journal.runs()
        if wanted.flow in {None, run.flow}
        and (wanted.of is None or player.is_of(run.profile_id, wanted.of))
        and _about(run, wanted.cart, wanted.order)
    ]


def _as_wanted(wanted: RunIs, run: Run, player: Player) -> bool:
    state = "ended" if run.status == "ended" else "waiting"
    if wanted.state not in {None, state} or wanted.ended not in {None, run.reason}:
        return False
    return wanted.step is None or (state == "waiting" and str(wanted.step) in _places(run, player))


def _places(run: Run, player: Player) -> list[str]:
    """The position of a run, and the id of the step there."""
    flow = player.flow_of(run)
    try:
        steps, index = find(flow.steps, run.position) if flow else ([], 0)
        label = steps[index].id
    except (IndexError, ValueError):
        label = None
    return [run.position, *([label] if label else [])]


def _run_shown(run: Run, player: Player) -> str:
    who, zone = player.whose(run.profile_id)
    begun = f"{run.flow} for {who}, begun {clock(run.started_at, zone)}"
    if run.status == "ended":
        return f"{begun}, ended with {run.reason} {clock(run.ended_at or run.at, zone)}"
    flow = player.flow_of(run)
    place = run.position
    if flow is not None:
        steps, index = find(flow.steps, run.position)
        if index < len(steps):
            place += f" ({kind_of(steps[index])})"
    until = f" until {clock(run.wake_at, zone)}" if run.wake_at is not None else ""
    return f"{begun}, waiting{until} before step {place}"


def _decision(check: Check, player: Player) -> Miss | None:
    wanted: DecisionIs = check.what
    for _, profile_id, entry in player.stage.decided.values():
        if _is(wanted, player, profile_id, entry) and _as_decided(wanted, profile_id, player, entry):
            return None
    reason = f", {wanted.reason}" if wanted.reason else ""
    until = f", until {wanted.until}" if wanted.until else ""
    expected = f"a send{_which(wanted)} {wanted.status}{reason}{until}"
    return Miss(expected, _lines(_decided(wanted, player, sent=True)) or "nothing was decided")


def _as_decided(wanted: DecisionIs, profile_id: str, player: Player, entry: Any) -> bool:
    reason = entry.reason.removesuffix(", queued again").partition(": ")[0]
    if entry.status != wanted.status or wanted.reason not in {None, reason}:
        return False
    if wanted.until is None:
        return True
    wake = entry.wake_at
    return wake is not None and instant_of(wanted.until, player.whose(profile_id)[1], wake - 1) == wake


# What is known of people


def _segment(check: Check, player: Player) -> Miss | None:
    profile = player.profile(check.who)
    held = profile.named_segments if profile else []
    wanted = check.word == "in_segment"
    if (check.what in held) == wanted:
        return None
    name = check.who or player.only
    return Miss(f"{name} is {'' if wanted else 'not '}in {check.what}", f"in {', '.join(held) or 'no segment'}")


def _list(check: Check, player: Player) -> Miss | None:
    profile = player.profile(check.who)
    held = sorted(name for name, (_, on) in (profile.lists if profile else {}).items() if on)
    wanted = check.word == "on_list"
    if (check.what in held) == wanted:
        return None
    name = check.who or player.only
    return Miss(f"{name} is {'' if wanted else 'not '}on the list {check.what}", f"on {', '.join(held) or 'no list'}")


def _trait(check: Check, player: Player) -> Miss | None:
    name, wanted = check.what
    profile = player.profile(check.who)
    held = profile.trait(name) if profile else None
    if held == wanted and isinstance(held, bool) == isinstance(wanted, bool):
        return None
    zone = player.zone(check.who or "")
    return Miss(f"{check.who}'s {name} is {_value(wanted, zone, name)}", f"it is {_value(held, zone, name)}")


def _value(value: Any, zone: ZoneInfo, name: str) -> str:
    return "nothing" if value is None else written(value, zone, name)


def _consent(check: Check, player: Player) -> Miss | None:
    topic, wanted = check.what
    profile = player.profile(check.who)
    said = word_on(profile, topic, player.stage.campaigns.settings.topics) if profile else None
    if (said is not None and said.granted) == wanted:
        return None
    zone = player.whose(profile.id)[1] if profile else None
    if said is None or zone is None:
        instead = "no word is known"
    else:
        day = to_datetime(said.at).astimezone(zone)
        instead = f"{'yes' if said.granted else 'no'}, {words.heard(said.source)} on {day:%Y-%m-%d %H:%M}"
    return Miss(f"{check.who} {'agreed' if wanted else 'did not agree'} to {topic}", instead)


_JUDGES: dict[str, Callable[[Check, Player], Miss | None]] = {
    "mail": _mail, "no_mail": _no_mail, "no_more_mail": _no_mail, "run": _run, "no_run": _no_run,
    "decision": _decision, "in_segment": _segment, "not_in_segment": _segment, "on_list": _list, "not_on_list": _list,
    "trait": _trait, "consent": _consent,
}  # fmt: skip


# Words


def _which(wanted: Which) -> str:
    parts = [
        f" to {wanted.to}" if wanted.to else "",
        f", {wanted.template}" if wanted.template else "",
        f" of {wanted.flow}" if wanted.flow else "",
        f" about cart {wanted.cart}" if wanted.cart is not None else "",
        f" about order {wanted.order}" if wanted.order is not None else "",
    ]
    return "".join(parts)


def _of(wanted: RunIs | WhichRun) -> str:
    parts = [
        f" for {wanted.of}" if wanted.of else "",
        f" about cart {wanted.cart}" if wanted.cart is not None else "",
        f" about order {wanted.order}" if wanted.order is not None else "",
    ]
    return "".join(parts)


def _shown(sent: Mailed, player: Player) -> str:
    who, zone = player.whose(sent.profile_id)
    return f"{clock(sent.at, zone)}  {sent.entry.template} to {who} ({sent.mail.recipient}): “{sent.mail.subject}”"


def _quoted(subject: str, text: str) -> str:
    lines = [line for line in (subject, *text.splitlines()) if line.strip()]
    return "\n".join(f"  | {_TOKEN.sub('?t=…', line)}" for line in lines[:25])


def _lines(parts: Iterable[str]) -> str:
    return "".join(f"\n  {part}" for part in parts)
