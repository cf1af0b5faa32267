"""What discount codes cost, and may yet cost: issued, redeemed, expired, still valid."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from homing.domain.codes.grant import Grant, Pool
from homing.domain.codes.language import DiscountCode

_BLANK = re.compile(r"[\s-]")


@dataclass(frozen=True, slots=True)
class Liability:
    """One file of ``codes/``. ``issued`` is what customers hold: each is ``redeemed``, ``expired`` or ``open``. ``owed`` is
    what the open ones would cost, in the shop's currency, where the file says a value; ``left`` what the pool still has."""

    name: str
    issued: int
    redeemed: int
    expired: int
    open: int
    redeemed_value: Decimal | None
    owed: Decimal | None
    left: int | None
    low: bool

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it; amounts are decimal texts."""
        amounts = {"redeemed_value": self.redeemed_value, "owed": self.owed}
        counts = {"issued": self.issued, "redeemed": self.redeemed, "expired": self.expired, "open": self.open}
        told = {key: None if amount is None else str(amount) for key, amount in amounts.items()}
        return {"name": self.name, **counts, **told, "left": self.left, "low": self.low}


def plain(text: str) -> str:
    """A code as it is compared: however a customer wrote it."""
    return _BLANK.sub("", text).upper()


def liability(code: DiscountCode, grants: Iterable[Grant], pool: Pool, coupons: frozenset[str], now: int) -> Liability:
    """``coupons`` are those of completed orders, each as :func:`plain` writes it. A code redeemed twice counts once."""
    held = [grant for grant in grants if grant.holders and grant.text]
    redeemed = [grant for grant in held if plain(grant.text) in coupons]
    expired = [grant for grant in held if plain(grant.text) not in coupons and grant.expires <= now]
    open_ = len(held) - len(redeemed) - len(expired)
    left = pool.left if code.pool else None
    return Liability(
        code.name, len(held), len(redeemed), len(expired), open_,
        None if code.value is None else code.value * len(redeemed),
        None if code.value is None else code.value * open_,
        left, left is not None and left <= code.low,
    )  # fmt: skip


def coupons_of(lines: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The coupons of completed orders, from archived events or from Segment messages."""
    found: set[str] = set()
    for line in lines:
        if (line.get("name") or line.get("event")) == "Order Completed":
            coupon = (line.get("properties") or {}).get("coupon")
            found.update(plain(one) for one in str(coupon or "").split(",") if one.strip())
    return frozenset(found)
