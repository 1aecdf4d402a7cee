"""jq programs as syntax trees that a search changes: reading, writing, and mutation by the kind of a value.

The part of jq that is read: paths, literals, operators, function calls, array and object construction, `if`. Other
programs are refused, so that no mutation changes what it does not understand.

Source: jq 1.7 manual, "Basic filters" to "Conditionals and Comparisons".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from omnicore.errors import InvalidInput

_TOKEN = re.compile(
    r'\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<text>"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")'
    r"|(?P<variable>\$[A-Za-z_]\w*)|(?P<name>[A-Za-z_]\w*)|(?P<mark>//|==|!=|<=|>=|[.|,+\-*/%<>()\[\]{}:;?]))"
)
_SLICE = re.compile(r"((?:- )?\d+)? ?: ?((?:- )?\d+)? ?\]")
_BINARY: tuple[tuple[str, ...], ...] = (
    *(("|",), (",",), ("//",), ("or",), ("and",)),
    *(("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%")),
)
_KINDS_OF_OPERATORS = (("==", "!=", "<", "<=", ">", ">="), ("+", "-", "*"), ("and", "or"))
_WORDS = frozenset({"if", "then", "elif", "else", "end", "and", "or", "as", "def", "reduce", "foreach", "try", "catch"})
_LONGEST, _DEEPEST = 4_000, 60

_PLAIN = {  # functions without arguments, by what they take
    "array": ("length", "sort", "unique", "reverse", "add", "min", "max", "first", "last", "flatten", "any", "all"),
    "text": ("length", "ascii_downcase", "ascii_upcase", "tonumber", "trim", "explode"),
    "number": ("floor", "ceil", "round", "tostring", "fabs"),
    "object": ("keys", "length", "to_entries"),
}
_WITH_FILTER = ("map", "select", "sort_by", "unique_by", "group_by", "min_by", "max_by", "map_values", "any", "all")
_BY_MEMBER = ("map", "sort_by", "unique_by", "group_by", "max_by", "min_by")
_ON_A_VALUE = ("length", "not", "tostring", "tonumber", "ascii_downcase", "sort", "add")
_WITH_TEXT = ("split", "join", "ltrimstr", "rtrimstr", "startswith", "endswith", "test", "has")


@dataclass(frozen=True, slots=True)
class Term:
    """A node of the tree. `kind`: `.`, `literal`, `field`, `index`, `each`, `maybe`, `call`, `binary`, `minus`,
    `slice`, `array`, `object`, `if`, `bind` (`x as $word | y`),
    `variable`. `word`: its operator, name or value; `terms`: the nodes below."""

    kind: str
    word: Any = None
    terms: tuple[Term, ...] = ()


HERE = Term(".")


def call(name: str, *given: Term) -> Term:
    """A function of `.`."""
    return Term("call", name, given)


def piped(base: Term, *stages: Term) -> Term:
    """`base | stage | stage`, without stages that change nothing."""
    for stage in stages:
        if base == HERE:
            base = stage
        elif stage.kind in ("field", "slice") and stage.terms == (HERE,):
            base = Term(stage.kind, stage.word, (base,))
        elif stage != HERE:
            base = Term("binary", "|", (base, stage))
    return base


def literal(value: Any) -> Term:
    """A constant."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return Term("minus", None, (Term("literal", -value),))
    return Term("literal", value)


