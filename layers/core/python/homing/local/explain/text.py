"""A person's story in the terminal, and as JSON."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from homing.domain.attributes.names import RANKED
from homing.domain.explain import words
from homing.domain.explain.evidence import statement
from homing.domain.explain.reasons import Reason
from homing.domain.time import iso
from homing.local.explain.messages import as_lists, show_messages
from homing.local.explain.story import Moment, Story

# History in the terminal; --json has all of it.
_SHOWN = 30
_WIDE = 300


def show(
    story: Story, *, segment: str | None = None, messages: bool = False, console: Console | None = None
) -> None:  # fmt: skip
    """Prints to standard output; with ``segment`` only why they are in it, or not, with ``messages`` only these."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        # A file or a pipe has no edge.
        console.width = _WIDE
    at = words.when(story.at, story.zone)
    console.print(f"[bold]{escape(_name(story))}[/], profile {story.profile.id}, at {at} ({story.zone.key})")
    if segment is not None:
        _why(console, story, segment)
        moments = [moment for moment in story.segments_past if moment.what.endswith(f" {segment}")]
        _past(console, "History", moments, story)
        return
    if messages:
        show_messages(console, story.messages or [], story.zone, all_of_them=True)
        return
    _who(console, story)
    _traits(console, story)
    _computed(console, story)
    _carts(console, story)
    if story.review:
        console.print("\n[bold]To look at[/]")
        for line in story.review:
            console.print(f"  {escape(line)}")
    console.print("\n[bold]Segments[/]")
    for membership in story.memberships:
        if membership.member:
            _why(console, story, membership.segment)
    if not any(membership.member for membership in story.memberships):
        console.print("  in none")
    out = [membership for membership in story.memberships if not membership.member]
    if out:
        console.print("\n[bold]Not in[/] (why: --segment NAME)")
        for membership in out:
            until = (
                f", from {words.when(membership.until, story.zone)} on if nothing happens" if membership.until else ""
            )
            console.print(f"  {escape(membership.segment)}{until}")
    if story.messages is not None:
        show_messages(console, story.messages, story.zone)
    _past(console, "Segments, history", story.segments_past, story)
    _past(console, "Traits, history", story.traits_past, story)


def _name(story: Story) -> str:
    profile = story.profile
    for kind in ("user_id", "email", "loyalty_id", "anonymous_id"):
        if known := profile.identifiers.get(kind):
            return min(known)
    return "somebody"


def _who(console: Console, story: Story) -> None:
    profile = story.profile
    for kind, values in sorted(profile.identifiers.items()):
        if values:
            console.print(f"  {kind}: {escape(', '.join(sorted(values)))}")
    if profile.merged:
        console.print(f"  merged from profiles {', '.join(sorted(profile.merged))}")
    if profile.first_at is not None and profile.last_at is not None:
        first, last = (words.when(instant, story.zone) for instant in (profile.first_at, profile.last_at))
        console.print(f"  first event {first}, latest {last}")
    for name, (since, joined) in sorted(profile.lists.items()):
        console.print(f"  {'on' if joined else 'off'} the list {escape(name)} since {words.when(since, story.zone)}")
    lines = "" if story.lines is None else f"; {words.count(story.lines, 'event')} played"
    console.print(f"  definitions: revision {story.revision}{lines}")


def _traits(console: Console, story: Story) -> None:
    if not story.profile.traits:
        return
    console.print("\n[bold]Traits[/]")
    for name, held in sorted(story.profile.traits.items()):
        console.print(f"  {escape(name)}: {escape(statement(held, story.zone))}")
        for rival in story.profile.rivals.get(name, {}).values():
            console.print(f"    [dim]against it: {escape(statement(rival, story.zone))}[/]")


def _computed(console: Console, story: Story) -> None:
    if not story.computed:
        return
    console.print("\n[bold]Computed[/]")
    for name, (value, changes) in story.computed.items():
        since = story.profile.stages.get(name)
        if value is None and name in RANKED and story.lines is not None:
            # Thresholds are quantiles of all customers.
            console.print(f"  {escape(name)}: not known from one person's events; `homing backtest` plays everybody's")
            continue
        notes = [f"since {words.when(since[1], story.zone)}"] if since else []
        if changes is not None:
            notes.append(f"may change on {words.when(changes, story.zone)}")
        shown = "not known" if value is None else words.value(value)
        more = f" [dim]({', '.join(notes)})[/]" if notes else ""
        console.print(f"  {escape(name)}: {escape(shown)}{more}")


