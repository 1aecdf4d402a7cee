"""JavaScript as syntax trees: typed edits of a script's source, one at a time.

tree-sitter parses; each node knows its bytes, so that an edit puts other text in their place and all else stays as
its author wrote it. What an edit made is parsed again, and left out when it is no longer JavaScript.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from omnicore.errors import InvalidInput
from omnicore.optional import optional

if TYPE_CHECKING:
    from omnicore.evolution.jq_programs import Vocabulary

MOST_BYTES, _MOST_NODES = 20_000, 4_000
_GROWTH = 2_000
_TRIES = 12
_LONGEST = 120
_BORROWED, _LENDERS, _MOST_DROPS = 24, 8, 200

Sort = Literal["truth", "number", "text", "list", "any"]

_OPERATORS: Sequence[tuple[str, ...]] = (
    ("<", "<=", ">", ">=", "===", "!=="),
    ("==", "!=", "===", "!=="),
    ("+", "-", "*", "/", "%"),
    ("&&", "||"),
    ("??", "||"),
    ("+=", "-=", "*="),
    ("++", "--"),
)
_METHODS: Sequence[tuple[str, ...]] = (
    ("some", "every"),
    ("find", "findLast"),
    ("map", "filter", "flatMap"),
    ("min", "max"),
    ("floor", "ceil", "round", "trunc"),
    ("toUpperCase", "toLowerCase", "trim"),
    ("startsWith", "endsWith", "includes"),
    ("indexOf", "lastIndexOf"),
    ("keys", "values", "entries"),
    ("shift", "pop"),
    ("push", "unshift"),
    ("padStart", "padEnd"),
)
_TRUTHS = frozenset({"<", "<=", ">", ">=", "==", "!=", "===", "!==", "in", "instanceof"})
_NUMBERS = frozenset({"-", "*", "/", "%", "**"})
_TESTS = frozenset({"some", "every", "includes", "startsWith", "endsWith"})
_LISTS = frozenset(
    {"map", "filter", "flatMap", "sort", "reverse", "slice", "split", "keys", "values", "entries", "concat"}
)
_TEXTS = frozenset(
    {"join", "trim", "toUpperCase", "toLowerCase", "padStart", "padEnd", "replace", "replaceAll", "repeat"}
)
_LITERALS = frozenset({"number", "string", "template_string", "true", "false", "null", "array", "object"})
_OWNERS = frozenset({"call_expression", "identifier", "member_expression"})
_COMBINED = frozenset({"binary_expression", "unary_expression", "ternary_expression"})
_EXPRESSIONS = _LITERALS | _OWNERS | _COMBINED | {"subscript_expression", "parenthesized_expression"}
_LOOSE = _COMBINED | {"object", "arrow_function"}
_STATEMENTS = frozenset({"expression_statement", "if_statement", "for_statement", "for_in_statement"})
_PATTERNS = frozenset({"formal_parameters", "object_pattern", "array_pattern", "pair_pattern"})
_NO_VALUE = {
    "call_expression": "function",
    "new_expression": "constructor",
    "variable_declarator": "name",
    "arrow_function": "parameter",
    "assignment_expression": "left",
    "augmented_assignment_expression": "left",
    "update_expression": "argument",
    "for_in_statement": "left",
    "function_declaration": "name",
}
"""Places below a node whose text is called, given a name, or assigned to."""
_WRAPS: dict[Sort, Sequence[str]] = {
    "truth": ("!({})",),
    "number": ("Math.abs({})", "Math.round({})", "Math.floor({})", "({} + 1)", "({} - 1)", "String({})"),
    "text": ("({}).trim()", "({}).toLowerCase()", "({}).toUpperCase()", "({}).length", "Number({})"),
    "list": ("({}).length", "({}).reverse()", "({}).sort()", "[...new Set({})]", "({}).filter(Boolean)"),
    "any": (
        *("({} ?? 0)", '({} ?? "")', "({} ?? null)", "({} ?? [])", "({} + 1)", "({} - 1)", "Number({})", "String({})"),
        *("({}).length", "({}).trim()", "({}).toLowerCase()", "({}).toUpperCase()", "Math.abs({})", "!({})"),
    ),
}


@dataclass(frozen=True, slots=True)
class _Change:
    """Other text in the place of some bytes."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Words:
    """Things that changes may put in: words of the cases, and expressions by the type of their value."""

    known: Vocabulary
    borrowed: Mapping[Sort, Sequence[str]]

    @property
    def members(self) -> Sequence[str]:
        return [one for one in self.known.names if one.isidentifier() and one.isascii()]