def read_program(text: str) -> Term:
    """The tree of a program. Raises: InvalidInput: it cannot be read, or uses what a search does not change."""
    if len(text) > _LONGEST:
        raise InvalidInput(f"the program has more than {_LONGEST} characters", remedy="give a shorter one", path="")
    return _Reader(text).program()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        self._bound: list[str] = []
        self._at, self._depth = 0, 0
        place, end = 0, len(text.rstrip())
        while place < end:
            found = _TOKEN.match(text, place)
            if found is None:
                raise _unread(text[place : place + 20], place)
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind], found.start(kind)))
            place = found.end()

    def program(self) -> Term:
        term = self._binary(0)
        if self._at < len(self._tokens):
            _, word, place = self._tokens[self._at]
            raise _unread(word, place)
        return term

    def _binary(self, level: int) -> Term:
        if level == len(_BINARY):
            return self._unary()
        self._depth += level == 0
        if self._depth > _DEEPEST:
            raise InvalidInput(f"the program is nested more than {_DEEPEST} deep", remedy="give a simpler one", path="")
        left = self._binary(level + 1)
        while (word := self._peek()) in _BINARY[level] and self._tokens[self._at][0] != "text":
            self._at += 1
            left = Term("binary", word, (left, self._binary(level + 1)))
        self._depth -= level == 0
        return left

    def _unary(self) -> Term:
        if self._peek() == "-":
            self._at += 1
            return Term("minus", None, (self._unary(),))
        term = self._postfix(self._term())
        return self._bind(term) if self._peek() == "as" else term

    def _bind(self, term: Term) -> Term:
        self._at += 1
        kind, word = self._next()
        if kind != "variable":
            raise _unread(word, self._tokens[self._at - 1][2])
        self._expect("|")
        self._bound.append(word[1:])
        body = self._binary(0)
        self._bound.pop()
        return Term("bind", word[1:], (term, body))

    def _term(self) -> Term:
        kind, word = self._next()
        found: Term | None = None
        if kind in ("number", "text"):
            found = Term("literal", json.loads(word))
        elif kind == "name":
            found = self._named(word)
        elif kind == "variable" and word[1:] in self._bound:
            found = Term("variable", word[1:])
        elif word == ".":
            found = self._field(HERE) if self._field_follows() else HERE
        elif word == "(":
            found = self._binary(0)
            self._expect(")")
        elif word == "[":
            found = Term("array", None, () if self._peek() == "]" else (self._binary(0),))
            self._expect("]")
        elif word == "{":
            found = self._object()
        if found is None:
            raise _unread(word, self._tokens[self._at - 1][2])
        return found

    def _named(self, word: str) -> Term:
        if word in ("true", "false", "null"):
            return Term("literal", json.loads(word))
        if word == "if":
            return self._if()
        if word in _WORDS:
            raise _unread(word, self._tokens[self._at - 1][2])
        terms = []
        if self._peek() == "(":
            while self._peek() in ("(", ";"):
                self._at += 1
                terms.append(self._binary(0))
            self._expect(")")
        return Term("call", word, tuple(terms))

    def _if(self) -> Term:
        asked = self._binary(0)
        self._expect("then")
        yes = self._binary(0)
        kind, word = self._next()
        if word == "elif":
            return Term("if", None, (asked, yes, self._if()))
        no = HERE
        if word == "else":
            no = self._binary(0)
            kind, word = self._next()
        if (kind, word) != ("name", "end"):
            raise _unread(word, self._tokens[self._at - 1][2])
        return Term("if", None, (asked, yes, no))

    def _object(self) -> Term:
        names, terms = [], []
        while self._peek() != "}":
            kind, word = self._next()
            if kind not in ("name", "text"):
                raise _unread(word, self._tokens[self._at - 1][2])
            names.append(json.loads(word) if kind == "text" else word)
            if self._peek() == ":":
                self._at += 1
                terms.append(self._binary(2))  # a comma ends the entry
            else:
                terms.append(Term("field", names[-1], (HERE,)))
            if self._peek() != "}":
                self._expect(",")
        self._at += 1
        return Term("object", tuple(names), tuple(terms))

    def _postfix(self, term: Term) -> Term:
        while True:
            word = self._peek()
            if word == "?":
                self._at += 1
                term = Term("maybe", None, (term,))
            elif word == "[":
                self._at += 1
                if self._peek() == "]":
                    self._at += 1
                    term = Term("each", None, (term,))
                elif (cut := self._slice()) is not None:
                    term = Term("slice", cut, (term,))
                else:
                    term = Term("index", None, (term, self._binary(0)))
                    self._expect("]")
            elif word == "." and self._at + 1 < len(self._tokens):
                self._at += 1
                term = self._field(term) if self._field_follows() else term
            else:
                return term

    def _slice(self) -> tuple[int | None, int | None] | None:
        """The borders of a slice between whole numbers; None, and nothing is read, for anything else."""
        words = [word for _, word, _ in self._tokens[self._at : self._at + 6]]
        found = _SLICE.match(" ".join(words))
        if found is None:
            return None
        self._at += len(found[0].split())
        first, last = (None if one is None else int(one.replace(" ", "")) for one in found.groups())
        return None if first is last is None else (first, last)

    def _field_follows(self) -> bool:
        if self._at >= len(self._tokens):
            return False
        kind, _, place = self._tokens[self._at]
        return kind in ("name", "text") and place == self._tokens[self._at - 1][2] + 1

    def _field(self, base: Term) -> Term:
        kind, word = self._next()
        return Term("field", json.loads(word) if kind == "text" else word, (base,))

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise InvalidInput("the program ends too early", remedy="complete it", path="")
        kind, word, _ = self._tokens[self._at]
        self._at += 1
        return kind, word

    def _expect(self, mark: str) -> None:
        _, word = self._next()
        if word != mark:
            raise _unread(word, self._tokens[self._at - 1][2])


