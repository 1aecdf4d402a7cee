"""The part of jq that Python evaluates itself: paths, variables, literals, comparisons, sums, conditions and functions.

Values follow jq's rules for reading, comparison, order and text. Each maker returns a function of the input and the
variables; everything else goes to jq in the sandbox.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

_EXACT = 1 << 53
_LONGEST = 1 << 20
_KINDS = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
_NUMBERS = (int, float)
_RANKS = {"null": 0, "boolean": 1, "number": 3, "string": 4, "array": 5, "object": 6}


class Unsure(Exception):
    """Ask jq."""


class Failed(Unsure):
    """jq fails here, for certain. The message is jq's, but for the values that it would show of a sum."""


class Nothing(Exception):
    """No output at all."""


def kind(value: Any) -> str:
    """The name that jq has for a value's type."""
    found = _KINDS.get(type(value))
    if found is not None:
        return found
    if isinstance(value, Mapping):
        return "object"
    raise Unsure


def index(value: Any, key: Any) -> Any:
    """`value[key]` for a text or a whole number. Raises: Failed; Unsure: a slice or a search."""
    kind_of_key = type(key)
    if kind_of_key is str:
        if isinstance(value, Mapping):
            return value.get(key)
    elif kind_of_key is not int or not -_EXACT < key < _EXACT:
        raise Unsure
    elif type(value) is list:
        return value[key] if -len(value) <= key < len(value) else None
    if value is None:
        return None
    raise Failed(f"Cannot index {kind(value)} with {kind(key)} ({_shown(key)})")


def _shown(key: Any) -> str:
    """A key as jq's messages show it: JSON of at most 29 bytes."""
    whole = json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f").encode("utf-8", "replace")
    return whole.decode() if len(whole) <= 29 else whole[:25].decode("utf-8", "ignore") + '..."'


def truth(value: Any) -> bool:
    """All but null and false is true."""
    return value is not None and value is not False


def same(one: Any, other: Any) -> bool:
    """`==`: True is not 1 here."""
    return one == other if type(one) is str and type(other) is str else compare(one, other) == 0


def compare(one: Any, other: Any) -> int:
    """Below 0, 0 or above 0 in jq's order of all values. Raises: Unsure."""
    if type(one) is type(other) is str:
        return (one > other) - (one < other)
    try:
        return _compare(one, other)
    except RecursionError:
        raise Unsure from None


def _compare(one: Any, other: Any) -> int:
    name, other_name = kind(one), kind(other)
    if name != other_name:
        return _RANKS[name] - _RANKS[other_name]
    if name == "number" and type(one) is not type(other) and max(abs(one), abs(other)) >= _EXACT:
        raise Unsure  # a float of that size is not what its digits say
    if name == "array":
        return _first_difference(one, other)
    if name == "object":
        keys, other_keys = sorted(one), sorted(other)
        if keys != other_keys:
            return 1 if keys > other_keys else -1
        return _first_difference([one[key] for key in keys], [other[key] for key in keys])
    return 0 if name == "null" else (one > other) - (one < other)


def _first_difference(some: list[Any], others: list[Any]) -> int:
    for one, other in zip(some, others, strict=False):
        if difference := _compare(one, other):
            return difference
    return len(some) - len(others)


