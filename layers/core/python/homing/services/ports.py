"""What the use cases need of the world, as protocols. Instants are microseconds since the epoch (domain.time).

Every port fails with the error tree: :class:`Unavailable` for what may work later, :class:`Conflict` for a lost
conditional write, :class:`InvalidInput` for what never will. The shipped fakes stand in ``adapters/memory.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.profiles.profile import WAKE_BUCKETS

# Only named in signatures: a function loads what it works with, not what others do.
if TYPE_CHECKING:
    from homing.domain.attributes.rankings import Thresholds
    from homing.domain.delivery.ledger import Ledger
    from homing.domain.delivery.message import Mail, SendRequest, Stop
    from homing.domain.flows.agenda import Agenda
    from homing.domain.flows.control import Controls
    from homing.domain.flows.effects import CallRequest
    from homing.domain.flows.job import Job
    from homing.domain.flows.run import Run
    from homing.domain.profiles.profile import Profile
    from homing.domain.progress import Place, Progress

In = TypeVar("In")
Out = TypeVar("Out")

# Shards of each segment in the member index, so that a segment of millions is no hot partition.
MEMBER_SHARDS = 16
# The bucket of jobs in the index of what is due: behind those of runs and ledgers.
JOBS = WAKE_BUCKETS


class Overlap(Protocol):
    """``map``, or an executor's: how calls that don't depend on each other are made."""

    def __call__(self, function: Callable[[In], Out], items: Iterable[In], /) -> Iterable[Out]: ...


class Clock(Protocol):
    """Now, as an instant."""

    def __call__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record for the stream: the partition key (a profile id) and the bytes (an event or a wake-up)."""

    key: str
    data: bytes


class Stream(Protocol):
    """The event stream (Kinesis)."""

    def put(self, records: Sequence[StreamRecord]) -> None:
        """Stores all records, retrying the ones refused; raises Unavailable unless every one is stored."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """An item that only says: this person's profile is over there.

    ``shared``: other people who were seen with the browser or device that this id was made of
    (:func:`homing.domain.profiles.people.claimed`).
    """

    id: str
    target: str
    shared: frozenset[str] = frozenset()


class ProfileStore(Protocol):
    """The one table with personal data."""

    def read(self, ids: Iterable[str]) -> dict[str, Profile | Pointer]:
        """Strongly consistent; ids that hold nothing are absent. Pointers are not followed."""

    def write(self, profile: Profile, *, expected: int) -> None:
        """Writes the profile with ``profile.version``; Conflict unless the stored version is ``expected`` (0: nothing
        there)."""

    def point(self, id: str, target: str, *, expected: int, shared: frozenset[str] = frozenset()) -> None:
        """Turns an item into a pointer; Conflict unless it is at version ``expected`` (0: nothing there). Quiet when
        it points to the target already and knows all of ``shared``."""

    def repoint(self, old: Pointer, new: Pointer) -> None:
        """Changes a pointer; Conflict unless it is as ``old`` says."""

    def due(self, bucket: int, until: int, limit: int, after: Place | None = None) -> list[tuple[str, int]]:
        """Ids and wake-up instants of profiles of a bucket with ``wake_at <= until``, earliest first; only those behind
        ``after``, which may be gone by now."""

    def close_cart(self, cart: str, at: int) -> None:
        """Remembers that an order with this cart id was accepted; the latest instant wins (a token can be used again)."""

    def closed_carts(self, carts: Iterable[str]) -> dict[str, int]:
        """Strongly consistent; which of these carts were ordered, and when."""

    def stop(self, stop: Stop) -> None:
        """Adds to what stops mail to an address or a profile, effective for the next read."""

    def stops(self, ids: Iterable[str]) -> dict[str, Stop]:
        """Strongly consistent; stops by their ids."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something in the journal whose time has come; of a ``hold`` the id is the profile's."""

    kind: Literal["run", "ledger", "job", "hold"]
    id: str
    at: int


@dataclass(frozen=True, slots=True)
class FirstMembers:
    """A segment's members with the smallest ids: all with an id up to ``below``; None: everybody."""

    ids: Sequence[str]
    below: str | None


