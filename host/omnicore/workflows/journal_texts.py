"""Values as the journal keeps them: JSON in the row, or its hash where it is large; and rows made of entries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from omnicore.compact import json_writer
from omnicore.errors import InvalidInput, LimitExceeded, OmniError
from omnicore.storage.tables.workflow_steps import step_hash
from omnicore.storage.tables.workflow_values import reference
from omnicore.workflows.entries import Entry, Fault, Result

__all__ = ["Large", "Sizes", "Texts", "about_of", "clean"]

_REMEMBERED = 1024  # shorter texts are made again faster than they are looked up
_MOST_BYTES = 32 * 1024 * 1024
_MOST = 4096
_encode = json_writer()

Large = dict[str, str]
"""JSON texts by their hash, to be kept beside the rows that name them."""


class Sizes(Protocol):
    """How large values may be. Units: bytes."""

    @property
    def inline_bytes(self) -> int: ...

    @property
    def value_bytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Known:
    value: Any
    text: str
    data: str | None


def clean(text: str) -> str:
    """A text from outside as both databases can keep it in a column of its own."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


class Texts:
    """Makes texts of values. Belongs to one event loop.

    A run hands on the same objects from step to step, and a loop gives each round the same list: what was made of an
    object is remembered as long as it is not much. Values are never altered once a run has them.
    """

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._last: _Known | None = None
        self._bytes = 0

    def text(self, value: Any, large: Large) -> str | None:
        """What a column holds for a value; None for None.

        Args: large: gets the JSON of a value that the column only names.
        Raises: LimitExceeded: it is too large. InvalidInput: it is no JSON.
        """
        if value is None:
            return None
        known = self._last  # the output of a step is measured, then kept as what came and what goes on
        if known is None or known.value is not value:
            known = self._known.get(id(value))
            if known is None or known.value is not value:
                known = self._made(value)
            self._last = known
        if known.data is not None:
            large[reference_of(known.text)] = known.data
        return known.text

    def measure(self, value: Any) -> None:
        """Looks whether a value can be kept. Raises: Fault."""
        try:
            self.text(value, {})
        except OmniError as error:
            status = 413 if isinstance(error, LimitExceeded) else 422
            raise Fault("runtime", status, error.fact, error.remedy) from error

    def rows(
        self, run: str, entries: Sequence[Entry], head: tuple[int, str], large: Large
    ) -> tuple[list[tuple[Any, ...]], tuple[int, str]]:
        """Rows of the table for entries that follow a row, and the new last one's number and hash."""
        seq, last = head
        made: list[tuple[Any, ...]] = []
        for entry in entries:
            values = self._columns(entry, large)
            last = step_hash(last, values)
            made.append((run, *values, last))
            seq = entry.seq
        return made, (seq, last)

    def _columns(self, entry: Entry, large: Large) -> tuple[Any, ...]:
        result = entry.result
        fed = response = meta = about = None
        if result is not None:
            fed, response = result.kind, self.text(result.output, large)
            meta = self.text(dict(result.meta), large) if result.meta else None
            about = self.text(about_of(entry, result), large)
        return (
            *(entry.seq, entry.place, entry.path, entry.name, entry.kind, entry.status, entry.attempt, fed),
            *(float(entry.at), float(entry.began_at), self.text(entry.input, large), response),
            *(self.text(entry.output, large), self.fault(entry.fault, large), meta, about),
        )

    def fault(self, fault: Fault | None, large: Large) -> str | None:
        """What a column holds for a fault."""
        return None if fault is None else self.text(fault.to_json(), large)

    def _made(self, value: Any) -> _Known:
        data = _json(value)
        if len(data) > self._sizes.value_bytes:
            raise LimitExceeded(
                f"a value of {len(data)} bytes is too large for a run",
                remedy="hand on a part of it, or where it is; or raise workflows.value_bytes",
                limit="value_bytes",
                allowed=self._sizes.value_bytes,
            )
        if len(data) <= self._sizes.inline_bytes:
            known = _Known(value, data, None)
        else:
            known = _Known(value, reference(data)[1], data)
        if len(data) >= _REMEMBERED:
            self._remember(known, len(data))
        return known

    def _remember(self, known: _Known, size: int) -> None:
        before = self._known.pop(id(known.value), None)
        self._bytes += size - (_size(before) if before else 0)
        self._known[id(known.value)] = known
        while self._known and (self._bytes > _MOST_BYTES or len(self._known) > _MOST):
            self._bytes -= _size(self._known.popitem(last=False)[1])


def reference_of(text: str) -> str:
    """The hash in what stands for a value."""
    return text[1:65]


def about_of(entry: Entry, result: Result) -> dict[str, Any] | None:
    """What of a result is not as in its row."""
    about: dict[str, Any] = {}
    for name in ("place", "attempt", "at", "began_at"):
        if getattr(result, name) != getattr(entry, name):
            about[name] = getattr(result, name)
    mine, theirs = result.fault, entry.fault
    if mine is not theirs:
        told = None if mine is None else mine.to_json()
        if theirs is None or told != theirs.to_json():
            about["fault"] = told
    return about or None


def _size(known: _Known) -> int:
    return len(known.text if known.data is None else known.data)


def _json(value: Any) -> str:
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"a value is no JSON: {error}", remedy="hand on plain JSON values only") from error
