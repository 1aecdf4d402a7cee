"""JSON Schemas of functions, and the values that functions take and return.

A schema comes from a stranger, and so may the value. Nothing is fetched, no pattern can run away, and a check that
takes too long ends. Python's `re` backtracks and cannot be interrupted, so a pattern is accepted only when its worst
case is a polynomial known beforehand; long texts are then refused.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from omnicore.config.documents import JsonPath
from omnicore.errors import DeadlineExceeded, GuestFailed, InvalidInput, OmniError
from omnicore.optional import optional
from omnicore.texts import json_writer, too_deep

if TYPE_CHECKING:
    from jsonschema import ValidationError


_STEPS = 16_000_000  # about half a second of `re` at its worst
_MOST_DEGREE = 4
_MOST_CHOICES = 6
_MOST_COPIES = 1_000
_TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<special>\(\?[^:])|(?P<open>\((?:\?:)?)"
    r"|(?P<close>\))|(?P<either>\|)|(?P<count>\{(?!\})(?P<least>[0-9]*)(?P<comma>,)?(?P<most>[0-9]*)\})"
    r"|(?P<repeat>[*+])|(?P<maybe>\?)|(?P<other>.)",
    re.DOTALL,
)
_QUANTIFIERS = ("repeat", "maybe", "count")


class UnsafePatternError(ValueError):
    """A pattern that is not taken; the text says why."""


@dataclass(frozen=True, slots=True)
class SafePattern:
    """A pattern that matches within its budget. Units: `longest` characters of a text it is tried on."""

    pattern: re.Pattern[str]
    longest: int


@dataclass(slots=True)
class _Tally:
    """Contents of a group: open-ended repeats, two-way choices, and copies of its fixed parts."""

    repeats: int = 0
    choices: int = 0
    copies: int = 1

    def add(self, inner: _Tally) -> None:
        self.repeats += inner.repeats
        self.choices += inner.choices
        self.copies = max(self.copies, inner.copies)


def safe_pattern(text: str) -> SafePattern:
    """Compiles a pattern. Raises: UnsafePatternError: no valid one, or one that could run away."""
    tally = _tally(text)
    try:
        compiled = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise UnsafePatternError(f"is no regular expression that Python knows: {error}") from error
    anchored = text.startswith("^") and tally.choices == 0
    degree = tally.repeats + (not anchored)
    if degree > _MOST_DEGREE or tally.choices > _MOST_CHOICES or tally.copies > _MOST_COPIES:
        raise UnsafePatternError("has too many repeats and choices to be safe")
    return SafePattern(compiled, int((_STEPS / 2**tally.choices) ** (1 / max(degree, 1))))


def _tally(text: str) -> _Tally:
    stack, last, before = [_Tally()], _Tally(), ""
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup or ""
        if kind == "special" or (kind == "escape" and token.group()[1].isdigit()):
            raise UnsafePatternError("uses a look-around, a flag, a named group or a back reference")
        if kind == "open":
            stack.append(_Tally())
        elif kind == "close" and len(stack) > 1:
            last = stack.pop()
            stack[-1].add(last)
        elif kind in _QUANTIFIERS:
            # `a+?` and `a++` say how the repeat before them matches, they repeat nothing themselves.
            if before not in _QUANTIFIERS:
                _quantify(stack[-1], last, token)
        elif kind == "either":
            stack[-1].choices += 1
        else:
            last = _Tally()
        before = kind
    return stack[0]


def _quantify(group: _Tally, atom: _Tally, token: re.Match[str]) -> None:
    if token.lastgroup == "count" and not token["comma"]:
        times = int(token["least"][:6])
        group.copies = max(group.copies, atom.copies * times)
        group.repeats += atom.repeats * max(times - 1, 0)
        group.choices += atom.choices * max(times - 1, 0)
    elif atom.repeats or atom.choices:
        raise UnsafePatternError("repeats a part that itself repeats or has choices")
    elif token.lastgroup == "maybe":
        group.choices += 1
    else:
        group.repeats += 1


_LONGEST_MESSAGE = 240
_SUBSCHEMAS = frozenset({"additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"})
_SUBSCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SUBSCHEMA_MAPS = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
# Left out: what would fetch, what can match keys at any cost, what nobody needs for a function's input.
_REFUSED = frozenset(
    {"$dynamicRef", "$dynamicAnchor", "$anchor", "$id", "patternProperties", "unevaluatedItems"}
    | {"unevaluatedProperties", "$vocabulary"}
)

_Keyword = Callable[[Any, Any, Any, Any], Any]
_clock = threading.local()


class SchemaTooSlowError(Exception):
    """A check that did not end in its time."""


class Schema:
    """A compiled schema; safe to use from several threads."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._validator: Any = None

    def problem(self, value: Any, *, timeout_s: float) -> str | None:
        """The first fault of a value, as text with its path, or None.

        Raises: SchemaTooSlowError: the check took longer than `timeout_s`.
        """
        if self._validator is None:  # jsonschema takes 0.1 s to import, and most calls check nothing
            self._validator = _checker()(dict(self.document), registry=_registry())
        error = _first(self._validator, value, timeout_s)
        return f"{write_path(tuple(error.absolute_path)) or 'the value'}: {error.message}" if error else None


