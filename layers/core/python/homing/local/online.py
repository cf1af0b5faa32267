"""Fetching the addresses that campaigns name, for ``homing check --online``."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from homing.domain.content.checks.links import Address
from homing.domain.errors import InvalidCampaign

# Seconds that a server may take, and how many are asked at once: kind to small shops, and done within a minute.
TIMEOUT = 8.0
AT_ONCE = 8
# Of a large catalog a part tells enough: its addresses are made alike.
MOST = 300
_AGENT = "homing-check (link checker)"
# Servers that say so do not like robots, or want a log-in; people may get through.
_NOT_FOR_ROBOTS = frozenset({401, 403, 405, 406, 429, 501, 503, 999})


def dead(addresses: Iterable[Address], *, timeout: float = TIMEOUT) -> Iterator[InvalidCampaign]:
    """Addresses that lead nowhere, in the order in which they come. Each is asked with HEAD, and with GET where that is
    not understood; redirects are followed."""
    asked = list(addresses)[:MOST]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="online") as pool:
        for address, wrong in zip(asked, pool.map(lambda one: _wrong(one.url, timeout), asked), strict=True):
            if wrong:
                where = address.where
                yield InvalidCampaign(
                    f"{address.url} {wrong}", code="dead_link", file=where.file, line=where.line, column=where.column
                )


def _wrong(url: str, timeout: float) -> str:
    """What is wrong with an address; nothing where somebody answers."""
    said = _ask(url, "HEAD", timeout)
    return _ask(url, "GET", timeout) if said else ""


def _ask(url: str, method: str, timeout: float) -> str:
    request = urllib.request.Request(url, method=method, headers={"User-Agent": _AGENT, "Accept": "*/*"})
    try:
        with urllib.request.urlopen(request, timeout=timeout):  # only http and https come here
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return "" if error.code in _NOT_FOR_ROBOTS and method == "GET" else f"answers {error.code} {error.reason}"
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            return f"has no valid certificate ({error.reason.reason})"
        return f"does not answer ({error.reason})"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"does not answer ({error or type(error).__name__})"
