"""The process that compiles untrusted modules, with limits on time and memory.

Run as `python -m omnicore.sandbox.compiler_child FUEL QUICK ADDRESS_MIB SECONDS BYTES COMPONENT NICE`, with the module
on standard input and machine code on standard output. It is a module of its own so that it starts without the rest of
the compiler.

Exit codes: 0 with code; 3 with a message on standard error when the module does not validate; 4 when there was not
enough memory or room for the code; 5 when the disk is full. SIGXCPU means too much processor time, SIGABRT too much
memory in the compiler itself. Any other end means a broken installation, or that somebody ended the process.
"""

from __future__ import annotations

import errno
import os
import resource
import sys

from omnicore.errors import OmniError
from omnicore.sandbox.capi.code import Preset, RawEngine, compile_component, compile_module

REFUSED, EXHAUSTED, DISK = 3, 4, 5
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_NO_MEMORY = ("allocate memory", "os error 12")


def _main(arguments: list[str]) -> int:
    fuel, quick, address_mib, seconds, memory, component, nice = (int(argument) for argument in arguments)
    os.nice(nice)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # at the hard limit it would be SIGKILL
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, memory)
    preset = Preset(bool(fuel), bool(quick), pooled=False, address_mib=address_mib, components=bool(component))
    compile_any = compile_component if component else compile_module
    engine = RawEngine(preset)
    _limit(resource.RLIMIT_AS, _address_space() + memory)
    try:
        code = compile_any(engine, sys.stdin.buffer.read()).artifact()
        sys.stdout.buffer.write(code)
        sys.stdout.buffer.flush()
    except OmniError as error:
        sys.stderr.write(error.fact)
        return EXHAUSTED if any(sign in error.fact for sign in _NO_MEMORY) else REFUSED
    except MemoryError:
        return EXHAUSTED
    except OSError as error:
        return DISK if error.errno in _DISK else EXHAUSTED
    return 0


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    """Bytes mapped so far: the interpreter and the engine's library."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
