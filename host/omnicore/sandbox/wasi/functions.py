"""All 46 functions of `wasi_snapshot_preview1`, with their types, as host functions of the engine."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Final

from omnicore.errors import GuestFailed
from omnicore.sandbox.abi import HostCall, HostFunction, ValueType
from omnicore.sandbox.wasi import fd_calls, path_calls, process
from omnicore.sandbox.wasi.errno import FAULT, WasiError, from_host
from omnicore.sandbox.wasi.poll import poll_oneoff
from omnicore.sandbox.wasi.session import WasiSession

__all__ = ["NAMESPACE", "SessionOf", "wasi_functions"]

NAMESPACE: Final = "wasi_snapshot_preview1"

SessionOf = Callable[[HostCall], WasiSession]
"""The session of the instance that runs the call."""

Implementation = Callable[..., Any]

# One letter a parameter: i is i32, l is i64.
_TABLE: Final[dict[str, tuple[Implementation, str]]] = {
    "args_get": (process.args_get, "ii"),
    "args_sizes_get": (process.args_sizes_get, "ii"),
    "environ_get": (process.environ_get, "ii"),
    "environ_sizes_get": (process.environ_sizes_get, "ii"),
    "clock_res_get": (process.clock_res_get, "ii"),
    "clock_time_get": (process.clock_time_get, "ili"),
    "fd_advise": (fd_calls.fd_advise, "illi"),
    "fd_allocate": (fd_calls.fd_allocate, "ill"),
    "fd_close": (fd_calls.fd_close, "i"),
    "fd_datasync": (fd_calls.fd_sync, "i"),
    "fd_fdstat_get": (fd_calls.fd_fdstat_get, "ii"),
    "fd_fdstat_set_flags": (fd_calls.fd_fdstat_set_flags, "ii"),
    "fd_fdstat_set_rights": (fd_calls.fd_fdstat_set_rights, "ill"),
    "fd_filestat_get": (fd_calls.fd_filestat_get, "ii"),
    "fd_filestat_set_size": (fd_calls.fd_filestat_set_size, "il"),
    "fd_filestat_set_times": (fd_calls.fd_filestat_set_times, "illi"),
    "fd_pread": (fd_calls.fd_pread, "iiili"),
    "fd_prestat_get": (fd_calls.fd_prestat_get, "ii"),
    "fd_prestat_dir_name": (fd_calls.fd_prestat_dir_name, "iii"),
    "fd_pwrite": (fd_calls.fd_pwrite, "iiili"),
    "fd_read": (fd_calls.fd_read, "iiii"),
    "fd_readdir": (fd_calls.fd_readdir, "iiili"),
    "fd_renumber": (fd_calls.fd_renumber, "ii"),
    "fd_seek": (fd_calls.fd_seek, "ilii"),
    "fd_sync": (fd_calls.fd_sync, "i"),
    "fd_tell": (fd_calls.fd_tell, "ii"),
    "fd_write": (fd_calls.fd_write, "iiii"),
    "path_create_directory": (path_calls.path_create_directory, "iii"),
    "path_filestat_get": (path_calls.path_filestat_get, "iiiii"),
    "path_filestat_set_times": (path_calls.path_filestat_set_times, "iiiilli"),
    "path_link": (path_calls.path_link, "iiiiiii"),
    "path_open": (path_calls.path_open, "iiiiillii"),
    "path_readlink": (path_calls.path_readlink, "iiiiii"),
    "path_remove_directory": (path_calls.path_remove_directory, "iii"),
    "path_rename": (path_calls.path_rename, "iiiiii"),
    "path_symlink": (path_calls.path_symlink, "iiiii"),
    "path_unlink_file": (path_calls.path_unlink_file, "iii"),
    "poll_oneoff": (poll_oneoff, "iiii"),
    "proc_exit": (process.proc_exit, "i"),
    "proc_raise": (process.refuse, "i"),
    "random_get": (process.random_get, "ii"),
    "sched_yield": (process.sched_yield, ""),
    "sock_accept": (process.refuse, "iii"),
    "sock_recv": (process.refuse, "iiiiii"),
    "sock_send": (process.refuse, "iiiii"),
    "sock_shutdown": (process.refuse, "ii"),
}

_LETTERS: Final[dict[str, ValueType]] = {"i": "i32", "l": "i64"}


def wasi_functions(session_of: SessionOf) -> tuple[HostFunction, ...]:
    """The functions, defined once for every instance whose session `session_of` finds.

    Each returns an error number. Beyond those, `proc_exit` raises WasiExit, output over its limit
    LimitExceeded, and `poll_oneoff`, which is a coroutine function, DeadlineExceeded and CallCancelled.
    """
    return tuple(
        HostFunction(
            namespace=NAMESPACE,
            name=name,
            params=tuple(_LETTERS[letter] for letter in letters),
            results=() if name == "proc_exit" else ("i32",),
            run=_bound(implementation, session_of),
        )
        for name, (implementation, letters) in _TABLE.items()
    )


def _bound(implementation: Implementation, session_of: SessionOf) -> Callable[..., Any]:
    if iscoroutinefunction(implementation):
        return _bound_coroutine(implementation, session_of)

    def run(call: HostCall, *arguments: int) -> Any:
        try:
            return implementation(session_of(call), call, *arguments)
        except WasiError as refusal:
            return refusal.number
        except GuestFailed:
            return FAULT
        except OSError as error:
            return from_host(error)

    return run


def _bound_coroutine(implementation: Implementation, session_of: SessionOf) -> Callable[..., Any]:
    async def run(call: HostCall, *arguments: int) -> Any:
        try:
            return await implementation(session_of(call), call, *arguments)
        except WasiError as refusal:
            return refusal.number
        except GuestFailed:
            return FAULT

    return run