def problems_of_schema(document: Any, *, timeout_s: float) -> Iterator[tuple[JsonPath, str]]:
    """Faults that make a schema unusable, each with its path."""
    try:
        error = _first(_meta(), document, timeout_s)
        if error is not None:
            yield tuple(error.absolute_path), error.message
            return
        survey = _Survey()
        survey.walk(document, ())
    except (SchemaTooSlowError, RecursionError):
        yield (), "is too big or too deep to be checked"
        return
    yield from survey.problems
    yield from survey.dangling()


def write_path(path: JsonPath) -> str:
    """`("capabilities", 0, "reason")` as people write it: `capabilities[0].reason`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _first(validator: Any, value: Any, timeout_s: float) -> ValidationError | None:
    _clock.deadline = time.monotonic() + timeout_s
    try:
        return next(validator.iter_errors(value), None)
    except RecursionError as error:
        raise SchemaTooSlowError("the schema refers to itself without end") from error


def _guarded(keyword: _Keyword) -> _Keyword:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if time.monotonic() > _clock.deadline:
            raise SchemaTooSlowError("checking against the schema takes too long")
        for error in keyword(validator, value, instance, schema) or ():
            # Messages repeat the value; a hundred of them for one of some megabytes would fill the memory.
            if len(error.message) > _LONGEST_MESSAGE:
                error.message = f"{error.message[:_LONGEST_MESSAGE]}..."
            yield error

    return check


def _pattern(_validator: Any, text: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    known = _compiled(text)
    if len(instance) > known.longest:
        yield _wrong(f"is over {known.longest} characters, too long for the pattern {text!r}")
    elif not known.pattern.search(instance):
        yield _wrong(f"{instance!r} does not match {text!r}")


def _unique(_validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    # jsonschema compares every two items where they do not sort; a set needs one look at each.
    if wanted and isinstance(instance, list) and len({_hashable(item) for item in instance}) < len(instance):
        yield _wrong("has items that are equal")


def _wrong(message: str) -> ValidationError:
    error: ValidationError = optional("jsonschema").ValidationError(message)
    return error


def _hashable(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    return value


_compiled = lru_cache(maxsize=1_000)(safe_pattern)


@lru_cache(maxsize=1)
def _checker() -> Any:
    """jsonschema's validator with guards on every keyword."""
    draft = optional("jsonschema").Draft202012Validator
    keywords = {**draft.VALIDATORS, "pattern": _pattern, "uniqueItems": _unique}
    guarded = {name: _guarded(keyword) for name, keyword in keywords.items()}
    checker = optional("jsonschema.validators").extend(draft, guarded)
    evolve = checker.evolve

    def stay_guarded(validator: Any, **changes: Any) -> Any:
        # For a subschema that names its dialect, jsonschema would take its own validator, which has no guards.
        schema = changes.get("schema")
        if isinstance(schema, dict) and "$schema" in schema:
            changes["schema"] = {key: value for key, value in schema.items() if key != "$schema"}
        return evolve(validator, **changes)

    checker.evolve = stay_guarded
    return checker