def read_script(text: str) -> Any:
    """The syntax tree of a script.

    Raises: InvalidInput: it is no JavaScript, or too large. ToolMissing: the parser is not installed.
    """
    try:
        source = text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("the script is no text", remedy="write it in UTF-8") from None
    if len(source) > MOST_BYTES:
        raise InvalidInput(f"the script has over {MOST_BYTES} bytes", remedy="move parts of it into a plugin")
    tree = _parser().parse(source)
    if tree.root_node.has_error:
        line = next((one.start_point[0] + 1 for one in _nodes(tree.root_node) if one.is_error or one.is_missing), 1)
        raise InvalidInput(f"line {line} of the script is no JavaScript", remedy="correct it")
    if tree.root_node.descendant_count > _MOST_NODES:
        raise InvalidInput("the script has too many parts", remedy="move some of them into a plugin")
    return tree


def mutated_script(text: str, chance: Random, vocabulary: Vocabulary, *, others: Sequence[str] = ()) -> str | None:
    """A script with one part changed; None when no change was found.

    A way of changing is drawn first, so that one with many changes does not crowd out the others.

    Args: others: scripts that expressions may be taken from.
    """
    tree = read_script(text)
    nodes = list(_nodes(tree.root_node))
    words = _Words(vocabulary, _borrowed([tree, *map(read_script, others[-_LENDERS:])]))
    for _ in range(_TRIES):
        way = chance.choice(_WAYS)
        for node in chance.sample(nodes, len(nodes)):
            if found := list(way(node, words)):
                made = _changed(text, chance.choice(found))
                if made is not None and made != text and len(made) <= len(text) + _GROWTH:
                    return made
                break
    return None


def shorter_scripts(text: str) -> Iterator[str]:
    """The script without one of its parts, each way that leaves JavaScript, the shortest first."""
    changes = {change for node in _nodes(read_script(text).root_node) for change in _drops(node)}
    ranked = sorted(changes, key=lambda one: (len(one.text) - one.end + one.start, one.start, one.text))
    for change in ranked[:_MOST_DROPS]:
        made = _changed(text, change)
        if made is not None and len(made) < len(text):
            yield made


@functools.cache
def _parser() -> Any:
    grammar = optional("tree_sitter_javascript", extra="evolve")
    made = optional("tree_sitter", extra="evolve")
    return made.Parser(made.Language(grammar.language()))


