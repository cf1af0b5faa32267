"""Lines are sorted however many there are, and however small the room."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from homing.local.backtests.spool import Spool, instant_key, instant_of, merged


@pytest.mark.parametrize("room", [1, 300, 1 << 20], ids=["a file each", "a few at a time", "all in memory"])
@pytest.mark.parametrize("count", [0, 1, 200])
def test_lines_come_back_by_their_keys(room: int, count: int) -> None:
    random, spool = Random(count), Spool(room)
    instants = [random.randrange(-1_000, 1_000) for _ in range(count)]
    for number, at in enumerate(instants):
        spool.add(instant_key(at, number), b'{"tab":"\\t %d"}' % number)
    wanted = [b'{"tab":"\\t %d"}' % number for _, number in sorted(zip(instants, range(count), strict=True))]
    assert list(spool) == wanted
    # And once more: what is in files is read again.
    assert list(spool) == wanted
    assert spool.count == count
    assert [instant_of(keyed) for keyed in spool.keyed()] == sorted(instants)


def test_saved_spools_are_merged(tmp_path: Path) -> None:
    random = Random(7)
    spools = [Spool(500) for _ in range(3)]
    for number in range(300):
        random.choice(spools).add(instant_key(random.randrange(50), number), b"%d" % number)
    for index, spool in enumerate(spools):
        spool.save(tmp_path / str(index))
    everything = [line for spool in spools for line in spool.keyed()]
    assert list(merged(tmp_path / str(index) for index in range(3))) == [
        line.partition(b"\t")[2] for line in sorted(everything)
    ]
