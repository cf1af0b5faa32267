"""The product catalog: ``catalog/products.csv``, ``.jsonl`` or ``.yaml``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from homing.domain.campaigns import Product
from homing.domain.content.problems import validate
from homing.domain.content.source import decode
from homing.domain.content.suggest import did_you_mean
from homing.domain.content.yaml_source import Located, parse_yaml
from homing.domain.errors import InvalidCampaign
from homing.domain.recommend.related import Related

FILES = ("catalog/products.csv", "catalog/products.jsonl", "catalog/products.yaml")
RELATED = "catalog/related.json"
_TRUTH = {"true": True, "yes": True, "1": True, "": True, "false": False, "no": False, "0": False}


def read_catalog(files: Mapping[str, bytes]) -> tuple[dict[str, Product], list[InvalidCampaign]]:
    """Products by id, in the order of the file, and every mistake."""
    products: dict[str, Product] = {}
    problems: list[InvalidCampaign] = []
    for file in FILES:
        if file not in files:
            continue
        try:
            for located in _rows(file, files):
                product, found = validate(Product, located)
                problems += found
                if product is None:
                    continue
                if product.product_id in products:
                    message = f"product {product.product_id!r} stands in the catalog twice"
                    problems.append(located.error(message, code="duplicate_product"))
                elif product.price is not None and not _is_price(product.price):
                    message = f"price {product.price!r} should be a decimal such as 19.90"
                    problems.append(located.error(message, code="invalid_value", path=("price",)))
                else:
                    products[product.product_id] = product
        except InvalidCampaign as problem:
            problems.append(problem)
    return products, problems


def read_related(files: Mapping[str, bytes]) -> Related:
    """What ``homing recommend`` wrote; nothing where it did not. Raises InvalidCampaign."""
    if RELATED not in files:
        return Related()
    try:
        return Related.model_validate_json(files[RELATED])
    except ValueError as error:
        message = "these are no tables of related products: let `homing recommend` write them"
        raise InvalidCampaign(message, code="catalog", file=RELATED) from error


def _rows(file: str, files: Mapping[str, bytes]) -> Iterator[Located]:
    if file.endswith(".csv"):
        return _csv(file, decode(files, file))
    if file.endswith(".jsonl"):
        return _jsonl(file, decode(files, file))
    return _yaml(file, files[file])


def _is_price(text: str) -> bool:
    try:
        return Decimal(text).is_finite() and Decimal(text) >= 0
    except InvalidOperation:
        return False


def _csv(file: str, text: str) -> Iterator[Located]:
    reader = csv.DictReader(io.StringIO(text), restkey="")
    known = set(Product.model_fields)
    for name in reader.fieldnames or []:
        if name not in known:
            message = f"unknown column {name!r}{did_you_mean(name, known)}"
            raise InvalidCampaign(message, code="unknown_key", file=file)
    for row in reader:
        line = reader.line_num
        if "" in row:
            raise InvalidCampaign("more values than columns", code="catalog", file=file, line=line)
        value: dict[str, Any] = {key: item for key, item in row.items() if item not in {None, ""}}
        if "in_stock" in value:
            value["in_stock"] = _TRUTH.get(str(value["in_stock"]).strip().lower(), value["in_stock"])
        yield Located(file, value, {(): (line, 1)})


def _jsonl(file: str, text: str) -> Iterator[Located]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield Located(file, _texts(json.loads(line, parse_float=str)), {(): (number, 1)})
            except json.JSONDecodeError as error:
                raise InvalidCampaign(error.msg, code="catalog", file=file, line=number, column=error.colno) from error


def _yaml(file: str, data: bytes) -> Iterator[Located]:
    whole = parse_yaml(data, file)
    if not isinstance(whole.value, list):
        raise InvalidCampaign("expected a list of products", code="invalid_value", file=file)
    for index, item in enumerate(whole.value):
        values = {path[1:]: place for path, place in whole.values.items() if path[:1] == (index,)}
        keys = {path[1:]: place for path, place in whole.keys.items() if path[:1] == (index,)}
        yield Located(file, _texts(item), values, keys)


def _texts(item: Any) -> Any:
    """Ids and prices may be written as numbers; prices as JSON or YAML floats keep two digits."""
    if not isinstance(item, dict):
        return item
    price = item.get("price")
    text = f"{price:.2f}" if isinstance(price, float) else None if price is None else str(price)
    return {**item, "product_id": str(item.get("product_id", "")), **({"price": text} if price is not None else {})}