def _registry() -> Any:
    return optional("jsonschema_specifications").REGISTRY


@lru_cache(maxsize=1)
def _meta() -> Any:
    return _checker()(_checker().META_SCHEMA, registry=_registry())


@dataclass(slots=True)
class _Survey:
    """Findings of a walk over a schema: paths of subschemas, references, and faults."""

    places: set[JsonPath] = field(default_factory=set)
    references: list[tuple[JsonPath, str]] = field(default_factory=list)
    problems: list[tuple[JsonPath, str]] = field(default_factory=list)

    def walk(self, schema: Any, path: JsonPath) -> None:
        self.places.add(path)
        for key, value in schema.items() if isinstance(schema, dict) else ():
            here = (*path, key)
            if key in _REFUSED:
                self.problems.append((here, f"the keyword {key!r} is not supported in the schemas of plugins"))
            elif key == "$ref":
                self.references.append((here, value))
            elif key == "pattern":
                self._pattern(value, here)
            elif key in _SUBSCHEMAS:
                self.walk(value, here)
            elif key in _SUBSCHEMA_LISTS or key in _SUBSCHEMA_MAPS:
                for step, part in enumerate(value) if isinstance(value, list) else value.items():
                    self.walk(part, (*here, step))

    def _pattern(self, text: str, path: JsonPath) -> None:
        try:
            _compiled(text)
        except UnsafePatternError as error:
            self.problems.append((path, f"the pattern {text[:80]!r} {error}"))

    def dangling(self) -> Iterator[tuple[JsonPath, str]]:
        """References to anything but a subschema the walk has seen, and so has checked."""
        known = {tuple(str(step) for step in place) for place in self.places}
        for path, reference in self.references:
            if reference != "#" and _pointer(reference) not in known:
                yield (
                    path,
                    f"refers to {reference[:80]!r}; only '#/...' to a schema in this document is followed",
                )


def _pointer(reference: str) -> tuple[str, ...] | None:
    """Source: RFC 6901, section 6."""
    if not reference.startswith("#/"):
        return None
    steps = unquote(reference[2:]).split("/")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


_JSON, _TEXT = "application/json", "text/plain"
JSON_MEDIA, TEXT_MEDIA, BYTES_MEDIA = "application/json", "text/plain", "application/octet-stream"
_MOST_DEPTH = 512

_write = json_writer(ascii=False)
_Wrong = Callable[[str], OmniError]


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function callers see. `input` and `output` are JSON Schemas; None takes all the media type allows.

    `lane` names the lane whose cycles call it, `provides` the capabilities it gives to intelligences. `hints` says what
    a call does, such as `read_only`; what is not said is not known.
    """

    name: str
    description: str = ""
    input: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None
    input_media: str = BYTES_MEDIA
    output_media: str = BYTES_MEDIA
    lane: str = ""
    provides: tuple[str, ...] = ()
    hints: Mapping[str, bool] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The function as a manifest would write it, its name aside."""
        more = {"lane": self.lane, "provides": list(self.provides), "hints": dict(self.hints)}
        return {
            "description": self.description,
            "input": self.input,
            "output": self.output,
            "input_media": self.input_media,
            "output_media": self.output_media,
            **{key: value for key, value in more.items() if value},
        }


