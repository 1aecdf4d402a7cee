"""Exit codes: one table from error classes to numbers, for scripts to rely on."""

from __future__ import annotations

from enum import IntEnum

from omnicore.errors import (
    DeadlineExceeded,
    InvalidInput,
    InvalidSetting,
    NotFound,
    OmniError,
    PermissionDenied,
)

__all__ = ["CODES", "Exit", "exit_for"]


class Exit(IntEnum):
    """What the numbers mean; `INTERRUPTED` is the shell's own for Ctrl-C."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    DENIED = 3
    TIMED_OUT = 4
    NOT_FOUND = 5
    INTERRUPTED = 130


CODES: tuple[tuple[type[OmniError], Exit], ...] = (
    (NotFound, Exit.NOT_FOUND),
    (DeadlineExceeded, Exit.TIMED_OUT),
    (PermissionDenied, Exit.DENIED),
    (InvalidInput, Exit.USAGE),
    (InvalidSetting, Exit.USAGE),
    (OmniError, Exit.FAILURE),
)


def exit_for(error: OmniError) -> Exit:
    """The exit code of an error."""
    return next(code for kind, code in CODES if isinstance(error, kind))
