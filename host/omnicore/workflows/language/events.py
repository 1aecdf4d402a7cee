"""Events that are waited for: filters, and how many of them have to fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from omnicore.errors import InvalidInput
from omnicore.workflows.expression import Template
from omnicore.workflows.graph import EventFilter
from omnicore.workflows.language.build import Build, marked
from omnicore.workflows.language.problems import Path
from omnicore.workflows.triggering.matching import check_attribute

__all__ = ["Strategy", "filter_of", "filters_of", "strategy_of"]

Strategy: TypeAlias = Literal["one", "any", "all"]


def strategy_of(value: Mapping[str, Any]) -> Strategy:
    """Which of the three ways is meant."""
    return "one" if "one" in value else "any" if "any" in value else "all"


def filters_of(build: Build, value: Mapping[str, Any], path: Path) -> tuple[EventFilter, ...]:
    """The filters of `one`, `any` or `all`."""
    mode = strategy_of(value)
    if mode == "one":
        return (filter_of(build, value["one"], (*path, "one")),)
    return tuple(filter_of(build, one, (*path, mode, index)) for index, one in enumerate(value[mode]))


def filter_of(build: Build, value: Mapping[str, Any], path: Path) -> EventFilter:
    """One filter. A `data` that is no expression has to be equal to that of the event."""
    attributes: dict[str, Any] = {}
    data: Template | None = None
    for name, wanted in value["with"].items():
        here = (*path, "with", name)
        if name == "data":
            data = build.template(wanted, here)
        elif marked(wanted):
            attributes[name] = build.template(wanted, here)
        else:
            attributes[name] = _attribute(build, wanted, here)
    correlate = {
        name: _correlation(build, one, (*path, "correlate", name)) for name, one in value.get("correlate", {}).items()
    }
    return EventFilter(attributes, data, {name: one for name, one in correlate.items() if one is not None})


def _attribute(build: Build, wanted: Any, path: Path) -> Any:
    if isinstance(wanted, str):
        try:
            return check_attribute(wanted)
        except InvalidInput as error:
            build.report.error(path, error.fact, error.remedy)
    return wanted


def _correlation(build: Build, value: Mapping[str, Any], path: Path) -> tuple[Template, Template | None] | None:
    source = build.expression(value["from"], (*path, "from"))
    expected = build.template(value["expect"], (*path, "expect")) if "expect" in value else None
    return None if source is None else (source, expected)
