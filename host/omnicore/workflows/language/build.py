"""What all parts of the compiler share: the report, the reusable things of `use`, the nodes so far."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from omnicore.errors import InvalidInput
from omnicore.workflows.expression import Template, expression, template
from omnicore.workflows.graph import Node
from omnicore.workflows.language.durations import seconds_of
from omnicore.workflows.language.problems import Path, Report, shown
from omnicore.workflows.language.transforming import transformed

__all__ = ["MARK", "MOST_NODES", "MOST_SCHEMAS", "Build", "StopCompilingError", "marked"]

MOST_NODES = 10_000
MOST_SCHEMAS = 500
_MOST_UNKNOWN = 20
MARK = "${"
_N = TypeVar("_N", bound=Node)
# Possessive, so that a long run of spaces costs what it is long and not its cube.
_MEMBER = r"\s*+(?:\.\s*+([A-Za-z_][A-Za-z0-9_]*+)|\.?\s*+\[?\s*+\"([^\"\\]*+)\")"
_SECRETS, _STEPS = re.compile(r"\$secrets" + _MEMBER), re.compile(r"\$steps" + _MEMBER)
_BINDS = re.compile(r"\b(?:as|def|reduce|foreach|import|include)\b")
_GIVEN = frozenset(
    {"context", "input", "output", "secrets", "task", "workflow", "runtime", "authorization", "steps", "ENV", "__loc__"}
)
_WHOLE = 'an expression is the whole of a text: write ${ "Hello \\(.name)" }'
_UNCHANGED = (
    "secrets may be joined to text and not be transformed: keep it in the vault in the form that is sent, "
    "or use `authentication`"
)
_ONE_OF = {
    "authentications": "authentication",
    "errors": "error",
    "retries": "retry policy",
    "secrets": "secret",
    "timeouts": "timeout",
}


class StopCompilingError(Exception):
    """The graph grew over its bound; the report says so."""


def marked(value: Any) -> bool:
    """Whether a value is a text that is an expression between `${` and `}`."""
    return isinstance(value, str) and value.lstrip().startswith(MARK) and value.rstrip().endswith("}")


@dataclass(slots=True)
class Build:
    """One compilation."""

    report: Report
    use: Mapping[str, Any] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    simple: bool = True
    functions: tuple[str, ...] = ()
    """Custom functions that are being put in, the outer ones first."""
    variables: frozenset[str] = _GIVEN
    mentioned: list[tuple[Path, str]] = field(default_factory=list)
    """`$steps.<name>` and where it stands."""
    moved: tuple[Path, Path] = ((), ())
    """Tasks below the first path, in the document, are nodes below the second one."""
    schemas: int = 0
    """How many JSON Schemas were checked; it takes a millisecond or two each."""
    extended: bool = True
    """Whether `use.extensions` apply here."""

    def place(self, path: Path) -> Path:
        """Where the node of a task of the document is in the graph."""
        origin, target = self.moved
        return (*target, *path[len(origin) :]) if path[: len(origin)] == origin else path

    @contextmanager
    def within(self, **changes: Any) -> Iterator[None]:
        """Other values of this object's fields for a while."""
        before = {name: getattr(self, name) for name in changes}
        for name, value in changes.items():
            setattr(self, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)

    def add(self, node: _N, path: Path) -> _N:
        """Keeps a node. Raises: StopCompilingError: there are too many."""
        if len(self.nodes) >= MOST_NODES:
            self.report.error(path, f"the workflow has more than {MOST_NODES} tasks", "make several workflows of it")
            raise StopCompilingError
        self.nodes[node.path] = node
        return node

    def expression(self, text: str, path: Path) -> Template | None:
        """An expression of a field that holds nothing else."""
        try:
            return self._known(expression(text), text, path)
        except InvalidInput as error:
            self.report.error(path, error.fact, error.remedy)
            return None

    def condition(self, value: Mapping[str, Any], path: Path, key: str) -> Template | None:
        """The expression of a key; None without one."""
        return self.expression(value[key], (*path, key)) if key in value else None

    def template(self, value: Any, path: Path) -> Template | None:
        """Any value with expressions in it."""
        try:
            found = template(value)
        except InvalidInput as error:
            inner = str(error.details.get("path", ""))
            self.report.error((*path, *_steps(inner)), error.fact, error.remedy)
            return None
        self._part_marked(value, path)
        return self._known(found, value, path)

    def duration(self, value: Any, path: Path) -> Template | float:
        """Seconds, or what gives them once an expression was evaluated."""
        if marked(value) or (isinstance(value, Mapping) and any(marked(part) for part in value.values())):
            return self.template(value, path) or 0.0
        return self.seconds(value, path)

    def seconds(self, value: Any, path: Path, *, least: float = 0.0) -> float:
        """Seconds of a duration that holds no expression."""
        if marked(value) or (isinstance(value, Mapping) and any(marked(part) for part in value.values())):
            self.report.error(path, "cannot be an expression here", "write the duration itself, such as PT5M")
            return least
        found = seconds_of(value)
        if found is None:
            self.report.error(path, f"{shown(value)} is no duration", "write {seconds: 30} or PT30S, 100 years at most")
        elif found < least:
            self.report.error(path, f"is shorter than {least:g} s", f"give {least:g} s at least")
        return max(found or 0.0, least)

    def reference(self, kind: str, name: str, path: Path) -> Any:
        """What `use` calls by this name; None, once it is reported that there is nothing."""
        known = self.use.get(kind, {})
        if name in known:
            return name if kind == "secrets" else known[name]
        otherwise = f"declare it in `use.{kind}`"
        self.report.error(
            path, f"no {_ONE_OF[kind]} is called {shown(name)}", self.report.closest(name, known, otherwise=otherwise)
        )
        return None

    def _part_marked(self, value: Any, path: Path) -> None:
        """Texts that look as if a part of them were an expression."""
        for where, text in _texts(value, path):
            if MARK in text and not marked(text):
                begins = text.lstrip().startswith(MARK)
                remedy = "close it with `}`" if begins and "}" not in text else _WHOLE
                self.report.warning(where, f"{shown(text)} is a plain text, and nothing in it is evaluated", remedy)

    def _known(self, found: Template, value: Any, path: Path) -> Template:
        self.simple = self.simple and found.simple
        if not found.variables:
            return found
        for where, text in _texts(value, path):
            self._secrets(text, where)
            names = (match[1] or match[2] for match in _STEPS.finditer(text))
            self.mentioned.extend((where, name) for name in names)
            self._variables(found, text, where)
        return found

    def _secrets(self, text: str, path: Path) -> None:
        for match in _SECRETS.finditer(text):
            self.reference("secrets", match[1] or match[2], path)
        if "$secrets" in text:
            for one in transformed(text.strip().removeprefix(MARK).removesuffix("}")):
                self.report.warning(
                    path, f"{shown(one.by)} would change what stands for the secret {shown(one.secret)}", _UNCHANGED
                )

    def _variables(self, found: Template, text: str, path: Path) -> None:
        if _BINDS.search(text):  # it makes variables of its own
            return
        for name in sorted(found.variables - self.variables)[:_MOST_UNKNOWN]:
            if re.search(rf"\${re.escape(name)}\b", text):
                known = self.report.closest(name, self.variables, otherwise="the variables are in specs/workflow.md")
                self.report.warning(path, f"nothing gives a value to `${name}` here", known)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _texts(part, (*path, index))


def _steps(inner: str) -> Path:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in inner.split("/")[1:])
