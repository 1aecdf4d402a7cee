"""Checks values against the schemas of kinds. The schemas are ours, so only the values are strangers."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from omnicore.connectors.kind import Schema
from omnicore.errors import InvalidInput

__all__ = ["check_value"]

_LONGEST = 240
_compiled: dict[int, tuple[Schema, Draft202012Validator]] = {}


def check_value(schema: Schema, value: Any, *, what: str, within: str) -> None:
    """Raises: InvalidInput: what is wrong first, with its place in `within`."""
    known = _compiled.get(id(schema))
    if known is None:  # the schema is kept as well, so that its id is nobody else's
        known = _compiled[id(schema)] = (schema, Draft202012Validator(dict(schema)))
    error = next(iter(known[1].iter_errors(value)), None)
    if error is not None:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        expected = "" if error.validator in ("required", "additionalProperties") else _expected(error)
        said = error.message if not expected else f"must be {expected}"
        raise InvalidInput(f"{within}{place} of {what}: {said[:_LONGEST]}", remedy="correct it", path=place.lstrip("."))


def _expected(error: Any) -> str:
    """What the schema wants, without the value, which may be long or private."""
    return f"{error.validator} {json.dumps(error.validator_value, default=str)}"