def _carts(console: Console, story: Story) -> None:
    for cart in story.carts:
        items = ", ".join(f"{item.get('quantity', 1)} × {item.get('product_id')}" for item in cart.items)
        touched = words.when(cart.last_activity, story.zone)
        console.print(
            f"\n[bold]Cart[/] {escape(cart.token or 'without token')}, last touched {touched}: {escape(items)}"
        )


def _why(console: Console, story: Story, segment: str) -> None:
    reason = story.explained[segment]
    tree = Tree(f"{_verdict(reason.holds)} [bold]{escape(segment)}[/]{_until(reason, story.zone)}", guide_style="dim")
    grow(tree, reason, story.zone)
    console.print(tree)


def grow(tree: Tree, reason: Reason, zone: ZoneInfo, *, until: bool = False) -> None:
    """A reason with everything below it."""
    place = f" [dim]{escape(reason.place)}[/]" if reason.place else ""
    branch = tree.add(f"{_verdict(reason.holds)} {escape(reason.words)}{_until(reason, zone) if until else ''}{place}")
    for fact in reason.facts:
        branch.add(f"[dim]·[/] {escape(fact)}")
    for part in reason.parts:
        grow(branch, part, zone, until=True)


def _verdict(holds: bool) -> str:
    return "[green]yes[/]" if holds else "[red]no[/] "


def _until(reason: Reason, zone: ZoneInfo) -> str:
    if reason.changes_at is None:
        return ""
    word = "until" if reason.holds else "from"
    return f" [cyan]({word} {words.when(reason.changes_at, zone)}{'' if reason.holds else ' on'})[/]"


def _past(console: Console, title: str, moments: list[Moment], story: Story) -> None:
    if not moments:
        return
    console.print(f"\n[bold]{title}[/]")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for moment in moments[-_SHOWN:]:
        line = f", line {moment.line}" if moment.line else ""
        table.add_row(
            f"  {words.when(moment.at, story.zone)}", escape(moment.what), f"[dim]{escape(moment.why)}{line}[/]"
        )
    if len(moments) > _SHOWN:
        console.print(f"  [dim]… {len(moments) - _SHOWN} earlier ones (--json has them)[/]")
    console.print(table)


def as_dict(story: Story) -> dict[str, Any]:
    """Everything, for programs. Instants are ISO 8601 in UTC."""
    profile = story.profile
    return {
        "profile_id": profile.id,
        "at": iso(story.at),
        "revision": story.revision,
        "identifiers": {kind: sorted(values) for kind, values in sorted(profile.identifiers.items())},
        "merged": sorted(profile.merged),
        "first_at": _iso(profile.first_at),
        "last_at": _iso(profile.last_at),
        "traits": {
            name: {**_said(held), "rivals": [_said(rival) for rival in profile.rivals.get(name, {}).values()]}
            for name, held in sorted(profile.traits.items())
        },
        "computed": {
            name: {"value": value, "may_change_at": _iso(changes)} for name, (value, changes) in story.computed.items()
        },
        "stages": {name: {"stage": held[0], "since": iso(held[1])} for name, held in sorted(profile.stages.items())},
        "lists": {name: {"at": iso(at), "on": joined} for name, (at, joined) in sorted(profile.lists.items())},
        "carts": [
            {
                "token": cart.token,
                "items": [dict(item) for item in cart.items],
                "last_activity": iso(cart.last_activity),
            }
            for cart in story.carts
        ],
        "review": story.review,
        "segments": {
            m.segment: {"member": m.member, "until": _iso(m.until), "why": story.explained[m.segment].to_dict()}
            for m in story.memberships
        },
        "messages": None if story.messages is None else as_lists(story.messages, story.zone),
        "history": {
            "segments": [moment.to_dict() for moment in story.segments_past],
            "traits": [moment.to_dict() for moment in story.traits_past],
        },
    }


def _said(held: Any) -> dict[str, Any]:
    kind = {2: "said", 1: "imported", 0: "inferred"}[held.weight]
    return {"value": held.value, "source": held.source, "at": iso(held.at), "kind": kind, "confidence": held.confidence}


def _iso(instant: int | None) -> str | None:
    return None if instant is None else iso(instant)
