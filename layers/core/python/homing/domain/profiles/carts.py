"""Carts, keyed by cart or checkout token: a log of operations whose replay does not depend on arrival order.

A profile keeps for each token the operations since the cart was opened, and the orders that closed carts. Contents at an
instant are found by replaying in order of occurrence, so an order that arrives before the cart's last update, or an
update that arrives twice, changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.profiles import bounds
from homing.domain.time import DAY

# Under this pseudo token stand the orders: id → (occurred, tokens they named).
ORDERS = "*"
# Under this one the other names of carts: pair → (since, other token, the token under which the cart is kept).
NAMES = "="
# What a cart is called in its key when no event names it.
UNNAMED = "cart"
_SCALAR = (str, int, float)
_PSEUDO = frozenset({ORDERS, NAMES})
# An order is remembered this long, for cart updates that arrive after it.
ORDER_MEMORY = 30 * DAY
# What a cart began after is part of its key. The latest closing of a token is remembered until the runs of the filling
# before it are forgotten (90 days after their end), or the next filling would be taken for one that was written about.
KEY_MEMORY = 120 * DAY
# What an item carries along, and how long each may be. A name is cut, a link would be broken by that and is left out.
ITEM_FIELDS = {"variant": 60, "price": 60, "currency": 60, "name": 150, "image_url": 500, "url": 500}
_TOKEN_FIELDS = ("cart_id", "cart_token", "checkout_id", "checkout_token")
_MAX_ITEMS = 50
# More operations than these without a snapshot are summed up in one.
_MAX_OPERATIONS = 100
_MAX_TOKENS = 20
_MAX_ORDERS = 50
_MAX_NAMES = 40
_MAX_TOKEN = 128
# In a token's own log: here the cart was forgotten.
_FORGET = "forget"

SNAPSHOTS = frozenset({names.CART_UPDATED, names.CHECKOUT_STARTED, names.CART_VIEWED})
CART_EVENTS = SNAPSHOTS | {names.PRODUCT_ADDED, names.PRODUCT_REMOVED}


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart's state at an instant. ``key`` names this filling of it: after an order a new one begins."""

    token: str
    key: str
    items: tuple[Mapping[str, Any], ...]
    last_activity: int
    # The order, or the forgetting, after which it began; 0 for the first.
    since: int = 0


def tokens_of(event: Event) -> tuple[str, ...]:
    """The tokens that an event names, the cart's own first."""
    found = [_token(event.properties[name]) for name in _TOKEN_FIELDS if name in event.properties]
    if token := event.identifiers.get("cart_token"):
        found.append(_token(token))
    return tuple(dict.fromkeys(token for token in found if token))


def _token(value: Any) -> str | None:
    """A token as text; what is none (objects, booleans) names no cart."""
    if isinstance(value, bool) or not isinstance(value, _SCALAR):
        return None
    text = str(value).strip()
    if len(text) > _MAX_TOKEN:
        return hashlib.blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()
    return f"({text})" if text in _PSEUDO else text


def _quantity(value: Any, default: int) -> int:
    try:
        return max(0, min(int(float(value)), 100_000))
    except (TypeError, ValueError, OverflowError):
        return default


def _item(product: Mapping[str, Any], quantity: int, catalog: frozenset[str]) -> dict[str, Any] | None:
    product_id = product.get("product_id") or product.get("sku") or product.get("id")
    if product_id is None:
        return None
    item: dict[str, Any] = {"product_id": bounds.label(product_id), "quantity": quantity}
    for field, most in ITEM_FIELDS.items():
        value = product.get(field)
        # The catalog knows name, picture and link better, and need not be stored with every person.
        if value is None or (str(product_id) in catalog and field not in {"price", "variant"}):
            continue
        if isinstance(value, _SCALAR) and not (field in {"image_url", "url"} and len(str(value)) > most):
            item[field] = bounds.small(value, most + 4)
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
    token, *others = tokens_of(event) or ("",)
    for other in others:
        names_: dict[int, list[Any]] = carts.setdefault(NAMES, {})
        pair = int.from_bytes(
            hashlib.blake2b(f"{other}\x1f{token}".encode(errors="replace"), digest_size=5).digest(), "big"
        )
        if pair not in names_ or event.occurred < names_[pair][0]:
            names_[pair] = [event.occurred, other, token]
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
        if token == NAMES:
            held = joined.setdefault(NAMES, {})
            held.update({pair: named for pair, named in log.items() if pair not in held or named[0] < held[pair][0]})
        elif token != ORDERS:
            mine = joined.setdefault(token, {})
            for key, done in log.items():
                # Of the same operation the snapshot counts that sums up what came before it.
                if key not in mine or (done[0], done[1] != "set") < (mine[key][0], mine[key][1] != "set"):
                    mine[key] = done
    return joined


