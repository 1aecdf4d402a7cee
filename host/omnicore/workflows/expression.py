"""Expressions: jq between `${` and `}`, and JSON values with such texts in them, compiled once and called often.

Paths, literals and small sums of those are evaluated here, a path in 0.3 us; everything else is jq itself, in a sandbox
(`omnicore.workflows.jq`). Both give the same. `now` is `scope["now"]`: an expression gives the same each time.

Source: CNCF Serverless Workflow DSL 1.0.3, runtime expressions; it has the strict mode only, so that a text with `${`
inside of it stands for itself.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from omnicore.errors import ExpressionInvalid
from omnicore.workflows.entries import Fault
from omnicore.workflows.jq import SHARED, JqFailed
from omnicore.workflows.jq_functions import Function
from omnicore.workflows.jq_plain import plain
from omnicore.workflows.jq_values import Failed, Nothing, Unsure

__all__ = ["Template", "expression", "is_expression", "template"]

_LONGEST = 1 << 15
_SHOWN = 1000


class Template(Protocol):
    """A compiled value; see `omnicore.workflows.graph.Template`."""

    @property
    def simple(self) -> bool:
        """Whether no jq is needed, but for rare numbers: quick enough for an event loop."""

    @property
    def source(self) -> Any:
        """The JSON value that it was made of."""

    @property
    def variables(self) -> frozenset[str]:
        """Names of the variables that it needs, without `$`."""

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        """The value for an input and variables without their `$`. Raises: `Fault` of type expression."""


def is_expression(value: Any) -> bool:
    """Whether a JSON value is a text that is exactly `${ ... }`."""
    return isinstance(value, str) and value.strip().startswith("${") and value.rstrip().endswith("}")


def expression(text: str) -> Template:
    """An expression, with or without `${ }`. Raises: ExpressionInvalid: jq cannot read it."""
    return _Expression(text, text.strip()[2:-1] if is_expression(text) else text)


def template(value: Any) -> Template:
    """Any JSON value; texts in it that are exactly `${ ... }` are expressions, all else stands for itself.

    Raises: ExpressionInvalid: jq cannot read one of them; details: `path`, a JSON pointer within the value.
    """
    try:
        return _template(value, ())
    except RecursionError:
        raise ExpressionInvalid("the value is too deep", remedy="nest it less", path="") from None


def _template(value: Any, path: tuple[str, ...]) -> Template:
    if is_expression(value):
        try:
            return expression(value)
        except ExpressionInvalid as error:
            pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
            raise ExpressionInvalid(error.fact, remedy=error.remedy, **{**error.details, "path": pointer}) from error
    parts: list[tuple[Any, Template]] = []
    if isinstance(value, Mapping):
        parts = [(key, _template(one, (*path, str(key)))) for key, one in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(at, _template(one, (*path, str(at)))) for at, one in enumerate(value)]
    if all(isinstance(part, _Literal) for _, part in parts):
        return _Literal(value)
    return _Built(value, parts)


class _Literal:
    """A value without expressions."""

    __slots__ = ("simple", "source", "variables")

    def __init__(self, value: Any) -> None:
        self.source: Any = value
        self.simple = True
        self.variables: frozenset[str] = frozenset()

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        return self.source


class _Built:
    """An object or a list with expressions somewhere in it."""

    __slots__ = ("_parts", "simple", "source", "variables")

    def __init__(self, source: Any, parts: Iterable[tuple[Any, Template]]) -> None:
        self.source = source
        self._parts = tuple(parts)
        self.simple = all(part.simple for _, part in self._parts)
        self.variables = frozenset[str]().union(*(part.variables for _, part in self._parts))

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        if isinstance(self.source, Mapping):
            return {key: part(data, scope) for key, part in self._parts}
        return [part(data, scope) for _, part in self._parts]


class _Expression:
    """A filter: the plain form where it has one, and jq."""

    __slots__ = ("_filter", "_plain", "simple", "source", "variables")

    def __init__(self, source: str, filter: str) -> None:
        self.source = source
        self._filter = filter.strip()
        self._plain: Function = _ask
        found = plain(self._filter)
        self.simple = found is not None
        if found is not None:
            self._plain, self.variables = found.call, found.variables
        else:
            self.variables = _read(self._filter)

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        try:
            return self._plain(data, scope)
        except Nothing:
            return None
        except Failed as error:
            raise _fault(self._filter, str(error)) from None
        except Unsure:
            pass
        missing = self.variables.difference(scope)
        if missing:
            raise _fault(self._filter, f"${min(missing)} is not defined")
        variables = {name: scope[name] for name in self.variables}
        try:
            return SHARED.evaluate(self._filter, data, variables, now=scope.get("now", 0))
        except JqFailed as error:
            raise _fault(self._filter, str(error)) from error


def _ask(_data: Any, _scope: Mapping[str, Any]) -> Any:
    raise Unsure


@functools.lru_cache(maxsize=512)
def _read(filter: str) -> frozenset[str]:
    """The variables of a filter. Raises: ExpressionInvalid."""
    if len(filter) > _LONGEST:
        raise ExpressionInvalid(
            f"the expression has {len(filter)} characters, {_LONGEST} are allowed",
            remedy="do it in several tasks, or in a plugin",
            expression=filter[:_SHOWN],
        )
    if not filter or filter.isspace():
        raise ExpressionInvalid("the expression is empty", remedy="`.` is the whole input", expression=filter)
    try:
        return SHARED.variables(filter)
    except JqFailed as error:
        raise ExpressionInvalid(
            str(error)[:_SHOWN], remedy="write it as jq 1.8 has it", expression=filter[:_SHOWN]
        ) from error


def _fault(filter: str, message: str) -> Fault:
    return Fault(
        "expression",
        400,
        "The expression failed",
        f"{message[:_SHOWN]} in {filter if len(filter) <= _SHOWN else filter[:_SHOWN] + '...'}",
    )