def number(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operation on two numbers. Raises, when called: Unsure: they are none, or the result is not exact."""

    def calculate(one: Any, other: Any) -> Any:
        if type(one) not in _NUMBERS or type(other) not in _NUMBERS:
            raise Unsure
        if not (-_EXACT < one < _EXACT and -_EXACT < other < _EXACT):
            raise Unsure
        result = operate(one, other)
        if not -_EXACT < result < _EXACT:
            raise Unsure  # jq has double precision only
        return int(result) if result == int(result) else result

    return calculate


_sum, _difference = number(operator.add), number(operator.sub)


def add(one: Any, other: Any) -> Any:
    """`+`: null adds nothing; numbers, texts, lists and objects add up. Raises: Unsure."""
    if one is None:
        return other
    if other is None:
        return one
    if type(one) is type(other) and type(one) in (str, list):
        if len(one) + len(other) > _LONGEST:
            raise Unsure  # jq has a limit on memory
        return one + other
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **other}
    if (kind(one), kind(other)) != ("number", "number"):
        raise Failed(f"{kind(one)} and {kind(other)} cannot be added")
    return _sum(one, other)


def subtract(one: Any, other: Any) -> Any:
    """`-` of numbers. Raises: Failed; Unsure: lists."""
    kinds = (kind(one), kind(other))
    if kinds not in (("number", "number"), ("array", "array")):
        raise Failed(f"{kinds[0]} and {kinds[1]} cannot be subtracted")
    return _difference(one, other)


def length(value: Any) -> Any:
    """`length`. Raises: Unsure."""
    if value is None:
        return 0
    if type(value) is bool:
        raise Failed(f"boolean ({str(value).lower()}) has no length")
    if isinstance(value, str | list | Mapping):
        return len(value)
    if type(value) is int and abs(value) < _EXACT:
        return abs(value)
    raise Unsure


def text(value: Any) -> str:
    """`tostring`, and what an expression within a text becomes. Raises: Unsure."""
    if type(value) is str:
        return value
    if value is None or type(value) is bool or (type(value) is int and abs(value) < _EXACT):
        return json.dumps(value)
    raise Unsure


Scope: TypeAlias = Mapping[str, Any]
Function: TypeAlias = Callable[[Any, Scope], Any]


class Path:
    """Keys followed from `.` or a variable; by far the most usual expression."""

    __slots__ = ("keys", "root")

    def __init__(self, root: str | None, keys: tuple[str | int, ...] = ()) -> None:
        self.root, self.keys = root, keys

    def __call__(self, data: Any, scope: Scope) -> Any:
        if self.root is not None:
            try:
                data = scope[self.root]
            except KeyError:
                raise Unsure from None
        for key in self.keys:
            data = data.get(key) if type(data) is dict and type(key) is str else index(data, key)
        return data


class Constant:
    """A literal."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, _data: Any, _scope: Scope) -> Any:
        return self.value


DOT = Path(None)
constant = Constant


def now(_data: Any, scope: Scope) -> Any:
    """The time of the run."""
    return scope.get("now", 0)


def piped(first: Function, then: Function) -> Function:
    """`first | then`."""
    if isinstance(first, Path) and isinstance(then, Path) and then.root is None:
        return Path(first.root, first.keys + then.keys)
    return lambda data, scope: then(first(data, scope), scope)


def indexed(base: Function, key: Function, *, optional: bool) -> Function:
    """`base[key]`; an optional one that fails has no output."""
    if isinstance(base, Path) and isinstance(key, Constant) and type(key.value) in (str, int) and not optional:
        return Path(base.root, (*base.keys, key.value))

    def get(data: Any, scope: Scope) -> Any:
        wanted = key(data, scope)
        whole = base(data, scope)
        try:
            return index(whole, wanted)
        except Failed:
            if optional:
                raise Nothing from None
            raise

    return get


def alternative(first: Function, then: Function) -> Function:
    """`first // then`: what has no output, is null or false gives way; what fails does not."""

    def choose(data: Any, scope: Scope) -> Any:
        try:
            value = first(data, scope)
        except Nothing:
            return then(data, scope)
        return value if truth(value) else then(data, scope)

    return choose


def either(first: Function, then: Function) -> Function:
    """`first or then`."""
    return lambda data, scope: truth(first(data, scope)) or truth(then(data, scope))


def both(first: Function, then: Function) -> Function:
    """`first and then`."""
    return lambda data, scope: truth(first(data, scope)) and truth(then(data, scope))


def when(condition: Function, yes: Function, no: Function) -> Function:
    """`if condition then yes else no end`."""
    return lambda data, scope: (yes if truth(condition(data, scope)) else no)(data, scope)


def applied(operation: Callable[[Any], Any]) -> Function:
    """An operation on `.`."""
    return lambda data, _scope: operation(data)


def calculated(operation: Callable[[Any, Any], Any], left: Function, right: Function) -> Function:
    """An operation on two values; jq looks at the right one first."""

    def calculate(data: Any, scope: Scope) -> Any:
        other = right(data, scope)
        return operation(left(data, scope), other)

    return calculate


def listed(items: tuple[Function, ...]) -> Function:
    """`[a, b]`: what has no output is left out."""

    def collect(data: Any, scope: Scope) -> list[Any]:
        found = []
        for item in items:
            try:
                found.append(item(data, scope))
            except Nothing:
                continue
        return found

    return collect


def built(pairs: tuple[tuple[Function, Function], ...]) -> Function:
    """`{a: b}`."""

    def build(data: Any, scope: Scope) -> dict[str, Any]:
        found = {}
        for key, value in pairs:
            name = key(data, scope)
            found[name] = value(data, scope)
        return found

    return build


def text_of(parts: tuple[str | Function, ...]) -> Function:
    """A text with expressions in it; jq looks at the last one first."""
    if all(isinstance(part, str) for part in parts):
        return constant("".join(part for part in parts if isinstance(part, str)))

    def join(data: Any, scope: Scope) -> str:
        found = [part if isinstance(part, str) else text(part(data, scope)) for part in reversed(parts)]
        return "".join(reversed(found))

    return join


_LONGEST_PATTERN = 500
"""Characters; what a filter is built of is nested, and Python's stack is limited."""
_DEEPEST = 16
_SPACE = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(
    r"""(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
      | (?P<variable>\$(?!__loc__|ENV\b|__prog_args)[A-Za-z_][A-Za-z0-9_]*+)(?!\s*::)
      | (?P<number>(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?(?![0-9A-Za-z_.]))
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*+)(?!\s*(?:::|\())
      | (?P<sign>==|!=|<=|>=|//(?!=)|(?:[-+*/|](?!=))|\.(?![.0-9])|\?(?!//)|[<>()\[\]{},:"])""",
    re.VERBOSE,
)
_PLAIN_TEXT = re.compile(r'[^"\\]*')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_SURROGATE = re.compile("[\ud800-\udfff]")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": same,
    "!=": lambda one, other: not same(one, other),
    "<": lambda one, other: compare(one, other) < 0,
    ">": lambda one, other: compare(one, other) > 0,
    "<=": lambda one, other: compare(one, other) <= 0,
    ">=": lambda one, other: compare(one, other) >= 0,
}
_SUMS: Mapping[str, Callable[[Any, Any], Any]] = {"+": add, "-": subtract}
_LITERALS: Mapping[str, Any] = {"null": None, "true": True, "false": False}
_WORDS: Mapping[str, Callable[[Any], Any]] = {
    "length": length,
    "not": lambda value: not truth(value),
    "type": kind,
    "tostring": text,
}
_KEYWORDS = frozenset(
    (
        *("def", "if", "then", "elif", "else", "end", "as", "and", "or", "reduce", "foreach"),
        *("try", "catch", "label", "import", "include", "module", "break"),
    )
)


