"""Everything a marketer owns, parsed and compiled: one bundle that every function reads.

``homing publish`` (and the CDK app) turns the files of ``layers/campaigns`` into this bundle, a single JSON document;
the functions load it once per cold start and do no YAML, MJML or CSS work.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from homing.domain.attributes.language import StagedAttribute
from homing.domain.codes.language import DiscountCode
from homing.domain.content.choices.language import Choice
from homing.domain.flows.language import Flow, Holdout
from homing.domain.recommend.related import Related
from homing.domain.segments.language import Duration, Model, Segment
from homing.domain.segments.when import During, TimeOfDay

_COLOUR = r"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"
_ADDRESS = r"^[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\.]+(\.[^\s@<>,;:\"()\[\]\\.]+)+$"


def _colour(value: Any) -> Any:
    if value is None:
        raise ValueError('the colour is empty: YAML reads # as a comment, so write it in quotes: "#0f766e"')
    if isinstance(value, str) and not re.fullmatch(_COLOUR, value):
        raise ValueError(f"{value!r} is not a colour: write #0f766e or #fff, in quotes")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(_ADDRESS, value):
        raise ValueError(f"{value!r} is not a mail address: write only the address, such as hello@shop.example")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"[\s\\]", value)
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"{value!r} is not a web address: write it whole, such as https://shop.example/cart")
    return value


def _webhook_url(value: str) -> str:
    from homing.domain.webhooks.addresses import objection

    try:
        parts = urlsplit(value)
        whole = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
        whole = whole and value.isascii() and value.isprintable() and not re.search(r"[\s\\#]", value)
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"{value!r} can't be called: write it whole, such as https://crm.shop.example/homing")
    if why := objection(parts.hostname or ""):
        raise ValueError(f"{value!r} can't be called: {why}")
    return value


def _host(value: str) -> str:
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", value):
        raise ValueError(f"{value!r} is not a host: write only its name, such as cdn.shopify.com")
    return value.lower()


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError(f"{value!r} is not a currency: write its three capitals, such as EUR")
    return value


def _link_parameters(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not re.fullmatch(r"[\w.~-]{1,40}", name):
            raise ValueError(f"{name!r} is not the name of a link's parameter: write utm_source or the like")
        if re.search(r"[{}]", re.sub(r"\{(flow|template|topic|variant)\}", "", text)):
            raise ValueError(f"{text!r}: only {{flow}}, {{template}}, {{topic}} and {{variant}} are filled in")
    return value


Colour = Annotated[str, BeforeValidator(_colour), WithJsonSchema({"type": "string", "pattern": _COLOUR})]
Address = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string", "pattern": _ADDRESS})]
Url = Annotated[str, AfterValidator(_url), WithJsonSchema({"type": "string", "pattern": "^https?://[^\\s/]+"})]
WebhookUrl = Annotated[
    str,
    AfterValidator(_webhook_url),
    Field(max_length=2_000),
    WithJsonSchema({"type": "string", "pattern": "^https://[^\\s/@]+", "maxLength": 2_000}),
]
Host = Annotated[str, AfterValidator(_host)]
# An hour of the day, 0 to 23.
Hour = Annotated[int, Field(ge=0, le=23)]
Currency = Annotated[str, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]


class Brand(Model):
    """How the shop looks and who it is; everything a mail needs that is not about the customer."""

    name: str
    tagline: str | None = None
    website: Url
    sender_name: str
    # The address mails come from; the stage may override it (cdk.json), since its domain must be verified in SES.
    sender_address: Address
    reply_to: Address | None = None
    postal_address: str
    support_email: Address
    logo_url: Url | None = None
    accent: Colour = "#0f766e"
    accent_text: Colour = "#ffffff"
    ink: Colour = "#1c1917"
    muted: Colour = "#57534e"
    paper: Colour = "#ffffff"
    background: Colour = "#f5f5f4"
    cart_url: Url
    privacy_url: Url | None = None
    # Links that events bring (a cart's, a product's) may lead to the website's host and to these, with their subdomains;
    # any other is replaced: a write key is public, and mails in the shop's name carry no stranger's links.
    link_hosts: list[Host] = Field(default_factory=list)
    # Pictures that events bring may lie on the website's host, on link_hosts, and here: the shop's CDN.
    image_hosts: list[Host] = Field(default_factory=list)


class Cap(Model):
    """At most so many messages of a topic to one person within a rolling window."""

    messages: int = Field(ge=1, le=100)
    within: Duration = Field(gt=0)


class TopicWords(Model):
    """How a topic is called in another language, on the preference page."""

    title: str
    description: str = ""


class Topic(Model):
    """What people agree to, or not. Transactional topics need no consent and know no caps or quiet hours."""

    title: str
    description: str = ""
    # By language code ("de"); the title and description above are in the shop's language.
    translations: dict[str, TopicWords] = Field(default_factory=dict)
    transactional: bool = False
    cap: Cap | None = None
    # A person who agreed to a topic of this name agreed to this one too ("marketing" covers "cart_reminders").
    covered_by: str | None = None
    # Who subscribes gets nothing of it before they clicked the link of a confirmation mail (docs/sending.md).
    double_opt_in: bool = False
    # When its mails may leave, in the customer's zone; None: the shop's window.
    send_window: During | None = None
    # best: at the hour at which each person usually looks (docs/sending.md).
    send_time: Literal["best", "now"] = "now"


class QuietHours(Model):
    """From and until, wall-clock in the customer's zone; over midnight is fine."""

    from_: TimeOfDay = Field(alias="from")
    until: TimeOfDay


