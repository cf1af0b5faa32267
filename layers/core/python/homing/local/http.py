"""The HTTP API of the template: routes to functions, with payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from homing.domain.errors import InvalidInput
from homing.domain.time import to_datetime
from homing.local.sources import FunctionFailed, Invoke
from homing.local.template import Template

_TEXT = ("text/", "application/json", "application/xml", "application/javascript", "application/x-www-form-urlencoded")
# API Gateway's own limit, in bytes.
_LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cookies: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Route:
    """``POST /webhooks/{shop}`` to a function's ARN."""

    key: str
    method: str
    parts: tuple[str, ...]
    function: str

    def match(self, method: str, parts: tuple[str, ...]) -> dict[str, str] | None:
        """The path parameters where the route fits."""
        if self.method not in {method, "ANY"}:
            return None
        if self.key == "$default":
            return {}
        values: dict[str, str] = {}
        for index, part in enumerate(self.parts):
            if part.startswith("{") and part.endswith("+}"):
                values[part[1:-2]] = "/".join(parts[index:])
                return values if len(parts) > index else None
            if index >= len(parts):
                return None
            if part.startswith("{"):
                values[part[1:-1]] = unquote(parts[index])
            elif part != parts[index]:
                return None
        return values if len(parts) == len(self.parts) else None


@dataclass(frozen=True, slots=True)
class Api:
    """The routes of all HTTP APIs of the template, and the CORS answers that API Gateway gives by itself."""

    routes: tuple[Route, ...]
    invoke: Invoke
    now: Callable[[], int]
    cors: Mapping[str, Any] = field(default_factory=dict)
    host: str = "homing.example"

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | str = b""
    ) -> Response:
        """One request. ``path`` may carry a query string. 404 without a route, 413 over 10 MB, 500 when the function
        fails."""
        raw_path, _, query = path.partition("?")
        raw = body.encode() if isinstance(body, str) else body
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        parts = tuple(raw_path.strip("/").split("/"))
        if self.cors and method == "OPTIONS" and "access-control-request-method" in lower:
            return Response(204, self._cors_headers(lower))
        if len(raw) > _LIMIT:
            return _message(413, "Request Entity Too Large")
        for route in self.routes:
            values = route.match(method, parts)
            if values is not None:
                event = self._event(route, method, raw_path, query, lower, raw, values)
                answer = self._answer(route, event)
                return _with(answer, self._cors_headers(lower)) if self.cors and "origin" in lower else answer
        return _message(404, "Not Found")

    def _answer(self, route: Route, event: dict[str, Any]) -> Response:
        try:
            answer = self.invoke(route.function, event)
        except FunctionFailed:
            return _message(500, "Internal Server Error")
        if not isinstance(answer, Mapping) or "statusCode" not in answer:
            return Response(200, {"content-type": "application/json"}, json.dumps(answer).encode())
        body = answer.get("body") or ""
        return Response(
            int(answer["statusCode"]),
            {name.lower(): str(value) for name, value in (answer.get("headers") or {}).items()},
            base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode(),
            tuple(answer.get("cookies") or ()),
        )

    def _event(
        self,
        route: Route,
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        body: bytes,
        values: dict[str, str],
    ) -> dict[str, Any]:
        text = _text(headers, body)
        headers = {"host": self.host, "content-length": str(len(body)), **headers}
        cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": route.key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "local",
                "domainName": self.host,
                "domainPrefix": self.host.partition(".")[0],
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": headers.get("user-agent", ""),
                },
                "requestId": uuid.uuid4().hex,
                "routeKey": route.key,
                "stage": "$default",
                "time": to_datetime(self.now()).strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "timeEpoch": self.now() // 1000,
            },
            "isBase64Encoded": text is None,
        }
        if cookies:
            event["cookies"] = cookies
        if query:
            event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
        if values:
            event["pathParameters"] = values
        if body:
            event["body"] = base64.b64encode(body).decode() if text is None else text
        return event

    def _cors_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        origins = self.cors.get("AllowOrigins", [])
        origin = headers.get("origin", "")
        if "*" not in origins and origin not in origins:
            return {}
        answer = {"access-control-allow-origin": "*" if "*" in origins else origin}
        if "access-control-request-method" in headers:
            answer["access-control-allow-methods"] = ",".join(self.cors.get("AllowMethods", []))
            answer["access-control-allow-headers"] = ",".join(self.cors.get("AllowHeaders", []))
            answer["access-control-max-age"] = str(self.cors.get("MaxAge", 0))
        return answer


def api_of(template: Template, invoke: Invoke, now: Callable[[], int]) -> Api:
    """The API of the template; exact routes come before those with parameters, ``$default`` last."""
    functions = {
        integration.name: str(integration.properties["IntegrationUri"])
        for integration in template.resources("AWS::ApiGatewayV2::Integration")
    }
    routes = []
    for resource in template.resources("AWS::ApiGatewayV2::Route"):
        properties = resource.properties
        if properties.get("AuthorizationType", "NONE") != "NONE":
            raise InvalidInput(f"{resource.logical_id}: authorizers are not hosted here", code="template")
        key = properties["RouteKey"]
        method, _, path = key.partition(" ") if key != "$default" else ("ANY", "", "")
        function = functions[properties["Target"].removeprefix("integrations/")]
        routes.append(Route(key, method, tuple(path.strip("/").split("/")), function))
    routes.sort(key=lambda route: (route.key == "$default", [part.startswith("{") for part in route.parts]))
    cors: dict[str, Any] = {}
    for api in template.resources("AWS::ApiGatewayV2::Api"):
        cors = api.properties.get("CorsConfiguration", {})
    host = template.place.api_url.partition("://")[2]
    return Api(tuple(routes), invoke, now, cors, host)


def _text(headers: Mapping[str, str], body: bytes) -> str | None:
    """The body as API Gateway gives it to a function: text for text types, None where it is base64."""
    kind = headers.get("content-type", "application/json").lower()
    if "content-encoding" in headers or not (kind.startswith(_TEXT) or "+json" in kind or "+xml" in kind):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(items) for name, items in values.items()}


def _message(status: int, text: str) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps({"message": text}).encode())


def _with(response: Response, headers: Mapping[str, str]) -> Response:
    return Response(response.status, {**response.headers, **headers}, response.body, response.cookies)
