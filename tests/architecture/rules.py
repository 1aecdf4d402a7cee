"""Every rule of the house, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.architecture.floors import check_engine, check_floors
from tests.architecture.homes import check_homes, check_sql
from tests.architecture.loading import check_cycles, check_lazy, check_local_imports
from tests.architecture.sizes import check_sizes
from tests.architecture.source import Source
from tests.architecture.wording import check_docstrings, check_exports, check_leftovers

__all__ = ["RULES", "Rule"]

Rule = Callable[[Sequence[Source]], list[str]]
"""Reads a whole package and returns its breaches as `path:line message`."""

RULES: Mapping[str, Rule] = {
    "imports go downstairs only": check_floors,
    "an engine's tables are its own": check_engine,
    "libraries stay at home": check_homes,
    "SQL stays in storage": check_sql,
    "no import cycles": check_cycles,
    "no imports inside functions": check_local_imports,
    "imports by name in the listed tables only": check_lazy,
    "files and functions stay small": check_sizes,
    "nothing is left over": check_leftovers,
    "public things are documented": check_docstrings,
    "exported names exist": check_exports,
}
