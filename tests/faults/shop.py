"""A few days of a small shop: carts, orders, merges, caps, consent withdrawn in between, quiet hours, two and more flows.

Every story is somebody's; what they may and may not get is said by the oracle (tests/faults/verdict.py) alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.codes.language import DiscountCode
from homing.domain.time import DAY, HOUR, iso
from homing.services.http import HttpRequest
from homing.services.ports import StreamRecord
from homing.services.resolve import resolve
from tests.faults import trials
from tests.faults.plan import Fault
from tests.faults.when import END, START, moment
from tests.faults.world import WRITE_KEY, World
from tests.fixtures.shop import campaigns

CAP, OVERALL, WITHIN = 2, 3, DAY
QUIET_FROM, QUIET_UNTIL = 22 * HOUR, 7 * HOUR

_FLOWS: list[dict[str, Any]] = [
    # What fails for ever is mended after a day, and several such faults after several days: by then everything would be too
    # old by the deployed defaults (a cart after twelve hours, all else after two days), and rightly start nothing.
    {"name": "cart", "on": "cart_abandoned", "max_age": "6d", "run_once_per": "cart",
     "stop_when": {"did": "Order Completed"},
     "topic": "marketing", "steps": [{"send": "reminder"}, {"wait": "20h"}, {"send": "last-call"}]},
    {"name": "thanks", "on": {"order_placed": {"nth": 1}}, "max_age": "6d", "topic": "receipts",
     "steps": [{"wait": "2h"}, {"send": "thanks"}]},
    {"name": "welcome", "on": {"segment_entered": "lookers"}, "max_age": "6d", "run_once_per": "customer", "topic": "marketing",
     "steps": [{"send": "welcome"}]},
    {"name": "news", "on": "flow_requested", "max_age": "6d", "topic": "letters", "steps": [{"send": "news", "code": "gift"}]},
]  # fmt: skip
TOPICS: dict[str, dict[str, Any]] = {
    "marketing": {"title": "Offers", "cap": {"messages": CAP, "within": "1d"}},
    "letters": {"title": "Letters", "covered_by": "marketing"},
    "receipts": {"title": "Receipts", "transactional": True},
}
TRANSACTIONAL = frozenset({"thanks"})
_CARTS = ("ana", "ben", "cyd", "dan", "eve", "fay", "hal", "ida", "joe", "kim", "lea", "mia", "ned", "oda")
CONSENTING = (*_CARTS, *trials.PEOPLE)


def shop(*, changed: bool = False) -> Campaigns:
    """Its campaigns; ``changed`` as they are deployed at noon of the first day."""
    bundle = campaigns(
        flows=[*_FLOWS, *trials.flows(changed=changed)],
        segments={"lookers": {"did": "Product Viewed", "times": {"at_least": 3}, "within": "1d"}},
        topics=TOPICS,
        cap={"messages": OVERALL, "within": "1d"},
        quiet_hours={"from": "22:00", "until": "07:00"},
        webhooks=trials.WEBHOOKS,
    )
    gift = DiscountCode(name="gift", pool=True, valid_for=30 * DAY)
    return bundle.model_copy(update={"codes": {"gift": gift}})


class Story:
    """Puts what people do on the agenda."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._count = 0

    def at(self, time: str, action: Callable[[], None]) -> None:
        """At a time as ``moment`` reads it."""
        self.world.agenda.at(moment(time), action)

    def post(self, time: str, kind: str, *, happened: str = "", id: str = "", **fields: Any) -> None:
        """One message of an SDK. Its id and the time of what happened stay, however often it is sent; ``happened`` before,
        if it was offline."""
        self._count += 1
        message_id = id or f"m{self._count}"

        def act() -> None:
            at = moment(happened) if happened else self.world.now
            message = {"type": kind, "messageId": message_id, "timestamp": iso(at), **fields}
            body = json.dumps({"batch": [message], "writeKey": WRITE_KEY}).encode()
            self.world.request("receive_events", HttpRequest("POST", "/v1/batch", body=body))

        self.at(time, act)

    def knows(self, time: str, user: str, *, device: str = "", consent: bool = True) -> None:
        """Somebody logs in and says whether they agree to marketing."""
        traits = {"email": f"{user}@example.com", "consent": {"marketing": consent}}
        self.post(time, "identify", userId=user, traits=traits, **({"anonymousId": device} if device else {}))

    def did(
        self,
        time: str,
        name: str,
        *,
        user: str = "",
        device: str = "",
        happened: str = "",
        id: str = "",
        **properties: Any,
    ) -> None:
        """What somebody does, under the names by which they are known then."""
        who = {key: value for key, value in (("userId", user), ("anonymousId", device)) if value}
        self.post(time, "track", happened=happened, id=id, event=name, properties=properties, **who)

    def unsubscribes(self, time: str, user: str, *, by: str = "unsubscribe") -> None:
        """With the link of a mail, by one click or on the preference page."""
        person, address = self.key("user_id", user), self.key("email", f"{user}@example.com")

        def act() -> None:
            purpose: Any = by
            token = self.world.links.token(purpose, person, address, "*", self.world.now - HOUR)
            body = b"List-Unsubscribe=One-Click" if by == "unsubscribe" else b"everything=off"
            request = HttpRequest("POST", f"/{by}", query={"t": token}, body=body)

            def done() -> None:
                self.world.consent_ended.setdefault(f"{user}@example.com", self.world.now)

            self.world.request("manage_preferences", request, done)

        self.at(time, act)

    def wants_news_for(self, time: str, user: str) -> None:
        """A marketer's FlowRequested, told once on the bus."""
        detail = {"flow": "news", "user_id": user, "request_id": f"news-{user}-{time}"}
        event = {"detail-type": "FlowRequested", "detail": detail}

        def ask() -> None:
            if resolve(self.world.profiles, [self.key("user_id", user)]):
                self.world.inbox.put([json.dumps({**event, "time": iso(self.world.now)})])
            else:
                # Nobody asks for somebody whom the shop does not know yet.
                self.world.agenda.at(self.world.now + HOUR, ask)

        self.at(time, ask)

    def key(self, kind: str, value: str) -> str:
        """An id as the stack makes it."""
        return self.world.identity.key(kind, value)


