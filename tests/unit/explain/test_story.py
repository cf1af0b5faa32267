"""One person's story out of a recording."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from homing.cli.explain import command
from homing.domain.errors import InvalidInput
from homing.domain.profiles.identity import Identity
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, iso
from homing.local.backtest import LOCAL_SECRET
from homing.local.explain.lines import lines_of
from homing.local.explain.story import replayed
from tests.fixtures.shop import campaigns, instant

START = instant("2026-03-02T10:00:00Z")
IDENTITY = Identity(LOCAL_SECRET)


def track(name: str, at: int, **more: Any) -> dict[str, Any]:
    ids = {key: more.pop(key) for key in ("userId", "anonymousId") if key in more}
    return {
        "type": "track",
        "event": name,
        "messageId": f"{name}-{at}-{ids}",
        "timestamp": iso(at),
        **ids,
        "properties": more,
    }


def identify(at: int, userId: str, **traits: Any) -> dict[str, Any]:  # noqa: N803
    anonymous = {"anonymousId": traits.pop("anonymousId")} if "anonymousId" in traits else {}
    return {
        "type": "identify",
        "messageId": f"i-{at}",
        "timestamp": iso(at),
        "userId": userId,
        **anonymous,
        "traits": traits,
    }


def record(path: Path, messages: Iterable[Any]) -> Path:
    path.write_text("".join(f"{m if isinstance(m, str) else json.dumps(m)}\n" for m in messages), encoding="utf-8")
    return path


MESSAGES = [
    track("Product Viewed", START, anonymousId="browser", product_id="p1"),
    track("Product Viewed", START + HOUR, userId="ben", product_id="p1"),
    identify(START + MINUTE, "ana", email="Ana@Shop.example", anonymousId="browser", country="DE"),
    track("Product Added", START + 2 * MINUTE, userId="ana", product_id="p1", cart_id="c1"),
    "not json, but about \"userId\":\"ana\"",
    track("Order Completed", START + 3 * MINUTE, userId="guest", order_id="7", cart_id="c1", total=20),
    identify(START + 5 * MINUTE, "ana", country="AT"),
    track("Order Completed", START + 10 * DAY, userId="ana", order_id="8", total=30),
]  # fmt: skip
SEGMENTS = {
    "buyers": {"did": "Order Completed", "within": "30d"},
    "germans": {"trait": {"country": "DE"}},
    "viewers": {"did": "Product Viewed", "within": "1d"},
}


def test_the_lines_of_a_person_are_those_that_share_something_with_them(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", MESSAGES)
    for name in ("ana", "browser", "ana@shop.example", "guest", IDENTITY.key("user_id", "ana")):
        assert [line.line for line in lines_of(path, name, IDENTITY)] == [1, 3, 4, 6, 7, 8]
    assert [line.line for line in lines_of(path, "ben", IDENTITY)] == [2]
    with pytest.raises(InvalidInput, match="knows nobody called 'zoe'"):
        lines_of(path, "zoe", IDENTITY)


def naive_lines(messages: list[dict[str, Any]], person: str) -> list[int]:
    """Grows a set of identifiers until it grows no more."""

    def ids(message: dict[str, Any]) -> set[tuple[str, str]]:
        said = {**message.get("properties", {}), **message.get("traits", {})}
        found = {("user", str(message["userId"]))} if "userId" in message else set()
        if "anonymousId" in message:
            found.add(("anonymous", message["anonymousId"]))
        if "email" in said:
            found.add(("email", said["email"].lower()))
        return found | {("cart", str(said[key])) for key in ("cart_id", "checkout_id") if key in said}

    known = {one for message in messages for one in ids(message) if one[1] == person and one[0] != "cart"}
    while True:
        grown = known.union(*(ids(message) for message in messages if ids(message) & known))
        if grown == known:
            break
        known = grown
    return [number for number, message in enumerate(messages, start=1) if ids(message) & known]


@pytest.mark.parametrize("seed", range(40))
def test_the_closure_equals_a_naive_one(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    messages = []
    for number in range(40):
        properties: dict[str, Any] = {}
        if random.random() < 0.3:
            properties["cart_id"] = random.choice([f"u{random.randrange(9)}", random.randrange(9)])
        if random.random() < 0.3:
            properties["email"] = random.choice(["A@x.example", "a@x.example", "ü@x.example", "b@x.example"])
        who = {"userId": random.choice([f"u{random.randrange(12)}", random.randrange(12)])}
        if random.random() < 0.4:
            who = {**(who if random.random() < 0.5 else {}), "anonymousId": f"u{random.randrange(12)}"}
        messages.append(track("X", START + number * SECOND, **who, **properties))
    path = record(tmp_path / "r.jsonl", messages)
    for person in ("u1", "5", "ü@x.example"):
        expected = naive_lines(messages, person)
        if expected:
            assert [line.line for line in lines_of(path, person, IDENTITY)] == expected


def story(tmp_path: Path, person: str = "ana", **more: Any) -> Any:
    return replayed(campaigns(segments=SEGMENTS), {}, record(tmp_path / "r.jsonl", MESSAGES), person, **more)


def test_a_story_tells_how_memberships_and_traits_came_about(tmp_path: Path) -> None:
    told = story(tmp_path)
    assert told.at == START + 10 * DAY
    assert [(m.segment, m.member, m.until) for m in told.memberships] == [
        ("buyers", True, START + 40 * DAY), ("germans", False, None), ("viewers", False, None),
    ]  # fmt: skip
    assert [(m.at, m.what, m.why, m.line) for m in told.segments_past] == [
        (START, "entered viewers", "Product Viewed (product_id p1)", 1),
        (START + MINUTE, "entered germans", "Identified", 3),
        (START + 5 * MINUTE, "left germans", "Identified", 7),
        (START + DAY, "left viewers", "time passed", 0),
        (START + 10 * DAY, "entered buyers", "Order Completed (order_id 8, total 30)", 8),
    ]
    assert [(m.what, m.line) for m in told.traits_past] == [
        ("email is Ana@Shop.example", 3), ("country is DE", 3), ("country is AT", 7),
    ]  # fmt: skip
    assert told.explained["buyers"].facts == ["12 Mar 2026, 10:00 (order_id 8, total 30, line 8)"]


def test_a_story_ends_where_it_is_told_to(tmp_path: Path) -> None:
    told = story(tmp_path, at=START + 2 * MINUTE + SECOND)
    assert [m.segment for m in told.memberships if m.member] == ["germans", "viewers"]
    (cart,) = told.carts
    assert (cart.token, [item["product_id"] for item in cart.items]) == ("c1", ["p1"])
    # A guest ordered the cart.
    assert story(tmp_path, at=START + 4 * MINUTE).lines == 4
    with pytest.raises(InvalidInput, match="later than"):
        story(tmp_path, at=START - 1)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, list(arguments))


def test_the_command_tells_it_to_people_and_to_programs(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", MESSAGES)
    shown = run("ana", "--events", str(path))
    assert shown.exit_code == 0, shown.output
    for text in (
        "user_id: ana",
        "country: AT, said through the shop's SDK",
        "new-customers",
        "segments/",
        "Segments, history",
    ):
        assert text in shown.output
    one = run("ana", "--events", str(path), "--segment", "lapsed")
    assert "no  lapsed" in one.output
    assert "Traits" not in one.output
    read = json.loads(run("ana", "--events", str(path), "--json").output)
    assert read["identifiers"]["email"] == ["ana@shop.example"]
    assert read["segments"]["new-customers"]["why"]["where"].startswith("segments/new-customers.yaml:")


def test_the_command_says_what_it_needs(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", MESSAGES)
    assert run("ana").exit_code == 2
    assert "knows nobody" in run("zoe", "--events", str(path)).output
    assert "did you mean" in run("ana", "--events", str(path), "--segment", "lapst").output
