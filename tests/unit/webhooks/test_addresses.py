"""Where a webhook may lead: the internet, and nowhere that only the stack can reach, however it is spelled."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from homing.domain.campaigns import Webhook
from homing.domain.webhooks.addresses import is_public, objection

INSIDE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "192.0.0.8", "192.0.2.7", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::1",
    "2002:7f00:1::", "2002:a9fe:a9fe::", "3fff::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::10.0.0.1",
    "64:ff9b:1::1", "::127.0.0.1",
]  # fmt: skip
OUTSIDE = [
    "1.1.1.1",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450::5",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_only_the_stack_can_reach_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_everybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


def test_what_is_no_address_is_not_public() -> None:
    assert not is_public("crm.example")
    assert not is_public("")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_public_only_where_python_says_it_is_global(address: ipaddress.IPv4Address) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast
    elif address.is_global and not address.is_multicast:
        # 6to4's relays and what IANA has set aside for protocols.
        assert str(address).startswith(("192.88.99.", "192.0.0."))


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_is_public_only_where_python_says_it_is_global(address: ipaddress.IPv6Address) -> None:
    if is_public(str(address)) and address.ipv4_mapped is None and not str(address).startswith("64:ff9b::"):
        assert address.is_global


def spellings(number: int) -> st.SearchStrategy[str]:
    """One IPv4 address in ways that resolvers read: whole or in up to four parts, decimal, hexadecimal or octal."""

    def spelled(parts: int, bases: list[str]) -> str:
        octets = [number >> 24 & 255, number >> 16 & 255, number >> 8 & 255]
        heads = octets[: parts - 1]
        tail = number & (0xFFFFFFFF >> 8 * (parts - 1))
        return ".".join(base.format(value) for base, value in zip(bases, [*heads, tail], strict=False))

    return st.builds(
        spelled,
        st.integers(1, 4),
        st.lists(st.sampled_from(["{}", "0x{:x}", "0X{:X}", "0{:o}", "0x00{:x}"]), min_size=4, max_size=4),
    )


private = st.one_of(
    st.integers(0x7F000000, 0x7FFFFFFF), st.integers(0x0A000000, 0x0AFFFFFF), st.integers(0xC0A80000, 0xC0A8FFFF),
    st.integers(0xAC100000, 0xAC1FFFFF), st.integers(0xA9FE0000, 0xA9FEFFFF), st.integers(0, 0xFFFFFF),
)  # fmt: skip


@given(private.flatmap(lambda number: st.tuples(st.just(number), spellings(number))), st.sampled_from(["", "."]))
def test_no_spelling_of_a_private_address_may_be_written_into_the_settings(case: tuple[int, str], dot: str) -> None:
    number, text = case
    # The operating system reads it so: the test's own proof that it is a spelling.
    assert int.from_bytes(socket.inet_aton(text), "big") == number
    assert objection(text + dot)
    with pytest.raises(ValidationError, match="can't be called"):
        Webhook(url=f"https://{text}{dot}/hook")


@given(private)
def test_nor_may_it_hide_in_an_ipv6_address(number: int) -> None:
    inner = str(ipaddress.IPv4Address(number))
    for text in (f"::ffff:{inner}", f"64:ff9b::{inner}", str(ipaddress.IPv6Address(0x2002 << 112 | number << 80))):
        assert objection(text)
        with pytest.raises(ValidationError, match="inside of a network"):
            Webhook(url=f"https://[{text}]/hook")


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/", "https://LOCALHOST:8443/x", "https://api.localhost/", "https://metadata.google.internal/", "https://nas.local/",
        "https://intranet/", "https://router.lan/", "http://crm.example.com/", "https://user@crm.example.com/", "https://:pass@crm.example.com/",
        "https://crm.example.com:0/", "https://crm.example.com:99999/", "https://crm.example.com\\@10.0.0.1/", "https://crm.example.com/#x",
        "https://crm.example.com/a b", "https:///x", "ftp://crm.example.com/", "crm.example.com", "https://１２７.0.0.1/", "https://0x7f。1/",
    ],
)  # fmt: skip
def test_what_can_not_be_called_says_what_to_write(url: str) -> None:
    with pytest.raises(ValidationError, match="can't be called: "):
        Webhook(url=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com", "https://crm.example.com/hook?token=1", "https://crm.example.com:8443/a/b", "https://8.8.8.8/x",
        "https://[2606:4700::1111]/x", "https://10.example.com/", "https://xn--bcher-kva.example/",
    ],
)  # fmt: skip
def test_what_can_be_called_may_be_written(url: str) -> None:
    assert Webhook(url=url).url == url