def tell(world: World) -> None:
    """The whole story."""
    story = Story(world)
    for number, user in enumerate(_CARTS):
        story.knows(f"1 07:{30 + number}", user)
    trials.tell(story, lambda: world.deploy(shop(changed=True)))
    story.knows("1 07:50", "gus", consent=False)
    world.post.bounces.add("hal@example.com")
    world.post.complaints.add("ida@example.com")

    def adds(time: str, user: str = "", device: str = "", cart: str = "", product: str = "p1") -> None:
        story.did(time, "Product Added", user=user, device=device, cart_id=cart or f"c-{user}", product_id=product)

    def orders(time: str, user: str, cart: str = "") -> None:
        story.did(time, "Order Completed", user=user, cart_id=cart or f"c-{user}", order_id=f"o-{user}", revenue=20)

    def looks(time: str, user: str = "", device: str = "") -> None:
        hours, minutes = time.split(" ")[1].split(":")
        for n in range(3):
            story.did(
                f"{time[0]} {hours}:{int(minutes) + n}", "Product Viewed", user=user, device=device, product_id="p"
            )

    # Ana leaves a cart and gets both mails; so does gus, who never agreed; hal's bounces, ida complains.
    for user in ("ana", "gus", "hal", "ida"):
        adds("1 08:00", user)
    # Ben orders after the reminder, kim's cart is ordered by somebody else, ned orders before his cart is abandoned.
    adds("1 08:10", "ben")
    orders("1 09:30", "ben")
    adds("1 08:20", "kim")
    orders("1 09:40", "oda", cart="c-kim")
    adds("1 08:25", "ned")
    orders("1 08:45", "ned")
    # Cyd fills a cart before logging in on that device; later the device is used by lea, too.
    looks("1 08:30", device="phone")
    adds("1 08:35", device="phone", cart="c-cyd")
    story.knows("1 08:50", "cyd", device="phone")
    story.knows("1 11:00", "lea", device="phone")
    story.did("1 11:05", "Product Viewed", device="phone", product_id="p9")
    # Dan's cart is abandoned in the quiet hours.
    adds("1 21:45", "dan")
    # Eve clicks the link when her cart mail is on its way, mia on the page, joe says it in the app before the last call.
    adds("1 10:00", "eve")
    story.unsubscribes("1 10:30", "eve")
    adds("1 10:02", "mia")
    story.unsubscribes("1 10:33", "mia", by="preferences")
    adds("1 08:05", "joe")
    story.did("2 04:00", "Unsubscribed", user="joe", topic="marketing")
    # Fay sets off everything at once.
    looks("1 12:00", "fay")
    adds("1 12:10", "fay")
    adds("1 13:00", "fay", cart="c-fay-2", product="p2")
    for time in ("1 12:20", "1 12:50", "1 14:00", "1 23:00"):
        story.wants_news_for(time, "fay")
    for user in ("lea", "gus", "eve", "hal"):
        story.wants_news_for("1 15:00", user)
    # Something on the stream that nobody can read.
    bad = StreamRecord("shop", b"not an event")
    story.at("1 09:00", lambda: world.shard.put([(bad.data, world.now)]))


def played(*faults: Fault, seed: int = 0, feedback: bool = True) -> World:
    """The story with these faults, to its end."""
    world = World(shop(), START, faults, seed=seed, feedback=feedback)
    tell(world)
    world.run_until(END)
    return world
