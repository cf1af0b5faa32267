"""What the services are made of, each built once a process: clients, tables, the stream, secrets, the bundle.

Adapters are imported where they are built, so that a function loads only what it uses. Everything is cached by what it
is made from, never by whose environment that was.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config

from homing.adapters.backoff import Backoff
from homing.runtime import clock
from homing.runtime.parallel import WORKERS

if TYPE_CHECKING:
    from homing.adapters.dynamodb_journal import DynamoJournal
    from homing.adapters.dynamodb_profiles import DynamoProfiles
    from homing.adapters.kinesis import KinesisStream
    from homing.adapters.s3 import S3Archive
    from homing.adapters.secrets import Secret
    from homing.domain.attributes.rankings import Rankings
    from homing.domain.campaigns import Campaigns
    from homing.domain.profiles.identity import Identity
    from homing.services.codes import Codes
    from homing.services.ports import Caller
    from homing.services.sending_rate import Pace

_sleep: Callable[[float], None] = time.sleep
_workers = WORKERS
_caller: Caller | None = None


def install_sleep(sleep: Callable[[float], None]) -> None:
    """Replaces waiting before another try: on a virtual clock nobody waits."""
    global _sleep
    _sleep = sleep


def install_workers(workers: int = WORKERS) -> None:
    """How many threads the next pool has: with one, what would overlap happens in order, the same in every run."""
    global _workers
    _workers = workers


def install_caller(made: Caller | None = None) -> None:
    """Replaces who calls other systems: on one machine nobody is called. Without an argument, as deployed."""
    global _caller
    _caller = made


def reset() -> None:
    """Forgets everything; the next call builds it anew."""
    for part in (session, client, pool, profiles, journal, archive, rankings, stream, secret, identity, campaigns):
        part.cache_clear()


@cache
def session() -> botocore.session.Session:
    """One session for all clients."""
    # botocore itself: boto3 adds nothing to a low-level client but import time.
    return botocore.session.get_session()


def config() -> Config:
    """How clients talk to AWS, unless they have reasons of their own. Time-outs in seconds; a call is tried three times."""
    return Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=WORKERS * 2,
        tcp_keepalive=True,
        # A third of the CPU time of a call: botocore otherwise puts its long name together twice and walks through
        # parameters that typed code built (benchmarks/stub.py measures it).
        user_agent="homing",
        parameter_validation=False,
    )


@cache
def client(service: str, own: Config | None = None) -> Any:
    """A low-level client, made on first use."""
    return session().create_client(service, config=own or config())


@cache
def pool() -> ThreadPoolExecutor:
    """The threads that wait for AWS."""
    return ThreadPoolExecutor(_workers, thread_name_prefix="homing")


def wait(seconds: float) -> None:
    """Waits; on a virtual clock nobody does."""
    _sleep(seconds)


def backoff() -> Backoff:
    """How adapters wait before another try."""
    return Backoff(sleep=lambda seconds: _sleep(seconds), random=random.random)


@cache
def profiles(table: str) -> DynamoProfiles:
    """The profiles table."""
    from homing.adapters.dynamodb_profiles import DynamoProfiles

    return DynamoProfiles(client("dynamodb"), table, backoff=backoff(), overlap=pool().map)


@cache
def journal(table: str) -> DynamoJournal:
    """The journal table."""
    from homing.adapters.dynamodb_journal import DynamoJournal

    return DynamoJournal(client("dynamodb"), table, clock=clock.now)


@cache
def archive(bucket: str) -> S3Archive:
    """The archive bucket."""
    from homing.adapters.s3 import S3Archive

    return S3Archive(client("s3"), bucket)


@cache
def rankings(table: str) -> Rankings:
    """Thresholds of RFM scores, as they are in force."""
    from homing.adapters.dynamodb_rankings import DynamoRankings
    from homing.domain.attributes.rankings import Rankings

    store = DynamoRankings(client("dynamodb"), table, backoff=backoff())
    return Rankings(read=lambda: store.load()[1], clock=clock.now)


def caller() -> Caller:
    """HTTPS to other systems."""
    if _caller is not None:
        return _caller
    from homing.adapters.https import HttpsCaller

    return HttpsCaller()


def codes(campaigns: Campaigns, journal_table: str, keys_secret: str) -> Codes:
    """Discount codes, in the journal table."""
    from homing.adapters.dynamodb_codes import DynamoCodes
    from homing.domain.codes.minting import Mint
    from homing.services.codes import Codes

    mint = Mint(secret(keys_secret)().encode())
    return Codes(campaigns, DynamoCodes(client("dynamodb"), journal_table), mint)


def pace(campaigns: Campaigns, journal_table: str, shares: tuple[int, ...]) -> Pace:
    """This process's part of the sending rate, in the journal table."""
    from homing.adapters.dynamodb_book import DynamoBook
    from homing.services.sending_rate import Pace

    return Pace(
        DynamoBook(client("dynamodb"), journal_table), campaigns, shares,
        holder=secrets.token_hex(6), clock=clock.now, wait=lambda seconds: _sleep(seconds),
    )  # fmt: skip


@cache
def stream(name: str) -> KinesisStream:
    """The event stream."""
    from homing.adapters.kinesis import KinesisStream

    return KinesisStream(client("kinesis"), name, backoff=backoff())


@cache
def secret(arn: str, refresh: int | None = None) -> Secret:
    """A secret, by its ARN; ``refresh`` in microseconds."""
    from homing.adapters.secrets import Secret

    return Secret(client("secretsmanager"), arn, clock=clock.now, refresh=refresh)


@cache
def identity(keys_secret: str) -> Identity:
    """Ids under the deployment's keys secret."""
    from homing.domain.profiles.identity import Identity

    return Identity(secret(keys_secret)().encode())


@cache
def campaigns(path: str) -> Campaigns:
    """The published bundle."""
    from homing.adapters.files import load_bundle

    return load_bundle(path)
