"""The fields of scopes: which values they take and when a granted one covers an asked one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.errors import ManifestInvalid

REQUIRED: Any = object()
"""The default of a field that must be written."""


@dataclass(frozen=True, slots=True)
class ScopeField:
    """One field. `covers(granted, asked)` compares two valid values, `says` completes "must be ..."."""

    default: Any
    says: str
    valid: Callable[[Any], bool]
    covers: Callable[[Any, Any], bool]


Fields = Mapping[str, ScopeField]


def maximum(default: int | None) -> ScopeField:
    """A number that bounds something; None leaves the bound to the host."""
    return ScopeField(default, "a whole number above 0", _is_count, _at_most)


def flag(default: bool = False) -> ScopeField:
    """True asks for more than False."""
    return ScopeField(
        default,
        "true or false",
        lambda value: isinstance(value, bool),
        lambda granted, asked: bool(granted or not asked),
    )


def patterns(
    default: Any, says: str, *, valid: Callable[[str], bool], covers: Callable[[str, str], bool]
) -> ScopeField:
    """A list of texts, each of which must be covered by one that is granted."""

    def all_valid(value: Any) -> bool:
        return (
            isinstance(value, (list, tuple))
            and 0 < len(value) <= 100
            and all(isinstance(one, str) and valid(one) for one in value)
        )

    def all_covered(granted: Any, asked: Any) -> bool:
        return all(any(covers(wide, narrow) for wide in granted) for narrow in asked)

    return ScopeField(default, says, all_valid, all_covered)


def fill(name: str, fields: Fields, scope: Mapping[str, Any]) -> dict[str, Any]:
    """The scope with its defaults. Raises: ManifestInvalid, whose `path` names the field."""
    unknown = sorted(set(scope) - set(fields))
    if unknown:
        known = ", ".join(fields) or "none"
        raise _invalid(name, unknown[0], f"{name} has no scope field {unknown[0]!r}", f"its fields: {known}")
    filled = {}
    for key, field in fields.items():
        value = scope.get(key, field.default)
        if value is REQUIRED:
            raise _invalid(name, key, f"the scope of {name} lacks `{key}`", f"it must be {field.says}")
        if value is not field.default and not field.valid(value):
            raise _invalid(name, key, f"`{key}` in the scope of {name} is {value!r:.80}", f"it must be {field.says}")
        filled[key] = value
    return filled


def scope_covers(fields: Fields, granted: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """True when everything the asked scope allows is allowed by the granted one. Both are filled."""
    return all(field.covers(granted[key], asked[key]) for key, field in fields.items())


def _invalid(name: str, key: str, fact: str, remedy: str) -> ManifestInvalid:
    return ManifestInvalid(fact, remedy=remedy, path=f"capabilities.{name}.scope.{key}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _at_most(granted: int | None, asked: int | None) -> bool:
    return granted is None or (asked is not None and asked <= granted)
