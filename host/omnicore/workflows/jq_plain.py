"""The part of jq that needs no jq: paths, variables, literals, comparisons, sums, conditions and what is built of them.

`plain` reads a filter into nested Python functions, or says that it is not of this part. What is read means what it
means to jq; where a value makes that doubtful the functions raise `Unsure`.

Source: jq 1.8, `parser.y` and `lexer.l`.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.workflows.jq_functions import (
    DOT,
    Function,
    Path,
    alternative,
    applied,
    both,
    built,
    calculated,
    constant,
    either,
    indexed,
    listed,
    now,
    piped,
    text_of,
    when,
)
from omnicore.workflows.jq_values import add, compare, kind, length, number, same, subtract, text, truth

__all__ = ["Plain", "plain"]

_LONGEST = 500
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
    if len(filter) > _LONGEST:
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
        """What begins with a sign."""
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
