"""Assertions about plugins."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omnicore.testing.host import IsolatedHost
from omnicore.testing.places import find_plugins

__all__ = ["assert_capabilities", "assert_fuel"]


def assert_fuel(host: IsolatedHost, ref: str, data: Any = b"", *, most: int) -> int:
    """Calls a function, fails when that takes more than `most` instructions of Wasm, and returns how many it took.

    The same call takes the same on every machine, but for some thirty instructions that clearing up after the call
    before may take, and as long as the plugin reads no clock.
    """
    used = host.measure(ref, data).fuel
    assert used is not None, f"the engine of {ref} counts no instructions"  # noqa: S101
    if used > most:
        raise AssertionError(f"{ref} took {used:,} instructions where {most:,} are allowed ({used / most:.2f} times)")
    return used


def assert_capabilities(plugin: str | Path, expected: Iterable[str]) -> None:
    """Fails unless the plugin in a file or folder asks for just these capabilities."""
    wanted = set(expected)
    for subject in find_plugins([plugin]):
        asked = {one.name: one.reason for one in subject.manifest.capabilities}
        more = [f"asks for {name} as well ({asked[name]})" for name in sorted(asked.keys() - wanted)]
        less = [f"does not ask for {name}" for name in sorted(wanted - asked.keys())]
        if more or less:
            raise AssertionError(f"{subject.manifest.name} {', and '.join([*more, *less])}")
