"""A marketer's list of people (CSV) to messages: ``List Joined`` or ``List Left`` for each row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.events import names
from homing.domain.events.event import derived_message_id
from homing.domain.events.normalise import email_address, identifier
from homing.domain.time import iso

# As columns are called in what shops and mail tools export; compared without case, spaces, "_" and "-".
_COLUMNS = {
    "user_id": ("userid", "customerid"),
    "loyalty_id": ("loyaltyid", "loyaltycard", "cardnumber"),
    "email": ("email", "emailaddress", "mail"),
}
_MAX_NAME = 100
# A row spans so many lines at most: an address with line breaks, not the rest of the file behind a stray quote.
_ROW_LINES = 20
# What spreadsheets put before UTF-8 text.
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that names nobody, with its line in the file."""

    line: int
    reason: str


@dataclass(slots=True)
class ListReading:
    """What a file said: messages with the line of each, rows that named nobody, and people who stood there twice."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    repeated: int = 0

    def reject(self, index: int, reason: str) -> None:
        """The message at that place was refused where it was sent."""
        self.bad.append(BadRow(self.lines[index], reason))


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file of people is written: its separator, and the columns that name people, strongest first, as pairs of
    identifier and place. None: one identifier a line, addresses among them. ``begins``: where the people begin, in bytes."""

    separator: str
    columns: tuple[tuple[str, int], ...] | None
    begins: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        columns = None if self.columns is None else [list(column) for column in self.columns]
        return {"separator": self.separator, "columns": columns, "begins": self.begins}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Shape:
        """Reads :meth:`to_dict`."""
        held = value["columns"]
        columns = None if held is None else tuple((str(kind), int(place)) for kind, place in held)
        return cls(value["separator"], columns, value["begins"])


