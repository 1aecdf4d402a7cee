"""JSON Schema of plugins: admitted once, compiled once, and checked within a deadline.

A schema comes from a stranger, and so may the value. Nothing is fetched, no pattern can run away, and a check
that takes too long ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from omnicore.plugins.patterns import UnsafePatternError, safe_pattern

__all__ = ["JsonPath", "Schema", "SchemaTooSlowError", "problems_of_schema", "write_path"]

JsonPath = tuple[str | int, ...]

_LONGEST_MESSAGE = 240
_SUBSCHEMAS = frozenset({"additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"})
_SUBSCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SUBSCHEMA_MAPS = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
# Left out: what would fetch, what can match keys at any cost, what nobody needs for a function's input.
_REFUSED = frozenset(
    {"$dynamicRef", "$dynamicAnchor", "$anchor", "$id", "patternProperties", "unevaluatedItems"}
    | {"unevaluatedProperties", "$vocabulary"}
)

_Keyword = Callable[[Any, Any, Any, Any], Any]
_clock = threading.local()


class SchemaTooSlowError(Exception):
    """A check that did not end in its time."""


class Schema:
    """A compiled schema; safe to use from several threads."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._validator = _Checker(dict(document), registry=REGISTRY)

    def problem(self, value: Any, *, timeout_s: float) -> str | None:
        """What is wrong with a value first, as text with its place in it, or None.

        Raises: SchemaTooSlowError: the check took longer than `timeout_s`.
        """
        error = _first(self._validator, value, timeout_s)
        return f"{write_path(tuple(error.absolute_path)) or 'the value'}: {error.message}" if error else None


def problems_of_schema(document: Any, *, timeout_s: float) -> Iterator[tuple[JsonPath, str]]:
    """What keeps a schema from being used, each with its place in it."""
    try:
        error = _first(_meta(), document, timeout_s)
        if error is not None:
            yield tuple(error.absolute_path), error.message
            return
        survey = _Survey()
        survey.walk(document, ())
    except (SchemaTooSlowError, RecursionError):
        yield (), "is too big or too deep to be checked"
        return
    yield from survey.problems
    yield from survey.dangling()


def write_path(path: JsonPath) -> str:
    """`("capabilities", 0, "reason")` as people write it: `capabilities[0].reason`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _first(validator: Any, value: Any, timeout_s: float) -> ValidationError | None:
    _clock.deadline = time.monotonic() + timeout_s
    try:
        return next(validator.iter_errors(value), None)
    except RecursionError as error:
        raise SchemaTooSlowError("the schema refers to itself without end") from error


def _guarded(keyword: _Keyword) -> _Keyword:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if time.monotonic() > _clock.deadline:
            raise SchemaTooSlowError("checking against the schema takes too long")
        for error in keyword(validator, value, instance, schema) or ():
            # Messages repeat the value; a hundred of them for one of some megabytes would fill the memory.
            if len(error.message) > _LONGEST_MESSAGE:
                error.message = f"{error.message[:_LONGEST_MESSAGE]}..."
            yield error

    return check


def _pattern(_validator: Any, text: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    known = _compiled(text)
    if len(instance) > known.longest:
        yield ValidationError(f"is over {known.longest} characters, too long for the pattern {text!r}")
    elif not known.pattern.search(instance):
        yield ValidationError(f"{instance!r} does not match {text!r}")


def _unique(_validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    # jsonschema compares every two items where they do not sort; a set needs one look at each.
    if wanted and isinstance(instance, list) and len({_hashable(item) for item in instance}) < len(instance):
        yield ValidationError("has items that are equal")


def _hashable(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    return value


_compiled = lru_cache(maxsize=1_000)(safe_pattern)
_Checker: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        name: _guarded(keyword)
        for name, keyword in {
            **Draft202012Validator.VALIDATORS,
            "pattern": _pattern,
            "uniqueItems": _unique,
        }.items()
    },
)


_evolve = _Checker.evolve


def _stay_guarded(validator: Any, **changes: Any) -> Any:
    # For a subschema that names its dialect, jsonschema would take its own validator, which has no guards.
    schema = changes.get("schema")
    if isinstance(schema, dict) and "$schema" in schema:
        changes["schema"] = {key: value for key, value in schema.items() if key != "$schema"}
    return _evolve(validator, **changes)


_Checker.evolve = _stay_guarded


@lru_cache(maxsize=1)
def _meta() -> Any:
    return _Checker(Draft202012Validator.META_SCHEMA, registry=REGISTRY)


@dataclass(slots=True)
class _Survey:
    """What a walk over a schema finds: where subschemas stand, what refers where, what is not taken."""

    places: set[JsonPath] = field(default_factory=set)
    references: list[tuple[JsonPath, str]] = field(default_factory=list)
    problems: list[tuple[JsonPath, str]] = field(default_factory=list)

    def walk(self, schema: Any, path: JsonPath) -> None:
        self.places.add(path)
        for key, value in schema.items() if isinstance(schema, dict) else ():
            here = (*path, key)
            if key in _REFUSED:
                self.problems.append((here, f"the keyword {key!r} is not supported in the schemas of plugins"))
            elif key == "$ref":
                self.references.append((here, value))
            elif key == "pattern":
                self._pattern(value, here)
            elif key in _SUBSCHEMAS:
                self.walk(value, here)
            elif key in _SUBSCHEMA_LISTS or key in _SUBSCHEMA_MAPS:
                for step, part in enumerate(value) if isinstance(value, list) else value.items():
                    self.walk(part, (*here, step))

    def _pattern(self, text: str, path: JsonPath) -> None:
        try:
            _compiled(text)
        except UnsafePatternError as error:
            self.problems.append((path, f"the pattern {text[:80]!r} {error}"))

    def dangling(self) -> Iterator[tuple[JsonPath, str]]:
        """References to anything but a subschema the walk has seen, and so has checked."""
        known = {tuple(str(step) for step in place) for place in self.places}
        for path, reference in self.references:
            if reference != "#" and _pointer(reference) not in known:
                yield (
                    path,
                    f"refers to {reference[:80]!r}; only '#/...' to a schema in this document is followed",
                )


def _pointer(reference: str) -> tuple[str, ...] | None:
    """Source: RFC 6901, section 6."""
    if not reference.startswith("#/"):
        return None
    steps = unquote(reference[2:]).split("/")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)