class Cart(Model):
    """When a cart counts as abandoned, and when it is forgotten."""

    after: Duration = 30 * 60_000_000
    forget_after: Duration = 30 * 86_400_000_000


class Browse(Model):
    """Browsing without buying: at least ``views`` product views, the last one ``after`` ago, all within ``within``."""

    views: int = Field(3, ge=1, le=50)
    within: Duration = 24 * 3_600_000_000
    after: Duration = 2 * 3_600_000_000


class Review(Model):
    """Which contradictions between sources people shall look at (domain.profiles.conflicts): statements at least so sure
    (0 to 1), on these traits or on all, unless one is older than the other by more than ``within``."""

    # Above a guess (0.5), below an import (0.8): guesses raise no doubts, whatever somebody states does.
    confidence: float = Field(0.7, ge=0, le=1)
    within: Duration = 30 * 86_400_000_000
    traits: list[str] | Literal["all"] = "all"

    def looks_at(self, trait: str) -> bool:
        """Whether contradictions about this trait matter."""
        return self.traits == "all" or trait in self.traits


class Tier(Model):
    """Shares of the sends that were delivered, 0 to 1."""

    opens: float = Field(ge=0, le=1)
    clicks: float = Field(ge=0, le=1)


class Tiers(Model):
    """From which rates on engagement is high (both, more than) and moderate (one of them, at least)."""

    high: Tier = Tier(opens=0.8, clicks=0.5)
    moderate: Tier = Tier(opens=0.5, clicks=0.2)


class Computed(Model):
    """What computed attributes look at; docs/attributes.md says which of them."""

    # Orders older than this no longer count.
    orders_within: Duration = Field(365 * 86_400_000_000, gt=0)
    # So far back mails, visits and purchases count as engagement.
    engaged_within: Duration = Field(90 * 86_400_000_000, gt=0)
    # After so long, behaviour weighs half.
    half_life: Duration = Field(30 * 86_400_000_000, gt=0)
    tiers: Tiers = Tiers()


class WarmUp(Model):
    """So many mails a day at most, more each day, while the sender's domain is new (docs/sending.md)."""

    # The first day, in the shop's time zone.
    from_: date = Field(alias="from")
    # From so many days later on there is no limit.
    days: int = Field(30, ge=1, le=365)
    # How many may leave on the first day, and where the growth leads: the daily quota of your SES account.
    start: int = Field(200, ge=1)
    up_to: int = Field(50_000, ge=1)


class Webhook(Model):
    """Another system that flows may tell something (``call:``)."""

    url: WebhookUrl
    # What it is told of who it is about, besides the profile's id.
    identify: list[Literal["user_id", "email", "loyalty_id"]] = Field(default_factory=list)
    # Traits that go along.
    traits: list[str] = Field(default_factory=list, max_length=50)


