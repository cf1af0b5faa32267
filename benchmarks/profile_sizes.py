"""How large profiles become: those of the demo's shop, and those of a grocery's customers after a year."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import inputs, year
from benchmarks.measure import Report, Table, number, percentile
from homing.adapters.memory import MemoryProfiles, MemoryQuarantine
from homing.domain.profiles.profile import Profile
from homing.services.update_profiles import UpdateProfiles

_MEDIAN, _HEAVY = 1_024, 4_096


def run(*, quick: bool) -> Report:
    """``facts``: bytes by kind of profile."""
    report = Report("profiles", "Sizes of profiles")
    found: dict[str, Sequence[int]] = {"the demo's shop, three weeks": _demo(2_000 if quick else 12_000)}
    rows = [_row(name, sizes) for name, sizes in found.items()]
    demo = percentile(found["the demo's shop, three weeks"], 0.5)
    report.verdicts = [("median profile item of the demo < 1 KB", f"{number(demo)} bytes", demo < _MEDIAN)]
    notes = [
        "Bytes of the item as DynamoDB counts them: identifiers, segments, wake-up and what changed with the latest write"
        " included. Under the starter campaigns."
    ]
    if inputs.has_real_orders():
        start, until = ("2017-12-15", "2017-12-18") if quick else year.WHOLE
        heavy: dict[str, year.Played] = {}
        # Of the full stream every second household: a size does not depend on how many others there are.
        for name, orders, every in (("full stream", False, 2), ("orders only", True, 1)):
            heavy[name] = played = year.played(
                start, 0, until, orders=orders, more="starter", measure=True, every=every
            )
            rows.append(_row(f"Complete Journey, {name}, at the end", played.sizes))
            rows.append(_row(f"Complete Journey, {name}, as written", played.written))
            writes, events = played.writes + played.careful_writes, played.events + played.careful_events
            cpu = played.cpu + played.careful_cpu
            notes.append(
                f"{name}: {number(events)} events of {number(len(played.sizes))} households"
                f"{', every second one' if every == 2 else ''}, {start} to {until[:10]}, in"
                f" batches of 1,000: {writes / events:.3f} writes an event, {cpu / events * 1e6:,.0f} µs of CPU an event."
                f" As written: one in {year.SAMPLE} writes, so with carts that are open."
            )
        worst = max(percentile(sizes, 0.99) for played in heavy.values() for sizes in (played.sizes, played.written))
        report.verdicts.append((
            "99th percentile after a year of Complete Journey < 4 KB", f"{number(worst)} bytes at most", worst < _HEAVY
        ))  # fmt: skip
    else:
        notes.append("Complete Journey: skipped, ../shared/data/completejourney is missing.")
    columns = ("profiles of", "count", "median", "90 %", "99 %", "largest")
    report.tables = [Table("Profile items, bytes", columns, rows, notes)]
    return report


def _row(name: str, sizes: Sequence[int]) -> list[str]:
    shown = [percentile(sizes, share) for share in (0.5, 0.9, 0.99)] + [max(sizes)]
    return [name, number(len(sizes)), *(number(size) for size in shown)]


def _demo(limit: int) -> Sequence[int]:
    """Every profile of the simulated shop, merged as the updater merges."""
    profiles = MemoryProfiles()
    update = UpdateProfiles(inputs.campaigns(), inputs.IDENTITY, profiles, None, MemoryQuarantine())
    records = inputs.simulated(limit)
    for record in records:
        update([record], batch=record.sequence)
    return [year.item_size(held) for held in profiles.read(profiles.ids()).values() if isinstance(held, Profile)]
