"""Carts, keyed by cart or checkout token: a log of operations whose replay does not depend on arrival order.

A profile keeps for each token the operations since the cart was opened, and the orders that closed carts. Contents at an
instant are found by replaying in order of occurrence, so an order that arrives before the cart's last update, or an
update that arrives twice, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.time import DAY

# Under this pseudo token stand the orders: id → (occurred, tokens they named).
ORDERS = "*"
# An order is remembered this long, for cart updates that arrive after it.
ORDER_MEMORY = 30 * DAY
ITEM_FIELDS = ("variant", "price", "currency", "name", "image_url", "url")
_TOKEN_FIELDS = ("cart_id", "cart_token", "checkout_id", "checkout_token")
_MAX_ITEMS = 100

SNAPSHOTS = frozenset({names.CART_UPDATED, names.CHECKOUT_STARTED, names.CART_VIEWED})
CART_EVENTS = SNAPSHOTS | {names.PRODUCT_ADDED, names.PRODUCT_REMOVED}


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart's state at an instant. ``key`` names this filling of it: after an order a new one begins."""

    token: str
    key: str
    items: tuple[Mapping[str, Any], ...]
    last_activity: int


def tokens_of(event: Event) -> tuple[str, ...]:
    """The tokens that an event names, the cart's own first."""
    found = [str(event.properties[name]) for name in _TOKEN_FIELDS if event.properties.get(name)]
    if token := event.identifiers.get("cart_token"):
        found.append(token)
    return tuple(dict.fromkeys(found))


def _quantity(value: Any, default: int) -> int:
    try:
        return max(0, min(int(float(value)), 100_000))
    except (TypeError, ValueError, OverflowError):
        return default


def _item(product: Mapping[str, Any], quantity: int, catalog: frozenset[str]) -> dict[str, Any] | None:
    product_id = product.get("product_id") or product.get("sku") or product.get("id")
    if product_id is None:
        return None
    item: dict[str, Any] = {"product_id": str(product_id), "quantity": quantity}
    for field in ITEM_FIELDS:
        # The catalog knows name, picture and link better, and need not be stored with every person.
        if product.get(field) is not None and (str(product_id) not in catalog or field in {"price", "variant"}):
            item[field] = product[field]
    return item


def operation(event: Event, catalog: frozenset[str]) -> list[Any] | None:
    """What an event does to a cart: ``[kind, items]`` with kind set, add, remove or touch; None when nothing."""
    if event.name in SNAPSHOTS:
        products = event.properties.get("products")
        if not isinstance(products, list) or (not products and event.name != names.CART_UPDATED):
            return ["touch", []]
        items = [
            item
            for product in products[:_MAX_ITEMS]
            if isinstance(product, Mapping)
            and (item := _item(product, _quantity(product.get("quantity"), 1), catalog))
            and item["quantity"] > 0
        ]
        return ["set", items]
    if event.name in {names.PRODUCT_ADDED, names.PRODUCT_REMOVED}:
        adding = event.name == names.PRODUCT_ADDED
        # Removing without a quantity removes the line.
        item = _item(event.properties, _quantity(event.properties.get("quantity"), 1 if adding else 100_000), catalog)
        return ["add" if adding else "remove", [item]] if item else ["touch", []]
    return None


def fold_cart(carts: dict[str, Any], event: Event, key: int, catalog: frozenset[str]) -> bool:
    """Adds a cart event or an order to the log; whether anything was added."""
    if event.name == names.ORDER_COMPLETED:
        return close(carts, key, event.occurred, tokens_of(event))
    done = operation(event, catalog)
    if done is None:
        return False
    token = next(iter(tokens_of(event)), "")
    log: dict[int, list[Any]] = carts.setdefault(token, {})
    held = log.get(key)
    if held is None or event.occurred < held[0]:
        log[key] = [event.occurred, *done]
        return True
    return False


def close(carts: dict[str, Any], key: int, at: int, tokens: Iterable[str]) -> bool:
    """Adds an order that closes the carts of its tokens, or all open ones when it names none that is known."""
    orders: dict[int, list[Any]] = carts.setdefault(ORDERS, {})
    held = orders.get(key)
    named = sorted(set(tokens) | set(held[1] if held else ()))
    when = min(at, held[0]) if held else at
    if held == [when, named]:
        return False
    orders[key] = [when, named]
    return True


