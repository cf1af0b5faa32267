"""Link scanners, previews and crawlers follow every link: whatever they ask for, nothing changes by it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.delivery.links import Purpose
from homing.domain.delivery.message import Stop
from homing.domain.time import DAY
from homing.services.http import HttpRequest
from tests.unit.services.test_manage_preferences import ADDRESS, LINKS, NOW, PERSON, World

PURPOSES: tuple[Purpose, ...] = ("unsubscribe", "preferences")
QUERIES = st.dictionaries(
    st.sampled_from(["confirm", "everything", "topic", "List-Unsubscribe", "save", "_method", "lang", "x"]),
    st.sampled_from(["1", "off", "marketing", "One-Click", "POST", "de", ""]),
)
BODIES = st.sampled_from([b"", b"List-Unsubscribe=One-Click", b"everything=off", b"confirm=1", b"topic=marketing"])
HEADERS = st.dictionaries(
    st.sampled_from(["x-http-method-override", "x-method-override", "accept-language", "purpose", "content-type"]),
    st.sampled_from(["POST", "de", "prefetch", "application/x-www-form-urlencoded"]),
)


def everything_stored(world: World) -> object:
    ids = [PERSON, ADDRESS, "old", "gone"]
    return world.profiles.read(ids), world.profiles.stops(ids), world.profiles.writes, list(world.stream.items)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(
        ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "post", "", "QUERY"]
    ),
    st.sampled_from(["/unsubscribe", "/preferences", "/preferences/", "/stage/unsubscribe", "/", "/r"]),
    st.sampled_from([*PURPOSES, "none", "expired"]),
    st.sampled_from([PERSON, "old", "gone"]),
    st.sampled_from(["*", "marketing", "cart_reminders", "invented"]),
    st.booleans(),
    QUERIES,
    BODIES,
    HEADERS,
)
def test_no_method_but_post_changes_anything(
    method: str, path: str, made_for: str, person: str, topic: str, stopped: bool,
    query: dict[str, str], body: bytes, headers: dict[str, str],
) -> None:  # fmt: skip
    world = World()
    world.profiles.point("old", PERSON, expected=0)
    if stopped:
        world.profiles.stop(Stop(ADDRESS, topics={"marketing": NOW - DAY}))
    before = everything_stored(world)
    if made_for in PURPOSES:
        purpose: Purpose = "unsubscribe" if made_for == "unsubscribe" else "preferences"
        query = {**query, "t": LINKS.token(purpose, person, ADDRESS, topic, NOW - DAY)}
    elif made_for == "expired":
        query = {**query, "t": LINKS.token("unsubscribe", person, ADDRESS, topic, NOW - 900 * DAY)}
    answer = world.manage(HttpRequest(method, path, headers, query, body))
    assert everything_stored(world) == before
    assert answer.status in {200, 400, 405, 410}
    assert not any(answer.counts.get(name) for name in ("Unsubscribed", "Subscribed"))
