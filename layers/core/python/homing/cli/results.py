"""What ``replay`` and ``backtest`` print and write at their end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from homing.domain.time import iso
from homing.local.figures import Figures
from homing.local.outputs import Outputs
from homing.local.refusals import Refusals
from homing.local.report.text import count


def write(outputs: Outputs, out: Path, folder: Path) -> None:
    """All files of a run, and its report; ``folder`` are the campaigns that ran."""
    from homing.adapters.files import publish_folder
    from homing.local import report
    from homing.local.simulation.pictures import draw_examples

    outputs.write(out)
    campaigns = publish_folder(folder)
    pictures = draw_examples(campaigns.products)
    report.write(outputs, out / "report.html", campaigns=campaigns, pictures=pictures)


def summary_of(outputs: Outputs, events: int, until: int) -> dict[str, Any]:
    """What a run gave, in numbers; ``until`` is where its clock stopped."""
    return {
        "events": events,
        "until": iso(until),
        "profiles": len(outputs.profiles),
        "transitions": len(outputs.transitions),
        "messages": dict(sorted(Counter(message.status for message in outputs.messages).items())),
        "reasons": dict(Counter(message.reason for message in outputs.messages if message.reason).most_common()),
        "calls": dict(sorted(Counter(call.webhook for call in outputs.calls).items())),
        "quarantined": len(outputs.quarantine),
        "unreadable_lines": sum(line.source == "file" for line in outputs.quarantine),
        **_refused(Refusals.of(outputs.quarantine)),
    }


def summary_of_figures(figures: Figures) -> dict[str, Any]:
    """The same of a backtest."""
    rate = round(figures.events / figures.seconds) if figures.seconds else 0
    found = figures.differences
    more: dict[str, Any] = {}
    if found is not None:
        more["differences"] = {
            "against": found.against, "people": found.people, "mails_here": found.mails_here,
            "mails_there": found.mails_there,
            "messages": {name: dict(sorted(kinds.items())) for name, kinds in sorted(found.messages.items())},
            "transitions": {name: dict(sorted(kinds.items())) for name, kinds in sorted(found.transitions.items())},
            "new_segments": found.new, "gone_segments": found.gone,
        }  # fmt: skip
    return {
        "events": figures.events,
        "until": iso(figures.until or 0),
        "profiles": figures.profiles,
        "transitions": figures.transitions,
        "messages": dict(sorted(figures.decisions().items())),
        "reasons": dict(figures.reasons().most_common()),
        "calls": dict(sorted(figures.calls.items())),
        "quarantined": figures.quarantined,
        "unreadable_lines": figures.unreadable,
        **_refused(figures.refused),
        "seconds": figures.seconds,
        "events_per_second": rate,
        **({"parts": figures.parts} if figures.parts > 1 else {}),
        **more,
    }


def _refused(found: Refusals) -> dict[str, Any]:
    if not found.first:
        return {}
    return {"refused_lines": found.number, "first_refused": [one._asdict() for one in found.first]}


def text_of(summary: dict[str, Any], out: Path | None) -> str:
    """The same in a few lines."""
    messages = ", ".join(f"{count} {status}" for status, count in summary["messages"].items()) or "none"
    lines = [
        f"{count(summary['events'], 'event')} until {summary['until']} in {summary['seconds']} s",
        f"{count(summary['profiles'], 'profile')}, {count(summary['transitions'], 'transition')}",
        f"messages: {messages}",
    ]
    if summary["reasons"]:
        lines.append("reasons: " + ", ".join(f"{reason} {count}" for reason, count in summary["reasons"].items()))
    if summary.get("calls"):
        told = ", ".join(f"{webhook} {count}" for webhook, count in summary["calls"].items())
        lines.append(f"webhooks that would have been called: {told}")
    if summary["quarantined"]:
        lines.append(
            f"quarantined or refused: {summary['quarantined']} ({count(summary['unreadable_lines'], 'unreadable line')})"
        )
        told = summary.get("first_refused", [])
        lines += [f"  line {one['line']:,}: {one['reason']}" for one in told]
        if more := summary.get("refused_lines", 0) - len(told):
            lines += [f"  and {more:,} more"] if told else []
    if errors := summary.get("function_errors"):
        counts = ", ".join(f"{name} {count}" for name, count in errors.items())
        lines.append(f"functions failed and were tried again: {counts} (the first: {summary['first_error']})")
    if out is not None:
        lines.append(f"written to {out}")
    return "\n".join(lines)
