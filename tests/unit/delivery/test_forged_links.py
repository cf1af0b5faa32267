"""Links that nobody issued open nothing; ``make forgeries`` tries a million."""

from __future__ import annotations

import hmac
from collections import Counter

import pytest

from homing.domain.errors import InvalidInput
from tests.faults.forgeries import FORGERS, LINKS, NOW, tried


def test_no_forged_link_opens_and_expired_ones_say_so() -> None:
    found = Counter((name, code) for name, _, code in tried(4_400, seed=11))
    assert {name for name, _ in found} == FORGERS.keys()
    assert {code for name, code in found if name != "expired"} == {"bad_link"}
    assert {code for name, code in found if name == "expired"} == {"link_expired"}


def test_a_link_has_one_spelling() -> None:
    token = LINKS.token("unsubscribe", "a" * 26, "b" * 26, "*", NOW)
    for other in (
        token + "=",
        token + "==",
        token + "\n",
        " " + token,
        token.replace("_", "/").replace("-", "+") + "=",
    ):
        with pytest.raises(InvalidInput):
            LINKS.read(other, "unsubscribe", NOW)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    LINKS.read(LINKS.token("unsubscribe", "a" * 26, "b" * 26, "*", NOW), "unsubscribe", NOW)
    assert [len(one) == len(other) == 16 for one, other in compared] == [True]
