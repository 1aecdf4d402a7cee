"""`expected.json`: calls of a plugin in order, and what each of them has to give.

A list of cases:

```
{"function": "greet", "input": {"name": "Ada"}, "output": {"greeting": "Hello, Ada!"}, "fuel": 90000}
```

| key | |
|---|---|
| `function` | which is called |
| `input` | a JSON value, or text where the function takes text; `{"base64": "..."}` for bytes; left out: nothing |
| `output` | what comes back, equal to the last digit; bytes that are no text as `{"base64": "..."}` |
| `output_schema` | instead: a JSON Schema it has to fit, for what differs from run to run |
| `error` | instead: the call fails, and this is a part of what it says |
| `fuel` | the most instructions it may take |
| `timeout_s` | the longest it may take, instead of the plugin's own limit |
| `settings` | the plugin's settings: the case runs on a host of its own that has them |

Cases without `settings` share one host, so that one sees what those before it stored.
"""

from __future__ import annotations

import base64
import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from omnicore.errors import InvalidInput, NotFound, OmniError
from omnicore.plugins.schemas import Schema, problems_of_schema
from omnicore.testing.trial import PluginTrial, Subject, trial
from omnicore.texts import too_deep

FILE = "expected.json"
_KEYS = frozenset({"function", "input", "output", "output_schema", "error", "fuel", "timeout_s", "settings"})
_PROMISES = ("output", "output_schema", "error")
_WIDTH = 116
_DEPTH = 200
_HEADROOM = 1.25  # a guest that asks for random bytes or the time does not always take the same way
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class Case:
    """One call. `promise` is the key that says what has to come of it; "" for one that was not written yet."""

    function: str
    input: Any = b""
    promise: str = ""
    expected: Any = None
    fuel: int | None = None
    timeout_s: float | None = None
    settings: Mapping[str, Any] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a case: `problem` is empty when it passed, `diff` shows where an output differs.

    Units: `took_s` seconds, `fuel` instructions, None where the guest was not reached.
    """

    case: Case
    problem: str = ""
    diff: str = ""
    output: Any = _NOTHING
    error: str = ""
    took_s: float = 0.0
    fuel: int | None = None

    @property
    def passed(self) -> bool:
        """True when the plugin did what the case says."""
        return not self.problem

    def to_json(self) -> dict[str, Any]:
        """The result as `-o json` shows it."""
        came = {"error": self.error} if self.error else {"output": self.output}
        return {
            "function": self.case.function,
            "passed": self.passed,
            "problem": self.problem,
            **came,
            "fuel": self.fuel,
            "ms": round(self.took_s * 1000, 3),
        }


def read_cases(path: Path) -> list[Case]:
    """The cases of a file. Raises: NotFound; InvalidInput: with the case and what is wrong with it."""
    try:
        values = _read(path.read_bytes())
    except OSError as cause:
        raise NotFound(
            f"{path} cannot be read ({cause.strerror})",
            remedy='write cases such as [{"function": "shout", "input": "hello", "output": "HELLO"}]',
        ) from cause
    except ValueError as cause:
        raise InvalidInput(f"{path} is no JSON: {cause}", remedy="correct the file") from cause
    if not isinstance(values, list) or not values:
        raise InvalidInput(f"{path} is no list of cases", remedy='write [{"function", "input", "output"}, ...]')
    return [_case(one, f"{path.name}, case {number}") for number, one in enumerate(values, 1)]


def _read(data: bytes) -> Any:
    if too_deep(data, _DEPTH):
        raise ValueError(f"it is nested deeper than {_DEPTH}")
    return json.loads(data.decode())


def run_cases(
    subject: Subject, cases: Sequence[Case], *, cache: Path | None = None, network: bool = True
) -> Iterator[Result]:
    """Runs the cases in order and yields what came of each.

    Args:
        cache: where compiled code is kept; None compiles anew.
        network: as for `trial`.

    Raises: Unavailable: the plugin cannot be served.
    """
    with trial(subject, cache=cache, network=network) as shared:
        for case in cases:
            if case.settings is None:
                yield run_case(shared, case)
            else:
                with trial(subject, settings=case.settings, cache=cache, network=network) as own:
                    yield run_case(own, case)


def run_case(on: PluginTrial, case: Case) -> Result:
    """Makes one call and compares."""
    started = perf_counter()
    output, error = _NOTHING, ""
    try:
        output = _shown(on.call(case.function, case.input, timeout_s=case.timeout_s))
    except OmniError as failure:
        error = str(failure)
    took_s, fuel = perf_counter() - started, on.usage.fuel
    problem, diff = _compared(case, output, error)
    if not problem and case.fuel is not None and (fuel or 0) > case.fuel:
        problem = f"took {fuel} fuel where {case.fuel} is the most"
    return Result(case, problem, diff, output, error, took_s, fuel)


def updated(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The cases as documents again, with what was observed where that differs, and with a bound on the fuel."""
    return [_updated(result) for result in results]


