"""The builder of a graph: the schema, the report, the objects of `use`, the nodes so far, and the policies of tasks.

`check_shape` checks values against `workflow.schema.json`, a plain JSON Schema that other tools can use. It is walked
here by hand: the form that is meant is decided first, and then only problems of that form are reported.

Policies are the data around a task, timeouts, retries and credentials.

`use.extensions` puts tasks before and after others. They get the input (`before`) or the output (`after`) of the task
they extend. Their own output is ignored, except that of a `before` task that leaves by `exit`: it becomes the output of
the extended task.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from typing import Any, TypeAlias, TypeVar, cast

from omnicore.errors import InvalidInput
from omnicore.plugins.schemas import problems_of_schema
from omnicore.workflows.expressions.expression import CompiledValue, expression, template, transformed
from omnicore.workflows.language.graph import PLAIN, Block, Data, DoTask, Node, RetryRule, SwitchTask, seconds_of
from omnicore.workflows.language.text import Path, Report, pointer, shown

SCHEMA_FILE = "workflow.schema.json"
_Schema: TypeAlias = Mapping[str, Any]
_TASK_LIST = "#/$defs/taskList"
_LATER = frozenset({_TASK_LIST, "#/$defs/task"})
"""Tasks are walked by the compiler, one by one, so that one broken task hides no other."""
_INNER = frozenset({"additionalProperties", "unevaluatedProperties", "items", "propertyNames"})
_CHOICES = frozenset({"anyOf", "oneOf"})
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_WORDS = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


@lru_cache(maxsize=1)
def schema() -> _Schema:
    """The whole schema."""
    text = resources.files("omnicore.workflows").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    found: _Schema = json.loads(text)
    return found


def check_shape(name: str, value: Any, path: Path, report: Report) -> bool:
    """True if a value has the form of a definition of the schema (`""`: of the whole); problems are reported."""
    before = report.errors
    _walk(_resolved(name), value, path, report)
    return report.errors == before


def fits(name: str, value: Any) -> bool:
    """True if a value has the form of a definition."""
    return check_shape(name, value, (), Report())


@lru_cache(maxsize=256)
def _resolved(name: str) -> _Schema:
    whole = schema()
    return _grown(whole["$defs"][name] if name else {key: part for key, part in whole.items() if key != "$defs"})


def _grown(one: _Schema) -> _Schema:
    """A schema with what it refers to and builds on put into it, all the way down; tasks stay references."""
    flat = dict(_merged(one))
    for key in _INNER & flat.keys():
        flat[key] = _grown(flat[key]) if isinstance(flat[key], Mapping) else flat[key]
    for key in _CHOICES & flat.keys():
        flat[key] = [_grown(part) for part in flat[key]]
    if "properties" in flat:
        flat["properties"] = {key: _grown(part) for key, part in flat["properties"].items()}
    return flat


def _merged(one: _Schema) -> _Schema:
    reference = one.get("$ref", "")
    if reference and reference not in _LATER:
        return {**_resolved(reference.removeprefix("#/$defs/")), **_without(one, "$ref")}
    if "allOf" not in one:
        return one
    merged: dict[str, Any] = {}
    for part in (*one["allOf"], _without(one, "allOf")):
        flat = _merged(part)
        if flat.get("$ref") in _LATER:
            return flat
        properties = {**merged.get("properties", {}), **flat.get("properties", {})}
        required = [*merged.get("required", ()), *flat.get("required", ())]
        merged = {**merged, **flat, "properties": properties, "required": required}
    return merged


def _without(one: _Schema, name: str) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key != name}


def _walk(one: _Schema, value: Any, path: Path, report: Report) -> None:
    if one.get("$ref") in _LATER:
        if one["$ref"] == _TASK_LIST and (not isinstance(value, list) or not value):
            report.error(path, f"must be a list of tasks, not {_empty_or(value)}", _TASKS)
        return
    choices = one.get("anyOf") or one.get("oneOf")
    if choices:
        _choose(one, choices, value, path, report)
        return
    types = one.get("type")
    if types is not None and not _is(types, value):
        report.error(path, f"must be {_said(types)}, not {shown(value)}", _write(one))
    elif isinstance(value, str):
        _text(one, value, path, report)
    elif isinstance(value, dict):
        _object(one, value, path, report)
    elif isinstance(value, list):
        _list(one, value, path, report)
    elif not isinstance(value, bool) and isinstance(value, int | float):
        _number(one, value, path, report)


def _choose(one: _Schema, choices: Iterable[_Schema], value: Any, path: Path, report: Report) -> None:
    ready = list(choices)
    likely = [choice for choice in ready if _is(choice.get("type", ("object",)), value)]
    if isinstance(value, dict) and len(likely) > 1:
        likely = [choice for choice in likely if any(key in value for key in _marks(choice))][:1] or likely
    if len(likely) == 1:
        _walk({**likely[0], "description": _hint(likely[0]) or _hint(one)}, value, path, report)
    elif not likely:
        types = sorted({_said(choice["type"]) for choice in ready if "type" in choice})
        report.error(path, f"must be {' or '.join(types)}, not {shown(value)}", _write(one))
    elif not any(_passes(choice, value) for choice in likely):
        if isinstance(value, dict):
            marks = [mark for choice in likely for mark in _marks(choice)]
            wrong = next((key for key in value if key not in marks), "")
            report.error(
                path, "has none of the keys that it may have", report.closest(wrong, marks, otherwise=_write(one))
            )
        else:
            report.error(path, f"{shown(value)} is not allowed here", _write(one))


def _marks(one: _Schema) -> Iterable[str]:
    """Keys that tell this form from the others: what it must have, else anything that it knows."""
    found: Iterable[str] = one.get("required") or one.get("properties", ())
    return found


def _passes(one: _Schema, value: Any) -> bool:
    trial = Report()
    _walk(one, value, (), trial)
    return not trial.errors


def _text(one: _Schema, value: str, path: Path, report: Report) -> None:
    if "const" in one and value != one["const"]:
        report.error(path, f"must be `{one['const']}`, not {shown(value)}")
    elif "enum" in one and value not in one["enum"]:
        known = ", ".join(one["enum"])
        report.error(
            path,
            f"{shown(value)} is none of {known}",
            report.closest(value, one["enum"], otherwise=f"use one of {known}"),
        )
    elif len(value) < one.get("minLength", 0):
        report.error(path, "is empty", _write(one))
    elif len(value) > one.get("maxLength", len(value)):
        report.error(path, f"has more than {one['maxLength']} characters", "make it shorter")
    elif "pattern" in one and not _pattern(one["pattern"]).search(value):
        report.error(path, f"{shown(value)} is not allowed here", _write(one))


def _object(one: _Schema, value: dict[str, Any], path: Path, report: Report) -> None:
    properties: Mapping[str, _Schema] = one.get("properties", {})
    others = one.get("additionalProperties", one.get("unevaluatedProperties", True))
    for key, item in value.items():
        part = properties.get(key)
        if part is not None:
            _walk(part, item, (*path, key), report)
        elif others is False:
            known = ", ".join(sorted(properties))
            remedy = report.closest(key, properties, otherwise=f"the keys here are {known}" if known else "remove it")
            report.error((*path, key), f"`{key[:60]}` is not a key here", remedy)
        elif isinstance(others, Mapping):
            if "propertyNames" in one:
                _walk(one["propertyNames"], key, (*path, key), report)
            _walk(others, item, (*path, key), report)
    for key in one.get("required", ()):
        if key not in value:
            report.error(path, f"`{key}` is missing", f"add `{key}:`" + _example(properties.get(key)))
    if len(value) < one.get("minProperties", 0):
        report.error(path, "is empty", _write(one))
    elif len(value) > one.get("maxProperties", len(value)):
        names = ", ".join(list(value)[:5])
        report.error(path, f"holds several where one belongs: {names}", "begin each with a dash of its own")


def _list(one: _Schema, value: list[Any], path: Path, report: Report) -> None:
    if len(value) < one.get("minItems", 0):
        report.error(path, "is empty", "put one in, or remove the list")
    elif len(value) > one.get("maxItems", len(value)):
        report.error(path, f"has more than {one['maxItems']} items", "take some out")
    elif "items" in one:
        for index, item in enumerate(value):
            _walk(one["items"], item, (*path, index), report)


def _number(one: _Schema, value: float, path: Path, report: Report) -> None:
    if not one.get("minimum", value) <= value <= one.get("maximum", value):
        least, most = one.get("minimum", "any"), one.get("maximum", "any")
        report.error(path, f"{shown(value)} is out of bounds", f"use a number from {least} to {most}")


def _is(types: Any, value: Any) -> bool:
    wanted = (types,) if isinstance(types, str) else types
    if isinstance(value, bool):
        return "boolean" in wanted
    return any(isinstance(value, _TYPES[one]) for one in wanted)


def _said(types: Any) -> str:
    return _WORDS[types] if isinstance(types, str) else " or ".join(_WORDS[one] for one in types)


def _hint(one: _Schema) -> str:
    found: str = one.get("description", "")
    return found


def _write(one: _Schema) -> str:
    return f"write {_hint(one)}" if _hint(one) else ""


def _example(part: _Schema | None) -> str:
    hint = _hint(part) if part else ""
    return f" with {hint}" if hint else ""


def _empty_or(value: Any) -> str:
    return "an empty one" if value == [] else shown(value)


@lru_cache(maxsize=64)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(rf"{text[:-1]}\Z" if text.endswith("$") else text)  # JSON Schema's `$` is the very end


_TASKS = "write each task as `- name:` with what it does below"


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
    """True if a value is a text that is an expression between `${` and `}`."""
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
    """The number of JSON Schemas that were checked; each check takes a millisecond or two."""
    extended: bool = True
    """True where `use.extensions` apply."""

    def place(self, path: Path) -> Path:
        """The place in the graph of a task of the document."""
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

    def expression(self, text: str, path: Path) -> CompiledValue | None:
        """An expression of a field that holds nothing else."""
        try:
            return self._known(expression(text), text, path)
        except InvalidInput as error:
            self.report.error(path, error.fact, error.remedy)
            return None

    def condition(self, value: Mapping[str, Any], path: Path, key: str) -> CompiledValue | None:
        """The expression of a key; None without one."""
        return self.expression(value[key], (*path, key)) if key in value else None

    def template(self, value: Any, path: Path) -> CompiledValue | None:
        """Any value with expressions in it."""
        try:
            found = template(value)
        except InvalidInput as error:
            inner = str(error.details.get("path", ""))
            self.report.error((*path, *_steps(inner)), error.fact, error.remedy)
            return None
        self._part_marked(value, path)
        return self._known(found, value, path)

    def duration(self, value: Any, path: Path) -> CompiledValue | float:
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
            self.report.error(
                path, f"{shown(value)} is not a duration", "write {seconds: 30} or PT30S, 100 years at most"
            )
        elif found < least:
            self.report.error(path, f"is shorter than {least:g} s", f"give {least:g} s at least")
        return max(found or 0.0, least)

    def reference(self, kind: str, name: str, path: Path) -> Any:
        """The object that `use` has under this name; None, once its absence is reported."""
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

    def _known(self, found: CompiledValue, value: Any, path: Path) -> CompiledValue:
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

    def _variables(self, found: CompiledValue, text: str, path: Path) -> None:
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


_CHECK_S = 2.0
_DAY_S = 86_400.0
_NEVER: Mapping[str, Any] = {"not": {}}
_HIDDEN = ("password", "token", "secret", "assertion")


def data_of(build: Build, value: Mapping[str, Any], path: Path) -> Data:
    """`input`, `output` and `export` of a task, of the workflow, or of what is done with each event."""
    if not any(key in value for key in ("input", "output", "export")):
        return PLAIN
    parts: dict[str, Any] = {}
    for key, by in (("input", "from"), ("output", "as"), ("export", "as")):
        given = value.get(key, {})
        parts[f"{key}_{by}"] = _moved(build, given.get(by), (*path, key, by))
        parts[f"{key}_schema"] = json_schema(build, given.get("schema"), (*path, key, "schema"))
    return Data(**parts)


def _moved(build: Build, value: Any, path: Path) -> CompiledValue | None:
    if value is None:
        return None
    return build.expression(value, path) if isinstance(value, str) else build.template(value, path)


def json_schema(build: Build, value: Mapping[str, Any] | None, path: Path) -> Mapping[str, Any] | None:
    """The schema of a value, checked; None without one."""
    if value is None:
        return None
    if "resource" in value:
        outside_resource(build, "schemas", (*path, "resource"), "write the schema itself into `document`")
        return None
    if "document" not in value:
        build.report.error(path, "`document` is missing", "write the schema into `document`")
        return None
    return schema_document(build, value["document"], (*path, "document"))


def schema_document(build: Build, document: Any, path: Path) -> Mapping[str, Any]:
    """A JSON Schema that can be used on values of strangers."""
    if isinstance(document, bool):
        return {} if document else _NEVER
    plain = {key: part for key, part in document.items() if key != "$id"}
    build.schemas += 1
    if build.schemas > MOST_SCHEMAS:
        build.report.error(path, f"the workflow has more than {MOST_SCHEMAS} schemas", "make several workflows of it")
        raise StopCompilingError
    for inner, message in problems_of_schema(plain, timeout_s=_CHECK_S):
        build.report.error((*path, *inner), message, "correct the schema (JSON Schema, draft 2020-12)")
    return plain


def outside_resource(build: Build, what: str, path: Path, remedy: str) -> None:
    """Refuses what would be fetched while a run goes on: it could change between two steps of it."""
    build.report.error(path, f"{what} from outside are not supported", remedy)


def timeout_of(build: Build, value: Any, path: Path) -> CompiledValue | float | None:
    """The time limit of a task or a document."""
    if value is None:
        return None
    if isinstance(value, str):
        if value[:1] == "P" and value not in build.use.get("timeouts", {}):
            build.report.error(path, "a text names a timeout of `use.timeouts`", f"write {{after: {value[:20]}}}")
            return None
        value = build.reference("timeouts", value, path)
        return None if value is None else build.duration(value.get("after", {}), path)
    return build.duration(value["after"], (*path, "after"))


def retry_of(build: Build, value: Any, path: Path) -> RetryRule | None:
    """A retry policy, or the one of that name."""
    if isinstance(value, str):
        name, value = value, build.reference("retries", value, path)
        if value is None:
            return None
        path = ("use", "retries", name)
    backoff = next(iter(value.get("backoff", {"constant": None})), "constant")
    longest = ((value.get("backoff") or {}).get(backoff) or {}).get("longest")
    limit, jitter = value.get("limit", {}), value.get("jitter")
    attempt = limit.get("attempt", {})
    if "count" not in attempt and "duration" not in limit:
        build.report.warning(path, "retries without end", "set `limit: {attempt: {count: 5}}` or `limit.duration`")

    def seconds(given: Any, *inner: str) -> float | None:
        return None if given is None else build.seconds(given, (*path, *inner))

    spread = None
    if jitter is not None:
        least, most = seconds(jitter["from"], "jitter", "from") or 0.0, seconds(jitter["to"], "jitter", "to") or 0.0
        if least > most:
            build.report.error((*path, "jitter"), "`from` is longer than `to`", "swap them")
        spread = (least, most)
    return RetryRule(
        backoff=cast("Any", backoff),
        delay_s=build.duration(value["delay"], (*path, "delay")) if "delay" in value else 0.0,
        longest_s=_DAY_S if longest is None else build.seconds(longest, (*path, "backoff", backoff, "longest")),
        jitter_s=spread,
        attempts=attempt.get("count"),
        attempt_s=seconds(attempt.get("duration"), "limit", "attempt", "duration"),
        duration_s=seconds(limit.get("duration"), "limit", "duration"),
        when=build.expression(value["when"], (*path, "when")) if "when" in value else None,
        except_when=build.expression(value["exceptWhen"], (*path, "exceptWhen")) if "exceptWhen" in value else None,
    )


def authentication_of(build: Build, value: Any, path: Path) -> Mapping[str, Any] | None:
    """A policy with its references resolved."""
    if value is None:
        return None
    if "use" in value:
        name = value["use"]
        found = build.reference("authentications", name, (*path, "use"))
        return None if found is None else authentication_of(build, found, ("use", "authentications", name))
    kind, policy = next(iter(value.items()))
    if "use" in policy:
        build.reference("secrets", policy["use"], (*path, kind, "use"))
    _no_plain_secrets(build, policy, (*path, kind))
    return cast("Mapping[str, Any]", value)


def _no_plain_secrets(build: Build, policy: Mapping[str, Any], path: Path) -> None:
    for key, part in policy.items():
        if isinstance(part, Mapping):
            _no_plain_secrets(build, part, (*path, key))
        elif key in _HIDDEN and isinstance(part, str) and MARK not in part:
            remedy = "keep it in the vault, name it in `use.secrets` and write ${ $secrets.name }"
            build.report.warning((*path, key), f"the {key} is in the text, where everyone can read it", remedy)


INSIDE = "extended"
"""The step of a path between what is put around a task and the task itself."""
_Compile: TypeAlias = Callable[..., Block]
_Found: TypeAlias = Sequence[tuple[Path, Mapping[str, Any]]]
_COMPOSITE = ("do", "fork")


def check_extensions(build: Build, compile_block: _Compile) -> None:
    """Finds what is wrong in extensions, whether they extend something or not."""
    for index, item in enumerate(build.use.get("extensions", ())):
        for name, extension in item.items():
            path: Path = ("use", "extensions", index, name)
            if "when" in extension:
                build.expression(extension["when"], (*path, "when"))
            for side in ("before", "after"):
                if side in extension:
                    with build.within(extended=False, nodes={}):
                        compile_block(build, extension[side], (*path, side))


def extensions_of(build: Build, task: Any) -> _Found:
    """The extensions of a task, the outermost first."""
    if not build.extended or not isinstance(task, Mapping):
        return ()
    return [
        (("use", "extensions", index, name), extension)
        for index, item in enumerate(build.use.get("extensions", ()))
        for name, extension in item.items()
        if _applies(extension["extend"], task)
    ]


def extended(build: Build, node: Node, found: _Found, path: Path, compile_block: _Compile) -> Block:
    """A node with what extends it around it: one that takes its place in the list.

    A switch leads to tasks of its own list, so it cannot be put into another one: what comes before it stands in front
    of it, under its name, and nothing comes after it.
    """
    if not found:
        return (node,)
    before = [one for each in found for one in _side(build, "before", each, path, compile_block)]
    if isinstance(node, SwitchTask):
        return _in_front(build, node, before)
    after = [one for each in reversed(found) for one in _side(build, "after", each, path, compile_block)]
    inner = replace(node, when=None, then="continue")
    build.nodes[inner.path] = inner
    block = (*before, inner, *after)
    around = DoTask(pointer(build.place(path)), node.name, "do", PLAIN, node.when, None, node.then, block=block)
    return (build.add(around, path),)


def _in_front(build: Build, node: SwitchTask, before: list[Node]) -> Block:
    if not before:
        return (node,)
    first = replace(before[0], name=node.name)
    switch = replace(node, name=f"{node.name}: cases")
    build.nodes[first.path], build.nodes[switch.path] = first, switch
    return (first, *before[1:], switch)


def _applies(extend: str, task: Mapping[str, Any]) -> bool:
    if extend == "composite":
        return any(kind in task for kind in _COMPOSITE) and "for" not in task
    return extend == "all" or (extend in task and not (extend == "do" and "for" in task))


def _side(build: Build, side: str, found: tuple[Path, Mapping[str, Any]], path: Path, compile_block: _Compile) -> Block:
    origin, extension = found
    if side not in extension:
        return ()
    place = (*build.place(path), side, *origin[2:])
    when = build.expression(extension["when"], (*origin, "when")) if "when" in extension else None
    with build.within(extended=False, moved=((*origin, side), place)):
        block = compile_block(build, extension[side], (*origin, side))
    if side == "before" and any(_leaves(node) for node in block):
        return tuple(_flat(build, node, when, origin) for node in block)
    name = f"{origin[-1]} {side} {path[-1]}"
    data = Data(output_as=expression("$input"))
    return (build.add(DoTask(pointer(place), name, "do", data, when, block=block), path),)


def _leaves(node: Node) -> bool:
    """True if a `before` task can skip the extended task by `exit`; then its output is the output of that task."""
    return node.then == "exit" or (isinstance(node, SwitchTask) and any(case.then == "exit" for case in node.cases))


def _flat(build: Build, node: Node, when: CompiledValue | None, origin: Path) -> Node:
    """A task of `before` that stands in the same list as what it extends."""
    if when is not None and node.when is not None:
        fact = "a task before others that are left out by `exit` cannot have an `if` and a `when`"
        build.report.error(origin, fact, "say both in `when`")
    data = node.data if _leaves(node) else replace(node.data, output_as=expression("$input"))
    found = replace(node, when=when or node.when, data=data)
    build.nodes[found.path] = found
    return found
