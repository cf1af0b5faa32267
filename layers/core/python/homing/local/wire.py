"""The wire between the functions' boto3 clients and moto: counts calls, lets planned faults strike, takes short cuts.

botocore lets anybody mix a base class into its clients (`creating-client-class`); nothing is patched. A call of moto costs
1.2 ms and more, nine tenths of it for an HTTP request that never leaves the process. For the few operations that make up
nearly all calls, :mod:`homing.local.direct` goes to moto's in-memory stores at once (docs/local.md has the numbers).
A short cut only ever answers success: whatever it does not know, or that fails, takes the long way through moto, so errors
are moto's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from homing.local.faults import Faults

Params = Mapping[str, Any]
Operation = Callable[[Params], dict[str, Any]]
# What the host answers itself is given moto's own answer to the same operation, to ask for it or not.
Served = Callable[[Params, Operation], dict[str, Any]]
_LongWay = Callable[[str, Params], dict[str, Any]]

_EVENT = "creating-client-class"
# After one of these the short cut's own index of a table is read anew.
_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement"})


class NotDirect(Exception):  # noqa: N818 - not an error: the long way is taken
    """This call has something that the short cut does not know."""


class Refusal(Exception):  # noqa: N818 - becomes botocore's ClientError
    """A simulated service says no, with an error code of its API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Wire:
    """``served`` operations are answered by the host itself (PutEvents, SendEmail); ``direct`` ones are short cuts.

    ``observers`` are told of every call that succeeded.
    """

    def __init__(self, faults: Faults, changed: Callable[[str], None] = lambda _: None) -> None:
        self.served: dict[tuple[str, str], Served] = {}
        self.direct: dict[tuple[str, str], Operation] = {}
        self.observers: list[Callable[[str, str, Params], None]] = []
        self.calls: Counter[tuple[str, str]] = Counter()
        # Those of them that went all the way through moto.
        self.long: Counter[tuple[str, str]] = Counter()
        self._faults = faults
        self._changed = changed
        self._lock = RLock()
        self._handler = (_EVENT, self._mix_in)

    def install(self) -> None:
        """From now on every new client goes through this wire."""
        BUILTIN_HANDLERS.append(self._handler)

    def remove(self) -> None:
        """New clients are plain again."""
        BUILTIN_HANDLERS.remove(self._handler)

    def call(self, client: Any, operation: str, params: Params, long_way: _LongWay) -> dict[str, Any]:
        """One call of a client; raises what botocore would."""
        service = str(client.meta.service_model.service_name)
        # Functions overlap calls in threads; neither moto nor the indexes are made for that.
        with self._lock:
            self.calls[service, operation] += 1
            if error := self._faults.call_error(service, operation, "before"):
                raise error
            answer = self._answer(client, service, operation, params, long_way)
            for observe in self.observers:
                observe(service, operation, params)
            if error := self._faults.call_error(service, operation, "after"):
                raise error
            return answer

    def _answer(self, client: Any, service: str, operation: str, params: Params, long_way: _LongWay) -> dict[str, Any]:
        def moto(params: Params) -> dict[str, Any]:
            return self._moto(service, operation, params, long_way)

        if served := self.served.get((service, operation)):
            try:
                return _success(served(params, moto))
            except Refusal as refusal:
                response: Any = {
                    "Error": {"Code": refusal.code, "Message": str(refusal)},
                    "ResponseMetadata": {"HTTPStatusCode": 400},
                }
                raise client.exceptions.from_code(refusal.code)(response, operation) from refusal
        return moto(params)

    def _moto(self, service: str, operation: str, params: Params, long_way: _LongWay) -> dict[str, Any]:
        if direct := self.direct.get((service, operation)):
            try:
                return _success(direct(params))
            except Exception:  # noqa: BLE001 - the long way raises it properly
                pass
        self.long[service, operation] += 1
        try:
            return long_way(operation, params)
        finally:
            if service == "dynamodb" and operation in _WRITES:
                self._changed(str(params.get("TableName", "")))

    def _mix_in(self, base_classes: list[type], **_: Any) -> None:
        wire = self

        class Wired:
            def _make_api_call(self, operation_name: str, api_params: Params) -> dict[str, Any]:
                long_way: _LongWay = super()._make_api_call  # type: ignore[misc]
                return wire.call(self, operation_name, api_params, long_way)

        base_classes.insert(0, Wired)


def _success(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 0, "HTTPHeaders": {}}}