class _Foreign(Exception):
    """Not of this part of jq."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A filter as a function, and the variables in it."""

    call: Function
    variables: frozenset[str]


def plain(filter: str) -> Plain | None:
    """The filter as a function; None when it takes jq."""
    if len(filter) > _LONGEST_PATTERN:
        return None
    reader = _Reader(filter)
    try:
        call = reader.pipe()
        reader.end()
    except _Foreign:
        return None
    return Plain(call, frozenset(reader.variables))


class _Reader:
    """Reads by descent, one method for each level of precedence; the lowest is first."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0
        self.variables: set[str] = set()

    def end(self) -> None:
        """Nothing may be left."""
        if self._space() != len(self.source):
            raise _Foreign

    def pipe(self) -> Function:
        """`a | b`, which the others are in."""
        function = self._alternative()
        while self._take("|"):
            function = piped(function, self._alternative())
        return function

    def _alternative(self) -> Function:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _Foreign
        parts = [self._or()]
        while self._take("//"):
            parts.append(self._or())
        function = parts.pop()
        while parts:
            function = alternative(parts.pop(), function)
        self.depth -= 1
        return function

    def _or(self) -> Function:
        function = self._and()
        while self._word("or"):
            function = either(function, self._and())
        return function

    def _and(self) -> Function:
        function = self._comparison()
        while self._word("and"):
            function = both(function, self._comparison())
        return function

    def _comparison(self) -> Function:
        left = self._sum()
        sign = next((one for one in ("==", "!=", "<=", ">=", "<", ">") if self._take(one)), None)
        return left if sign is None else calculated(_COMPARISONS[sign], left, self._sum())

    def _sum(self) -> Function:
        function = self._product()
        while sign := next((one for one in _SUMS if self._take(one)), None):
            function = calculated(_SUMS[sign], function, self._product())
        return function

    def _product(self) -> Function:
        function = self._term()
        while self._take("*"):
            function = calculated(number(operator.mul), function, self._term())
        return function

    def _term(self) -> Function:
        function = self._primary()
        while True:
            key: Function
            if self._peek() == "field":
                key = constant(self._next().removeprefix("."))
            elif self._take("."):
                if self._peek() != '"':
                    if not self._take("["):
                        raise _Foreign
                    key = self._bracketed()
                else:
                    self._take('"')
                    key = self._text()
            elif self._take("["):
                key = self._bracketed()
            else:
                return function
            function = indexed(function, key, optional=self._take("?"))

    def _bracketed(self) -> Function:
        key = self.pipe()
        self._expect("]")
        return key

    def _primary(self) -> Function:
        group, word = self._peek(), self._next()
        match group:
            case "field":
                return indexed(DOT, constant(word[1:]), optional=self._take("?"))
            case "variable":
                self.variables.add(word[1:])
                return Path(word[1:])
            case "number":
                return constant(json.loads(word))
            case "word":
                return self._named(word)
        return self._signed(word)

    def _signed(self, sign: str) -> Function:
        """A term that begins with a sign."""
        if sign == "-" and self._peek() == "number":
            return constant(-json.loads(self._next()))
        if sign == "(":
            function = self.pipe()
            self._expect(")")
            return function
        begun = {".": self._dot, '"': self._text, "[": self._list, "{": self._object}.get(sign)
        if begun is None:
            raise _Foreign
        return begun()

    def _dot(self) -> Function:
        if self._take('"'):
            return indexed(DOT, self._text(), optional=self._take("?"))
        if self._peek() in ("word", "number"):
            raise _Foreign
        return DOT

    def _named(self, word: str) -> Function:
        if word in _LITERALS:
            return constant(_LITERALS[word])
        if word in _WORDS:
            return applied(_WORDS[word])
        if word == "now":
            return now
        if word == "if":
            return self._condition()
        raise _Foreign

    def _condition(self) -> Function:
        condition = self.pipe()
        self._expect_word("then")
        yes = self.pipe()
        if self._word("elif"):
            return when(condition, yes, self._condition())
        no = self.pipe() if self._word("else") else DOT
        self._expect_word("end")
        return when(condition, yes, no)

    def _list(self) -> Function:
        if self._take("]"):
            return listed(())
        items = [self._alternative()]
        if self._peek() == "|":  # which binds looser than a comma
            while self._take("|"):
                items[0] = piped(items[0], self._alternative())
        else:
            while self._take(","):
                items.append(self._alternative())
        self._expect("]")
        return listed(tuple(items))

    def _object(self) -> Function:
        pairs: list[tuple[Function, Function]] = []
        while not self._take("}"):
            pairs.append(self._pair())
            if not self._take(","):
                self._expect("}")
                break
        return built(tuple(pairs))

    def _pair(self) -> tuple[Function, Function]:
        group, word = self._peek(), self._next()
        key: Function
        default: Function
        if group == "variable":
            self.variables.add(word[1:])
            key, default = constant(word[1:]), Path(word[1:])
        elif group == "word":
            key, default = constant(word), Path(None, (word,))
        elif word == '"':
            key = self._text()
            default = indexed(DOT, key, optional=False)
        else:
            raise _Foreign
        if not self._take(":"):
            if word in _KEYWORDS:
                raise _Foreign
            return key, default
        if group == "variable":
            raise _Foreign
        return key, self.pipe()

    def _text(self) -> Function:
        parts: list[str | Function] = []
        while True:
            found = _PLAIN_TEXT.match(self.source, self.at)
            parts.append(found[0] if found else "")
            self.at = found.end() if found else self.at
            if self.source.startswith('"', self.at):
                self.at += 1
                return text_of(tuple(parts))
            if self.source.startswith("\\(", self.at):
                self.at += 2
                parts.append(self.pipe())
                self._expect(")")
            else:
                parts.append(self._escapes())

    def _escapes(self) -> str:
        found = ""
        while escape := _ESCAPE.match(self.source, self.at):
            found += escape[0]
            self.at = escape.end()
        meant: str = json.loads(f'"{found}"')
        if not found or _SURROGATE.search(meant):
            raise _Foreign
        return meant

    def _space(self) -> int:
        found = _SPACE.match(self.source, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def _look(self) -> tuple[str, str, int]:
        found = _TOKEN.match(self.source, self._space())
        if found is None or found.lastgroup is None:
            return "", "", self.at
        group = found.lastgroup
        return (found[0] if group == "sign" else group), found[0], found.end()

    def _peek(self) -> str:
        return self._look()[0]

    def _next(self) -> str:
        group, word, end = self._look()
        if not group:
            raise _Foreign
        self.at = end
        return word

    def _take(self, sign: str) -> bool:
        group, _, end = self._look()
        if group != sign:
            return False
        self.at = end
        return True

    def _word(self, word: str) -> bool:
        group, found, end = self._look()
        if group != "word" or found != word:
            return False
        self.at = end
        return True

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise _Foreign

    def _expect_word(self, word: str) -> None:
        if not self._word(word):
            raise _Foreign
