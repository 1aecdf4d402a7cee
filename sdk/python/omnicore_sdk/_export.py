"""A function of the author as an export: typed values in and out, exceptions as error texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from omnicore_sdk import _core
from omnicore_sdk._types import Kind

__all__ = ["Export", "Parameter", "said"]

_MOST_PLACES = 6
_TOO_LATE = "; import it at the top of plugin.py: modules are loaded when a plugin is built"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; one with a default is left to the function when it is absent."""

    name: str
    kind: Kind
    default: bool = False


class Export:
    """A function as the bindings call it.

    Args:
        result: of what it returns, None for nothing.
        failed: makes the exception that the bindings take for an error, of its text.
        root: the folder of the plugin's source, whose places an error names.
    """

    def __init__(
        self,
        author: Callable[..., Any],
        parameters: Sequence[Parameter],
        result: Kind | None,
        *,
        failed: Callable[[str], Exception],
        root: str,
    ) -> None:
        self._author = author
        self._parameters = parameters
        self._result = result
        self._failed = failed
        self._root = root

    def __call__(self, *values: Any) -> Any:
        """Calls the function. Raises: what `failed` makes, whatever went wrong."""
        try:
            return self._called(values)
        except BaseException as error:  # what escapes from here ends the whole plugin
            text = said(error, self._root)
        raise self._failed(text)

    def _called(self, values: Sequence[Any]) -> Any:
        found = zip(self._parameters, values, strict=True)
        returned = self._author(
            **{one.name: one.kind.lift(value) for one, value in found if value is not None or not one.default}
        )
        if self._result is None:
            return None
        return self._result.lower(returned, f"what {getattr(self._author, '__name__', 'it')} returned")


def said(error: BaseException, root: str) -> str:
    """What a caller reads of an exception: its type and message, then the places in the plugin, innermost first."""
    if isinstance(error, _core.DoorError):
        head = f"{error.code}: {error}"
    else:
        head = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        head += _TOO_LATE if isinstance(error, ModuleNotFoundError) else ""
    places = list(_places(error.__traceback__, root))[::-1]
    return "\n".join([head, *(f"  at {place}" for place in places[:_MOST_PLACES])])


def _places(traceback: TracebackType | None, root: str) -> Iterator[str]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename.startswith(f"{root}/"):
            yield f"{code.co_filename[len(root) + 1 :]}:{traceback.tb_lineno} in {code.co_name}"
        traceback = traceback.tb_next