class Journal(Protocol):
    """Runs, ledgers and members: everything that is stored about what Homing did; no personal data."""

    def start_run(self, run: Run) -> bool:
        """Stores a new run; False when a run with its id exists (whatever its state)."""

    def load_run(self, run_id: str) -> Run | None:
        """Strongly consistent."""

    def save_run(self, run: Run, *, expected: int) -> None:
        """Conflict unless the stored version is ``expected``; stores ``run.version``."""

    def load_agenda(self, profile_id: str) -> Agenda:
        """Strongly consistent; an empty agenda (version 0) when there is none."""

    def save_agenda(self, agenda: Agenda, *, expected: int) -> None:
        """Conflict unless the stored version is ``expected`` (0: nothing there); stores ``agenda.version``."""

    def keep_flow(self, name: str, version: str, definition: Mapping[str, Any]) -> None:
        """Keeps a version of a flow for the runs that begin on it; the same version is always the same definition."""

    def load_flow(self, name: str, version: str) -> Mapping[str, Any] | None:
        """The definition of a version that was kept."""

    def load_ledger(self, profile_id: str) -> Ledger:
        """Strongly consistent; an empty ledger (version 0) when there is none."""

    def save_ledger(self, ledger: Ledger, *, expected: int) -> None:
        """Conflict unless the stored version is ``expected`` (0: nothing there); stores ``ledger.version``."""

    def due(self, bucket: int, until: int, limit: int, after: Place | None = None) -> list[Due]:
        """What of that bucket has ``wake_at <= until``, earliest first; only what is behind ``after``, which may be gone
        by now. Jobs have a bucket of their own, JOBS."""

    def load_controls(self) -> Controls:
        """Strongly consistent; nothing paused or stopped (version 0) when nobody ever asked for it."""

    def save_controls(self, controls: Controls, *, expected: int) -> None:
        """Conflict unless the stored version is ``expected`` (0: nothing there); stores ``controls.version``."""

    def load_job(self, job_id: str) -> Job | None:
        """Strongly consistent."""

    def save_job(self, job: Job, *, expected: int) -> None:
        """Conflict unless the stored version is ``expected`` (0: nothing there); stores ``job.version``."""

    def hold(self, flow: str, profile_id: str, at: int | None) -> None:
        """Notes that sends of a paused flow wait in the ledger of this person; None: no longer."""

    def parked(self, flow: str, shard: int, limit: int, after: Place | None = None) -> list[Due]:
        """What waits for a paused flow to go on, in one of WAKE_BUCKETS shards: runs, holds and jobs, by when they came due;
        only what is behind ``after``, which may be gone by now. Not counted among what is due. A moment behind."""

    def set_member(self, segment: str, profile_id: str, *, member: bool, version: int) -> None:
        """Keeps the member index; a change older than the stored version is ignored."""

    def members(self, segment: str) -> Iterable[str]:
        """Profile ids in a segment, in no order, read page by page."""

    def first_members(self, segment: str, limit: int) -> FirstMembers:
        """The members with the smallest ids, at most ``limit``, in order. Ids are hashes, so that is a random sample, and
        of the same people for every segment. Fewer where many have left: a bounded part of the index is read."""

    def members_after(self, segment: str, shard: int, after: str, limit: int) -> list[str]:
        """Members in one of MEMBER_SHARDS shards with an id behind ``after``, in the order of ids. Fewer than ``limit``:
        there are no more. A moment behind."""


class ProgressStore(Protocol):
    """How far the sweeps have come."""

    def load(self) -> Progress:
        """Version 0 when nothing was kept yet."""

    def save(self, progress: Progress, *, expected: int) -> None:
        """Conflict unless the stored version is ``expected`` (0: nothing there); stores ``progress.version``."""


@dataclass(frozen=True, slots=True)
class BusEvent:
    """An event for EventBridge; ``detail`` is JSON-serialisable and names nobody."""

    detail_type: str
    detail: Mapping[str, Any]


class Bus(Protocol):
    """The EventBridge bus."""

    def put(self, events: Sequence[BusEvent]) -> None:
        """Publishes all; raises Unavailable unless every one was accepted."""


class RankingStore(Protocol):
    """The thresholds of RFM scores, a few nights of them; nobody's data."""

    def load(self) -> tuple[int, list[Thresholds]]:
        """The stored version (0: nothing there) and what is known, by when it is in force."""

    def save(self, known: Sequence[Thresholds], *, expected: int) -> None:
        """Replaces it; Conflict unless the stored version is ``expected``."""


class FlowInbox(Protocol):
    """The queue before ``run_flows``; bus rules feed it too."""

    def put(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Messages such as ``{"wake_run": run_id}``, or a ``FlowRequested`` as the bus delivers it."""


class Outbox(Protocol):
    """The queue before ``send_email``."""

    def put(self, requests: Sequence[SendRequest]) -> None:
        """Raises Unavailable unless every one is queued."""


class Calls(Protocol):
    """The queue before ``call_webhooks``."""

    def put(self, requests: Sequence[CallRequest]) -> None:
        """Raises Unavailable unless every one is queued."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What another system answered: its HTTP status, and its ``Retry-After`` as it was sent."""

    status: int
    retry_after: str | None = None


class Caller(Protocol):
    """HTTPS to other systems."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request, whose answer's body nobody reads. Raises Unavailable, with a word for the reason (``timeout``), when
        there was no answer: then nobody knows whether it was heard. InvalidInput for an address that can't be called."""


class Throttled(Unavailable):
    """Certainly not sent: the account's rate or quota was reached."""


class Refused(InvalidInput):
    """Certainly not sent, and never will be: SES refused this very message."""


class Lost(Unavailable):
    """Nobody knows: the reply was lost, the message may be on its way."""


class Mailer(Protocol):
    """SES."""

    def send(self, mail: Mail) -> str:
        """The provider's message id. Raises Throttled, Refused, Unavailable (certain non-sends) or Lost."""


class Archive(Protocol):
    """What was folded, for rebuilds and training; partitioned by date, nobody's name."""

    def put(self, key: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """Stores JSON lines under ``key`` (without suffix); the same key overwrites."""


class ArchiveReader(Protocol):
    """The archive, read back."""

    def keys(self, prefix: str) -> Iterable[str]:
        """The keys of what was put under ``prefix``, in their order."""

    def read(self, key: str) -> Iterable[dict[str, Any]]:
        """The lines of one key. Raises InvalidInput, with the key, where they are not JSON lines."""


class ListStore(Protocol):
    """Files of people, whom flows are started for."""

    def read(self, name: str, offset: int, size: int) -> bytes:
        """At most ``size`` bytes of a file (its key, or ``s3://bucket/key``) from ``offset`` on; fewer: it ends there. Raises
        InvalidInput for a file that is not there or may not be read."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that can't be folded, kept raw with the reason."""

    raw: bytes
    code: str
    reason: str
    source: str
    at: int
    where: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


class Quarantine(Protocol):
    """Bad records, encrypted, for 30 days."""

    def put(self, key: str, records: Sequence[Rejected]) -> None:
        """Stores them under a key (without suffix); the same key overwrites."""
