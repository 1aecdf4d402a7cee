"""Runs a command under the filter of system calls that a unit asks for: `python seccomp.py UNIT COMMAND...`.

systemd itself needs to be the machine's first process for that; the library below it does not.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import subprocess
import sys
from pathlib import Path

_ALLOW, _EPERM = 0x7FFF0000, 0x00050001
_NO_NEW_PRIVILEGES = 38


def allowed(unit: str) -> set[str]:
    """The names of system calls that a unit's lines `SystemCallFilter=` leave, groups resolved as systemd does."""
    groups: dict[str, list[str]] = {}
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True, check=True
    )
    for line in listed.stdout.splitlines():
        if re.fullmatch(r"@[a-z-]+", line):
            groups[line] = names = []
        elif re.fullmatch(r"    @?[a-z0-9_-]+", line):
            names.append(line.strip())

    def resolved(word: str) -> set[str]:
        if not word.startswith("@"):
            return {word}
        return {name for inner in groups[word] for name in resolved(inner)}

    found: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        named = {name for word in line.lstrip("~").split() for name in resolved(word)}
        found = found - named if line.startswith("~") else found | named
    return found | resolved("@default")


def restrict(names: set[str]) -> None:
    """Lets this process and its children make these system calls; all others fail with EPERM."""
    library = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(_EPERM))
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            library.seccomp_rule_add_array(context, _ALLOW, number, 0, None)
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if library.seccomp_load(context) != 0:
        raise OSError("the kernel did not take the filter")


if __name__ == "__main__":
    restrict(allowed(Path(sys.argv[1]).read_text()))
    os.execvp(sys.argv[2], sys.argv[2:])
