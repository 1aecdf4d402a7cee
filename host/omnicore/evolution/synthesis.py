"""Programs from examples: jq terms enumerated by size, and put together towards what is wanted.

Two programs that give the same for all examples count as one, so that each behaviour is tried once. What is wanted is
taken apart by its type: an object by its members, a list by its elements or by what was selected, a text by its parts,
a number by sums and products, and anything by cases. Nothing here is trusted: what is found is judged by real runs.

Sources: Albarghouthi et al., Recursive Program Synthesis (2013), for pruning by observed behaviour; Alur et al.,
Scaling Enumerative Program Synthesis via Divide and Conquer (2017), for cases; Gulwani, Automating String Processing
(2011).
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from omnicore.evolution.jq_evaluation import (
    BINARY,
    GROUPING,
    PLAIN,
    NotModelled,
    divided,
    evaluated,
    joined,
    key_of,
    kind_of,
    minus,
    plus,
    rank,
    summed,
    unique,
    whole,
)
from omnicore.evolution.jq_programs import HERE, Term, call, literal, piped, size, vocabulary
from omnicore.workflows.expressions.fast_path import Unsure, truth

# -- enumeration

_ROOT = "root"
_PATTERNS = (
    r"\d+",
    r"\d",
    r"\s+",
    "[^a-zA-Z0-9]+",
    "[^a-z0-9]+",
    r"^\d+$",
    "^[a-z]+$",
    "[A-Z]",
    "[aeiou]",
    r"\W",
    "@.*",
)
_STAGES: Mapping[str, Sequence[str]] = {
    "list": (*("length", "add", "sort", "unique", "reverse", "min", "max", "first", "last", "flatten", "any", "all"),),
    "text": ("length", "ascii_downcase", "ascii_upcase", "tonumber", "trim", "reverse"),
    "number": ("floor", "ceil", "round", "fabs", "tostring"),
    "bool": ("not", "tostring"),
    "object": ("keys", "length", "to_entries", "add"),
    "null": ("not", "length"),
    "mixed": ("not", "length", "tostring"),
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A term, and what it gives for each row."""

    term: Term
    size: int
    values: Sequence[Any]
    kind: str

    @property
    def constant(self) -> bool:
        """True for a literal."""
        return self.term.kind in ("literal", "minus")


@dataclass(slots=True)
class Inner:
    """The elements of the lists that a term gives."""

    bench: Bench
    counts: Sequence[int]

    def rows(self, values: Sequence[Any]) -> Iterator[list[Any]]:
        """Values of the elements, as a list for each row."""
        given = iter(values)
        for count in self.counts:
            yield list(islice(given, count))


class _Enough(Exception):
    """The work that a synthesis may do is done."""


@dataclass(slots=True)
class Effort:
    """The work that is left, the same on each machine. Units: values looked at, about."""

    left: int = 3_000_000

    def spend(self, units: int) -> None:
        """Raises: _Enough."""
        self.left -= units
        if self.left < 0:
            raise _Enough