@dataclass(slots=True)
class Page:
    """People of a part of a file, its lines that named nobody (counted from 1 in this part; the reasons name nobody), and how
    many bytes and lines of it were read."""

    people: list[tuple[str, str]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    read: int = 0
    lines: int = 0


def shape_of(head: bytes) -> Shape:
    """From the beginning of a file, its first line at least. Raises InvalidInput when that is empty, or no text."""
    mark = len(_MARK) if head.startswith(_MARK) else 0
    first = head[mark:].partition(b"\n")[0]
    text = _text(first)
    if not text.strip():
        raise InvalidInput("the file is empty, or begins with an empty line", code="empty_list")
    separator = max(",;\t", key=text.count)
    cells = next(csv.reader([text.strip("\r")], delimiter=separator))
    try:
        return Shape(separator, tuple(_places(cells)), min(len(head), mark + len(first) + 1))
    except InvalidInput:
        # A line of its own: one customer number, or one address.
        if len(cells) > 1:
            # What stands there may be somebody's name, and this is told to many.
            raise InvalidInput(
                "the first line must name a column user_id, email or loyalty_id", code="no_column"
            ) from None
        return Shape(separator, None, mark)


def read_page(data: bytes, shape: Shape, most: int, *, last: bool) -> Page:
    """At most so many people from a part of a file that begins with a line. What the end cuts off is left for the next
    part, unless it is the ``last``. Fewer than ``most``: the part is read. A line that names nobody keeps none of the others
    back. Raises InvalidInput for a line longer than the part."""
    if not last:
        # Not in the middle of a letter.
        data = data[: data.rfind(b"\n") + 1]
    lines, page = data.splitlines(keepends=True), Page()
    while page.lines < len(lines) and len(page.people) < most:
        row, size = _row(lines, page.lines, shape.separator, last=last)
        if not size:
            # The part ends inside of quotes.
            break
        try:
            if row is None:
                raise InvalidInput("a quote is opened and never closed", code="bad_csv")
            if any(cell.strip() for cell in row):
                page.people.append(_person(row, shape.columns or _alone(row), shown=False))
        except InvalidInput as error:
            page.bad.append(BadRow(page.lines + 1, error.message))
        page.read += sum(map(len, lines[page.lines : page.lines + size]))
        page.lines += size
    if not page.read and not last:
        raise InvalidInput("a line is longer than a megabyte: this is no list of people", code="bad_csv")
    return page


def _row(lines: Sequence[bytes], at: int, separator: str, *, last: bool) -> tuple[list[str] | None, int]:
    """The row that begins with a line, and how many lines it has; None where its quotes never end, which is then that line
    alone. No lines: where it ends is seen in the next part only."""
    text = _lenient(lines[at])
    if '"' not in text:
        return text.rstrip("\r\n").split(separator), 1
    for size in range(1, _ROW_LINES + 1):
        if at + size > len(lines):
            return None, int(last)
        chunk = [_lenient(line) for line in lines[at : at + size]]
        try:
            return next(csv.reader(chunk, delimiter=separator, strict=True)), size
        except csv.Error as error:
            if "unexpected end" in str(error):
                continue
            # Text behind a closing quote: as spreadsheets read it, where it is one line.
            return (None if size > 1 else _loose(text, separator)), 1
    return None, 1


def _loose(text: str, separator: str) -> list[str] | None:
    try:
        return next(csv.reader([text], delimiter=separator))
    except csv.Error:
        return None


def _lenient(line: bytes) -> str:
    """What is no UTF-8 text is marked, and told where it should name somebody."""
    return line.decode("utf-8", "replace")


def _alone(row: list[str]) -> tuple[tuple[str, int], ...]:
    return (("email" if "@" in row[0] else "user_id", 0),)


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("the file is not UTF-8 text: save it as CSV UTF-8", code="encoding") from error


def read_list(data: bytes, name: str, *, joined: bool, at: int) -> ListReading:
    """The messages that put everybody in the file on the list, or take them off it, at an instant.

    Each row is known by its user_id, else its loyalty_id, else its e-mail address; only that is sent, so that a list never
    makes one person of two. The message ids follow from list, person and instant: the same call makes the same messages.
    Raises InvalidInput when the file is no table with such a column, or the list's name is none.
    """
    name = name.strip()
    if not name or len(name) > _MAX_NAME:
        raise InvalidInput(f"a list's name has 1 to {_MAX_NAME} characters", code="bad_list_name")
    table = _table(data)
    try:
        _, header = next(table)
    except StopIteration:
        raise InvalidInput("the file is empty", code="empty_list") from None
    places = _places(header)
    reading = ListReading()
    known: set[tuple[str, str]] = set()
    for line, row in table:
        try:
            person = _person(row, places)
        except InvalidInput as error:
            reading.bad.append(BadRow(line, error.message))
            continue
        if person in known:
            reading.repeated += 1
            continue
        known.add(person)
        reading.messages.append(_message(name, person, joined, at))
        reading.lines.append(line)
    return reading


def _table(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins; separated by commas, semicolons or tabs, whichever the header has."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidInput(f"line {line} is not UTF-8 text: save the file as CSV UTF-8", code="encoding") from error
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InvalidInput(f"line {line}: {error}", code="bad_csv") from error
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield line, row


def _places(header: list[str]) -> list[tuple[str, int]]:
    """Identifier and column of each that the table has, strongest first."""
    squeezed = [re.sub(r"[\s_\-]+", "", cell).lower() for cell in header]
    found = []
    for kind, spellings in _COLUMNS.items():
        place = next((squeezed.index(spelling) for spelling in spellings if spelling in squeezed), None)
        if place is not None:
            found.append((kind, place))
    if not found:
        stands = ", ".join(cell.strip() for cell in header[:5])
        raise InvalidInput(
            f"the first line must name a column user_id, email or loyalty_id; it says: {stands}", code="no_column"
        )
    return found


def _person(row: list[str], places: Sequence[tuple[str, int]], *, shown: bool = True) -> tuple[str, str]:
    """Raises InvalidInput; ``shown``: its message may repeat what stands there."""
    for kind, place in places:
        cell = row[place].strip() if place < len(row) else ""
        if not cell:
            continue
        if "\ufffd" in cell:
            raise InvalidInput(f"the {kind} is not UTF-8 text: save the file as CSV UTF-8", code="encoding")
        if not cell.isprintable():
            raise InvalidInput(f"the {kind} has characters that nobody can see", code="odd_characters")
        if kind != "email":
            if value := identifier(cell):
                return kind, value
        elif address := email_address(cell):
            return kind, address.lower()
        else:
            raise InvalidInput(f"{repr(cell) if shown else 'the email'} is not a mail address", code="bad_email")
    raise InvalidInput("names nobody: " + ", ".join(kind for kind, _ in places) + " is empty", code="nobody")


def _message(name: str, person: tuple[str, str], joined: bool, at: int) -> dict[str, Any]:
    kind, value = person
    event = names.LIST_JOINED if joined else names.LIST_LEFT
    stamp = iso(at)
    properties = {"list": name} if kind == "user_id" else {"list": name, kind: value}
    return {
        "type": "track",
        "event": event,
        "messageId": derived_message_id("list", name, event, kind, value, stamp),
        **({"userId": value} if kind == "user_id" else {}),
        "properties": properties,
        "timestamp": stamp,
    }
