"""Ten thousand personal mails through the whole way in memory, with caps, quiet hours, windows, best hours, priorities,
hold-outs, bounces, complaints and people who end it: what was decided, and whether any promise was broken.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from benchmarks import mail_story
from benchmarks.mail_checks import Checks
from benchmarks.mail_tables import distribution, waits
from benchmarks.mail_worlds import InMemory
from benchmarks.measure import Report, number
from homing.adapters.files import read_folder
from homing.domain.content.publish import publish

SEED = 11
PEOPLE, FEW = 3_600, 400


def run(*, quick: bool) -> Report:
    """Prints the distribution; the verdicts are the promises. ``facts["sends"]``: the sends by their ids."""
    with tempfile.TemporaryDirectory() as folder:
        campaigns = publish(read_folder(mail_story.folder(Path(folder) / "campaigns")))
    rng = random.Random(SEED)
    everybody = mail_story.people(FEW if quick else PEOPLE, rng)
    world = InMemory(campaigns)
    cpu = time.process_time()
    for _ in mail_story.play(everybody, rng, world):
        pass
    cpu = time.process_time() - cpu
    sends = world.seen.sends()
    report = Report("ten_thousand", "Ten thousand personal mails", facts={"sends": sends})
    report.intro = _intro(len(everybody))
    took = f"{number(cpu, 1)} s of CPU for everything, {number(cpu * 1000 / len(sends), 2)} ms a decision."
    report.tables = [distribution(sends, [took]), waits(sends)]
    left = sum(send.status not in {"sent", "dropped"} for send in sends.values())
    wanted = 1_000 if quick else 10_000
    report.verdicts = [
        *Checks({person.email: person for person in everybody}, world.mails).verdicts(),
        ("ten thousand mails, none left undecided", f"{number(len(world.mails))} mails, {left} sends",
         len(world.mails) >= wanted and not left),
    ]  # fmt: skip
    return report


def _intro(people: int) -> str:
    story = mail_story
    held_out, of_news = story.HOLDOUTS.values()
    return (
        f"{number(people)} people in {len(story.ZONES)} time zones (one of them does not exist), {story.DAYS} days with the night"
        " on which Europe's clocks are put back, three flows of different priority, at most 2 mails a day and 3 of marketing"
        f" in 7 days, quiet from {story.QUIET[0]} to {story.QUIET[1]}, working hours for offers, each person's best hour for"
        f" news, {held_out} % held out of everything and {of_news} % of news. A sixth never agreed, one in twelve ends it, half"
        " of them with the click of RFC 8058, one in a hundred has no mailbox. The services in memory, as `homing backtest` runs"
        " them. The checks know nothing of the gate: they look at the mails, at what the people said and where they live."
    )
