"""The times that `*_filestat_set_times` sets."""

from __future__ import annotations

from typing import Final

from omnicore.sandbox.wasi.clocks import REALTIME, Clocks
from omnicore.sandbox.wasi.errno import INVAL, WasiError
from omnicore.sandbox.wasi.layout import offset

_ACCESS: Final = 1 << 0
_MODIFIED: Final = 1 << 2


def chosen_times(clocks: Clocks, *, access: int, modified: int, flags: int) -> tuple[int | None, int | None]:
    """Access and modification time in nanoseconds, None for one to leave. Raises: WasiError `INVAL`."""
    if flags >> 4:
        raise WasiError(INVAL)
    return _chosen(clocks, access, flags, _ACCESS), _chosen(clocks, modified, flags, _MODIFIED)


def _chosen(clocks: Clocks, value: int, flags: int, given: int) -> int | None:
    now = given << 1
    match bool(flags & given), bool(flags & now):
        case True, True:
            raise WasiError(INVAL)
        case True, False:
            return offset(value)
        case False, True:
            return clocks.read(REALTIME)
        case _:
            return None
