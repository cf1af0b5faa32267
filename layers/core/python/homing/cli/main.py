"""The console script ``homing``: subcommands are loaded when they are asked for, so that ``--help`` answers at once."""

from __future__ import annotations

import gc
import importlib
import sys

import click

from homing.domain.errors import HomingError, InvalidCampaign

# Subcommand → module of ``homing.cli`` whose ``command`` it is, and what it says in the list.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "A simulated shop's weeks through the whole local stack, and a report."),
    "serve": ("serve", "The local stack over HTTP, with a mailbox and a clock that can be moved."),
    "replay": ("replay", "Recorded events through the local stack."),
    "backtest": ("backtest", "The same decisions in memory, at speed, nothing sent."),
    "story": ("story", "Stories that test flows: what people do, and what should come of it."),
    "explain": ("explain", "Why somebody is in a segment, or not, and what is known of them."),
    "audit": ("audit", "What is wrong, or going wrong, with segments and what feeds them."),
    "plan": ("plan", "What a change of campaigns would mean: segments, mails, caps, codes, runs."),
    "check": ("check", "Find mistakes in segments, flows, templates and stories."),
    "flows": ("flows", "Flows as pictures, with the numbers of a backtest or of a stage."),
    "list": ("lists", "Put people from a file on a list, or take them off it."),
    "codes": ("codes", "Discount codes: import, verify, and what they cost."),
    "recommend": ("recommend", "Which products go with which, from recorded events."),
    "preview": ("preview", "Mails as customers would see them."),
    "send-test": ("send_test", "One mail to yourself, as a made-up customer would get it."),
    "domain": ("domain", "Whether the DNS of the sender's domain is as it should be."),
    "sending": ("sending", "What leaves, bounces and complaints; lets stopped mail go on."),
    "trigger": ("trigger", "Start a flow for a customer, a list or a segment."),
    "pause": ("pause", "Keep a flow where it is; nothing of it is sent."),
    "resume": ("resume", "Let a flow go on that was paused or stopped."),
    "stop": ("stop", "End a flow, its runs and its mails that have not left."),
    "catalog": ("catalog", "Tell the bus what changed between two catalogs: prices, stock."),
    "webhook": ("webhook", "Systems that flows call: the secret for their receivers, and a call to try it."),
    "review": ("review", "Who has something doubtful, and what to do about it."),
    "unmerge": ("unmerge", "Tell two people apart who became one profile by mistake."),
    "rebuild": ("rebuild", "Remember people as if today's definitions had always been."),
    "reference": ("reference", "The pages of docs/ that are generated from the code."),
    "publish": ("publish", "Compile campaigns into the bundle that functions read."),
}


class _Lazy(click.Group):
    """Knows its subcommands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"homing.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy)
@click.version_option(package_name="homing", prog_name="homing")
def command() -> None:
    """Homing brings customers back: personal, well-timed mails, never sent twice."""


def main() -> None:
    """Runs the command line; exits 0, 1 (found problems, or something failed) or 2 (wrong use)."""
    # A command reads much, keeps it, and ends soon: looking for garbage after every 700 objects takes a tenth of its time.
    gc.set_threshold(50_000, 20, 20)
    try:
        command(prog_name="homing")
    except InvalidCampaign as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except HomingError as error:
        click.echo(f"homing: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        # A full disk, a file without permission: nothing that a traceback would explain better.
        click.echo(f"homing: {error.filename or 'input/output'}: {error.strerror or error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
