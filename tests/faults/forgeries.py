"""``make forgeries``: a million forged, damaged and expired links, none of which opens anything.

Each is derived from genuine links as somebody could who has some: bits flipped, parts cut off, put together from two
links, made for another purpose or by another deployment, kept until long after it ended, or invented.
"""

from __future__ import annotations

import argparse
import base64
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

from homing.domain.delivery.links import VALID_FOR, Links, Purpose
from homing.domain.errors import InvalidInput
from homing.domain.time import DAY, parse_instant

NOW = parse_instant("2026-11-22T12:00:00Z")
LINKS, OTHERS = Links(b"secret", "https://shop.example"), Links(b"another secret", "https://shop.example")
PURPOSES: tuple[Purpose, ...] = ("unsubscribe", "preferences")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

# A forged token, the purpose that it is tried for, and when.
Forgery = tuple[str, Purpose, int]


def _genuine(random: Random, purpose: Purpose = "unsubscribe", links: Links = LINKS, age: int = 0) -> str:
    person, address = f"{random.getrandbits(104):026x}", f"{random.getrandbits(104):026x}"
    return links.token(purpose, person, address, random.choice(["*", "marketing", "cart_reminders"]), NOW - age)


def _bytes(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _flipped(random: Random) -> Forgery:
    raw = bytearray(_bytes(_genuine(random)))
    for bit in random.sample(range(8 * len(raw)), random.randint(1, 3)):
        raw[bit // 8] ^= 1 << bit % 8
    return _text(bytes(raw)), "unsubscribe", NOW


def _changed(random: Random) -> Forgery:
    token = _genuine(random)
    at = random.randrange(len(token))
    other = random.choice([letter for letter in _ALPHABET if letter != token[at]])
    return token[:at] + other + token[at + 1 :], "unsubscribe", NOW


def _cut_off(random: Random) -> Forgery:
    token = _genuine(random)
    return token[: random.randrange(len(token))], "unsubscribe", NOW


def _longer(random: Random) -> Forgery:
    more = "".join(random.choices(_ALPHABET, k=random.randint(1, 40)))
    token = _genuine(random)
    return random.choice([token + more, more + token, token + "=", token + "%00"]), "unsubscribe", NOW


def _other_purpose(random: Random) -> Forgery:
    made, tried = random.sample(PURPOSES, 2)
    return _genuine(random, made), tried, NOW


def _other_key(random: Random) -> Forgery:
    return _genuine(random, links=OTHERS), "unsubscribe", NOW


def _put_together(random: Random) -> Forgery:
    """What one link says, under the signature of another."""
    one, two = _bytes(_genuine(random)), _bytes(_genuine(random))
    return _text(one[:-16] + two[-16:]), "unsubscribe", NOW


def _guessed(random: Random) -> Forgery:
    raw = _bytes(_genuine(random))
    return _text(raw[:-16] + random.randbytes(16)), "unsubscribe", NOW


def _invented(random: Random) -> Forgery:
    return _text(random.randbytes(random.randint(0, 120))), random.choice(PURPOSES), NOW


def _expired(random: Random) -> Forgery:
    purpose = random.choice(PURPOSES)
    return _genuine(random, purpose, age=VALID_FOR + random.randrange(3000 * DAY)), purpose, NOW


def _younger(random: Random) -> Forgery:
    """An expired link whose date was changed."""
    raw = _bytes(_genuine(random, age=VALID_FOR + DAY))
    return _text(raw[:2] + (NOW // 1_000_000).to_bytes(5, "big") + raw[7:]), "unsubscribe", NOW


FORGERS: dict[str, Callable[[Random], Forgery]] = {
    "bits flipped": _flipped,
    "a character changed": _changed,
    "cut off": _cut_off,
    "made longer": _longer,
    "of another purpose": _other_purpose,
    "of another deployment": _other_key,
    "put together from two": _put_together,
    "signature guessed": _guessed,
    "invented": _invented,
    "expired": _expired,
    "expired and dated anew": _younger,
}


def tried(count: int, seed: int) -> Iterator[tuple[str, Forgery, str]]:
    """Forges and tries ``count`` links: how each was made, what it is, and the code of its refusal; empty: it opened."""
    random = Random(seed)
    forgers = list(FORGERS.items())
    for number in range(count):
        name, forge = forgers[number % len(forgers)]
        token, purpose, now = forgery = forge(random)
        try:
            LINKS.read(token, purpose, now)
        except InvalidInput as error:
            yield name, forgery, error.code
        else:
            yield name, forgery, ""


def main() -> int:
    """Exits 1 when one opened, or was refused for the wrong reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.forgeries", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    count: Counter[tuple[str, str]] = Counter()
    opened = []
    for name, forgery, code in tried(asked.count, asked.seed):
        count[name, code] += 1
        if not code:
            opened.append((name, forgery))
    for (name, code), number in sorted(count.items()):
        sys.stdout.write(f"{name:24} {code or 'OPENED':13} {number:>8}\n")
    wrong = sum(number for (name, code), number in count.items() if (code == "link_expired") != (name == "expired"))
    seconds = time.monotonic() - began
    sys.stdout.write(f"{asked.count} forgeries (seed {asked.seed}), {len(opened)} opened, {seconds:.0f} s\n")
    return 1 if opened or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
