"""What would be otherwise than under the campaigns that a backtest is held against: in totals, by flow, person by person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.errors import InvalidInput
from homing.domain.explain import words
from homing.domain.time import MINUTE, parse_instant, zone
from homing.local.backtests.parts import capped, granted, liability
from homing.local.backtests.spoken import lasting
from homing.local.figures import Differences, Figures, FlowFigures, SegmentFigures, order
from homing.local.report.parts import section
from homing.local.report.text import count, esc, humanise, moment, money, share

KINDS = {"only_here": "New", "only_there": "Gone", "other_time": "Moved", "other_template": "Other text"}
# Where the whole list lies, beside the page.
FILE = "differences.jsonl"
# So many people are seen at once; the others of the first lines fold out.
_SHOWN = 8


def differences(figures: Figures) -> str:
    """The section; empty for a backtest that was held against nothing."""
    found = figures.differences
    if found is None:
        return ""
    if not (found.messages or found.transitions or found.new or found.gone):
        lead = f"Under {found.against or 'the other campaigns'} every mail and every segment would have been the same."
        return section("differences", "Nothing is otherwise", lead, "")
    lead = (
        f"Held against {found.against or 'the campaigns in use'} over the same history: {count(found.people, 'person', 'people')}"
        f" would notice, {share(found.people, figures.profiles)} of all."
    )
    body = _totals(figures, found) + _flows(figures, found) + _segments(figures, found) + _people(figures, found)
    return section("differences", "What would be otherwise", lead, body)


def delta(now: int, before: int) -> str:
    """``+12``, ``−3``, ``±0``."""
    return f"{now - before:+,}".replace("-", "−") if now != before else "±0"


def _totals(figures: Figures, found: Differences) -> str:
    there = found.there
    rows: list[tuple[str, int, int]] = [("Mails", found.mails_here, found.mails_there)]
    if there is not None:
        rows += [
            ("People reached", figures.people, there.people),
            ("Mails within 24 hours after an order", figures.after_purchase, there.after_purchase),
            ("Decisions that met a cap", capped(figures), capped(there)),
            ("Discount codes granted", granted(figures), granted(there)),
        ]
    cells = "".join(
        f'<tr><th scope="row">{label}</th>{_pair(here, before)}</tr>' for label, here, before in rows if here or before
    )
    if there is not None and (figures.codes or there.codes):
        ours, theirs = liability(figures), liability(there)
        currency = figures.shop.currency
        change = "±0" if ours == theirs else f"{'+' if ours > theirs else ''}{money(ours - theirs, currency)}"
        texts = (money(ours, currency), money(theirs, currency), change)
        cells += f'<tr><th scope="row">Their liability</th>{_cells(texts)}</tr>'
    return f'<div class="card scroll">{_table("In all", cells)}</div>'


def _table(first: str, rows: str, more: str = "") -> str:
    return (
        f'<table class="stack"><thead><tr><th scope="col">{first}</th><th scope="col" class="n">With this</th>'
        f'<th scope="col" class="n">Before</th><th scope="col" class="n">Change</th>{more}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _pair(here: int, there: int) -> str:
    return _cells((f"{here:,}", f"{there:,}", delta(here, there)))


def _cells(texts: tuple[str, str, str]) -> str:
    return "".join(
        f'<td class="n{" delta" if label == "Change" and text != "±0" else ""}" data-name="{label}">'
        f'<span class="whole">{esc(text)}</span></td>'
        for label, text in zip(("With this", "Before", "Change"), texts, strict=True)
    )


def _flows(figures: Figures, found: Differences) -> str:
    there = found.there.flows if found.there else {}
    names = sorted({*found.messages, *(name for name, flow in (*figures.flows.items(), *there.items()) if flow.sent)})
    rows = []
    for name in names:
        kinds = found.messages.get(name, Counter())
        here = figures.flows.get(name, FlowFigures()).sent
        before = here - kinds["only_here"] + kinds["only_there"]
        if found.there is not None:
            before = there.get(name, FlowFigures()).sent
        rows.append(f'<tr><th scope="row">{esc(humanise(name))}</th>{_pair(here, before)}{_kinds(kinds)}</tr>')
    head = "".join(f'<th scope="col" class="n">{label}</th>' for label in KINDS.values())
    return f'<div class="card scroll gap">{_table("Mails of each flow", "".join(rows), head)}</div>' if rows else ""


def _kinds(kinds: Mapping[str, int]) -> str:
    return "".join(
        f'<td class="n" data-name="{label}">{f"{kinds[kind]:,}" if kinds.get(kind) else "–"}</td>'
        for kind, label in KINDS.items()
    )


def _segments(figures: Figures, found: Differences) -> str:
    there = found.there.segments if found.there else None
    if there is None:
        return ""
    alone = dict.fromkeys(found.new, "new") | dict.fromkeys(found.gone, "gone")
    rows = []
    for name in sorted({*figures.segments, *there, *alone}):
        here, before = (one.get(name, SegmentFigures()).members for one in (figures.segments, there))
        kinds = found.transitions.get(name)
        if here == before and not kinds and name not in alone:
            continue
        cells = _pair(here, before)
        if mark := alone.get(name):
            cells = _cells((f"{here:,}" if mark == "new" else "–", "–" if mark == "new" else f"{before:,}", mark))
        moves = f"{sum(kinds.values()) if kinds else 0:,}" if name not in alone else "–"
        rows.append(
            f'<tr><th scope="row">{esc(humanise(name))}</th>{cells}<td class="n" data-name="Other moves">{moves}</td></tr>'
        )
    if not rows:
        return ""
    head = '<th scope="col" class="n">Other moves</th>'
    table = f'<div class="scroll">{_table("Members at the end", "".join(rows), head)}</div>'
    return f'<div class="card gap">{table}<p class="soft note">{esc(_moves(figures, found, alone))}</p></div>'


def _moves(figures: Figures, found: Differences, alone: Mapping[str, str]) -> str:
    """What the column of that name counts."""
    told = (
        "Other moves: how often somebody enters or leaves the segment on one of the two sides only, or at another time than on"
        " the other."
    )
    if alone:
        told += " Of a segment that is new or gone every move would be one, so they are not counted."
    if named := [humanise(name) for name in figures.shop.scored if found.transitions.get(name)]:
        told += (
            f" {words.listed(named)} {'rests' if len(named) == 1 else 'rest'} on RFM scores: somebody is scored anew at their"
            " next order or wake-up, at the latest within a week, so whatever else wakes them moves them earlier or later."
        )
    return told


def _people(figures: Figures, found: Differences) -> str:
    if not found.first:
        return ""
    tz = zone(figures.shop.time_zone)
    people: dict[str, list[str]] = {}
    for line in sorted(found.first, key=order):
        people.setdefault(str(line.get("profile_id", "")), []).append(told(line, tz))
    total = sum(sum(kinds.values()) for kinds in (*found.messages.values(), *found.transitions.values()))
    rest = f", {len(found.first):,} of {total:,}" if total > len(found.first) else ""
    items = [
        f"<li><code>{esc(person)}</code><ul>{''.join(f'<li>{esc(text)}</li>' for text in lines)}</ul></li>"
        for person, lines in people.items()
    ]
    shown = f'<ol class="people">{"".join(items[:_SHOWN])}</ol>'
    if left := items[_SHOWN:]:
        shown += (
            f'<details class="data"><summary>{count(len(left), "more person", "more people")}</summary>'
            f'<ol class="people">{"".join(left)}</ol></details>'
        )
    return (
        f'<div class="card gap"><h3>Person by person</h3><p class="soft">Mails first, then moves through segments, each in order'
        f' of time{rest}; all are in <a href="{FILE}">{FILE}</a>.</p>{shown}</div>'
    )


def told(line: Mapping[str, Any], tz: ZoneInfo) -> str:
    """A line of ``differences.jsonl`` in words: ``Gains the mail Cart VIP of the flow Cart recovery on Tue 3 Mar, 14:05``."""
    kind, here, there = line.get("kind"), _at(line, "at"), _at(line, "there_at")
    when = moment(here if here is not None else there or 0, tz)
    if line.get("what") == "segment":
        what = f"{'enters' if line.get('change') == 'entered' else 'leaves'} {humanise(str(line.get('segment')))}"
        if kind == "other_time" and here is not None and there is not None:
            return f"{_upper(what)} on {when}, {_shift(here, there)}"
        return f"{_upper(what)} on {when}" if kind == "only_here" else f"No longer {what} on {when}"
    flow = humanise(str(line.get("flow")))
    new, old = (humanise(str(line.get(name) or "")) for name in ("template", "there_template"))
    mail = f"the mail {new or old}" + ("" if flow == (new or old) else f" of the flow {flow}")
    if kind == "only_here":
        return f"Gains {mail} on {when}"
    if kind == "only_there":
        return f"Loses {mail} on {when}"
    if kind == "other_template":
        return f"Gets the mail {new} instead of {old} from the flow {flow} on {when}"
    shift = _shift(here, there) if here is not None and there is not None else "at another time"
    return f"Gets {mail} on {when}, {shift}"


def _shift(here: int, there: int) -> str:
    return f"{lasting(abs(here - there) // MINUTE)} {'later' if here > there else 'earlier'} than before"


def _at(line: Mapping[str, Any], name: str) -> int | None:
    try:
        return parse_instant(line[name]) if line.get(name) else None
    except InvalidInput:
        return None


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
