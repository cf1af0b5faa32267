"""A small shop's campaigns, for tests to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.content.context import build_context
from homing.domain.content.publish import publish
from homing.domain.delivery.message import SendRequest
from homing.domain.profiles.profile import EXPLICIT, Profile, TraitValue
from homing.domain.time import parse_instant

NOW = parse_instant("2026-04-14T08:30:00Z")
UNSUBSCRIBE = "https://shop.example/unsubscribe?p=abc&t=xyz"

SETTINGS = b"""\
brand:
  name: Kettle & Co
  website: https://shop.example
  sender_name: Kettle
  sender_address: hello@shop.example
  support_email: hello@shop.example
  postal_address: 1 Hill Street
  cart_url: https://shop.example/cart
topics:
  marketing: {title: Offers}
  receipts: {title: Receipts, transactional: true}
"""
CATALOG = b"""\
product_id,name,price,currency,category,url,image_url
mug,Mug,12.50,EUR,Kitchen,https://shop.example/p/mug,https://shop.example/i/mug.png
rug,Rug,1200,EUR,Living,https://shop.example/p/rug,
"""


def template(body: str, *, subject: str = "Hello", front: str = "preheader: Soon") -> bytes:
    """A whole template around the content of one column."""
    return f"""\
---
subject: "{subject}"
{front}
---
<mjml><mj-body><mj-section><mj-column>
{body}
<mj-text><a href="{{{{ unsubscribe_url }}}}">Unsubscribe</a> {{{{ brand.postal_address }}}}</mj-text>
</mj-column></mj-section></mj-body></mjml>
""".encode()


def campaign_files(body: str = "<mj-text>Hi</mj-text>", **more: Any) -> dict[str, bytes]:
    """Files of a campaign with one template, ``note``; keywords go to :func:`template`."""
    return {"settings.yaml": SETTINGS, "catalog/products.csv": CATALOG, "templates/note.mjml": template(body, **more)}


def published(body: str = "<mj-text>Hi</mj-text>", **more: Any) -> Campaigns:
    """The bundle of :func:`campaign_files`."""
    return publish(campaign_files(body, **more))


def context(
    campaigns: Campaigns,
    data: Mapping[str, Any] | None = None,
    *,
    topic: str = "marketing",
    **traits: Any,
) -> dict[str, Any]:
    """The context of a person with these traits, for a trigger that brought ``data``."""
    profile = Profile("abc", traits={name: TraitValue(EXPLICIT, 1, "test", value) for name, value in traits.items()})
    request = SendRequest(
        send_id="s", profile_id="abc", run_id="r", flow="f", template="note", topic=topic, trigger="cart_abandoned",
        triggered_at=NOW, decided_at=NOW, data=data or {},
    )  # fmt: skip
    return build_context(
        campaigns=campaigns, profile=profile, request=request, unsubscribe_url=UNSUBSCRIBE,
        preferences_url="https://shop.example/preferences", now=NOW,
    )  # fmt: skip
