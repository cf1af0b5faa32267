"""Minted codes: made for one customer, verified by whoever has the secret, by nobody guessed."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.domain.codes.minting import Mint
from homing.domain.errors import InvalidInput

MINT = Mint(b"secret")
LAST = date(2026, 12, 31)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(st.text(max_size=40), st.dates(date(1990, 1, 1), date(2059, 1, 1)))
def test_what_is_minted_is_verified_as_what_it_is(key: str, last: date) -> None:
    text = MINT.mint("spring", "SPRING", key, last)
    assert text == MINT.mint("spring", "SPRING", key, last)
    claims = MINT.verify("spring", "SPRING", text, key=key)
    assert (claims.text, claims.last_day) == (text, last)
    misread = text.lower().replace("1", "l").replace("0", "o").replace("-", " ")
    misread = "spring" + misread[6:]
    assert MINT.verify("spring", "SPRING", misread, key=key).text == text


def test_a_code_of_another_person_name_prefix_or_secret_is_refused() -> None:
    text = MINT.mint("spring", "SPRING", "f#ana", LAST)
    with pytest.raises(InvalidInput, match="somebody else"):
        MINT.verify("spring", "SPRING", text, key="f#ben")
    for mint, name, prefix in (
        (Mint(b"other"), "spring", "SPRING"),
        (MINT, "autumn", "SPRING"),
        (MINT, "spring", "SPRINT"),
    ):
        with pytest.raises(InvalidInput):
            mint.verify(name, prefix, text)


def test_no_change_of_one_character_and_no_guess_passes() -> None:
    text = MINT.mint("spring", "SPRING", "f#ana", LAST)
    body = text.replace("-", "")
    changed = [body[:i] + c + body[i + 1 :] for i in range(6, len(body)) for c in ALPHABET if c != body[i]]
    chance = random.Random(7)
    guesses = ["SPRING" + "".join(chance.choices(ALPHABET, k=20)) for _ in range(20_000)]
    for attempt in [*changed, *guesses, "", "SPRING", "SPRING-", body + "0"]:
        with pytest.raises(InvalidInput):
            MINT.verify("spring", "SPRING", attempt)


def test_a_hundred_thousand_customers_have_as_many_codes() -> None:
    assert len({MINT.mint("spring", "SPRING", f"f#{n}", LAST) for n in range(100_000)}) == 100_000