def _nodes(root: Any) -> Iterator[Any]:
    """All nodes in the order of the text, by a stack: a hostile script may be as deep as it is long."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def _changed(text: str, change: _Change) -> str | None:
    source = text.encode()
    made = (source[: change.start] + change.text.encode() + source[change.end :]).decode()
    try:
        read_script(made)
    except InvalidInput:
        return None
    return made


def _operators(node: Any, _: _Words) -> Iterator[_Change]:
    """Another operator of the same kind, or the other truth."""
    if node.type in ("true", "false") and node.is_named:
        yield _put(node, "false" if node.type == "true" else "true")
    if not node.is_named:
        for group in _OPERATORS:
            yield from _puts(node, group if node.type in group else ())


def _methods(node: Any, words: _Words) -> Iterator[_Change]:
    """Another method of the same kind, or another member."""
    if node.type == "property_identifier":
        groups = [group for group in _METHODS if _text(node) in group]
        yield from _puts(node, groups[0] if groups else words.members)


def _steps(node: Any, _: _Words) -> Iterator[_Change]:
    """A number near by."""
    yield from _puts(node, _near(_text(node)) if node.type == "number" else ())


def _literals(node: Any, words: _Words) -> Iterator[_Change]:
    """A number or a text of the cases."""
    if node.type == "number":
        yield from _puts(node, map(json.dumps, words.known.numbers))
    elif node.type == "string":
        yield from _puts(node, map(json.dumps, words.known.texts))


def _wraps(node: Any, _: _Words) -> Iterator[_Change]:
    """The value of a function of it."""
    if _is_value(node):
        sort = _sort(node)
        forms = _WRAPS[sort] if sort == "any" else (*_WRAPS[sort], *_WRAPS["any"][:1])
        yield from (_put(node, one.format(_text(node))) for one in forms)


def _members(node: Any, words: _Words) -> Iterator[_Change]:
    """A member of it."""
    if node.type in _OWNERS and _is_value(node) and _sort(node) == "any":
        yield from (_put(node, f"{_text(node)}.{one}") for one in words.members)


def _loans(node: Any, words: _Words) -> Iterator[_Change]:
    """An expression of the same type from elsewhere."""
    yield from _puts(node, words.borrowed.get(_sort(node), ()) if _is_value(node) else ())


def _without(node: Any, _: _Words) -> Iterator[_Change]:
    return _drops(node)


_Way = Callable[[Any, "_Words"], Iterator[_Change]]
_WAYS: Sequence[_Way] = (_operators, _methods, _steps, _literals, _wraps, _members, _loans, _without)


def _drops(node: Any) -> Iterator[_Change]:
    """Changes that leave a part out: an operand, a call in a chain, a branch, a statement."""
    kind, named = node.type, node.named_children
    if kind in ("binary_expression", "ternary_expression"):
        yield from _puts(node, map(_text, named))
    elif kind == "unary_expression":
        yield from _puts(node, map(_text, named[-1:]))
    elif kind == "parenthesized_expression" and node.parent is not None and node.parent.type != "if_statement":
        yield from _puts(node, map(_text, named))
    elif kind == "call_expression":
        called = node.child_by_field_name("function")
        inside = called.child_by_field_name("object") if called is not None else None
        yield from _puts(node, [_text(inside)] if inside is not None else ())
        given = node.child_by_field_name("arguments")
        yield from _puts(node, map(_stands, given.named_children) if given is not None else ())
    elif kind == "member_expression" and _is_value(node):
        yield from _puts(node, map(_text, named[:1]))
    elif kind in _STATEMENTS:
        yield _put(node, "")
        branch = node.child_by_field_name("consequence")
        yield from _puts(node, [_text(branch)] if branch is not None else ())


def _borrowed(trees: Sequence[Any]) -> dict[Sort, Sequence[str]]:
    """Expressions of scripts by their type, without those that are nearly whole scripts."""
    found: dict[Sort, dict[str, None]] = {}
    for tree in trees:
        for node in _nodes(tree.root_node):
            if _is_value(node) and node.end_byte - node.start_byte <= _LONGEST:
                found.setdefault(_sort(node), {})[_stands(node)] = None
    return {sort: tuple(texts)[:_BORROWED] for sort, texts in found.items()}


def _sort(node: Any) -> Sort:
    """The type of an expression's value, as far as its form shows."""
    kind = node.type
    operator = node.child_by_field_name("operator")
    sign = operator.type if operator is not None else ""
    member = node.child_by_field_name("function") if kind == "call_expression" else node
    name = member.child_by_field_name("property") if member is not None else None
    called = _text(name) if name is not None else ""
    owner = member.child_by_field_name("object") if name is not None else None
    if kind in ("true", "false") or sign in _TRUTHS or sign == "!" or called in _TESTS:
        return "truth"
    if kind == "number" or sign in _NUMBERS or called == "length" or (owner is not None and _text(owner) == "Math"):
        return "number"
    if kind in ("string", "template_string") or (kind == "call_expression" and called in _TEXTS):
        return "text"
    return "list" if kind == "array" or (kind == "call_expression" and called in _LISTS) else "any"


def _is_value(node: Any) -> bool:
    """True if the node stands where a value is read: not what is called, given a name, or assigned to."""
    above = node.parent
    if node.type not in _EXPRESSIONS or above is None or above.type in _PATTERNS:
        return False
    place = _NO_VALUE.get(above.type)
    return place is None or above.child_by_field_name(place) != node


def _near(text: str) -> list[str]:
    try:
        number = float(text)
    except ValueError:  # hexadecimal, or a big integer
        return []
    found = (number + 1, number - 1, number * 2, number / 2)
    return [str(int(one)) if one == int(one) else repr(one) for one in found if abs(one) < 1e15]


def _puts(node: Any, texts: Iterable[str]) -> Iterator[_Change]:
    return (_put(node, text) for text in texts)


def _stands(node: Any) -> str:
    """The text of a node for another place, where an operator may stand beside it."""
    return f"({_text(node)})" if node.type in _LOOSE else _text(node)


def _put(node: Any, text: str) -> _Change:
    return _Change(node.start_byte, node.end_byte, text)


def _text(node: Any) -> str:
    return str(node.text.decode())
