"""The process that compiles what might be hostile: bounded in time and memory, thrown away afterwards.

Run as `python -m omnicore.sandbox.compiling.child FUEL QUICK ADDRESS_MIB SECONDS BYTES COMPONENT`, the module on
standard input, machine code on standard output. Exit code 0 with code, 3 with a message on standard error when the
module does not validate, 4 when memory or room for the code ran out; processor time ends it by SIGXCPU and the
compiler's own need of memory by SIGABRT. Anything else is a broken installation.
"""

from __future__ import annotations

import resource
import sys

from omnicore.errors import OmniError
from omnicore.sandbox.capi.components import compile_component
from omnicore.sandbox.capi.modules import compile_module
from omnicore.sandbox.capi.presets import Preset, RawEngine

__all__ = ["EXHAUSTED", "REFUSED"]

REFUSED, EXHAUSTED = 3, 4
_NO_MEMORY = ("allocate memory", "os error 12")


def _main(arguments: list[str]) -> int:
    fuel, quick, address_mib, seconds, memory, component = (int(argument) for argument in arguments)
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
    except (MemoryError, OSError):
        return EXHAUSTED
    return 0


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    """Bytes mapped so far: the interpreter and the engine's library."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
