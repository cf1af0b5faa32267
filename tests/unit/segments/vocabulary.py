"""What generated rules and histories are about: names, values, zones, and instants around which time is hard."""

from __future__ import annotations

from typing import Any

SECOND = 10**6
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
# Around what is hard about time: nights on which clocks are changed, the end of a year, a leap day.
STARTS = (
    "2026-03-01T00:00:00", "2026-03-28T21:00:00", "2026-10-24T20:00:00", "2026-03-07T22:00:00", "2026-10-31T22:00:00",
    "2025-12-31T09:00:00", "2028-02-28T03:00:00", "2027-02-27T12:00:00", "2026-07-04T12:00:00",
)  # fmt: skip
# Nights on which clocks are changed, in zones where they are.
NIGHTS = (
    ("2026-03-28T21:00:00", "Europe/Berlin"), ("2026-10-24T20:00:00", "Europe/Berlin"),
    ("2026-03-08T02:00:00", "America/New_York"), ("2026-11-01T01:00:00", "America/New_York"),
    ("2026-04-23T15:00:00", "Africa/Cairo"), ("2026-03-08T00:00:00", "America/Havana"),
    ("2026-04-04T10:00:00", "Australia/Lord_Howe"),
)  # fmt: skip
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Kiritimati",
    "America/Havana", "Africa/Cairo", "nowhere",
)  # fmt: skip
BEHAVIOUR = ("Product Viewed", "Product Added", "Order Completed", "Email Delivered", "Email Opened")
WINDOWS = ("1m", "5m", "1h", "2h", "1d", "1d12h", "3d", "30d")
LISTS = ("guests", "press")
PLACES = (
    "2026-03-01", "2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-01-01", "2028-02-29", "2028-03-01",
    "2027-02-28", "2026-07-05", "2026-03-01T08:00:00Z", "2026-10-25T01:30:00", "2026-07-04T18:00:00+02:00",
    "2025-12-31T12:00:00Z", "2028-02-28T12:00:00Z",
)  # fmt: skip
HOURS = ("00:00", "01:00", "02:00", "02:30", "03:00", "06:00", "09:00", "17:30", "22:00", "23:59")
VALUES: dict[str, tuple[Any, ...]] = {
    "product_id": ("a", "b", "c", 12, "12"),
    "category": ("Garden", "garden tools", "Books"),
    "price": (10, "19.95", 19.95, 0.1, "0.2", 100, "many", True, -5),
    "total": (50, 100.25, "449.75", 0.3, 500, 0),
    "send_id": ("s1", "s2", "s3"),
    "machine": (True,),
    "tags": (["new", "sale"], ["sale"], [12], []),
    "details.colour": ("red", "blue"),
    "context.device": ("mobile", "tablet", "desktop"),
    "context.country": ("DE", "AT"),
    "context.campaign.name": ("spring", "summer"),
}
NUMBERS = ("price", "total")
AGENTS = {
    "mobile": {"userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148"},
    "tablet": {"device": {"type": "tablet"}},
    "desktop": {"userAgent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0"},
}
TRAITS: dict[str, tuple[Any, ...]] = {
    "tier": ("gold", "silver", None),
    "visits": (1, 2, "3", 2.5, None),
    "tags": (["vip"], ["vip", "press"], []),
    "address.country": ("DE", "FR"),
}
DATED = ("trial_ends", "birthday")
