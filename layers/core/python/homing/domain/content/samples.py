"""Sample customers, for previews and for trying every template before a real person gets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_UP, Decimal
from typing import Any, NamedTuple

from homing.domain.attributes.names import WORDS
from homing.domain.campaigns import Campaigns, Product
from homing.domain.codes.check import code_of
from homing.domain.content.analysis import roots
from homing.domain.content.context import BROUGHT, build_context
from homing.domain.content.usage import Use, uses
from homing.domain.delivery.message import SendRequest
from homing.domain.events.properties import nested
from homing.domain.flows.language import Flow
from homing.domain.profiles.profile import EXPLICIT, Profile, TraitValue
from homing.domain.recommend.recommender import SEEN, Recommender, shown_products
from homing.domain.segments.comparisons import Test, passes
from homing.domain.time import iso, parse_instant

# A Tuesday morning in spring.
NOW = parse_instant("2026-04-14T08:30:00Z")


class Sample(NamedTuple):
    """A customer and what happened to them; ``bare``: somebody of whom nothing is known, with unknown products."""

    template: str
    use: Use
    bare: bool
    context: dict[str, Any]


def samples(campaigns: Campaigns, template: str) -> Iterator[Sample]:
    """For each flow that sends the template, a customer who is known well and one who is not at all. A template that no flow
    sends is shown as one would send it whose trigger brings what it reads."""
    topics = campaigns.settings.topics
    topic = "marketing" if "marketing" in topics else next(iter(topics), "marketing")
    for use in uses(campaigns.flows).get(template) or [Use("none", _fitting(campaigns, template), topic)]:
        for bare in (False, True):
            yield Sample(template, use, bare, sample_context(campaigns, template, use, bare=bare))


def _fitting(campaigns: Campaigns, template: str) -> str:
    """The trigger that brings most of what a template reads."""
    read = set(roots(campaigns.templates[template]))
    fitting = max(BROUGHT, key=lambda kind: len(BROUGHT[kind] & read))
    return fitting if BROUGHT[fitting] & read else "flow_requested"


def sample_context(campaigns: Campaigns, template: str, use: Use, *, bare: bool) -> dict[str, Any]:
    """The context of a sample customer."""
    traits = {} if bare else {"first_name": "Mara", "last_name": "Lindqvist", "country": "DE", "city": "Leipzig"}
    profile = Profile(
        id="sample",
        identifiers={"email": {"mara@example.com"}},
        traits={name: TraitValue(EXPLICIT, NOW, "sample", value) for name, value in traits.items()},
    )
    request = SendRequest(
        send_id="sample",
        profile_id="sample",
        run_id="sample",
        flow=use.flow,
        template=template,
        topic=use.topic,
        trigger=use.trigger,
        triggered_at=NOW,
        decided_at=NOW,
        data=sample_data(campaigns, use, bare=bare),
    )
    website = campaigns.settings.brand.website
    asked = {"confirm_url": f"{website}/confirm?t=sample"} if use.trigger == "subscription_pending" else {}
    return asked | build_context(
        campaigns=campaigns,
        profile=profile,
        request=request,
        unsubscribe_url=f"{website}/unsubscribe?t=sample",
        preferences_url=f"{website}/preferences?t=sample",
        now=NOW,
        computed={} if bare else _computed(campaigns, template),
        choice=_chosen(campaigns, template, bare=bare),
        code=_code(campaigns, use, template),
        recommended=_recommended(campaigns, request.data, bare=bare),
    )


def _recommended(campaigns: Campaigns, data: Mapping[str, Any], *, bare: bool) -> list[str]:
    """A few that go with the products that the mail is about, else with what somebody who is known may have looked at."""
    shown = list(shown_products(data))
    seen = shown or list(campaigns.products)[-1:] * (not bare)
    looker = Profile(id="sample", memory={SEEN: [(NOW, str(n), {"p": [one]}) for n, one in enumerate(seen)]})
    return Recommender(campaigns.related, campaigns.products).recommend(looker, NOW, shown)[:3]


def _code(campaigns: Campaigns, use: Use, template: str) -> tuple[str, int] | None:
    """What the flow grants with it, as an example."""
    flow = campaigns.flows.get(use.flow)
    name = code_of(flow.model_dump(by_alias=True)["steps"], template) if flow else None
    code = campaigns.codes.get(name or "")
    if code is None:
        return None
    prefix = code.minted.prefix if code.minted else "SAMPLE"
    return f"{prefix}-7K3M-9QX1-F48W-ZP2K-H6TD", NOW + code.valid_for


def _chosen(campaigns: Campaigns, template: str, *, bare: bool) -> dict[str, Any]:
    """The first variant of each choice for one who is known, the default for one who is not."""
    held = campaigns.templates.get(template)
    found = {name: campaigns.choices[name] for name in (held.choices if held else ()) if name in campaigns.choices}
    return {name: choice.default if bare else next(choice.variants()) for name, choice in found.items()}


def _computed(campaigns: Campaigns, template: str) -> dict[str, Any]:
    """What the template reads, of somebody who is known well."""
    product = next(iter(campaigns.products.values()), None)
    known: dict[str, Any] = {
        "recency": 12, "orders": 4, "spent": Decimal("312.40"), "average_order_value": Decimal("78.10"),
        "customer_for": 210, "usual_gap": 41.5, "overdue": 0.28, "r_score": 5, "f_score": 4, "m_score": 5, "rfm": "545",
        "favourite_category": (product and product.category) or "Garden",
        "favourite_brand": (product and product.brand) or "Alder",
        "favourite_product": product and product.product_id,
        "affinity.category": {(product and product.category) or "Garden": 0.6},
        "affinity.brand": {(product and product.brand) or "Alder": 0.6},
        "preferred_hour": 19, "open_rate": 0.62, "click_rate": 0.21, "engagement_score": 48,
    }  # fmt: skip
    known |= {name: words[0] for name, words in WORDS.items()}
    known |= {name: staged.stages[0].name for name, staged in campaigns.attributes.items()}
    held = campaigns.templates.get(template)
    return {name: known.get(name) for name in (held.computed if held else ())}


def sample_data(campaigns: Campaigns, use: Use, *, bare: bool) -> dict[str, Any]:
    """What the trigger carries."""
    flow = campaigns.flows.get(use.flow)
    catalog = list(campaigns.products.values())
    # Spread over the catalog, so that a preview shows more than its first shelf.
    picked = catalog[:: max(1, len(catalog) // 3)][:3]
    if bare or not picked:
        picked = [Product(product_id="10423", name="")]
    items = [{"product_id": product.product_id, "quantity": 1 + index % 2} for index, product in enumerate(picked)]
    if use.trigger == "cart_abandoned":
        return {"cart": {"key": "sample", "items": items, "last_activity": iso(NOW)}}
    if use.trigger == "browse_abandoned":
        return {
            "products": [{"product_id": product.product_id} for product in picked],
            "views": max(4, campaigns.settings.browse.views),
        }
    if use.trigger == "order_placed":
        currency = campaigns.settings.currency
        order = {"order_id": "1047", "items": [] if bare else items, "currency": currency}
        return {"nth": flow.on.nth or 1 if flow else 1, "order": order if bare else order | {"total": "132.90"}}
    by_trigger: dict[str, dict[str, Any]] = {
        "birthday": {"year": 2026},
        "signup_anniversary": {"years": 2},
        "segment_entered": {"segment": flow.on.segment if flow else "sample"},
        "segment_left": {"segment": flow.on.segment if flow else "sample"},
        "flow_requested": {"data": {}},
        "date_reached": {"date": "2026-05-01"},
        "schedule": {"segment": flow.on.segment if flow else "sample"},
        "event": _event(flow, picked),
        "price_dropped": {"products": [_cheaper(picked[0], flow.on.by if flow else 0)]},
        "back_in_stock": {"products": [{"product_id": picked[0].product_id}]},
    }
    return by_trigger.get(use.trigger, {})


def _event(flow: Flow | None, picked: list[Product]) -> dict[str, Any]:
    """An event as the flow asks for it, its numbers and texts made up."""
    brings = flow.on.brings if flow else []
    where = flow.on.where if flow else {}
    known: dict[str, Any] = {
        "product_id": picked[0].product_id,
        "products": [{"product_id": p.product_id} for p in picked],
    }
    said = {name: _passing(where.get(name), known.get(name, "4")) for name in brings}
    event = nested({name: value for name, value in said.items() if value is not None})
    data: dict[str, Any] = {"event": {"name": flow.on.did if flow else "Event", **event}}
    if {"product_id", "products"} & event.keys():
        data["products"] = event.get("products") or [{"product_id": event["product_id"]}]
    return data


def _passing(test: Test | None, usual: Any) -> Any:
    """A value that the flow would start on, the usual one if it is; None where it must not be there."""
    if test is None or passes(test, usual):
        return usual
    lower = max((one for one in (test.more_than, test.at_least) if one is not None), default=None)
    upper = min((one for one in (test.less_than, test.at_most) if one is not None), default=None)
    near = [one + step for one, step in ((lower, 0), (upper, 0), (lower, 1), (upper, -1)) if one is not None]
    middle = [(lower + upper) / 2] if lower is not None and upper is not None else []
    contained = [] if test.contains is None else [test.contains, [test.contains]]
    tried = [test.equals, *(test.in_ or ()), *contained, *near, *middle]
    tried = [int(one) if isinstance(one, float) and one.is_integer() else one for one in tried]
    return next(
        (one for one in tried if one is not None and passes(test, one)), None if test.exists is False else usual
    )


def _cheaper(product: Product, by: float) -> dict[str, Any]:
    """A drop by a fifth, or by as much as the flow waits for; prices are always told."""
    price = Decimal(product.price or "18.00")
    before = max(price * Decimal("1.25"), price * 100 / (100 - Decimal(str(by))))
    told = before.quantize(Decimal("0.01"), ROUND_UP)
    return {"product_id": product.product_id, "price": str(price), "price_before": str(told)}
