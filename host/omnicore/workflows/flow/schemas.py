"""Data held against the schemas of a document."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from omnicore.plugins.schemas import Schema, SchemaTooSlowError
from omnicore.workflows.entries import Fault

__all__ = ["conform"]

_LONGEST_CHECK_S = 5.0
_MOST = 512


def conform(value: Any, schema: Mapping[str, Any], what: str) -> None:
    """Raises: Fault of type validation: the value breaks the schema; `what` is `input`, `output` or `export`."""
    try:
        problem = _compiled.get(schema).problem(value, timeout_s=_LONGEST_CHECK_S)
    except SchemaTooSlowError as error:
        problem = str(error)
    if problem is not None:
        raise Fault("validation", 400, f"The {what} breaks its schema", problem[:1000])


class _Compiled:
    """Compiled schemas by the identity of their documents, the latest used ones. Usable from any thread.

    By identity, because a schema is part of a graph that outlives its runs, and reading it all for a hash would cost
    more than the check. The document is kept with it, so that its identity stays its own.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Mapping[str, Any], Schema]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, document: Mapping[str, Any]) -> Schema:
        """The schema of a document."""
        with self._lock:
            kept = self._kept.get(id(document))
            if kept is not None:
                self._kept.move_to_end(id(document))
                return kept[1]
        made = Schema(document)
        with self._lock:
            self._kept[id(document)] = (document, made)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return made


_compiled = _Compiled()
