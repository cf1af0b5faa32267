"""Where this app departs from a rule of cdk-nag, it says why, beside the resource."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accepts a finding of ``rule`` (``AwsSolutions-S1``) at a construct and below it, for a written reason."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
