"""Which addresses a webhook may have: those of the internet, and none inside of anybody's network.

A function that posts wherever a file says could otherwise be made to talk to what only it can reach: itself, the metadata
service, a neighbour in the VPC. The ranges are those that IANA's registries of special-purpose addresses call not globally
reachable (https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_WITHIN_4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4",
)  # fmt: skip
# Of what is given out at all (2000::/3); 2001::/23 has Teredo in it, 2002::/16 is 6to4: both lead to addresses inside of them.
_GIVEN_OUT_6 = "2000::/3"
_WITHIN_6 = ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
# An IPv4 address behind a translator (RFC 6052): as public as what it stands for.
_NAT64 = "64:ff9b::/96"

_INSIDE = ("localhost", "local", "internal", "home.arpa", "lan", "intranet")
# What inet_aton, and so a resolver, takes for part of an IPv4 address, however it is written.
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
# Full stops that IDNA takes for one.
_STOPS = str.maketrans("。．｡", "...")


@cache
def _networks() -> tuple[tuple[IPv4Network, ...], IPv6Network, tuple[IPv6Network, ...], IPv6Network]:
    four = tuple(IPv4Network(text) for text in _WITHIN_4)
    six = tuple(IPv6Network(text) for text in _WITHIN_6)
    return four, IPv6Network(_GIVEN_OUT_6), six, IPv6Network(_NAT64)


def is_public(address: str) -> bool:
    """Whether an IP address, as a resolver gives it, is one that everybody could reach. Not an address: no."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _public(ip)


def _public(ip: IPv4Address | IPv6Address) -> bool:
    within_4, given_out, within_6, nat64 = _networks()
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in within_4)
    if ip.ipv4_mapped is not None:
        return _public(ip.ipv4_mapped)
    if ip in nat64:
        return _public(IPv4Address(int(ip) & 0xFFFFFFFF))
    return ip in given_out and not any(ip in network for network in within_6)


def objection(host: str) -> str:
    """What speaks against a host as it is written in an address, before anybody looks it up; empty: nothing does.

    Names are looked at again when they are resolved. Addresses have to be written plainly: ``0x7f.1`` is loopback, too.
    """
    name = unicodedata.normalize("NFKC", host).translate(_STOPS).lower().rstrip(".")
    if ":" in name:
        return "" if is_public(name) else "it is an address inside of a network"
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            IPv4Address(name)
        except ValueError:
            return "it is a number that programs take for an address: write the host's name"
        return "" if is_public(name) else "it is an address inside of a network"
    if len(labels) == 1 or any(name == inside or name.endswith(f".{inside}") for inside in _INSIDE):
        return "it is a name that only leads somewhere inside of a network"
    return ""