def _closings(carts: Mapping[str, Any], token: str) -> list[int]:
    """When orders closed the cart of this token, earliest first."""
    known = carts.keys() - {ORDERS, NAMES, ""}
    own = {token}
    if (aliases := carts.get(NAMES)) is not None:
        known = known | {other for _, other, _ in aliases.values()}
        own.update(other for _, other, kept in aliases.values() if kept == token)
    found = []
    for at, tokens in carts.get(ORDERS, {}).values():
        # A cart without a token can't be told from the one that was ordered.
        if token == "" or not own.isdisjoint(tokens) or not known.intersection(tokens):
            found.append(at)
    return sorted(found)


def _last_closings(carts: Mapping[str, Any], tokens: Iterable[str], now: int) -> dict[str, int]:
    """The last of :func:`_closings` by ``now`` of each of the tokens, and of carts without one, where there is one."""
    orders = carts.get(ORDERS)
    if not orders:
        return {}
    names_ = {token: (token,) for token in tokens}
    for _, other, kept in carts.get(NAMES, {}).values():
        names_[other] = (*names_.get(other, (other,)), kept)
    names_.pop("", None)
    found: dict[str, int] = {}
    nameless = every = -1
    for at, named in orders.values():
        if at > now:
            continue
        nameless = max(nameless, at)
        told = False
        for name in named:
            for token in names_.get(name, ()):
                told = True
                if at > found.get(token, -1):
                    found[token] = at
        if not told:
            every = max(every, at)
    if every >= 0:
        found |= {token: max(every, found.get(token, -1)) for token in tokens}
    if nameless >= 0:
        found[""] = nameless
    return found


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
    since = closed = ordered[-1] if ordered else 0
    lines: dict[str, dict[str, Any]] = {}
    last = 0
    for at, _, kind, items in sorted([entry[0], key, entry[1], entry[2]] for key, entry in log.items()):
        if at <= closed or at > now:
            continue
        if last and at >= last + forget_after:
            lines, since = {}, last + forget_after
        if kind == _FORGET:
            lines, since = {}, at
            continue
        last = at
        lines = _replayed(lines, kind, items)
    if not last or now >= last + forget_after:
        return None
    return Cart(token, f"{token or UNNAMED}@{since // 1000}", tuple(lines.values()), last, since)