def _unread(word: str, place: int) -> InvalidInput:
    return InvalidInput(
        f"{word!r} at character {place + 1} is not in the part of jq that a search changes",
        remedy="use paths, literals, operators, function calls, [ ], { } and if",
        path="",
    )


# -- writing


def write_program(term: Term) -> str:
    """The text of a tree; reading it again gives the same tree."""
    return _WRITERS[term.kind](term)


def _write_field(term: Term) -> str:
    base = "" if term.terms[0] == HERE else _based(term.terms[0])
    return f"{base}.{term.word if re.fullmatch(r'[A-Za-z_][0-9A-Za-z_]*', term.word) else _quoted(term.word)}"


def _write_call(term: Term) -> str:
    given = "; ".join(map(write_program, term.terms))
    return f"{term.word}({given})" if term.terms else str(term.word)


def _write_object(term: Term) -> str:
    pairs = zip(term.word, term.terms, strict=True)
    return "{" + ", ".join(f"{_quoted(name)}: ({write_program(one)})" for name, one in pairs) + "}"


def _write_binary(term: Term) -> str:
    left, right = term.terms
    return f"{_inside(left, term.word, 0)} {term.word} {_inside(right, term.word, 1)}"


_WRITERS: Mapping[str, Callable[[Term], str]] = {
    ".": lambda term: ".",
    "literal": lambda term: _quoted(term.word),
    "field": _write_field,
    "index": lambda term: f"{_based(term.terms[0])}[{write_program(term.terms[1])}]",
    "each": lambda term: f"{_based(term.terms[0])}[]",
    "slice": lambda term: f"{_based(term.terms[0])}[{':'.join('' if one is None else str(one) for one in term.word)}]",
    "variable": lambda term: f"${term.word}",
    "bind": lambda term: f"({_based(term.terms[0])} as ${term.word} | {write_program(term.terms[1])})",
    "maybe": lambda term: f"{_based(term.terms[0])}?",
    "call": _write_call,
    "minus": lambda term: f"-{_based(term.terms[0])}",
    "array": lambda term: f"[{write_program(term.terms[0])}]" if term.terms else "[]",
    "object": _write_object,
    "if": lambda term: "if {} then {} else {} end".format(*map(write_program, term.terms)),
    "binary": _write_binary,
}


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _based(term: Term) -> str:
    text = write_program(term)
    return f"({text})" if term.kind in ("binary", "minus", "literal") else text


def _inside(term: Term, word: str, side: int) -> str:
    text = write_program(term)
    if term.kind == "binary":
        inner, outer = (next(n for n, one in enumerate(_BINARY) if op in one) for op in (term.word, word))
        return text if inner > outer or (inner == outer and side == 0) else f"({text})"
    return text


# -- mutation