class Media:
    """Encoding of one function's input and output. Immutable, safe to use from several threads.

    `plain_input` and `plain_output` are true where bytes pass as they are.

    Args:
        check_s: how long a check against a schema may take.
    """

    __slots__ = ("_check_s", "_input", "_name", "_output", "_spec", "plain_input", "plain_output")

    def __init__(self, plugin: str, spec: FunctionSpec, *, check_s: float) -> None:
        self._name = f"{plugin}.{spec.name}"
        self._spec = spec
        self._check_s = check_s
        self._input = None if spec.input is None else Schema(spec.input)
        self._output = None if spec.output is None else Schema(spec.output)
        self.plain_input = self._input is None
        self.plain_output = self._output is None and spec.output_media not in (_JSON, _TEXT)

    @property
    def output_media(self) -> str:
        """The media type of the output."""
        return self._spec.output_media

    def encode(self, value: Any) -> bytes:
        """The input as bytes: bytes as they are, text and JSON values as the media type wants them.

        Raises: InvalidInput: no such value in this media type, or one that breaks the schema.
        """
        if isinstance(value, bytes | bytearray | memoryview):
            data = bytes(value)
            self.check_input(data)
            return data
        if self._spec.input_media == _JSON:
            data = _dumps(value, self._name)
            if self._input is not None:
                self._check(self._input, value, self._bad_input)
            return data
        text = value if isinstance(value, str) else "" if value is None else None
        if text is None and self._spec.input_media == _TEXT:
            raise self._bad_input(f"takes text, not {type(value).__name__}")
        data = _dumps(value, self._name) if text is None else _utf8(text, self._name)
        self.check_input(data)
        return data

    def check_input(self, data: bytes) -> None:
        """Checks bytes that come as they are. Raises: InvalidInput."""
        if self._input is not None:
            self._check(self._input, _parsed(data, self._spec.input_media, self._bad_input), self._bad_input)

    def decode(self, data: bytes) -> Any:
        """The output as the media type says: a JSON value, text or bytes.

        Raises: GuestFailed: the plugin answered with something else.
        """
        value = _parsed(data, self._spec.output_media, self._bad_output)
        if self._output is not None:
            self._check(self._output, value, self._bad_output)
        return value

    def check_output(self, data: bytes) -> None:
        """Checks bytes that go out as they are. Raises: GuestFailed."""
        if self._output is not None:
            self.decode(data)

    def _check(self, schema: Schema, value: Any, wrong: _Wrong) -> None:
        try:
            problem = schema.problem(value, timeout_s=self._check_s)
        except SchemaTooSlowError as error:
            raise DeadlineExceeded(
                f"{self._name}: {error}",
                remedy="make the schema or the value smaller",
                limit="timeout_s",
                allowed=self._check_s,
            ) from error
        if problem is not None:
            raise wrong(problem)

    def _bad_input(self, problem: str) -> OmniError:
        remedy = f"see `omnicore plugins show {self._name.partition('.')[0]}`"
        return InvalidInput(f"the input of {self._name} is not valid: {problem}", remedy=remedy)

    def _bad_output(self, problem: str) -> OmniError:
        return GuestFailed(
            f"the output of {self._name} is not what it promises: {problem}",
            remedy="correct the plugin, or the output schema in its manifest",
        )


def _dumps(value: Any, name: str) -> bytes:
    try:
        return _write(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the input of {name} is no JSON value: {error}", remedy="pass bytes, text or a JSON value"
        ) from error


def _utf8(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"the input of {name} is no valid Unicode text", remedy="pass bytes") from error


def _parsed(data: bytes, media: str, wrong: _Wrong) -> Any:
    try:
        if media == _JSON:
            if too_deep(data, _MOST_DEPTH):
                raise wrong(f"it is nested deeper than {_MOST_DEPTH}")
            return _READ(data.decode())
        return data.decode() if media == _TEXT else data
    except UnicodeDecodeError as error:
        raise wrong("it is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise wrong(f"it is no JSON: {error}") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_READ = json.JSONDecoder(parse_constant=_refuse_constant).decode


_ONE = frozenset({"additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"})
_SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_DROPPED = frozenset({"$schema", "$id"})


def embedded(schema: Any, place: str) -> Any:
    """A copy whose `#/...` references begin at `place`; values such as `const` stay as they are.

    >>> embedded({"items": {"$ref": "#/$defs/a"}, "const": {"$ref": "#"}}, "#/x")
    {'items': {'$ref': '#/x/$defs/a'}, 'const': {'$ref': '#'}}
    """
    if not isinstance(schema, Mapping):
        return schema
    return {key: _member(key, value, place) for key, value in schema.items() if key not in _DROPPED}


def _member(key: str, value: Any, place: str) -> Any:
    if key == "$ref" and isinstance(value, str) and value.startswith("#"):
        return place + value[1:]
    if key in _ONE:
        return embedded(value, place)
    if key in _SEVERAL and isinstance(value, list):
        return [embedded(one, place) for one in value]
    if key in _NAMED and isinstance(value, Mapping):
        return {name: embedded(one, place) for name, one in value.items()}
    return value