def join(left: dict[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """The union of two logs."""
    joined = {token: dict(log) for token, log in left.items()}
    for key, (at, tokens) in right.get(ORDERS, {}).items():
        close(joined, key, at, tokens)
    for token, log in right.items():
        if token != ORDERS:
            mine = joined.setdefault(token, {})
            for key, done in log.items():
                if key not in mine or done[0] < mine[key][0]:
                    mine[key] = done
    return joined


def _closings(carts: Mapping[str, Any], token: str) -> list[int]:
    """When orders closed the cart of this token, earliest first."""
    known = carts.keys() - {ORDERS, ""}
    found = []
    for at, tokens in carts.get(ORDERS, {}).values():
        forgotten = tokens == [""]
        # A cart without a token can't be told from the one that was ordered.
        if token == "" or token in tokens or not (forgotten or known.intersection(tokens)):
            found.append(at)
    return sorted(found)


def _line(item: Mapping[str, Any]) -> str:
    return f"{item['product_id']}\x1f{item.get('variant', '')}"


def state(carts: Mapping[str, Any], token: str, now: int, forget_after: int) -> Cart | None:
    """The open cart of a token at ``now``; None when it was ordered, forgotten or never touched.

    An operation at the very instant of an order belongs to what was ordered.
    """
    log = carts.get(token)
    if not log:
        return None
    ordered = [at for at in _closings(carts, token) if at <= now]
    since = ordered[-1] if ordered else 0
    lines: dict[str, dict[str, Any]] = {}
    last = 0
    for at, _, kind, items in sorted([entry[0], key, entry[1], entry[2]] for key, entry in log.items()):
        if at <= since or at > now:
            continue
        if last and at >= last + forget_after:
            lines, since = {}, last + forget_after
        last = at
        if kind == "set":
            lines = {}
        for item in items:
            line = _line(item)
            held = lines.get(line)
            if kind == "remove":
                left = (held["quantity"] if held else 0) - item["quantity"]
                if held and left > 0:
                    lines[line] = {**held, "quantity": left}
                else:
                    lines.pop(line, None)
            else:
                before = held["quantity"] if held else 0
                lines[line] = {**(held or {}), **item, "quantity": before + item["quantity"]}
    if not last or now >= last + forget_after:
        return None
    return Cart(token, f"{token or 'cart'}@{since // 1000}", tuple(lines.values()), last)


def last_touched(carts: Mapping[str, Any], token: str, now: int) -> int:
    """The latest operation of a token by ``now``; 0 without one. Where :func:`state` finds a cart, this is its
    ``last_activity``, at a fraction of the cost of replaying it."""
    return max((entry[0] for entry in carts[token].values() if entry[0] <= now), default=0)


def open_tokens(carts: Mapping[str, Any]) -> list[str]:
    """Tokens with operations, in a stable order."""
    return sorted(token for token, log in carts.items() if token != ORDERS and log)


def _mark_forgotten(carts: dict[str, Any], token: str, now: int, forget_after: int) -> None:
    """Writes down as an order what :func:`state` reads from the gaps, before the operations around them are dropped."""
    moments = sorted(entry[0] for entry in carts[token].values() if entry[0] <= now)
    for at, following in zip(moments, [*moments, now][1:], strict=True):
        if following >= at + forget_after:
            carts.setdefault(ORDERS, {})[-(at + forget_after)] = [at + forget_after, [token]]


def prune(carts: dict[str, Any], now: int, forget_after: int) -> None:
    """Forgets operations of ordered and forgotten carts, operations before the latest snapshot, and old orders."""
    for token in open_tokens(carts):
        _mark_forgotten(carts, token, now, forget_after)
        log: dict[int, list[Any]] = carts[token]
        closings = [at for at in _closings(carts, token) if at <= now]
        floor = closings[-1] if closings else -1
        snapshots = sorted((e[0], key) for key, e in log.items() if e[1] == "set" and floor < e[0] <= now)
        first = snapshots[-1] if snapshots else (floor, 1 << 62)
        kept = {
            key: entry
            for key, entry in log.items()
            if entry[0] > now or (entry[0] > floor and (entry[0], key) >= first)
        }
        # An emptied log stays as a marker that this token is known, as long as the order that closed it is.
        carts[token] = kept
    orders = carts.get(ORDERS, {})
    # The order after which an open cart began is part of that cart's key.
    begun = {
        max(found) for token in open_tokens(carts) if (found := [at for at in _closings(carts, token) if at <= now])
    }
    for key in [key for key, (at, _) in orders.items() if at + ORDER_MEMORY <= now and at not in begun]:
        del orders[key]
    if ORDERS in carts and not orders:
        del carts[ORDERS]
    named = {token for _, tokens in orders.values() for token in tokens}
    for token in list(carts):
        if not carts[token] and token not in named:
            del carts[token]
