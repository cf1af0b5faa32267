"""As much of Amazon's language of states as the stack speaks: tasks, choices, and maps over the objects of a bucket."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Task = Callable[[Any], Any]


class Machine:
    """Walks a definition. ``tasks`` are functions by resource; ``objects`` lists a bucket's keys under a prefix."""

    def __init__(
        self, definition: Mapping[str, Any], tasks: Mapping[str, Task], objects: Callable[[str, str], list[str]]
    ) -> None:
        self._definition, self._tasks, self._objects = definition, tasks, objects
        self.visited: list[str] = []

    def run(self, given: Any) -> Any:
        """The output of an execution."""
        return self._walk(self._definition, given, {})

    def _walk(self, definition: Mapping[str, Any], given: Any, context: Mapping[str, Any]) -> Any:
        name = definition["StartAt"]
        while True:
            state = definition["States"][name]
            self.visited.append(name)
            if state["Type"] == "Choice":
                name = self._choose(state, given)
                continue
            made = self._map(state, given) if state["Type"] == "Map" else self._task(state, given, context)
            given = _placed(given, made, state.get("ResultPath", "$"))
            if state.get("End"):
                return given
            name = state["Next"]

    def _task(self, state: Mapping[str, Any], given: Any, context: Mapping[str, Any]) -> Any:
        assert state["Type"] == "Task"
        asked = _filled(state["Parameters"], given, context) if "Parameters" in state else given
        return self._tasks[state["Resource"]](asked)

    def _choose(self, state: Mapping[str, Any], given: Any) -> str:
        for choice in state["Choices"]:
            if _at(choice["Variable"], given) is choice["BooleanEquals"]:
                return str(choice["Next"])
        return str(state["Default"])

    def _map(self, state: Mapping[str, Any], given: Any) -> list[Any]:
        reader, processor = state["ItemReader"], state["ItemProcessor"]
        assert reader["Resource"] == "arn:aws:states:::s3:listObjectsV2"
        assert processor["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
        where = _filled(reader["Parameters"], given, {})
        found = []
        for index, key in enumerate(self._objects(where["Bucket"], where["Prefix"])):
            context = {"Map": {"Item": {"Index": index, "Value": {"Key": key}}}}
            found.append(self._walk(processor, _filled(state["ItemSelector"], given, context), context))
        return found


def _filled(parameters: Mapping[str, Any], given: Any, context: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removesuffix(".$"): _expression(value, given, context) if name.endswith(".$") else value
        for name, value in parameters.items()
    }


def _expression(text: str, given: Any, context: Mapping[str, Any]) -> Any:
    if call := re.fullmatch(r"States\.Format\('(.*)', (\$[^)]*)\)", text):
        return call[1].replace("{}", str(_at(call[2], given)))
    return _at(text[1:], context) if text.startswith("$$") else _at(text, given)


def _at(path: str, value: Any) -> Any:
    for name in path.removeprefix("$").strip(".").split("."):
        value = value[name] if name else value
    return value


def _placed(given: Any, made: Any, path: str | None) -> Any:
    if path is None:
        return given
    return made if path == "$" else {**given, path.removeprefix("$."): made}
