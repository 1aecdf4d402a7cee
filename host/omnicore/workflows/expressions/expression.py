"""Expressions: jq between `${` and `}`, and JSON values that contain such texts, compiled once.

An expression evaluated within a run asks its scope for what only jq can answer. If the answer is not known yet,
`Unanswered` is raised, the task yields it and is evaluated again once the answers are there. No thread waits meanwhile.

`transformed` reports expressions that change the text of a secret. It looks at the tokens of jq, not at its grammar:
every report is certain, but not every case is found.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from omnicore.errors import ExpressionInvalid
from omnicore.workflows.expressions.fast_path import Failed, Function, Nothing, Unsure, plain
from omnicore.workflows.expressions.jq import SHARED, HostBusy, JqCall, JqFailed, first_of
from omnicore.workflows.faults import Fault

Answer: TypeAlias = Any
"""A value, or the `Fault` that the expression is to raise."""


class JqQuestion:
    """An evaluation for jq: a filter, its input and its variables by name without `$`. `now`: Unix seconds.

    `call`: what jq has done about it so far.
    """

    __slots__ = ("call", "data", "filter", "now", "variables")

    def __init__(self, filter: str, data: Any, variables: Mapping[str, Any], now: float) -> None:
        self.filter, self.data, self.variables, self.now = filter, data, variables, now
        self.call: JqCall | None = None


class Unanswered(Exception):
    """Questions by number, in the order in which the task asks."""

    def __init__(self, questions: dict[int, JqQuestion]) -> None:
        super().__init__("questions for jq")
        self.questions = questions


class Hasty(dict[str, Any]):
    """Variables for an expression that may not wait, as on an event loop: what needs jq raises `Unanswered`."""

    def asked(self, question: JqQuestion) -> Answer:
        """Takes no question. Raises: Unanswered."""
        raise Unanswered({0: question})


class Answered(dict[str, Any]):
    """Variables for an expression that is looked at anew with each answer."""

    def __init__(self, variables: Mapping[str, Any], answers: Mapping[int, Answer]) -> None:
        super().__init__(variables)
        self._answers, self._number = answers, 0

    def asked(self, question: JqQuestion) -> Answer:
        """The value. Raises: Fault: the expression failed. Unanswered: it is not known yet."""
        number, self._number = self._number, self._number + 1
        if number not in self._answers:
            raise Unanswered({number: question})
        found = self._answers[number]
        if isinstance(found, Fault):
            raise found
        return found


class Rest:
    """A stretch of tasks has taken its time: others go first, then it goes on."""


Pause: TypeAlias = Unanswered | Rest
"""Reason for which a run that could continue waits."""


_LONGEST = 1 << 15
_SHOWN = 1000


class CompiledValue(Protocol):
    """A compiled value; see `omnicore.workflows.language.graph.Evaluator`."""

    @property
    def simple(self) -> bool:
        """True if no jq is needed, except for rare numbers: fast enough for an event loop."""

    @property
    def source(self) -> Any:
        """The JSON value that it was made of."""

    @property
    def variables(self) -> frozenset[str]:
        """Names of the variables that it needs, without `$`."""

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        """The value for an input and variables without their `$`.

        Raises: `Fault` of type expression, or of type runtime where the host was too busy. `Unanswered`: the scope
            takes questions, and the answer to one is not at hand.
        """


def is_expression(value: Any) -> bool:
    """True if a JSON value is a text that is exactly `${ ... }`."""
    return isinstance(value, str) and value.strip().startswith("${") and value.rstrip().endswith("}")


def expression(text: str) -> CompiledValue:
    """An expression, with or without `${ }`. Raises: ExpressionInvalid: jq cannot read it."""
    return _Expression(text, text.strip()[2:-1] if is_expression(text) else text)


def template(value: Any) -> CompiledValue:
    """Any JSON value; texts in it that are exactly `${ ... }` are expressions, all else stands for itself.

    Raises: ExpressionInvalid: jq cannot read one of them; details: `path`, a JSON pointer within the value.
    """
    try:
        return _template(value, ())
    except RecursionError:
        raise ExpressionInvalid("the value is too deep", remedy="nest it less", path="") from None


def _template(value: Any, path: tuple[str, ...]) -> CompiledValue:
    if is_expression(value):
        try:
            return expression(value)
        except ExpressionInvalid as error:
            pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
            raise ExpressionInvalid(error.fact, remedy=error.remedy, **{**error.details, "path": pointer}) from error
    parts: list[tuple[Any, CompiledValue]] = []
    if isinstance(value, Mapping):
        parts = [(key, _template(one, (*path, str(key)))) for key, one in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(at, _template(one, (*path, str(at)))) for at, one in enumerate(value)]
    if all(isinstance(part, _Literal) for _, part in parts):
        return _Literal(value)
    return _Built(value, parts)


class _Literal:
    """A value without expressions."""

    __slots__ = ("simple", "source", "variables")

    def __init__(self, value: Any) -> None:
        self.source: Any = value
        self.simple = True
        self.variables: frozenset[str] = frozenset()

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        return self.source


class _Built:
    """An object or a list with expressions somewhere in it."""

    __slots__ = ("_parts", "simple", "source", "variables")

    def __init__(self, source: Any, parts: Iterable[tuple[Any, CompiledValue]]) -> None:
        self.source = source
        self._parts = tuple(parts)
        self.simple = all(part.simple for _, part in self._parts)
        self.variables = frozenset[str]().union(*(part.variables for _, part in self._parts))

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        found: list[Any] = []
        unanswered: dict[int, JqQuestion] = {}
        for _, part in self._parts:
            try:
                found.append(part(data, scope))
            except Unanswered as asked:  # the others are asked in the same breath
                unanswered |= asked.questions
                found.append(None)
        if unanswered:
            raise Unanswered(unanswered)
        if isinstance(self.source, Mapping):
            return dict(zip((key for key, _ in self._parts), found, strict=True))
        return found


class _Expression:
    """A filter: the plain form where it has one, and jq."""

    __slots__ = ("_filter", "_plain", "simple", "source", "variables")

    def __init__(self, source: str, filter: str) -> None:
        self.source = source
        self._filter = filter.strip()
        self._plain: Function = _ask
        found = plain(self._filter)
        self.simple = found is not None
        if found is not None:
            self._plain, self.variables = found.call, found.variables
        else:
            self.variables = _read(self._filter)

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        try:
            return self._plain(data, scope)
        except Nothing:
            return None
        except Failed as error:
            raise _fault(self._filter, str(error)) from None
        except Unsure:
            pass
        missing = self.variables.difference(scope)
        if missing:
            raise _fault(self._filter, f"${min(missing)} is not defined")
        variables = {name: scope[name] for name in self.variables}
        question = JqQuestion(self._filter, data, variables, scope.get("now", 0))
        asked = getattr(scope, "asked", None)
        if asked is not None:
            return asked(question)
        found = answer_to(question)
        if isinstance(found, Fault):
            raise found
        return found


def answer_to(question: JqQuestion) -> Answer:
    """The value, or the fault to raise; blocking, as long as it takes."""
    return _answer(question, _call(question, None).wait())


def answer_at_once(question: JqQuestion, owner: str) -> tuple[Answer] | None:
    """The answer, alone in a tuple, where jq is free and needs no more than a moment; blocking for that moment."""
    call = _call(question, owner)
    return (_answer(question, call),) if call.at_once() else None


async def answer_in_turn(question: JqQuestion, owner: str) -> Answer:
    """The same once it is this owner's turn, on jq's own threads. Cancelling it cuts the sandbox."""
    return _answer(question, await _call(question, owner).in_turn())


def _call(question: JqQuestion, owner: str | None) -> JqCall:
    if question.call is None:
        ones = question.filter, question.data, question.variables
        question.call = SHARED.call(*ones, now=question.now, owner=owner)
    return question.call


def _answer(question: JqQuestion, call: JqCall) -> Answer:
    try:
        return first_of(call)
    except (JqFailed, HostBusy) as error:
        return _fault_of(question, error)


def _fault_of(question: JqQuestion, error: JqFailed | HostBusy) -> Fault:
    """The author's fault, or the host's, which says so."""
    if isinstance(error, JqFailed):
        return _fault(question.filter, str(error))
    about = f"{_short(question.filter)} was not evaluated in {error.tries} attempts of {error.timeout_s:g} s"
    extra = {"code": "host_busy", "tries": error.tries}
    return Fault("runtime", 503, "The host was too busy", about, extra=extra)


def _ask(_data: Any, _scope: Mapping[str, Any]) -> Any:
    raise Unsure


@functools.lru_cache(maxsize=512)
def _read(filter: str) -> frozenset[str]:
    """The variables of a filter. Raises: ExpressionInvalid."""
    if len(filter) > _LONGEST:
        raise ExpressionInvalid(
            f"the expression has {len(filter)} characters, {_LONGEST} are allowed",
            remedy="do it in several tasks, or in a plugin",
            expression=filter[:_SHOWN],
        )
    if not filter or filter.isspace():
        raise ExpressionInvalid("the expression is empty", remedy="`.` is the whole input", expression=filter)
    try:
        return SHARED.variables(filter)
    except JqFailed as error:
        raise ExpressionInvalid(
            str(error)[:_SHOWN], remedy="write it as jq 1.8 has it", expression=filter[:_SHOWN]
        ) from error


def _fault(filter: str, message: str) -> Fault:
    return Fault("expression", 400, "The expression failed", f"{message[:_SHOWN]} in {_short(filter)}")


def _short(filter: str) -> str:
    return filter if len(filter) <= _SHOWN else filter[:_SHOWN] + "..."


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
"""Functions that change a text. Not `@uri`: secrets are encoded when they are put into a URL."""
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
