"""Which host functions a plugin imports: those that its source mentions, so that nobody has to grant more."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from omnicore.errors import BuildFailed
from omnicore.sandbox.inspect import FuncType
from omnicore.sandbox.snapshot.guest import FIRST_DOOR
from omnicore.sandbox.snapshot.rewrite import HostImport
from omnicore.toolchains.kits import kit

__all__ = ["Bindings", "Door"]

_ENV, _USER = "extism:host/env", "extism:host/user"
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_KIT = r"""["']omnicore["']"""
_NAMED = re.compile(rf"""import\s*\{{([^{{}}]*)\}}\s*from\s*{_KIT}|\{{([^{{}}]*)\}}\s*=\s*require\(\s*{_KIT}""")
# Words from their start only: a long one would be searched to its end from each of its letters.
_WHOLE = re.compile(
    rf"""import\s*\*\s*as\s+([\w$]+)\s+from\s*{_KIT}|(?<![\w$])([\w$]+)\s*=\s*require\(\s*{_KIT}\s*\)\s*[;,\n]"""
)
_MENTION = re.compile(_KIT)
_TYPES = {"i": "i32", "I": "i64", "f": "f32", "F": "f64"}
_MOST = 120
_LEVELS = ("trace", "debug", "info", "warn", "error")


@dataclass(frozen=True, slots=True)
class Door:
    """A host function that JavaScript may call.

    Args:
        type: its parameters and, behind a colon, its result: i and I are i32 and i64, f and F f32 and f64.
        words: the names in a source for which it is imported.
        noun: what of "omnicore" it belongs to.
        user: the name by which `Host.getFunctions()` has it; such a function is always imported.
    """

    module: str
    name: str
    type: str
    words: tuple[str, ...] = ()
    noun: str = ""
    user: str = ""

    def used(self, words: Set[str], nouns: Set[str]) -> bool:
        """Whether sources with these words, which take these nouns of the kit, can call it."""
        return bool(self.user) or bool(self.noun and self.noun in nouns) or not words.isdisjoint(self.words)


# The engine's C code knows these by the slots 2 to 8; see `sdk/js/engine/engine.h`.
_CLOCK = Door(_USER, "clock_now_v1", "i:I", ("Date", "performance", "timeEnd"))
_RANDOM = Door(_USER, "random_fill_v1", "I:I", ("random", "crypto", "getRandomValues", "randomUUID"))
_LOGS = tuple(Door(_ENV, f"log_{level}", "I:", ("console",)) for level in _LEVELS)
_OWN = {2: _CLOCK, 3: _RANDOM, **dict(enumerate(_LOGS, 4))}

_GLOBALS = (
    Door(_ENV, "config_get", "I:I", ("Config",)),
    Door(_ENV, "var_get", "I:I", ("Var",)),
    Door(_ENV, "var_set", "II:", ("Var",)),
    Door(_ENV, "http_request", "II:I", ("Http",)),
    Door(_ENV, "http_status_code", ":i", ("Http",)),
    Door(_ENV, "http_headers", ":I", ("Http",)),
    Door(_USER, "http_fetch_v1", "I:I", ("fetch",)),
)


@functools.cache
def _nouns() -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = json.loads((kit("js") / "src" / "nouns.json").read_text("utf-8"))["nouns"]
    return found


class Bindings:
    """The host functions that one plugin may call, each with its slot.

    Args:
        user: functions of a host application, declared beside the source.
    """

    def __init__(self, user: Sequence[Door]) -> None:
        doors: dict[tuple[str, str], Door] = {(one.module, one.name): one for one in _GLOBALS}
        for noun, functions in _nouns().items():
            for function in functions:
                words = doors[_USER, function].words if (_USER, function) in doors else ()
                doors[_USER, function] = Door(_USER, function, "I:I", words, noun)
        doors.update({(one.module, one.name): one for one in user})
        self._doors = {**_OWN, **dict(enumerate(doors.values(), FIRST_DOOR))}
        self._bound: list[int] = []

    @property
    def table(self) -> Mapping[str, Mapping[str, Any]]:
        """What the prelude knows of each, by module and name."""
        return {
            f"{door.module} {door.name}": {
                "slot": slot,
                "type": door.type,
                "word": " or ".join(filter(None, (*door.words, door.noun))),
                "user": door.user,
            }
            for slot, door in self._doors.items()
        }

    def chosen(self, sources: Iterable[str], *, omnicore: bool) -> bytes:
        """Binds what the sources mention, and returns what the engine has to know of it."""
        words: set[str] = set()
        nouns: set[str] = set()
        for source in sources:
            words.update(_WORD.findall(source))
            nouns.update(_of_kit(source) if omnicore else ())
        self._bound = [slot for slot, door in self._doors.items() if door.used(words, nouns)]
        if len(self._bound) > _MOST:
            raise BuildFailed(
                f"the plugin calls {len(self._bound)} host functions, {_MOST} are possible",
                remedy="declare fewer host functions",
            )
        live = {"clock": 2 in self._bound, "random": 3 in self._bound}
        return json.dumps({"bound": self._bound, **live}).encode()

    def imports(self) -> list[HostImport]:
        """What was bound, as the module imports it."""
        return [_import(slot, self._doors[slot]) for slot in self._bound]


def _of_kit(source: str) -> set[str]:
    """Which names of "omnicore" a file takes; all of its words where that cannot be told."""
    names: set[str] = set()
    named = [one or other for one, other in _NAMED.findall(source)]
    for part in ",".join(named).split(","):
        names.update(_WORD.findall(part)[:1])
    wholes = [one or other for one, other in _WHOLE.findall(source)]
    for whole in wholes:
        uses = re.findall(rf"(?<![\w$]){re.escape(whole)}(?![\w$])\s*(?:\.\s*([\w$]+))?", source)
        if uses.count("") != 1:  # more than where it is declared: it is handed on
            return set(_WORD.findall(source))
        names.update(uses)
    told = len(named) + len(wholes) == len(_MENTION.findall(source))
    return names if told else set(_WORD.findall(source))


def _import(slot: int, door: Door) -> HostImport:
    params, _, result = door.type.partition(":")
    kind = FuncType(tuple(_TYPES[one] for one in params), tuple(_TYPES[one] for one in result))
    return HostImport(slot, door.module, door.name, kind)
