"""The types of `BlockingHost`: written from the services of a host. `python -m tests.wiring.stub [--check]`."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from omnicore import Host
from omnicore.parts import HostParts
from omnicore.portal import _belongs_to_loop, _is_asynchronous, _needs_twin

__all__ = ["FILE", "reachable", "rendered"]

FILE = Path("host/omnicore/blocking_types.pyi")
_DEPTH = 4
_TYPED = 2  # parts deeper inside are the host's own business; they work, untyped
_NAME = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w*")
_HEAD = """# mypy: disable-error-code="override,assignment"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
'Types of a blocking host, written by `python -m tests.wiring.stub`; not to be edited.'
"""


def reachable(host: Host) -> list[tuple[tuple[str, ...], type, tuple[str, ...]]]:
    """Every part of a host that has to be awaited, or leads to one: its path, class and asynchronous methods."""
    found: list[tuple[tuple[str, ...], type, tuple[str, ...]]] = []
    seen: set[int] = set()

    def walk(value: Any, path: tuple[str, ...]) -> None:
        for name, part in _parts(value):
            if id(part) not in seen and len(path) < _DEPTH and _needs_twin(part):
                seen.add(id(part))
                found.append(((*path, name), type(part), tuple(_awaited_methods(type(part)))))
                walk(part, (*path, name))

    walk(host, ())
    return found


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    names = {*vars(value)} if hasattr(value, "__dict__") else set()
    if isinstance(value, Host):
        names |= {*HostParts.__annotations__}
    names |= {name for name in dir(type(value)) if isinstance(inspect.getattr_static(type(value), name), property)}
    for name in sorted(name for name in names if not name.startswith("_")):
        with suppress(Exception):
            yield name, getattr(value, name)


def _awaited_methods(kind: type) -> Iterator[str]:
    for name in dir(kind):
        member = getattr(kind, name, None)
        if not name.startswith("_") and inspect.isfunction(member):
            plain = inspect.unwrap(member)
            if inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain):
                yield name


class _Stub:
    def __init__(self, host: Host) -> None:
        self._host = host
        self._imports: dict[str, tuple[str, str]] = {}
        self._classes: dict[type, str] = {}
        self._bodies: dict[type, list[str]] = {}
        self._attributes: dict[type, dict[str, type]] = {}
        roots: dict[str, type] = {}
        for path, kind, _ in reachable(host):
            if len(path) > _TYPED:
                continue
            owner: Any = host
            for part in path[:-1]:
                owner = getattr(owner, part)
            kinds = roots if owner is host else self._attributes.setdefault(type(owner), {})
            kinds[path[-1]] = kind
        self._roots = roots
        for kind in roots.values():
            self._named(kind)

    def text(self) -> str:
        """The stub file."""
        lines = ["class Services:", f"    host: {self._import('Host', 'omnicore.assembly')}"]
        lines.append(f"    settings: {self._import('Settings', 'omnicore.config.settings')}")
        lines += [f"    {name}: {self._named(kind)}" for name, kind in sorted(self._roots.items())]
        plain = ((name, type(part)) for name, part in _parts(self._host) if name not in (*self._roots, "settings"))
        for name, kind in sorted(plain, key=lambda one: one[0]):
            if kind.__module__.startswith("omnicore"):
                lines.append(f"    {name}: {self._import(kind.__name__, kind.__module__)}")
        done: set[type] = set()
        while set(self._classes) - done:
            for kind in [one for one in self._classes if one not in done]:
                done.add(kind)
                self._bodies[kind] = list(self._body(kind))
        for kind in sorted(self._classes, key=lambda one: self._classes[one]):
            base = self._import(kind.__name__, kind.__module__)
            lines += ["", f"class {self._classes[kind]}({base}):", *self._bodies[kind]]
        imports = sorted(
            f"from {module} import {name}" + (f" as {alias}" if alias != name else "")
            for alias, (module, name) in self._imports.items()
        )
        return "\n".join([_HEAD, *imports, "", *lines, ""])

    def _named(self, kind: type) -> str:
        if kind not in self._classes:
            name = f"Blocking{kind.__name__.lstrip('_')}"
            taken = set(self._classes.values())
            self._classes[kind] = name if name not in taken else f"{name}{len(taken)}"
        return self._classes[kind]

    def _import(self, name: str, module: str) -> str:
        alias = name
        while alias in self._imports and self._imports[alias] != (module, name):
            alias = f"{alias}_"
        self._imports[alias] = (module, name)
        return alias

    def _body(self, kind: type) -> Iterator[str]:
        count = 0
        for name, part in sorted(self._attributes.get(kind, {}).items()):
            count += 1
            yield f"    {name}: {self._named(part)}"
        if hasattr(kind, "__await__"):
            count += 1
            yield "    def wait(self) -> Any: ..."
            self._import("Any", "typing")
        if hasattr(kind, "__anext__"):
            count += 1
            item = self._type(kind, kind.__anext__)
            yield f"    def __iter__(self) -> {self._import('Iterator', 'collections.abc')}[{item}]: ..."
        for name in dir(kind):
            member = inspect.getattr_static(kind, name)
            if name.startswith("_") or not inspect.isfunction(member):
                continue
            line = self._method(kind, name, member)
            if line:
                count += 1
                yield line
        if not count:
            yield "    ..."

    def _method(self, kind: type, name: str, member: Any) -> str:
        plain = inspect.unwrap(member)
        returned = self._type(kind, plain)
        stream = re.fullmatch(r"Async(?:Iterator|Generator)\[(.*?)(?:, None)?\]", returned)
        if plain is not member and inspect.isasyncgenfunction(plain) and stream:
            returned = f"{self._import('AbstractContextManager', 'contextlib')}[{stream[1]}]"
        elif inspect.isasyncgenfunction(plain) and stream:
            returned = f"{self._import('Iterator', 'collections.abc')}[{stream[1]}]"
        elif not inspect.iscoroutinefunction(plain) and "Blocking" not in returned:
            return ""
        return f"    def {name}({self._parameters(kind, plain)}) -> {returned}: ..."

    def _parameters(self, kind: type, function: Any) -> str:
        shown, star = [], False
        for one in inspect.signature(function).parameters.values():
            text = one.name
            if one.kind is one.VAR_POSITIONAL:
                text, star = f"*{text}", True
            elif one.kind is one.VAR_KEYWORD:
                text = f"**{text}"
            elif one.kind is one.KEYWORD_ONLY and not star:
                shown.append("*")
                star = True
            if one.annotation is not one.empty:
                text += f": {self._resolved(kind, function, str(one.annotation))}"
            shown.append(text + (" = ..." if one.default is not one.empty else ""))
        return ", ".join(shown)

    def _type(self, kind: type, function: Any) -> str:
        return self._resolved(kind, function, str(inspect.signature(function).return_annotation), twin=True)

    def _resolved(self, kind: type, function: Any, annotation: str, *, twin: bool = False) -> str:
        """An annotation with its names imported, those of asynchronous classes replaced where it is returned."""
        module = function.__module__

        def name_of(match: re.Match[str]) -> str:
            name = match[0]
            if name == "Self":
                return self._named(kind)
            if name == "_T":
                return "Any"
            if name == "asyncio":
                return self._import(name, "")
            if hasattr(builtins, name) and name not in _origins(module):
                return f"builtins.{name}" if hasattr(kind, name) and self._import("builtins", "") is not None else name
            origin = _origins(module).get(name, (module, name))
            found = vars(sys.modules[origin[0]]).get(origin[1]) if origin[0] in sys.modules else None
            if twin and isinstance(found, type) and (_belongs_to_loop(found) or _is_asynchronous(found)):
                return found.__name__ if found is AsyncIterator else self._twin(found)
            if name.startswith("Async") and twin:
                return name
            return self._import(origin[1], origin[0])

        return _NAME.sub(name_of, annotation)

    def _twin(self, found: type) -> str:
        return self._named(found) if found.__module__.startswith("omnicore") else found.__name__


@cache
def _origins(module: str) -> dict[str, tuple[str, str]]:
    """Where each imported name of a module comes from, those for the type checker among them."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                found[one.asname or one.name] = (node.module, one.name)
        elif isinstance(node, ast.Import):
            for one in node.names:
                found[one.asname or one.name] = ("", one.name)
    return found


def rendered() -> str:
    """The stub file as the services of a host are now."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Host(plugins=Path(folder) / "plugins", data=Path(folder) / "data", watch=False) as host,
    ):
        text = _Stub(host.host).text()
    text = re.sub(r"^from  import (.*)$", r"import \1", text, flags=re.M)
    for command in (("check", "--fix", "--quiet", "--select=I,F401"), ("format",)):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(FILE), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


if __name__ == "__main__":
    wanted = rendered()
    if "--check" in sys.argv:
        sys.exit(0 if FILE.read_text() == wanted else f"{FILE} is not what the services are: run this without --check")
    FILE.write_text(wanted)
