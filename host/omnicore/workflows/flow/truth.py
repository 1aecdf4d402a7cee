"""What counts as true, and which errors are the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.workflows.entries import Fault
from omnicore.workflows.graph import Template

__all__ = ["fits", "holds", "placed"]

_SPECIFIED = "serverlessworkflow.io"


def holds(condition: Template, data: Any, scope: Mapping[str, Any]) -> bool:
    """Whether a condition holds: as in jq, all but false and null do."""
    found = condition(data, scope)
    return found is not None and found is not False


def placed(fault: Fault, place: str) -> Fault:
    """A copy of a fault that says where it came up, if it does not say so itself."""
    return Fault(fault.type, fault.status, fault.title, fault.detail, fault.instance or place, extra=fault.extra)


def fits(fault: Mapping[str, Any], wanted: Mapping[str, Any], data: Any, scope: Mapping[str, Any]) -> bool:
    """Whether an error has the members that `errors.with` asks for; they may be expressions."""
    for name, want in wanted.items():
        value = want(data, scope) if callable(want) else want
        found = fault.get(name)
        if found != value and not (name == "type" and _kind(found) == _kind(value)):
            return False
    return True


def _kind(uri: Any) -> Any:
    """The short name of a specified error type: its documents write the same ones with several beginnings."""
    if not isinstance(uri, str):
        return uri
    if ":" not in uri:
        return uri
    return uri.rpartition("/")[2] if _SPECIFIED in uri and "/errors/" in uri else uri
