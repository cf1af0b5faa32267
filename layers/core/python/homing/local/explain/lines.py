"""Which lines of a recording are about one person: all that share an identifier or a cart with them, directly or through
others. The file is read twice and never held: once to see which identifiers belong together, once to take the lines."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from homing.domain.errors import InvalidInput
from homing.domain.profiles.identity import Identity, normalise
from homing.local.recording import Recorded, expect_events, expect_lines, read_line

# Parsing every line would take five times as long. What the pattern takes for an identifier and is none (an address in a
# text, say) leads at most to a few lines more.
_KINDS = {
    b"userId": "user_id", b"anonymousId": "anonymous_id", b"previousId": "anonymous_id", b"email": "email",
    b"loyalty_id": "loyalty_id", b"loyaltyId": "loyalty_id", b"cart_id": "cart", b"cart_token": "cart",
    b"cartId": "cart", b"checkout_id": "cart", b"checkout_token": "cart",
}  # fmt: skip
_TOKEN = re.compile(
    rb'"(' + b"|".join(_KINDS) + rb')"\s*:\s*(?:"((?:[^"\\]|\\.)+)"|(\d+))'
    rb'|"device"\s*:\s*\{[^{}]*?"id"\s*:\s*"((?:[^"\\]|\\.)+)"'
)
_PEOPLE = ("user_id", "loyalty_id", "email", "anonymous_id", "device_id")
_ID = re.compile(r"[0-9a-f]{26}")

Token = tuple[str, str]


class _Union:
    """Which tokens belong together."""

    def __init__(self) -> None:
        self.places: dict[Token, int] = {}
        self._above: list[int] = []

    def add(self, token: Token) -> int:
        place = self.places.get(token)
        if place is None:
            place = self.places[token] = len(self._above)
            self._above.append(place)
        return place

    def root(self, place: int) -> int:
        above = self._above
        while above[place] != place:
            above[place] = above[above[place]]
            place = above[place]
        return place

    def join(self, one: int, other: int) -> None:
        one, other = self.root(one), self.root(other)
        if one != other:
            self._above[max(one, other)] = min(one, other)


def lines_of(
    path: Path, person: str, identity: Identity, *, tick: Callable[[int], None] | None = None
) -> list[Recorded]:
    """The messages about ``person`` (a user_id, e-mail, anonymous or other id, or a profile id) and whoever shares an
    identifier or a cart with them, by time. ``tick`` is told how many bytes were read. Raises InvalidInput when the file
    holds no events, or knows nobody of that name."""
    union = _Union()
    firsts = array("q")
    for raw in _raw(path, tick):
        places = [union.add(token) for token in _tokens(raw)]
        for other in places[1:]:
            union.join(places[0], other)
        firsts.append(places[0] if places else -1)
    wanted = {union.root(union.places[token]) for token in _named(union, person, identity)}
    if not wanted:
        expect_events(path)
        raise InvalidInput(f"{path} knows nobody called {person!r}", code="unknown_person")
    found: list[Recorded] = []
    for number, (raw, first) in enumerate(zip(_raw(path, tick), firsts, strict=True), start=1):
        if first >= 0 and union.root(first) in wanted:
            try:
                found.append(read_line(raw, number))
            except InvalidInput:
                # Nobody can place it in time; replay puts it into quarantine.
                continue
    if not found:
        raise InvalidInput(f"{path} holds no event of {person!r} with a time", code="unknown_person")
    return sorted(found, key=lambda line: (line.at, line.line))


def _raw(path: Path, tick: Callable[[int], None] | None) -> Iterator[bytes]:
    done, begun = 0, False
    with path.open("rb") as file:
        for number, raw in enumerate(file):
            done += len(raw)
            if tick and number % 20_000 == 0:
                tick(done)
            line = raw.removeprefix(b"\xef\xbb\xbf").strip()
            if line and not begun:
                begun = True
                expect_lines(path, line)
            yield line
    if tick:
        tick(done)


def _tokens(raw: bytes) -> list[Token]:
    found = []
    for key, text, number, device in _TOKEN.findall(raw):
        kind = _KINDS[key] if key else "device_id"
        token = _token(kind, (text or number or device).decode(errors="replace"))
        if token[1]:
            found.append(token)
    return found


def _token(kind: str, value: str) -> Token:
    if "\\" in value:
        value = _unescaped(value)
    return kind, value.strip().lower() if kind == "email" else value.strip()


def _unescaped(value: str) -> str:
    try:
        return str(orjson.loads(f'"{value}"'))
    except orjson.JSONDecodeError:
        return value


def _named(union: _Union, person: str, identity: Identity) -> list[Token]:
    person = person.strip()
    found = [token for kind in _PEOPLE if (token := _token(kind, person)) in union.places]
    if not found and _ID.fullmatch(person):
        # An id is a keyed hash of the identifier that somebody was first known by.
        found = [
            (kind, value)
            for kind, value in union.places
            if kind in _PEOPLE and identity.key(kind, normalise(kind, value)) == person  # type: ignore[arg-type]
        ]
    return found
