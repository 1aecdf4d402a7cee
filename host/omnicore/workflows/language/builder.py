"""The builder of a graph: the report, the reusable objects of `use`, the nodes so far, and the policies of tasks.

Policies are the data around a task, timeouts, retries and credentials. Expressions that change the text of a secret
are reported by a look at the tokens of jq, not at its grammar: every report is certain, but not every case is found.

`use.extensions` puts tasks before and after others. They get the input (`before`) or the output (`after`) of the task
they extend. Their own output is ignored, except that of a `before` task that leaves by `exit`: it becomes the output of
the extended task.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar, cast

from omnicore.errors import InvalidInput
from omnicore.plugins.schemas import problems_of_schema
from omnicore.workflows.expressions.expression import CompiledValue, expression, template
from omnicore.workflows.language.graph import PLAIN, Block, Data, DoTask, Node, RetryRule, SwitchTask, seconds_of
from omnicore.workflows.language.problems import Path, Report, pointer, shown

__all__ = [
    "INSIDE",
    "MARK",
    "MOST_NODES",
    "MOST_SCHEMAS",
    "Build",
    "StopCompilingError",
    "Transformed",
    "authentication_of",
    "check_extensions",
    "data_of",
    "extended",
    "extensions_of",
    "json_schema",
    "marked",
    "outside_resource",
    "retry_of",
    "schema_document",
    "timeout_of",
    "transformed",
]


# Possessive, so that a long run of anything costs what it is long.
_TOKEN = re.compile(
    r"""\s++ | \#[^\n]*+
      | (?P<secret>\$secrets\s*+(?:\.\s*+(?P<member>[A-Za-z_]\w*+)|\.?\s*+\[\s*+"(?P<quoted>[^"\\]*+)"\s*+\]))
      | (?P<opener>@[A-Za-z0-9]++(?=\s*+"))
      | (?P<format>@[A-Za-z0-9]++)
      | (?P<word>\$?[A-Za-z_]\w*+(?:::\w++)*+)
      | (?P<field>\.[A-Za-z_]\w*+)
      | (?P<sign>\|=|//=?|[-+*/%=!<>]=|.)""",
    re.VERBOSE | re.DOTALL,
)
_IN_TEXT = re.compile(r'[^"\\]++|\\\(|\\.|"', re.DOTALL)
_CHANGE = frozenset(
    (
        *("ascii_downcase", "ascii_upcase", "ltrimstr", "rtrimstr", "trimstr", "trim", "ltrim", "rtrim", "explode"),
        *("split", "splits", "sub", "gsub", "test", "match", "capture", "scan", "length", "utf8bytelength"),
        *("startswith", "endswith", "contains", "inside", "index", "rindex", "indices", "fromjson", "tonumber"),
        *("@base64", "@base64d", "@base32", "@base32d", "@html", "@sh", "@urid"),
    )
)
"""What makes something else of a text. Not `@uri`: in a URL secrets are encoded as they are put in."""
_KEEP = frozenset({".", "tostring", "@text", "@uri"})
_KEYWORDS = frozenset(("if", "then", "elif", "else", "and", "or", "try", "catch", "reduce", "foreach", "as", "def"))


@dataclass(frozen=True, slots=True)
class Transformed:
    """A secret, and what changes it."""

    secret: str
    by: str


@dataclass(slots=True)
class _Level:
    """The content between two brackets, or within a text. `secret`: it is part of the output of the stage."""

    opening: str
    secret: str = ""
    piped: str = ""
    """The one that the stage is given."""
    first: bool = True
    binds: bool = False
    form: str = ""

    def next_stage(self) -> None:
        """After `|`; what was bound by `as` gives nothing on."""
        self.piped = "" if self.binds else self.secret
        self.secret, self.first, self.binds = "", True, False

    def next_part(self) -> None:
        """Something that has nothing to do with what stood before."""
        self.secret = self.piped = ""
        self.first, self.binds = False, False


def transformed(filter: str) -> Iterator[Transformed]:
    """The secrets whose text a filter changes, and by what."""
    levels, before, at = [_Level("(")], "", 0
    while at < len(filter):
        level = levels[-1]
        if level.opening == '"':
            found = _IN_TEXT.match(filter, at)
            if found is None:  # a lone backslash at the end
                return
            if found[0] == "\\(":
                levels.append(_Level("("))
            elif found[0] == '"':
                yield from _closed(levels)
            at = found.end()
            continue
        token = _TOKEN.match(filter, at)
        if token is None:
            return
        at = token.end()
        if token.lastgroup is not None:
            yield from _taken(levels, token, before)
            before = token[0]


def _taken(levels: list[_Level], token: re.Match[str], before: str) -> Iterator[Transformed]:
    """One token outside of texts."""
    level, text = levels[-1], token[0]
    if token["secret"]:
        level.secret = token["member"] or token["quoted"] or ""
        level.first = False
    elif text == '"':
        levels.append(_Level('"', form=before if before[:1] == "@" else ""))
        level.first = False
    elif text in ("(", "[", "{"):
        called = text == "(" and (before[-1:].isalnum() or before[-1:] == "_") and before not in _KEYWORDS
        levels.append(_Level("call" if called else text))
        level.first = False
    elif text in (")", "]", "}"):
        yield from _closed(levels)
    elif text == "|":
        level.next_stage()
    elif text == ";" or (level.opening == "{" and text in (",", ":")):
        level.next_part()
    elif token["opener"]:
        level.first = False
    else:
        yield from _named(level, text)


def _named(level: _Level, text: str) -> Iterator[Transformed]:
    """A function, a keyword or an operator."""
    if level.first and level.piped:
        if text in _CHANGE:
            yield Transformed(level.piped, text)
        elif text in _KEEP:
            level.secret = level.piped
    if text == "as":
        level.binds = True
    elif text in ("then", "==", "!="):
        level.secret = ""
    level.first = False


def _closed(levels: list[_Level]) -> Iterator[Transformed]:
    """The end of a text or of brackets; what is in a list, an object or an argument is not what they give."""
    level = levels.pop()
    if not levels:
        levels.append(_Level("("))
        return
    if level.opening == '"' and level.secret and level.form in _CHANGE:
        yield Transformed(level.secret, level.form)
    elif level.opening in ("(", '"') and level.secret:
        levels[-1].secret = level.secret


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
    """How many JSON Schemas were checked; it takes a millisecond or two each."""
    extended: bool = True
    """Whether `use.extensions` apply here."""

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
            self.report.error(path, f"{shown(value)} is no duration", "write {seconds: 30} or PT30S, 100 years at most")
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
        build.report.warning(path, "tries again without end", "set `limit: {attempt: {count: 5}}` or `limit.duration`")

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
            build.report.warning((*path, key), f"the {key} stands in the text for everyone to read", remedy)


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