class Audit(Model):
    """When the audit speaks up; docs/audit.md says what each number means."""

    # People under which a segment is called small, and under which overlaps and drifts are nobody's business.
    too_small: int = Field(20, ge=1)
    # From which share of common people two segments are near-duplicates (Jaccard), and one is within the other.
    duplicate: float = Field(0.9, gt=0, le=1)
    subset: float = Field(0.98, gt=0, le=1)
    # A size drifts when it differs from its usual one by this share at least, and by so many robust deviations.
    drift_share: float = Field(0.2, gt=0)
    drift_score: float = Field(3.5, gt=0)
    # So many changes of one person and segment within this time are flapping.
    flaps: int = Field(6, ge=2)
    flaps_within: Duration = Field(14 * 86_400_000_000, gt=0)
    # Findings that are known and wanted: ``never_used`` for all of a kind, ``never_used vip`` for one.
    ignore: list[str] = Field(default_factory=list)


class Settings(Model):
    """``settings.yaml``."""

    brand: Brand
    time_zone: str = "UTC"
    currency: Currency = "EUR"
    language: str = "en"
    # More languages that templates are written in: dates, money and counts are in the customer's, where it is one of these.
    languages: list[str] = Field(default_factory=list)
    cart: Cart = Cart()
    browse: Browse = Browse()
    # Birthdays and anniversaries are reached at this wall-clock time in the customer's zone.
    celebrate_at: TimeOfDay = time(9, 0)
    review: Review = Review()
    quiet_hours: QuietHours | None = None
    # All topics together: nobody gets more than this.
    cap: Cap | None = None
    topics: dict[str, Topic] = Field(default_factory=lambda: {"marketing": Topic(title="Offers and ideas")})
    # A marketing send that could not go out after this long is given up.
    send_expires_after: Duration = 2 * 86_400_000_000
    # When marketing mail may leave, in the customer's zone; topics and flows may say otherwise.
    send_window: During | None = None
    # A mail that waits for the best hour waits no longer than this.
    send_time_within: Duration = Field(86_400_000_000, gt=0)
    # The best hour of people of whom none is known: that of the first of these segments that they are in, else the shop's.
    send_hours: dict[str, Hour] = Field(default_factory=dict)
    send_hour: Hour = 10
    # Who gets no marketing mail at all, for comparison.
    holdout: Holdout | None = None
    # Parameters that links to the shop get, such as utm_campaign: "{flow}" (docs/sending.md).
    links: Annotated[dict[str, str], AfterValidator(_link_parameters)] = Field(default_factory=dict)
    # Daily limits while the sender's domain is new.
    warm_up: WarmUp | None = None
    audit: Audit = Audit()
    # Other systems, by the name that flows call them.
    webhooks: dict[str, Webhook] = Field(default_factory=dict)
    computed: Computed = Computed()


class Product(Model):
    """A product of the catalog, as mails show it. ``price`` is a decimal text: "19.90"."""

    product_id: str
    name: str
    price: str | None = None
    currency: str | None = None
    image_url: str | None = None
    url: str | None = None
    category: str | None = None
    brand: str | None = None
    in_stock: bool = True


class Template(Model):
    """A template as published: Liquid that renders straight to what is mailed."""

    name: str
    subject: str
    preheader: str = ""
    html: str
    text: str
    # Top-level variables that it reads, for `homing check` and for previews.
    variables: list[str] = Field(default_factory=list)
    # Computed attributes that it reads: the engine keeps the memory for them.
    computed: list[str] = Field(default_factory=list)
    # Choices that it reads: the engine keeps the memory for these too.
    choices: list[str] = Field(default_factory=list)


class Campaigns(Model):
    """The bundle."""

    format: Literal[1] = 1
    # Short hash of all source files: says which campaigns decided.
    revision: str
    settings: Settings
    segments: dict[str, Segment] = Field(default_factory=dict)
    # Attributes with stages (lifecycle, persona).
    attributes: dict[str, StagedAttribute] = Field(default_factory=dict)
    # Which variant of a content somebody gets.
    choices: dict[str, Choice] = Field(default_factory=dict)
    # Discount codes that steps of flows may grant.
    codes: dict[str, DiscountCode] = Field(default_factory=dict)
    flows: dict[str, Flow] = Field(default_factory=dict)
    templates: dict[str, Template] = Field(default_factory=dict)
    products: dict[str, Product] = Field(default_factory=dict)
    # Which products go together.
    related: Related = Related()

    @model_validator(mode="after")
    def _topics_exist(self) -> Campaigns:
        for flow in self.flows.values():
            if flow.topic not in self.settings.topics:
                raise ValueError(f"flow {flow.name} has topic {flow.topic!r}, which settings.yaml does not define")
        for name in self.settings.send_hours:
            if name not in self.segments:
                raise ValueError(f"send_hours names the segment {name!r}, which there is not")
        return self