def _replayed(
    lines: dict[str, dict[str, Any]], kind: str, items: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The lines of a cart after one more operation."""
    if kind == "set":
        lines = {}
    for item in items:
        line = _line(item)
        held = lines.get(line)
        before = held["quantity"] if held else 0
        if kind != "remove":
            lines[line] = {**(held or {}), **item, "quantity": before + item["quantity"]}
        elif held and before > item["quantity"]:
            lines[line] = {**held, "quantity": before - item["quantity"]}
        else:
            lines.pop(line, None)
    return lines


def last_touched(carts: Mapping[str, Any], token: str, now: int) -> int:
    """The latest operation of a token by ``now``; 0 without one. Where :func:`state` finds a cart, this is its
    ``last_activity``, at a fraction of the cost of replaying it."""
    latest = 0
    # A plain loop: every event asks, of carts that are being filled.
    for at, kind, _ in carts[token].values():
        if latest < at <= now and kind != _FORGET:
            latest = at
    return latest


def open_tokens(carts: Mapping[str, Any]) -> list[str]:
    """Tokens with operations, in a stable order."""
    found = [token for token, log in carts.items() if log and token not in _PSEUDO]
    return sorted(found) if len(found) > 1 else found


def all_names(carts: Mapping[str, Any], tokens: Iterable[str]) -> list[str]:
    """These tokens, and the others under which their carts are known: an order may name only the checkout's."""
    wanted = set(tokens)
    others = {other for _, other, kept in carts.get(NAMES, {}).values() if kept in wanted}
    return sorted((wanted | others) - {""})


def prune(carts: dict[str, Any], now: int, forget_after: int) -> None:
    """Forgets operations of ordered and forgotten carts, operations before the latest snapshot, and old orders."""
    if len(orders := carts.get(ORDERS, {})) > _MAX_ORDERS:
        carts[ORDERS] = dict(sorted(orders.items(), key=lambda order: (order[1][0], order[0]))[-_MAX_ORDERS:])
    tokens = [token for token in carts if token not in _PSEUDO]
    if len(tokens) > _MAX_TOKENS:
        tokens.sort(key=lambda token: (max((entry[0] for entry in carts[token].values()), default=0), token))
        for token in tokens[:-_MAX_TOKENS]:
            del carts[token]
        tokens = tokens[-_MAX_TOKENS:]
    closed = _last_closings(carts, tokens, now)
    for token in tokens:
        # An emptied log is a marker: see below.
        if carts[token]:
            carts[token] = _pruned(carts[token], closed.get(token, -1), now, forget_after)
    orders = carts.get(ORDERS, {})
    # The closing after which an open cart began stays as long as the cart, others for a while.
    begun = {at for token, at in closed.items() if carts.get(token) or at + KEY_MEMORY > now}
    for key in [key for key, (at, _) in orders.items() if at + ORDER_MEMORY <= now and at not in begun]:
        del orders[key]
    if ORDERS in carts and not orders:
        del carts[ORDERS]
    if (names_ := carts.get(NAMES)) is not None:
        latest = sorted(names_.items(), key=lambda item: (item[1][0], item[0]))[-_MAX_NAMES:]
        carts[NAMES] = {pair: held for pair, held in latest if held[2] in carts}
        if not carts[NAMES]:
            del carts[NAMES]
    named = {token for _, names_ in orders.values() for token in names_}
    for token in tokens:
        # An emptied log stays as a marker that this token is known, as long as the order that closed it is.
        if not carts[token] and token not in named and closed.get(token, 0) + KEY_MEMORY <= now:
            del carts[token]


def _is_plain(log: dict[int, list[Any]], floor: int, now: int, forget_after: int) -> bool:
    """Whether everything still matters, as while a cart is being filled: no snapshot, nothing ordered, ahead or forgotten."""
    youngest = now - forget_after
    for at, kind, _ in log.values():
        if not (floor < at <= now and at > youngest) or kind == "set" or kind == _FORGET:
            return False
    return True


def _pruned(log: dict[int, list[Any]], floor: int, now: int, forget_after: int) -> dict[int, list[Any]]:
    """What of a log still matters. When the cart was forgotten is written down before the operations around are dropped."""
    if len(log) <= _MAX_OPERATIONS and _is_plain(log, floor, now, forget_after):
        return log
    moments = sorted(entry[0] for entry in log.values() if floor < entry[0] <= now and entry[1] != _FORGET)
    gaps = [
        at + forget_after for at, after in zip(moments, [*moments, now][1:], strict=True) if after >= at + forget_after
    ]
    forgotten = max([*gaps, *(at for at, kind, _ in log.values() if kind == _FORGET and floor < at <= now)], default=-1)
    # What happens at the very instant of forgetting is the first of the next filling.
    floor = max(floor, forgotten - 1)
    snapshots = sorted((entry[0], key) for key, entry in log.items() if entry[1] == "set" and floor < entry[0] <= now)
    first = snapshots[-1] if snapshots else (floor, 1 << 62)
    kept = {
        key: entry for key, entry in log.items() if entry[0] > now or (entry[0] > floor and (entry[0], key) >= first)
    }
    if len(kept) > _MAX_OPERATIONS:
        kept = _summed_up(kept, now)
    if forgotten >= 0 and (kept or forgotten + KEY_MEMORY > now):
        kept[-forgotten] = [forgotten, _FORGET, []]
    return kept


def _summed_up(log: dict[int, list[Any]], now: int) -> dict[int, list[Any]]:
    """The older half of the operations as one snapshot; what is heard late of a time before it is then not counted."""
    past = sorted((entry[0], key) for key, entry in log.items() if entry[0] <= now and entry[1] != _FORGET)
    summed = past[: -_MAX_OPERATIONS // 2]
    lines: dict[str, dict[str, Any]] = {}
    for _, key in summed:
        lines = _replayed(lines, log[key][1], log[key][2])
    if not summed:
        return log
    gone = {key for _, key in summed}
    at, last = summed[-1]
    return {
        **{key: entry for key, entry in log.items() if key not in gone},
        last: [at, "set", list(lines.values())[-_MAX_ITEMS:]],
    }
