"""What is wrong with a file that is not YAML, in words for those who write it: what stands where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

# `on:cart`, `- send:reminder`: a key, and its value right behind the colon.
_NO_SPACE = re.compile(r"\s*(?:- +)*(?P<key>[A-Za-z_][\w-]*):(?P<value>[^\s:/].*)")
_CLOSES = {"[": "]", "{": "}"}
_ELSEWHERE = "this line is indented otherwise than those before"
# What a loader says of *aliases, &anchors and !tags, which are not used here.
NAMED = "while scanning a name"
_NAMES = (
    NAMED,
    "while scanning an a",
    "while scanning a tag",
    "while scanning a directive",
    "while scanning a block scalar",
)
_QUOTES = {"'": "single", '"': "double"}


class Told(NamedTuple):
    """A message, with line and column from 0."""

    message: str
    line: int
    column: int


def in_words(error: Any, text: str) -> Told:
    """A ``yaml.YAMLError`` of that text."""
    if (position := getattr(error, "position", None)) is not None:
        line, column = text.count("\n", 0, position), position - (text.rfind("\n", 0, position) + 1)
        return Told("a character that nobody can see stands here: delete it", line, column)
    mark, context = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return Told("this is not YAML", 0, 0)
    problem, lines = str(error.problem), text.split("\n")
    here = _Here(lines, mark.line, mark.column)
    scanned = str(error.context or "")
    if "cannot start any token" in problem:
        return here.says(_no_start(here))
    if "quoted scalar" in scanned and context is not None:
        return _quoted(_Here(lines, context.line, context.column), here, problem)
    if "flow" in scanned and context is not None:
        opened = _Here(lines, context.line, context.column)
        # Right behind a bracket the place is where something should begin.
        opened = opened if opened.character in _CLOSES else _opened(here)
        return _bracket(opened, here) if opened.character in _CLOSES else here.says_odd()
    if "mapping values are not allowed" in problem:
        return _two_values(here)
    if "could not find expected ':'" in problem and context is not None:
        return _Here(lines, context.line, context.column).says("a colon is missing in this line: write `key: value`")
    if "expected <block end>" in problem and context is not None:
        return _out_of_line(here, context.column, problem)
    if "another document" in problem:
        return here.says("`---` begins a second document: a file holds one")
    if context is not None and scanned.startswith(_NAMES):
        return _Here(lines, context.line, context.column).says_quotes()
    return here.says_odd()


class _Here(NamedTuple):
    """A place in the text."""

    lines: list[str]
    line: int
    column: int

    @property
    def text(self) -> str:
        """The line."""
        return self.lines[self.line] if self.line < len(self.lines) else ""

    @property
    def before(self) -> str:
        """What stands before the place."""
        return self.text[: self.column]

    @property
    def character(self) -> str:
        """What stands there."""
        return self.text[self.column : self.column + 1]

    def says(self, message: str) -> Told:
        """The message at this place."""
        return Told(message, self.line, self.column)

    def says_odd(self) -> Told:
        """That it is not understood what stands there."""
        if not self.character.strip():
            return self.says("something is missing here: a text with signs such as : # [ { needs quotes")
        return self.says(f"{self.character} can't stand here: put the whole text into quotes")

    def says_quotes(self) -> Told:
        """That a text must not begin like this."""
        return self.says(f"a text can't begin with {self.character}: put it into quotes")


def space_missing(line: str) -> str | None:
    """What to write instead, where a line has a key with its value right behind the colon."""
    found = _NO_SPACE.fullmatch(line.rstrip())
    if found is None or re.search(r":\s", line[: found.start("value")]):
        return None
    return f"a space is missing after the colon: write `{found['key']}: {_short(found['value'])}`"


def _no_start(here: _Here) -> str:
    if here.character == "\t":
        if not here.before.strip():
            return "a tab stands here: indent with spaces, two for each level"
        return "a tab stands here: write a space"
    if here.before.endswith("{"):
        return f"a text can't begin with {{{here.character}: put it into quotes"
    return f"a text can't begin with {here.character}: put it into quotes"


def _quoted(opened: _Here, here: _Here, problem: str) -> Told:
    quote = opened.character
    if "escape" in problem:
        there = _Here(here.lines, here.line, max(here.before.rfind("\\"), 0))
        return there.says("in double quotes a backslash means something else: take single quotes, or write it twice")
    if "unexpected end" in problem or "document separator" in problem:
        return opened.says(f"this quote is opened and never closed: write {quote} at the end of the text")
    return here.says_odd()


def _opened(here: _Here) -> _Here:
    """The bracket before a place that none closes."""
    line, column, closed = here.line, here.column, 0
    while line >= 0:
        for index in range(min(column, len(here.lines[line])) - 1, -1, -1):
            character = here.lines[line][index]
            closed += (character in _CLOSES.values()) - (character in _CLOSES)
            if closed < 0:
                return _Here(here.lines, line, index)
        line -= 1
        column = len(here.lines[line])
    return here


def _bracket(opened: _Here, here: _Here) -> Told:
    bracket, found = opened.character, here.character
    closing = _CLOSES[bracket]
    if found in {"]", "}"} and found != closing:
        return here.says(f"{bracket} is closed with {found} here: write {closing}")
    if here.line > opened.line or not found:
        return opened.says(f"{bracket} is opened here and never closed: write {closing}")
    return here.says(f"a comma or {closing} is missing before this")


def _two_values(here: _Here) -> Told:
    if re.search(r":\s", here.before):
        begin = re.search(r":\s+(?P<value>.*)", here.text)
        shown = _short(begin["value"]) if begin else ""
        return here.says(f'a text with a colon needs quotes: write "{shown}"')
    above = next(_above(here), None)
    if above is None:
        return here.says("a key stands where none can be")
    line = here.lines[above]
    if told := space_missing(line):
        return Told(told, above, line.index(":"))
    column = len(line) - len(line.lstrip(" -")) + 1
    message = (
        f"this line belongs to the one above, which has its value already: begin it in column {column}, as that one"
    )
    return Told(message, here.line, len(here.text) - len(here.text.lstrip()))


def _out_of_line(here: _Here, column: int, problem: str) -> Told:
    last = here.before.rstrip()[-1:]
    if here.before.strip() not in {"", "-"}:
        if last in _QUOTES:
            other = "double" if last == "'" else "single"
            return here.says(f"the {_QUOTES[last]} quotes end before this: put the whole text into {other} quotes")
        return here.says("this can't stand behind a value: put the whole text into quotes, or begin a new line")
    if here.column == column and "-" in problem:
        return here.says("an item of a list stands among keys here: indent it below the key whose list it is")
    if here.column == column:
        return here.says("a key stands among the items of a list here: indent it, or begin an item with `- `")
    item = here.text.lstrip().startswith("- ")
    for above in _above(here):
        line = here.lines[above]
        if line.lstrip().startswith("- ") == item:
            begins = len(line) - len(line.lstrip()) + 1
            return here.says(f"{_ELSEWHERE}: begin it in column {begins}, as `{_short(line.strip())}` does")
    return here.says(f"{_ELSEWHERE}: begin it in column {column + 1}")


def _above(here: _Here) -> Iterator[int]:
    """The lines before, from the nearest on, without empty ones and comments."""
    return (line for line in range(here.line - 1, -1, -1) if here.lines[line].partition("#")[0].strip())


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
