"""What stands below ``expect:``, in its short and long forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from homing.domain.content.suggest import did_you_mean
from homing.domain.content.yaml_source import Path
from homing.domain.stories.expected import Check, DecisionIs, Expect, MailIs, RunIs, Which, WhichRun

if TYPE_CHECKING:
    from homing.domain.stories.read import Reader

# Word → model of what is said, and the key that a bare text stands for.
FORMS: dict[str, tuple[type[Any], str]] = {
    "mail": (MailIs, "template"),
    "no_mail": (Which, "template"),
    "no_more_mail": (Which, "template"),
    "run": (RunIs, "flow"),
    "no_run": (WhichRun, "flow"),
    "decision": (DecisionIs, ""),
}
# Of whom → names, or name → value.
NAMED = ("in_segment", "not_in_segment", "on_list", "not_on_list")
VALUED = ("trait", "consent")
WORDS = (*FORMS, *NAMED, *VALUED)
# Where `true` means: none at all.
OF_NONE = frozenset({"no_mail", "no_more_mail", "no_run"})


def read_expectation(reader: Reader, path: Path) -> Expect:
    """All checks of an expectation."""
    checks: list[Check] = []
    held = reader.mapping(path, f"what is expected: {', '.join(WORDS)}")
    for word in held:
        if word == "description":
            continue
        if word not in WORDS:
            # {description: first this, then that} is two keys to YAML.
            comma = " " in word and held[word] is None
            hint = ": a text with a comma needs quotes" if comma else did_you_mean(word, WORDS)
            reader.wrong(f"unknown key {word!r}{hint}", (*path, word), code="unknown_key", key=True)
        elif word in FORMS:
            checks += _form(reader, word, (*path, word))
        elif word in NAMED:
            checks += _named(reader, word, (*path, word))
        else:
            checks += _valued(reader, word, (*path, word))
    description = held.get("description", "")
    if not isinstance(description, str):
        reader.wrong("a description is a text", (*path, "description"))
    if held and not set(held) & set(WORDS) and "description" in held:
        reader.wrong("nothing is expected here", path)
    return Expect(str(description), tuple(checks))


def _form(reader: Reader, word: str, path: Path) -> Iterator[Check]:
    value = reader.located.at(path)
    if isinstance(value, list) and value:
        for index in range(len(value)):
            yield from _form(reader, word, (*path, index))
        return
    model, short = FORMS[word]
    if value is True and word in OF_NONE:
        value = {}
    elif isinstance(value, str) and short:
        value = {short: value}
    elif value is True and word == "mail":
        value = {}
    found = reader.model(model, path, value)
    if found is not None:
        yield Check(word, path, found, getattr(found, "of", None) or getattr(found, "to", None))


def _named(reader: Reader, word: str, path: Path) -> Iterator[Check]:
    value = reader.located.at(path)
    if isinstance(value, Mapping) and value:
        for who in value:
            yield from _names(reader, word, (*path, who), who)
    else:
        yield from _names(reader, word, path, None)


def _names(reader: Reader, word: str, path: Path, who: str | None) -> Iterator[Check]:
    value = reader.located.at(path)
    listed = isinstance(value, list)
    for index, name in enumerate(value if listed else [value]):
        place = (*path, index) if listed else path
        if isinstance(name, str) and name:
            yield Check(word, place, name, who)
        else:
            reader.wrong(f"expected a name, such as `{word}: {{ana: vip}}`", place)


def _valued(reader: Reader, word: str, path: Path) -> Iterator[Check]:
    for who in reader.mapping(path, f"whose: `{word}: {{ana: {{…}}}}`"):
        for name, value in reader.mapping((*path, who), "names with values").items():
            place = (*path, who, name)
            if word == "consent" and not isinstance(value, bool):
                reader.wrong("consent is true or false", place)
                continue
            yield Check(word, place, (name, value), who)
