"""``homing audit``: what is wrong, or slowly going wrong, with segments and with the events that feed them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from homing.cli.folders import campaigns_option, ready_folder
from homing.cli.recordings import RecordingFile

if TYPE_CHECKING:
    from homing.domain.audit.audit import Audit
    from homing.domain.campaigns import Campaigns
    from homing.local.outputs import Outputs
    from homing.local.recording import Recording


@click.command("audit")
@click.argument("events", required=False, type=RecordingFile())
@campaigns_option
@click.option(
    "--results",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="What `homing backtest EVENTS --out DIR` wrote, instead of deciding once more.",
)
@click.option("--until", help="When to stop, ISO 8601. [default: the last event]")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for audit.json and audit.html.")
@click.option("--all", "everything", is_flag=True, help="Print notes too, not only errors and warnings.")
@click.option("--json", "as_json", is_flag=True, help="Print what audit.json would hold.")
def command(
    events: Path | None, campaigns: Path, results: Path | None, until: str | None, out: Path | None, everything: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Audit segments over recorded EVENTS (a Segment message a line): sizes, overlaps, conflicts, what nobody uses, who
    flaps, and which events and properties stopped arriving. Exits 1 when something is broken (severity error).
    """
    if events is None and results is None:
        raise click.UsageError("say EVENTS.jsonl, or --results DIR, or both")
    if out is not None:
        ready_folder(out)
    audit = _audit(events, campaigns, results, until, quiet=as_json)
    if out is not None:
        _write(audit, out)
    if as_json:
        click.echo(json.dumps(audit.to_dict(), indent=2))
    else:
        from homing.local.audit.text import show

        show(audit, everything=everything)
        if out is not None:
            click.echo(f"written to {out / 'audit.html'}")
    if audit.counts["error"]:
        raise SystemExit(1)


def _audit(events: Path | None, folder: Path, results: Path | None, until: str | None, *, quiet: bool) -> Audit:
    from homing.adapters.files import publish_folder
    from homing.domain.audit.audit import audit
    from homing.local.audit.facts import arrivals_of, facts_of
    from homing.local.outputs import Outputs

    campaigns = publish_folder(folder)
    recording, end = _recording(events, until) if events else (None, None)
    arrivals = arrivals_of(line for line in recording.messages if end is None or line.at <= end) if recording else {}
    if results is not None:
        outputs = Outputs.read(results)
    else:
        assert recording is not None
        assert end is not None
        outputs = _play(recording, campaigns, end, quiet=quiet)
    if end is None:
        end = max((line.at for line in outputs.transitions), default=0)
        if not end:
            raise click.UsageError(f"{results} holds no transitions.jsonl: write it with `homing backtest --out`")
    return audit(facts_of(campaigns, outputs, arrivals, end))


def _recording(events: Path, until: str | None) -> tuple[Recording, int]:
    from homing.cli.recordings import open_recording

    recording, end = open_recording(events, until, None)
    # Time that goes on after the last event would look as if everything had stopped.
    return recording, end if until else recording.messages[-1].at


def _play(recording: Recording, campaigns: Campaigns, end: int, *, quiet: bool) -> Outputs:
    from rich.console import Console
    from rich.progress import track

    from homing.local.backtest import Backtest

    backtest = Backtest(campaigns, keep_mails=False)
    lines = [line for line in recording.messages if line.at <= end]
    for line in track(lines, "Deciding", console=Console(stderr=True), transient=True, disable=quiet):
        backtest.message(line.message, line.at, f"line {line.line}")
    backtest.pass_time(end)
    return backtest.outputs()


def _write(audit: Audit, out: Path) -> None:
    from homing.local.audit.page import page

    document: dict[str, Any] = audit.to_dict()
    (out / "audit.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    (out / "audit.html").write_text(page(audit), encoding="utf-8")