def written(cases: Sequence[Mapping[str, Any]]) -> str:
    """The cases as the text of a file: one on a line where it fits."""
    return "[\n" + ",\n".join(f"  {_written(case)}" for case in cases) + "\n]\n"


def _case(values: Any, place: str) -> Case:
    for fact in _wrong(values):
        raise InvalidInput(f"{place}: {fact}", remedy=f"a case has {', '.join(sorted(_KEYS))}")
    promise = next((key for key in _PROMISES if key in values), "")
    return Case(
        function=values["function"],
        input=_input(values.get("input", b"")),
        promise=promise,
        expected=values.get(promise),
        fuel=values.get("fuel"),
        timeout_s=values.get("timeout_s"),
        settings=values.get("settings"),
        values=values,
    )


def _wrong(values: Any) -> Iterator[str]:
    if not isinstance(values, dict) or not isinstance(values.get("function"), str):
        yield "is no object with the name of a function"
        return
    for key in values:
        if key not in _KEYS:
            close = difflib.get_close_matches(key, _KEYS, n=1)
            yield f"{key!r} is no known key" + (f"; did you mean {close[0]!r}?" if close else "")
    if sum(key in values for key in _PROMISES) > 1:
        yield f"has more than one of {', '.join(_PROMISES)}"
    if not isinstance(values.get("error", ""), str):
        yield "`error` is no text"
    if _is_blob(values.get("input")) and not _is_base64(values["input"]["base64"]):
        yield "`input` holds no standard base64 with padding"
    if not isinstance(values.get("settings", {}), dict):
        yield "`settings` is no object"
    for key in ("fuel", "timeout_s"):
        number = values.get(key, 1)
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < math.inf:
            yield f"`{key}` is no number above 0"
    for path, message in problems_of_schema(values.get("output_schema", {}), timeout_s=1.0):
        yield f"`output_schema`: {'.'.join(map(str, path))} {message}"


def _input(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if _is_blob(value) else value


def _is_blob(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str)


def _is_base64(text: str) -> bool:
    try:
        return base64.b64decode(text, validate=True) is not None
    except ValueError:
        return False


def _shown(value: Any) -> Any:
    """An output as a case holds it."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _compared(case: Case, output: Any, error: str) -> tuple[str, str]:
    """The problem and the difference, as text."""
    if case.promise == "error":
        if not error:
            return f"answered where it should fail with {case.expected!r}", _lines(output)
        return ("", "") if case.expected in error else ("failed with something else", _diff(case.expected, error))
    if error:
        return "failed", error
    if case.promise == "output_schema":
        wrong = Schema(case.expected).problem(output, timeout_s=1.0)
        return (f"does not fit the schema: {wrong}", _lines(output)) if wrong else ("", "")
    if case.promise == "output":
        return ("", "") if _same(case.expected, output) else ("answered something else", _diff(case.expected, output))
    return "says not what is expected; --update writes it", _lines(output)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON values: unlike in Python true is not 1, and numbers are compared to the last digit or so."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and math.isclose(one, other, rel_tol=1e-12)
    return type(one) is type(other) and bool(one == other)


def _diff(expected: Any, came: Any) -> str:
    before, after = (_lines(value).splitlines() for value in (expected, came))
    lines = list(difflib.unified_diff(before, after, "expected", "came", lineterm="", n=2))
    return "\n".join(line for line in lines if not line.startswith("@@"))


def _lines(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _updated(result: Result) -> dict[str, Any]:
    values = dict(result.case.values)
    if not result.passed and not (result.case.promise and result.problem.startswith("took")):
        for key in _PROMISES:
            values.pop(key, None)
        values |= {"error": result.error} if result.error else {"output": result.output}
    values.pop("fuel", None)
    if result.fuel:
        values["fuel"] = _rounded_up(result.fuel * _HEADROOM)
    return values


def _rounded_up(number: float) -> int:
    """To two digits: a budget is no measurement."""
    digit: int = 10 ** max(0, len(str(int(number))) - 2)
    return math.ceil(number / digit) * digit


def _written(value: Any, indent: str = "  ") -> str:
    """JSON on one line where it fits, else an entry on a line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= _WIDTH or not value or not isinstance(value, dict | list):
        return line
    inner = f"{indent}  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {_written(one, inner)}" for key, one in value.items()]
    else:
        parts = [_written(one, inner) for one in value]
    marks = "{}" if isinstance(value, dict) else "[]"
    return f"{marks[0]}\n" + ",\n".join(f"{inner}{part}" for part in parts) + f"\n{indent}{marks[1]}"
