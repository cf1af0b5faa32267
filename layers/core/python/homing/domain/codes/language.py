"""What a marketer writes in ``codes/*.yaml``, as a model."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from homing.domain.segments.values import Duration, Model
from homing.domain.segments.when import Day

PREFIX = r"^[A-Z][A-Z0-9]{1,15}$"


class Minted(Model):
    """Codes that are made when they are needed. ``prefix`` is what customers read first: ``SPRING``."""

    prefix: str = Field(pattern=PREFIX)


class DiscountCode(Model):
    """A file of ``codes/``: exactly one of ``pool: true`` and ``minted``."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)
    description: str = ""
    # Imported with `homing codes import`; drawn one by one.
    pool: Literal[True] | None = None
    minted: Minted | None = None
    # From the draw on, until the end of that day in the shop's zone.
    valid_for: Duration = Field(gt=0)
    # The discount's own end, as the shop knows it: no code outlives it.
    valid_until: Day | None = None
    # customer: one for each customer and flow, ever. run: one for each run of the flow, such as each birthday.
    once_per: Literal["customer", "run"] = "customer"
    # The segment that it is for: `homing check` finds ways of flows on which nobody asks for it.
    only_for: str | None = Field(None, min_length=1)
    # What one redeemed code costs, estimated, in the shop's currency: for the report of liability.
    value: Decimal | None = Field(None, ge=0)
    # A pool with fewer left is low.
    low: int = Field(100, ge=0)

    @model_validator(mode="after")
    def _one_kind(self) -> DiscountCode:
        if (self.pool is None) == (self.minted is None):
            raise ValueError("codes come from `pool: true` or are `minted: {prefix: …}`, one of the two")
        return self