def size(term: Term) -> int:
    """The number of nodes."""
    return 1 + sum(map(size, term.terms))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names and constants of a task, which mutations draw from."""

    names: Sequence[str] = ()
    texts: Sequence[str] = ()
    numbers: Sequence[float] = (0, 1, 2)


def vocabulary(values: Sequence[Any], *, most: int = 60) -> Vocabulary:
    """The names of members, short texts and numbers in some values and programs, in the order in which they come."""
    names: dict[str, None] = {}
    texts: dict[str, None] = {"": None, " ": None, ",": None}
    numbers: dict[float, None] = {0: None, 1: None, 2: None, -1: None}

    def walk(value: Any) -> None:
        if isinstance(value, Term):
            if value.kind == "literal":
                walk(value.word)
            if value.kind == "field":
                names[value.word] = None
            for one in value.terms:
                walk(one)
        elif isinstance(value, dict):
            for name, one in value.items():
                names[name] = None
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, str) and len(value) <= 40:
            texts[value] = None
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[value] = None

    for one in values:
        walk(one)
    return Vocabulary(tuple(names)[:most], tuple(texts)[:most], tuple(numbers)[:most])


_NEAR = 0.8
"""The share of mutations that are a single step of `neighbours`; others make something at random."""
_BEHIND = 0.7
"""The share of new stages that come after what is there, not before."""


def mutated(term: Term, chance: Random, words: Vocabulary, *, others: Sequence[Term] = ()) -> Term:
    """A changed program; the same one where a change took the variable away that the rest needs.

    Args: others: programs that terms may be taken from.
    """
    made = _mutated(term, chance, words, others)
    text = write_program(made)
    try:
        return made if "$" not in text else read_program(text)
    except InvalidInput:
        return term


def _mutated(term: Term, chance: Random, words: Vocabulary, others: Sequence[Term]) -> Term:
    if chance.random() < _NEAR:
        return chance.choice(neighbours(term, words))
    places = list(_places(term, ()))
    where = chance.choice(places)
    way = chance.choice(("replace", "wrap", "stage", "drop", *(("cross",) if others else ())))
    return _put(term, where, _changed(_at(term, where), way, chance, words, others))


def neighbours(term: Term, words: Vocabulary) -> list[Term]:
    """The programs that are one step away: a constant, name, operator, function, stage or default more or another."""
    found: dict[Term, None] = {}
    for where in _places(term, ()):
        for one in _steps(_at(term, where), words):
            found[_put(term, where, one)] = None
    stages = [Term("call", name) for name in dict.fromkeys(name for family in _PLAIN.values() for name in family)]
    stages += [Term("call", "map", (Term("call", "select", (_member(name),)),)) for name in words.names]
    stages += [Term("call", name, (_member(one),)) for name in _BY_MEMBER for one in words.names]
    stages += [Term("call", name, (Term("literal", text),)) for name in ("split", "join") for text in words.texts[:8]]
    for stage in stages:
        found[Term("binary", "|", (term, stage))] = None
    for other in (*(Term("literal", value) for value in (0, "", False)), Term("array")):
        found[Term("binary", "//", (term, other))] = None
    found.pop(term, None)
    return list(found)


def _steps(term: Term, words: Vocabulary) -> Iterator[Term]:
    """The terms that may stand in the place of one."""
    match term.kind:
        case "literal":
            yield from (_literal(value) for value in _constants(term.word, words))
        case "binary":
            for family in _KINDS_OF_OPERATORS:
                yield from (Term("binary", one, term.terms) for one in family if term.word in family)
        case "call":
            plain = [name for one in _PLAIN.values() if term.word in one for name in one]
            given: Sequence[str] = _WITH_TEXT if term.word in _WITH_TEXT else _WITH_FILTER
            names = given if term.terms else plain
            yield from (Term("call", name, term.terms) for name in names)
            if term.word == "select":
                for word in ("and", "or"):
                    tests = [Term("binary", word, (term.terms[0], _member(name))) for name in words.names]
                    yield from (Term("call", "select", (one,)) for one in tests)
        case "field":
            yield from (Term("field", name, term.terms) for name in words.names)
            others = [Term("field", name, term.terms) for name in words.names]
            yield from (Term("binary", "//", (term, one)) for one in others)
            yield from (Term("binary", "|", (term, Term("call", name))) for name in _ON_A_VALUE)
    if term.kind != "literal":
        yield from (Term("binary", "/", (term, one)) for one in (Term("call", "length"),))
    yield from term.terms


def _constants(value: Any, words: Vocabulary) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [
            value + 1,
            value - 1,
            value + 2,
            value - 2,
            value * 2,
            value * 10,
            value / 10,
            -value,
            *words.numbers[:16],
        ]
    return list(words.texts[:16])


def _literal(value: Any) -> Term:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return _number(value) if number else Term("literal", value)


def _member(name: str) -> Term:
    return Term("field", name, (HERE,))


def reduced(term: Term) -> Iterator[Term]:
    """The programs with one node replaced by one of the nodes below it."""
    for where in _places(term, ()):
        for one in _at(term, where).terms:
            yield _put(term, where, one)


def _changed(old: Term, way: str, chance: Random, words: Vocabulary, others: Sequence[Term]) -> Term:
    found: Term | None = None
    match way:
        case "drop" if old.terms:
            found = chance.choice(old.terms)
        case "wrap":
            found = _wrapped(old, chance, words)
        case "stage":
            pair = (old, _stage(chance, words))
            found = Term("binary", "|", pair if chance.random() < _BEHIND else pair[::-1])
        case "cross":
            other = chance.choice(others)
            found = _at(other, chance.choice(list(_places(other, ()))))
    return _made(chance, words, 2) if found is None else found


def _number(value: float) -> Term:
    whole = int(value) if abs(value) < 2**53 and value == int(value) else value
    return Term("minus", None, (Term("literal", -whole),)) if whole < 0 else Term("literal", whole)


def _wrapped(old: Term, chance: Random, words: Vocabulary) -> Term:
    match chance.randrange(6):
        case 0:
            return Term("call", "map", (old,))
        case 1:
            return Term("array", None, (old,))
        case 2:
            return Term("call", "select", (old,))
        case 3:
            return Term("call", chance.choice(_WITH_FILTER), (old,))
        case 4:
            return Term("if", None, (_condition(chance, words), old, _leaf(chance, words)))
    return Term("binary", chance.choice(("+", "-", "*", "==", "<", ">")), (old, _leaf(chance, words)))


def _stage(chance: Random, words: Vocabulary) -> Term:
    """A filter that stands well after a pipe."""
    match chance.randrange(5):
        case 0:
            return Term("call", chance.choice(_WITH_FILTER), (_made(chance, words, 1),))
        case 1:
            return Term("call", chance.choice(_WITH_TEXT), (Term("literal", chance.choice(words.texts or ("",))),))
        case 2:
            return Term("call", "map", (Term("call", "select", (_condition(chance, words),)),))
        case 3 if words.names:
            return Term("call", chance.choice(("map", "sort_by", "unique_by", "group_by")), (_path(chance, words),))
    return Term("call", chance.choice([one for family in _PLAIN.values() for one in family]))


def _condition(chance: Random, words: Vocabulary) -> Term:
    left = _path(chance, words)
    return Term("binary", chance.choice(_KINDS_OF_OPERATORS[0]), (left, _leaf(chance, words, literal=True)))


def _path(chance: Random, words: Vocabulary) -> Term:
    if not words.names or chance.random() < 0.2:
        return HERE
    return Term("field", chance.choice(words.names), (HERE,))


def _leaf(chance: Random, words: Vocabulary, *, literal: bool = False) -> Term:
    if not literal and chance.random() < 0.5:
        return _path(chance, words)
    match chance.randrange(4):
        case 0 if words.texts:
            return Term("literal", chance.choice(words.texts))
        case 1:
            return Term("literal", chance.choice((None, True, False)))
        case 2:
            return Term("array")
    return _number(chance.choice(words.numbers or (0,)))


def _made(chance: Random, words: Vocabulary, depth: int) -> Term:
    if depth == 0 or chance.random() < 0.4:
        return _leaf(chance, words)
    match chance.randrange(4):
        case 0:
            return _condition(chance, words)
        case 1:
            return Term("binary", "|", (_path(chance, words), _stage(chance, words)))
        case 2:
            pair = (_made(chance, words, depth - 1), _leaf(chance, words))
            return Term("binary", chance.choice(("+", "-", "*")), pair)
    return _stage(chance, words)


def _places(term: Term, where: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    yield where
    for number, one in enumerate(term.terms):
        yield from _places(one, (*where, number))


def _at(term: Term, where: tuple[int, ...]) -> Term:
    for number in where:
        term = term.terms[number]
    return term


def _put(term: Term, where: tuple[int, ...], new: Term) -> Term:
    if not where:
        return new
    number, *rest = where
    below = tuple(_put(one, tuple(rest), new) if at == number else one for at, one in enumerate(term.terms))
    return Term(term.kind, term.word, below)