@dataclass(slots=True)
class Bench:
    """All behaviours found so far for some rows, each with its smallest term. `most` of them are kept."""

    rows: Sequence[Any]
    words: Sequence[Any]
    outer: Sequence[Behaviour] = ()
    deep: int = 0
    most: int = 2_000
    largest: int = 6
    work: Effort = field(default_factory=Effort)
    aim: str = ""
    """The kind of what is wanted; sums of what leads elsewhere are left out."""
    bank: dict[str, Behaviour] = field(default_factory=dict)
    sized: dict[int, list[Behaviour]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    _twins: dict[str, list[Term]] = field(default_factory=dict)
    _inner: dict[str, Inner | None] = field(default_factory=dict)
    _tries: int = 0

    def grow(self, seeds: Sequence[Term] = ()) -> Bench:
        """Enumerates terms by their size until there are enough. Returns itself."""
        for term in (HERE, *seeds):
            self._evaluate(term, 1)
        names = dict.fromkeys(name for one in self.rows if isinstance(one, dict) for name in one)
        for name in islice(names, 30):
            self._evaluate(Term("field", name, (HERE,)), 1)
        for one in self.outer:
            self.offer(one.term, one.size, one.values)
        for value in self.words:
            self.offer(literal(value), 1, [value] * len(self.rows))
        for number in range(2, self.largest + 1):
            for term, values in self._made(number):
                self.offer(term, number, values)
                if len(self.bank) >= self.most or self._tries >= 8 * self.most:
                    return self
        return self

    def offer(self, term: Term, number: int, values: Sequence[Any]) -> None:
        """Keeps a term that behaves as none before it; and two more that behave as one, for choice."""
        self._tries += 1
        self.work.spend(len(values))
        key = key_of(values)
        if key not in self.bank:
            one = self.bank[key] = Behaviour(term, number, values, kind_of(values))
            self.sized.setdefault(number, []).append(one)
        elif len(twins := self._twins.setdefault(key, [])) < 2 and number <= self.bank[key].size + 2:
            twins.append(term)

    def behaving(self, wanted: Sequence[Any]) -> list[Term]:
        """Terms that give what is wanted."""
        key = key_of(wanted)
        found = self.bank.get(key)
        return [] if found is None else [found.term, *self._twins.get(key, ())]

    def all(self, kind: str, most: int) -> list[Behaviour]:
        """The smallest terms of a kind; of any for ``""``."""
        found = (one for number in sorted(self.sized) for one in self.sized[number] if kind in ("", one.kind))
        return list(islice(found, most))

    def inner(self, one: Behaviour) -> Inner | None:
        """The elements of its lists, with what can be made of each; None where that leads too far."""
        key = key_of(one.values)
        if key not in self._inner:
            self._inner[key] = self._opened(one)
        return self._inner[key]

    def part(self, kept: Sequence[int]) -> Bench:
        """A bench of some rows alone."""
        outer = [Behaviour(one.term, one.size, [one.values[at] for at in kept], one.kind) for one in self.outer]
        rows = [self.rows[at] for at in kept]
        return Bench(rows, self.words, outer, self.deep, self.most // 2, self.largest, self.work).grow()

    # -- inner parts

    def _opened(self, one: Behaviour) -> Inner | None:
        if self.deep >= 2 or any(not isinstance(value, list) for value in one.values):
            return None
        elements = [below for value in one.values for below in value]
        if not 0 < len(elements) <= 1_500 or len(self._inner) > (12 if self.deep == 0 else 3):
            return None
        counts = [len(value) for value in one.values]
        given = self.outer or [found for found in self.all("", 30) if _is_outer(found)]
        outer = []
        for found in given:
            term = found.term if self.outer else _from_root(found.term)
            values = [value for value, count in zip(found.values, counts, strict=True) for _ in range(count)]
            outer.append(Behaviour(term, 2, values, found.kind))
        most, largest = (500, 5) if self.deep == 0 else (100, 3)
        return Inner(Bench(elements, self.words, outer, self.deep + 1, most, largest, self.work).grow(), counts)

    def _evaluate(self, term: Term, number: int) -> None:
        with suppress(NotModelled):
            self.offer(term, number, [evaluated(term, one) for one in self.rows])

    def _made(self, number: int) -> Iterator[tuple[Term, Sequence[Any]]]:
        """Terms of a size, the plainest first."""
        yield from self._pairs(number, constants=False)
        yield from self._staged(number, 1, self._stages)
        for base in self.sized.get(number - 1, ())[:60]:
            yield from () if base.constant else _compared(base)
        for base in self.sized.get(number - 1, ())[:12] if number == 2 else ():
            if base.kind == "list" and not base.constant:
                yield from self._mapped(base)
        yield from self._pairs(number, constants=True)
        yield from self._staged(number, 2, self._given)
        yield from self._staged(number, 3, self._matched)

    def _pairs(self, number: int, *, constants: bool) -> Iterator[tuple[Term, Sequence[Any]]]:
        for left in range(1, number - 1):
            for one in self.sized.get(left, ())[:60]:
                for other in self.sized.get(number - 1 - left, ())[:60]:
                    aimless = self.aim in _AIMLESS.get((one.kind, other.kind), ())
                    if constants == (one.constant or other.constant) and not aimless:
                        yield from _combined(one, other)

    def _staged(
        self, number: int, cost: int, stages: Callable[[Behaviour], Iterator[Term]]
    ) -> Iterator[tuple[Term, Sequence[Any]]]:
        for base in self.sized.get(number - cost, ())[: 200 // cost]:
            for stage in () if base.constant else stages(base):
                if (values := _applied(stage, base.values)) is not None:
                    yield piped(base.term, stage), values

    def _stages(self, base: Behaviour) -> Iterator[Term]:
        if base.kind == "object":
            names = dict.fromkeys(name for one in base.values if one is not None for name in one)
            yield from (Term("field", name, (HERE,)) for name in islice(names, 30))
        yield from (call(name) for name in _STAGES[base.kind])
        if base.kind == "list":
            yield Term("binary", "/", (call("add"), call("length")))

    def _given(self, base: Behaviour) -> Iterator[Term]:
        said = "\n".join(_leaves([*base.values])) if base.kind == "text" else ""
        texts = [one for one in self.words if isinstance(one, str) and (one in said or base.kind == "list")]
        if base.kind == "list":
            yield from (call("join", literal(one)) for one in texts)
        if base.kind == "text":
            names = ("split", "startswith", "endswith", "contains", "ltrimstr", "rtrimstr", "index")
            yield from (call(name, literal(one)) for one in texts for name in names)
        if base.kind in ("list", "text"):
            cuts = ((None, 1), (1, None), (None, -1), (-1, None), (None, 2), (None, 3), (2, None), (-2, None), (0, 4))
            yield from (Term("slice", cut, (HERE,)) for cut in cuts)

    def _matched(self, base: Behaviour) -> Iterator[Term]:
        if base.kind == "text":
            yield from (call("test", literal(one)) for one in _PATTERNS)
            new = [one for one in self.words if isinstance(one, str) and len(one) < 4][:6]
            yield from (call("gsub", literal(one), literal(by)) for one in _PATTERNS[:9] for by in new)

    def _mapped(self, base: Behaviour) -> Iterator[tuple[Term, Sequence[Any]]]:
        inner = self.inner(base)
        if inner is None:
            return
        for one in (one for one in inner.bench.all("", 16) if one.kind in ("number", "text") and not one.constant):
            keyed = [list(zip(*pair, strict=True)) for pair in zip(inner.rows(one.values), base.values, strict=True)]
            for name in ("sort_by", "group_by", "unique_by", "min_by", "max_by"):
                yield piped(base.term, call(name, one.term)), [GROUPING[name](pairs) for pairs in keyed]
        for one in inner.bench.all("", 30):
            if one.term not in (HERE,) and not one.constant:
                yield piped(base.term, call("map", one.term)), list(inner.rows(one.values))
        for one in inner.bench.all("bool", 16):
            kept = list(inner.rows(one.values))
            pairs = list(zip(base.values, kept, strict=True))
            yield (
                piped(base.term, call("map", call("select", one.term))),
                [[value for value, good in zip(values, goods, strict=True) if good] for values, goods in pairs],
            )
            yield piped(base.term, call("any", one.term)), [any(goods) for goods in kept]
            yield piped(base.term, call("all", one.term)), [all(goods) for goods in kept]


_AIMLESS = {("number", "number"): ("text",), ("text", "text"): ("number",), ("bool", "bool"): ("text", "number")}


def _is_outer(one: Behaviour) -> bool:
    return one.kind in ("number", "text", "bool") and one.term.kind == "field" and not one.constant


def _from_root(term: Term) -> Term:
    if term == HERE:
        return Term("variable", _ROOT)
    return Term(term.kind, term.word, tuple(map(_from_root, term.terms)))


def _applied(stage: Term, values: Sequence[Any]) -> Sequence[Any] | None:
    try:
        return [evaluated(stage, one) for one in values]
    except NotModelled:
        return None


def _compared(base: Behaviour) -> Iterator[tuple[Term, Sequence[Any]]]:
    """Comparisons with what the term itself gives: a border between any two of its values."""
    if base.kind not in ("number", "text"):
        return
    seen = {key_of(one): one for one in base.values if one is not None}
    values = sorted(seen.values(), key=rank)
    words = ("==", "!=") if base.kind == "text" or len(values) <= 12 else ()
    if base.kind == "number":
        words = (">=", ">", *words)
    for word in words:
        for value in (
            values[:: max(1, len(values) // 24)] if len(values) > (12 if base.kind == "text" else 48) else values
        ):
            term = Term("binary", word, (base.term, literal(value)))
            yield term, [BINARY[word](one, value) for one in base.values]


def _combined(one: Behaviour, other: Behaviour) -> Iterator[tuple[Term, Sequence[Any]]]:
    for word in _operators(one, other):
        try:
            if word in ("and", "or"):
                values = [
                    (a and b) if word == "and" else (a or b) for a, b in zip(one.values, other.values, strict=True)
                ]
            elif word == "//":
                values = [a if truth(a) else b for a, b in zip(one.values, other.values, strict=True)]
            else:
                values = [BINARY[word](a, b) for a, b in zip(one.values, other.values, strict=True)]
        except (NotModelled, Unsure, OverflowError, TypeError):
            continue
        yield Term("binary", word, (one.term, other.term)), values


def _operators(one: Behaviour, other: Behaviour) -> Sequence[str]:
    if one.constant and other.constant:
        return ()
    kinds = (one.kind, other.kind)
    found: list[str] = []
    if kinds == ("number", "number"):
        found += ["+", "-", "*", "/", "%"]
        found += () if other.constant or one.constant else ["<", "<=", "==", "!="]
    elif kinds == ("text", "text"):
        found += ["+"] if other.constant or one.constant else ["+", "==", "!=", "<"]
    elif kinds == ("bool", "bool"):
        found += ["and", "or"] if key_of(one.values) < key_of(other.values) else []
    elif kinds in (("list", "list"), ("object", "object")):
        found += ["+", "-"] if kinds[0] == "list" else ["+"]
    if None in one.values and not one.constant and other.kind != "null":
        found.append("//")
    return found


# -- what is wanted, taken apart


def solved(bench: Bench, wanted: Sequence[Any], deep: int = 3) -> list[Term]:
    """Terms that give what is wanted for every row; an empty list if none was found."""
    found = bench.behaving(wanted)
    if found or deep == 0:
        return found
    kind = kind_of(wanted) if None not in wanted else ""
    for way in _WAYS.get(kind, ()):
        if found := way(bench, wanted, deep):
            return sorted(found, key=size)[:4]
    key = key_of(wanted)
    if key in bench.failed:
        return []
    for final in (*_FINAL.get(kind, ()), _pipelines, _cases):
        if found := final(bench, wanted):
            return sorted(found, key=size)[:4]
    bench.failed.add(key)
    return []


def _members(bench: Bench, wanted: Sequence[Any], deep: int) -> list[Term]:
    names = list(wanted[0])
    if not names or any(one.keys() != wanted[0].keys() for one in wanted):
        return []
    terms = []
    for name in names:
        found = solved(bench, [one[name] for one in wanted], deep - 1)
        if not found:
            return []
        terms.append(found[0])
    return [Term("object", tuple(names), tuple(terms))]


def _named(bench: Bench, wanted: Sequence[Any], deep: int) -> list[Term]:
    """Objects whose names differ: a list of names and values in the order of the names."""
    if all(one.keys() == wanted[0].keys() for one in wanted):
        return []
    entries = [[{"key": name, "value": one[name]} for name in sorted(one)] for one in wanted]
    return [piped(one, call("from_entries")) for one in _elements(bench, entries, deep)]


def _elements(bench: Bench, wanted: Sequence[Any], deep: int) -> list[Term]:
    """The elements of some list, one by one, in their order or sorted."""
    counts = [len(one) for one in wanted]
    for base in [one for one in bench.all("list", 400) if [len(value or ()) for value in one.values] == counts][:8]:
        inner = bench.inner(base)
        if inner is None:
            continue
        for stages, order in _orders(inner):
            flat: list[Any] = [None] * len(inner.bench.rows)
            for value, at in zip((below for one in wanted for below in one), order, strict=True):
                flat[at] = value
            if found := solved(inner.bench, flat, deep - 1 if not stages else min(deep - 1, 1)):
                return [piped(base.term, *stages, call("map", one)) for one in found]
    return []


def _orders(inner: Inner, most: int = 6) -> Iterator[tuple[Sequence[Term], Sequence[int]]]:
    """Stages that put a list in another order, and where each of its elements was."""
    yield (), range(len(inner.bench.rows))
    for one in [one for one in inner.bench.all("", 60) if one.kind in ("number", "text") and not one.constant][:most]:
        order, began = [], 0
        for values in inner.rows(one.values):
            order.append(sorted(range(began, began + len(values)), key=lambda at: rank(one.values[at])))
            began += len(values)
        stage = call("sort_by", one.term)
        yield (stage,), [at for row in order for at in row]
        yield (stage, call("reverse")), [at for row in order for at in reversed(row)]


_COUNT = (call("length"),)
_TAILS: Sequence[tuple[tuple[Term, ...], Callable[[list[Any]], Any]]] = (
    ((), lambda found: found),
    (_COUNT, len),
    ((call("add"),), PLAIN["add"]),
    *(((call(name),), PLAIN[name]) for name in ("min", "max", "first", "last", "sort", "unique", "reverse", "flatten")),
    ((call("sort"), call("reverse")), lambda found: sorted(found, key=rank)[::-1]),
    ((call("unique"), call("length")), lambda found: len(unique(found))),
    ((Term("binary", "/", (call("add"), call("length"))),), lambda found: divided(summed(found), len(found))),
    (
        (Term("binary", "//", (call("add"), Term("literal", 0))),),
        lambda found: 0 if summed(found) in (None, False) else summed(found),
    ),
    (
        (Term("if", None, (Term("binary", "==", (call("length"), Term("literal", 0))), Term("literal", 0),
                           Term("binary", "/", (call("add"), call("length"))))),),
        lambda found: divided(summed(found), len(found)) if found else 0,
    ),
    *(
        ((call("join", Term("literal", by)),), lambda found, by=by: joined(found, by))
        for by in (", ", ",", " ", "", "-", "; ", "\n", "/", "_")
    ),
)  # fmt: skip


def _pipelines(bench: Bench, wanted: Sequence[Any]) -> list[Term]:
    """A list whose elements are selected, sorted, changed one by one, and taken together."""
    if bench.deep > 1:
        return []
    for base in [one for one in bench.all("list", 60) if not one.constant][:6]:
        inner = bench.inner(base)
        if inner is None:
            continue
        # An element that leads to a number is a number, mostly; a longer list of these, where nothing is selected.
        whole = inner.bench.all(aim if (aim := kind_of(wanted)) in ("number", "text") else "", 60)
        changes = [one for one in (inner.bench.bank[key_of(inner.bench.rows)], *whole) if not one.constant]
        found: list[Term] = []
        orders = list(_orders(inner, 4))
        for at, (term, mask, _) in enumerate([(None, -1, 0), *_predicates(inner.bench)]):
            chosen = () if term is None else (call("map", call("select", term)),)
            if kind_of(wanted) == "bool" and term is not None:
                found += _any_or_all(inner, base, (term, mask), wanted)
                continue
            for stages, order in orders if at < 8 else orders[:1]:
                found += _ended(
                    inner, base, (*chosen, *stages), (mask, order), changes[: 50 if mask == -1 else 16], wanted
                )
            if len(found) > 2:
                break
        if found:
            return found
    return []


def _any_or_all(inner: Inner, base: Behaviour, test: tuple[Term, int], wanted: Sequence[Any]) -> list[Term]:
    rows = list(inner.rows([bool(test[1] >> at & 1) for at in range(len(inner.bench.rows))]))
    inner.bench.work.spend(len(rows))
    return [
        piped(base.term, call(name, test[0]))
        for name, operation in (("any", any), ("all", all))
        if all(operation(one) == want for one, want in zip(rows, wanted, strict=True))
    ]


def _ended(
    inner: Inner,
    base: Behaviour,
    stages: Sequence[Term],
    kept: tuple[int, Sequence[int]],
    changes: Sequence[Behaviour],
    wanted: Any,
) -> list[Term]:
    mask, order = kept
    rows, began = [], 0
    for count in inner.counts:
        rows.append([at for at in order[began : began + count] if mask == -1 or mask >> at & 1])
        began += count
    found = []
    kind = kind_of(wanted)
    for tail, operation in _TAILS:
        counted = tail in (_COUNT, ())
        if counted and [len(one) for one in rows] != [len(one) if isinstance(one, list) else one for one in wanted]:
            continue
        if not _leads(tail, kind):
            continue
        inner.bench.work.spend(4 * len(changes))
        for one in changes[:1] if tail == _COUNT else changes:
            if _gives(operation, one.values, rows, wanted):
                change = () if one.term == HERE else (call("map", one.term),)
                found.append(piped(base.term, *stages, *change, *tail))
    return found


_LISTS, _ONES = frozenset(("sort", "unique", "reverse", "flatten")), frozenset(("add", "min", "max", "first", "last"))


def _leads(tail: Sequence[Term], kind: str) -> bool:
    """True if a tail may give values of a kind."""
    word = str(tail[-1].word) if tail else ""
    is_list = not tail or word in _LISTS
    return is_list == (kind == "list") or (bool(tail) and kind != "list" and word in _ONES)


def _gives(
    operation: Callable[[list[Any]], Any], values: Sequence[Any], rows: Sequence[Sequence[int]], wanted: Sequence[Any]
) -> bool:
    try:
        for places, want in zip(rows, wanted, strict=True):
            given = operation([values[at] for at in places])
            if given != want or key_of(given) != key_of(want):
                return False
    except (NotModelled, TypeError, Unsure):
        return False
    return True


def _predicates(bench: Bench, most: int = 400) -> list[tuple[Term, int, int]]:
    """Conditions and pairs of them: the term, what it holds for as bits, its size. The smallest first."""
    singles = [(one.term, _mask(one.values), one.size) for one in bench.all("bool", 160)]
    seen = {mask for _, mask, _ in singles}
    pairs = []
    for at, (one, mask, first) in enumerate(singles[:40]):
        for other, other_mask, second in singles[:at]:
            for word, both in (("and", mask & other_mask), ("or", mask | other_mask)):
                if both not in seen:
                    seen.add(both)
                    pairs.append((Term("binary", word, (other, one)), both, first + second + 1))
    return sorted([*singles, *pairs], key=lambda one: one[2])[:most]


def _mask(values: Sequence[Any]) -> int:
    return sum(1 << at for at, one in enumerate(values) if truth(one))


def _tests(bench: Bench, wanted: Sequence[Any]) -> list[Term]:
    """Two or three conditions that hold together where it is true."""
    goal = _mask(wanted)
    singles = [(one.term, _mask(one.values)) for one in bench.all("bool", 400)]
    found = []
    for word, fits in (("and", [one for one in singles if one[1] & goal == goal]),
                       ("or", [one for one in singles if one[1] | goal == goal])):  # fmt: skip
        join = operator.and_ if word == "and" else operator.or_
        for at, (one, mask) in enumerate(fits[:200]):
            pairs = [other for other, below in fits[:at] if join(mask, below) == goal]
            found += [Term("binary", word, (other, one)) for other in pairs[:2]]
    return found


def _sums(bench: Bench, wanted: Sequence[Any]) -> list[Term]:
    """A sum, difference, product or share of two terms; or one term by two constants."""
    found = []
    numbers = [one for one in bench.all("number", 600) if None not in one.values and not one.constant]
    for one in numbers:
        for word, undone in _UNDONE.items():
            if (rest := _rest_of(undone, wanted, one.values)) is not None:
                other = bench.bank.get(key_of(rest))
                if other is not None:
                    found.append(Term("binary", word, (other.term, one.term)))
        if len(found) > 2:
            break
    return found or [term for one in numbers[:60] if (term := _line(one, wanted)) is not None][:2]


_UNDONE: Mapping[str, Callable[[Any, Any], Any]] = {"+": minus, "-": plus, "*": divided}


def _rest_of(undone: Callable[[Any, Any], Any], wanted: Sequence[Any], values: Sequence[Any]) -> list[Any] | None:
    try:
        return [undone(want, one) for want, one in zip(wanted, values, strict=True)]
    except NotModelled:
        return None


def _line(one: Behaviour, wanted: Sequence[Any]) -> Term | None:
    """`term * a + b` with the constants that two rows give."""
    least, most = (pick(range(len(wanted)), key=one.values.__getitem__) for pick in (min, max))
    if one.values[least] == one.values[most]:
        return None
    slope = (wanted[most] - wanted[least]) / (one.values[most] - one.values[least])
    start = wanted[least] - slope * one.values[least]
    slope, start = (round(value, 6) for value in (slope, start))
    if any(abs(slope * value + start - want) > 1e-9 for value, want in zip(one.values, wanted, strict=True)):
        return None
    term = Term("binary", "*", (one.term, literal(whole(slope))))
    return Term("binary", "+", (term, literal(whole(start)))) if start else term


def _parts(bench: Bench, wanted: Sequence[Any], deep: int = 6) -> list[Term]:
    """A text in parts, the first of which is a term or a constant that all begin with."""
    same = _beginning(wanted)
    heads: list[tuple[Term, Sequence[Any]]] = [(literal(same), [same] * len(wanted))] if same else []
    for one in bench.all("text", 400):
        texts = [value for value in one.values if isinstance(value, str)]
        if one.constant or len(texts) < len(wanted) or not any(texts):
            continue
        if all(want.startswith(value) for want, value in zip(wanted, texts, strict=True)):
            heads.append((one.term, texts))
    heads.sort(key=lambda one: -sum(map(len, one[1])))
    for term, values in heads[:4]:
        rest = [want[len(value) :] for want, value in zip(wanted, values, strict=True)]
        if not any(rest):
            return [term]
        found = bench.behaving(rest) or (_parts(bench, rest, deep - 1) if deep else [])
        if found:
            return [Term("binary", "+", (term, found[0]))]
    return []


def _beginning(texts: Sequence[str]) -> str:
    least, most = min(texts), max(texts)
    return least[: next((at for at, one in enumerate(least) if one != most[at : at + 1]), len(least))]


def _cases(bench: Bench, wanted: Sequence[Any]) -> list[Term]:
    """`if` over terms that are each right for some rows."""
    bench.work.spend(40 * len(wanted))
    keys = [key_of(one) for one in wanted]
    leaves: dict[int, Term] = {}
    if len(set(keys)) <= 8:
        for key in dict.fromkeys(keys):
            leaves[_mask([one == key for one in keys])] = literal(json.loads(key)) if key[0] not in "[{" else HERE
    for one in bench.all("", 1_200):
        mask = 0
        for at, value in enumerate(one.values):
            if value == wanted[at] and key_of(value) == keys[at]:
                mask |= 1 << at
        if mask.bit_count() > 1:
            leaves.setdefault(mask, one.term)
    leaves = {mask: term for mask, term in leaves.items() if term != HERE or mask}
    largest = sorted(leaves.items(), key=lambda one: -one[0].bit_count())[:24]
    tests = _predicates(bench, 200)
    found = _chosen(largest, tests, (1 << len(wanted)) - 1, 2, bench.work)
    return [] if found is None else [found]


def _chosen(
    leaves: Sequence[tuple[int, Term]], tests: Sequence[tuple[Term, int, int]], open_: int, deep: int, work: Effort
) -> Term | None:
    """A tree of conditions that has a right leaf for each of the open rows."""
    for mask, term in leaves:
        if open_ & ~mask == 0:
            return term
    if deep == 0:
        return None
    for mask, term in leaves:
        if not open_ & mask:
            continue
        work.spend(len(tests))
        for test, holds, _ in tests:
            for yes in (holds & open_, ~holds & open_):
                # The leaf takes all rows of this side, of which it has every one right.
                if yes and yes & ~mask == 0 and yes != open_ and 3 * yes.bit_count() >= (open_ & mask).bit_count() * 2:
                    rest = _chosen(leaves, tests, open_ & ~yes, deep - 1, work)
                    if rest is not None:
                        pair = (term, rest) if yes == holds & open_ else (rest, term)
                        return Term("if", None, (test, *pair))
    return None


_WAYS: Mapping[str, Sequence[Callable[[Bench, Sequence[Any], int], list[Term]]]] = {
    "object": (_members, _named),
    "list": (_elements,),
}
_FINAL: Mapping[str, Sequence[Callable[[Bench, Sequence[Any]], list[Term]]]] = {
    "text": (_parts,),
    "number": (_sums,),
    "bool": (_tests,),
}


# -- the face

_MOST_ROWS = 48
_SIZES = (250, 900, 2_500)
_WORK_EACH = 2_500


def synthesised(program: Term, examples: Sequence[tuple[Any, Any]]) -> list[Term]:
    """Programs that give what is expected for all examples, the smallest first; then some that do for a part.

    Args:
        program: the one to begin with, whose parts and constants are used.
        examples: an input and what is expected, each. Those of the cases for training.
    """
    some = examples[:_MOST_ROWS]
    rows, wanted = [one for one, _ in some], [one for _, one in some]
    words, kind = _constants(program, some), kind_of(wanted)
    for most in _SIZES:  # what is plain is found on a small bench, before anything is taken apart twice
        bench = Bench(rows, words, aim=kind, most=most, work=Effort(_WORK_EACH * most))
        with suppress(_Enough):
            bench.grow(_subterms(program))
            for deep in range(4):
                found = [_rooted(one) for one in solved(bench, wanted, deep)]
                if exact := [one for one in found if _right(one, examples) == len(examples)]:
                    return sorted(dict.fromkeys(exact), key=size)
    keys = [key_of(one) for one in wanted]
    near: list[tuple[int, int, Term]] = []
    for one in bench.all("", bench.most):
        right = sum(key_of(value) == key for value, key in zip(one.values, keys, strict=True))
        if right:
            near.append((-right, one.size, one.term))
    near.sort(key=lambda one: one[:2])
    return [_rooted(one) for _, _, one in near[:8]]


def _right(term: Term, examples: Sequence[tuple[Any, Any]]) -> int:
    count = 0
    for given, wanted in examples:
        try:
            count += key_of(evaluated(term, given)) == key_of(wanted)
        except NotModelled:
            continue
    return count


def _rooted(term: Term) -> Term:
    """Binds the variable of the whole input where the term uses it."""
    return Term("bind", _ROOT, (HERE, term)) if _uses_root(term) else term


def _uses_root(term: Term) -> bool:
    return (term.kind == "variable" and term.word == _ROOT) or any(map(_uses_root, term.terms))


def _subterms(term: Term) -> list[Term]:
    """The parts of a program that may stand alone: those that take the program's own input."""
    found = [term]
    if term.kind == "binary" and term.word == "|":
        found += _subterms(term.terms[0])
    elif term.kind in ("binary", "field", "each", "array", "object", "if", "index", "slice", "minus"):
        found += [one for below in term.terms for one in _subterms(below)]
    return found[:20]


def _constants(program: Term, examples: Sequence[tuple[Any, Any]]) -> list[Any]:
    """Numbers and texts of the program, the usual ones, and marks that stand in the examples."""
    own = vocabulary([program])
    marks: dict[str, int] = {}
    for pair in examples:
        for mark in set(re.findall(r"[^\w\s\"\[\]{}\\]\s?|\s", " ".join(_leaves(pair)))):
            marks[mark] = marks.get(mark, 0) + 1
    usual = sorted(marks, key=lambda one: (-marks[one], one))[:8]
    texts = dict.fromkeys([*own.texts, *usual, "-"])
    return [*dict.fromkeys([*own.numbers[:10], 10, 100]), *islice(texts, 14)]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
