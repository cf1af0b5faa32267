"""The shipped fakes: every port in memory, with the semantics of the real thing, for tests and for the backtest.

They pass the same contract suite as the adapters over AWS (``tests/adapters``). Each has ``faults``: failures to come,
by operation, before or after the effect took place, so that a test tells a story instead of mocking calls.
"""

from __future__ import annotations

from homing.adapters.memory.book import MemoryBook
from homing.adapters.memory.caller import Called, MemoryCaller
from homing.adapters.memory.codes import MemoryCodes
from homing.adapters.memory.faults import Faults
from homing.adapters.memory.journal import MemoryJournal
from homing.adapters.memory.lists import MemoryLists
from homing.adapters.memory.mail import MemoryMailer, SentMail
from homing.adapters.memory.profiles import MemoryProfiles
from homing.adapters.memory.progress import MemoryProgress
from homing.adapters.memory.queues import MemoryBus, MemoryCalls, MemoryInbox, MemoryOutbox, MemoryStream
from homing.adapters.memory.rankings import MemoryRankings
from homing.adapters.memory.storage import MemoryArchive, MemoryQuarantine
from homing.adapters.memory.wakes import WakeIndex

__all__ = [
    "Called",
    "Faults",
    "MemoryArchive",
    "MemoryBook",
    "MemoryBus",
    "MemoryCaller",
    "MemoryCalls",
    "MemoryCodes",
    "MemoryInbox",
    "MemoryJournal",
    "MemoryLists",
    "MemoryMailer",
    "MemoryOutbox",
    "MemoryProfiles",
    "MemoryProgress",
    "MemoryQuarantine",
    "MemoryRankings",
    "MemoryStream",
    "SentMail",
    "WakeIndex",
]
