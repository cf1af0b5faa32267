"""The shops whose webhooks are understood. Another shop is one more file here and one more line in :data:`SHOPS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from homing.domain.events.event import Event
from homing.sources import shopify
from homing.sources.webhook import Webhook

__all__ = ["SHOPS", "Shop", "Webhook"]


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop system's way of delivering webhooks. Header names are in lower case, the body is as it came.

    ``verify(secret, headers, body)`` says in constant time whether the shop signed these bytes. ``describe(headers)``
    names topic and delivery. ``read(webhook, body, received)`` gives the events, none when the delivery says nothing
    about a person, and raises InvalidInput when it can't be understood.
    """

    verify: Callable[[bytes, Mapping[str, str], bytes], bool]
    describe: Callable[[Mapping[str, str]], Webhook]
    read: Callable[[Webhook, bytes, int], list[Event]]
    topics: frozenset[str] = field(default_factory=frozenset)


SHOPS: Mapping[str, Shop] = {
    "shopify": Shop(shopify.verify, shopify.describe, shopify.read, shopify.TOPICS),
}
