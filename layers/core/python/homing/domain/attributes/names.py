"""What computed attributes are called, and the words that some of them can be."""

from __future__ import annotations

from collections.abc import Collection, Mapping

RFM_SEGMENTS = (
    "champions", "loyal", "potential_loyalist", "new", "promising", "need_attention", "about_to_sleep", "at_risk",
    "cannot_lose", "hibernating", "lost",
)  # fmt: skip
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIERS = ("high", "moderate", "low")
DEVICES = ("mobile", "tablet", "desktop")
# Those that need thresholds.
RANKED = frozenset({"r_score", "f_score", "m_score", "rfm", "rfm_segment"})
BUILT_IN = (
    "recency", "orders", "spent", "average_order_value", "customer_for", "usual_gap", "overdue",
    "r_score", "f_score", "m_score", "rfm", "rfm_segment",
    "favourite_category", "favourite_brand", "favourite_product", "preferred_hour", "preferred_weekday", "device",
    "open_rate", "click_rate", "engagement_score", "engagement_tier",
)  # fmt: skip
# Followed by the name of a category or brand; in templates also without, for all of them.
AFFINITIES = ("affinity.category", "affinity.brand")
# Attributes of which all possible words are known.
WORDS: Mapping[str, tuple[str, ...]] = {
    "rfm_segment": RFM_SEGMENTS,
    "engagement_tier": TIERS,
    "preferred_weekday": WEEKDAYS,
    "device": DEVICES,
}


def computed_names(staged: Collection[str]) -> list[str]:
    """Every name; those of categories and brands follow ``affinity.category.``."""
    return [*BUILT_IN, *AFFINITIES, *sorted(staged)]


def is_computed(name: str, staged: Collection[str]) -> bool:
    """Whether something computed is called so."""
    if name in BUILT_IN or name in AFFINITIES or name in staged:
        return True
    return any(name.startswith(f"{prefix}.") and len(name) > len(prefix) + 1 for prefix in AFFINITIES)
