"""The files of the host that a piece of work enters, as whoever follows it has to read them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

import omnicore

__all__ = ["Journey"]

_OURS = ContextVar("ours", default=False)
_PACKAGE = str(Path(omnicore.__file__).parent) + "/"


class Journey:
    """Notes the files that are entered on this thread, and on threads that begin after it was made."""

    def __init__(self) -> None:
        self._files: set[str] | None = None
        threading.setprofile(self._note)

    @contextmanager
    def noted(self) -> Iterator[set[str]]:
        """Notes files that the block enters into the set that it gives; not those of work that others began."""
        files = self._files = set()
        token = _OURS.set(True)
        sys.setprofile(self._note)
        try:
            yield files
        finally:
            sys.setprofile(None)
            self._files = None
            _OURS.reset(token)

    def close(self) -> None:
        """Takes the hook off threads that begin later."""
        threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        files = self._files
        if files is None or event != "call" or not frame.f_code.co_filename.startswith(_PACKAGE):
            return
        if _OURS.get():
            files.add(frame.f_code.co_filename.removeprefix(_PACKAGE))
