"""What a declaration file beside a source says, as Extism's kit for JavaScript reads it.

```ts
declare module "main" { export function greet(): I32; }
declare module "extism:host" { interface user { shout(text: PTR): PTR; } }
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omnicore.errors import BuildFailed
from omnicore.toolchains.js.bindings import Door

__all__ = ["Declared", "declared"]

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_MODULE = re.compile(r"""declare\s+module\s+["'](main|extism:host)["']\s*\{""")
_EXPORT = re.compile(r"export\s+function\s+([\w$]+)\s*\(")
_INTERFACE = re.compile(r"interface\s+([\w$]+)\s*\{([^{}]*)\}")
_METHOD = re.compile(r"([\w$]+)\s*\(([^()]*)\)\s*:\s*(\w+)")
_KINDS = {"I32": "i", "I64": "I", "PTR": "I", "F32": "f", "F64": "F", "void": ""}
_MOST_PARAMETERS = 16


@dataclass(frozen=True, slots=True)
class Declared:
    """The functions that are to be exported, and what is imported; both empty where nothing is declared."""

    functions: tuple[str, ...] = ()
    imports: tuple[Door, ...] = ()


def declared(entry: Path) -> Declared:
    """What `NAME.d.ts` or else `index.d.ts` beside a source declares. Raises: BuildFailed: an unknown type."""
    for path in (entry.with_suffix(".d.ts"), entry.with_name("index.d.ts")):
        if path.is_file():
            blocks = list(_blocks(_COMMENT.sub("", path.read_text("utf-8", errors="replace"))))
            if blocks:
                functions = [name for kind, body in blocks if kind == "main" for name in _EXPORT.findall(body)]
                imports = [door for kind, body in blocks if kind != "main" for door in _doors(body, path.name)]
                return Declared(tuple(functions), tuple(imports))
    return Declared()


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each module that counts, with what stands between its braces."""
    for match in _MODULE.finditer(text):
        depth, at = 1, match.end()
        while at < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        yield match[1], text[match.end() : at - 1]


def _doors(body: str, file: str) -> Iterator[Door]:
    for namespace, methods in _INTERFACE.findall(body):
        for name, parameters, result in _METHOD.findall(methods):
            kinds = [_kind(one.rpartition(":")[2], name, file) for one in parameters.split(",") if one.strip()]
            if len(kinds) > _MOST_PARAMETERS:
                raise BuildFailed(f"{file}: {name} has more than {_MOST_PARAMETERS} parameters", remedy="pass JSON")
            kind = f"{''.join(kinds)}:{_kind(result, name, file)}"
            yield Door(f"extism:host/{namespace}", name, kind, user=name)


def _kind(text: str, name: str, file: str) -> str:
    kind = _KINDS.get(text.strip())
    if kind is None:
        raise BuildFailed(f"{file}: {name} has the type {text.strip()[:40]}", remedy=f"use one of {', '.join(_KINDS)}")
    return kind
