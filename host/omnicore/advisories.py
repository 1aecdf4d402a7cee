"""Security advisories for the engines of a host: a dated list that comes with OmniCore and is read offline."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Literal

Severity = Literal["low", "medium", "high", "critical", "unknown"]
_CONDITION = re.compile(r"(<=|>=|<|>|==)([0-9]+(?:\.[0-9]+)*)")
RANGE = r"^ *((<=|>=|<|>|==)[0-9]+(\.[0-9]+)*( +|$))+$"
"""The pattern of a range of versions, such as `>=37.0.0 <37.0.3`."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """One of them. `affected` holds ranges of versions, each of conditions such as `>=37.0.0 <37.0.3`."""

    id: str
    package: str
    affected: tuple[str, ...]
    severity: Severity
    summary: str


@dataclass(frozen=True, slots=True)
class KnownList:
    """The list as of a day, and versions of engines that come with OmniCore."""

    dated: str
    shipped: Mapping[str, str]
    advisories: Sequence[Advisory]


@dataclass(frozen=True, slots=True)
class EngineAbout:
    """An engine of this host, and what is known against its version."""

    name: str
    version: str
    advisories: tuple[Advisory, ...]


@cache
def known() -> KnownList:
    """The list that came with this version."""
    read = tomllib.loads(files("omnicore").joinpath("advisories.toml").read_text("utf-8"))
    advisories = tuple(Advisory(**{**one, "affected": tuple(one["affected"])}) for one in read["advisory"])
    return KnownList(read["dated"], read["shipped"], advisories)


def applies(given: str, ranges: Sequence[str]) -> bool:
    """True when a version lies in one of the ranges. Of `50.0.1.post1` and the like the numbers count.

    >>> applies("37.0.2", ["<36.0.3", ">=37.0.0 <37.0.3"])
    True
    """
    number = _numbers(given)
    return any(all(_holds(number, one) for one in part.split()) for part in ranges if part)


def engines() -> list[EngineAbout]:
    """The engines that are installed, and the one that is built into JavaScript plugins.

    Of the package `extism` its library counts, which is not loaded for this.
    """
    read = known()
    installed = {"wasmtime": _installed("wasmtime"), "extism": _installed("extism-sys")}
    found = {name: at for name, at in installed.items() if at is not None}
    return [
        EngineAbout(
            name, at, tuple(one for one in read.advisories if one.package == name and applies(at, one.affected))
        )
        for name, at in {**found, **read.shipped}.items()
    ]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _holds(number: tuple[int, ...], condition: str) -> bool:
    match = _CONDITION.fullmatch(condition)
    if match is None:
        raise ValueError(f"{condition!r} is not a condition of a version")
    other = _numbers(match[2])
    order = (number > other) - (number < other)
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "==": order == 0}[match[1]]


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(r"[0-9]{1,9}(?:\.[0-9]{1,9})*", text)
    parts = [int(part) for part in match[0].split(".")] if match else []
    while parts and parts[-1] == 0:  # 50.0 is 50.0.0
        parts.pop()
    return tuple(parts)
