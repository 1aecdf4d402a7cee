"""An architecture: a workflow with knobs, the values and edits that make a candidate of it, and what that may reach.

Its cases stand here too: their division, the score of an output, and the proof that one candidate beats another.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal

from omnicore.errors import InvalidInput
from omnicore.evolution.jq_programs import read_program
from omnicore.evolution.js_programs import read_script
from omnicore.records import Meta, Record, field
from omnicore.storage.tables.evolution import Edit, EditKind, Genes
from omnicore.workflows.language.graph import CallTask, EmitTask, ListenTask, RunTask, ScriptTask, WorkflowGraph

if TYPE_CHECKING:
    from omnicore.workflows.language.graph import Node

_MOST_KNOBS, _MOST_VALUES, _MOST_CASES = 32, 200, 2_000

KnobKind = Literal["int", "float", "choice", "jq", "javascript"]
DRAWN = frozenset({"int", "float", "choice"})
"""Kinds of knobs whose values a sampler draws."""


class Knob(Record, frozen=True):
    """A part of the workflow that a search may change. `at` is a JSON pointer into the document.

    A `choice` may be a function such as `text.summarise`, a prompt, or any other JSON value. A `jq` is a program that
    stands in `${ }` there, `javascript` the code of a script.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$(?!\n)")]
    at: Annotated[str, Meta(pattern=r"^(/[^/]*)+$(?!\n)", max_length=1_000)]
    kind: KnobKind
    least: Annotated[float | None, Meta(description="Of a number.")] = None
    most: float | None = None
    values: Annotated[Sequence[Any], Meta(max_length=_MOST_VALUES, description="Of a choice.")] = ()


class EvolutionCase(Record, frozen=True):
    """An input of the workflow and the output that is expected."""

    input: Any = None
    expect: Any = None


class EvolutionJudge(Record, frozen=True):
    """The judge of outputs; a score is from 0 to 1.

    `exact`: the output equals what is expected. `number`: it differs by `tolerance` at most. `function`: a plugin's
    function gets `{input, expect, output}` and returns the score.
    """

    kind: Literal["exact", "number", "function"] = "exact"
    tolerance: Annotated[float, Meta(ge=0)] = 1e-9
    function: Annotated[str, Meta(max_length=200)] = ""


class EvolutionOrder(Record, frozen=True):
    """A search to begin."""

    workflow: Annotated[Any, Meta(description="The definition to begin with: a document, or its YAML text.")]
    cases: Annotated[Sequence[EvolutionCase], Meta(min_length=4, max_length=_MOST_CASES, description="The task set.")]
    knobs: Annotated[Sequence[Knob], Meta(max_length=_MOST_KNOBS)] = ()
    edits: Annotated[
        Sequence[EditKind],
        Meta(description="Changes of the graph that the search may make."),
    ] = ()
    judge: EvolutionJudge = field(default_factory=EvolutionJudge)
    candidates: Annotated[int, Meta(ge=1, le=100_000, description="How many the search makes at most.")] = 200
    case_s: Annotated[float, Meta(gt=0, le=3_600, description="Seconds that a case may take.")] = 10.0
    margin: Annotated[float, Meta(ge=0, le=1, description="The gain that must be exceeded.")] = 0.0
    seed: Annotated[int, Meta(ge=0, lt=2**53)] = 0


def check_order(order: EvolutionOrder, document: Mapping[str, Any]) -> Genes:
    """The genes of the workflow as it was given. Raises: InvalidInput, with `path`."""
    names = [one.name for one in order.knobs]
    if len(set(names)) < len(names):
        raise InvalidInput("two knobs have one name", remedy="rename one of them", path="knobs")
    if not order.knobs and not order.edits:
        raise InvalidInput("the search may change nothing", remedy="give knobs, or edits such as retry", path="knobs")
    if order.judge.kind == "function" and "." not in order.judge.function:
        raise InvalidInput("the judge names no function", remedy="give plugin.function", path="judge.function")
    values = {one.name: _first(one, number, document) for number, one in enumerate(order.knobs)}
    return Genes(values, ())


def _first(knob: Knob, number: int, document: Mapping[str, Any]) -> Any:
    path = f"knobs[{number}]"
    found = value_at(document, knob.at, f"{path}.at")
    if knob.kind == "javascript":
        return _script(knob, found, document, path)
    if knob.kind == "jq":
        text = found.strip() if isinstance(found, str) else ""
        if not (text.startswith("${") and text.endswith("}")):
            raise InvalidInput(f"{knob.at} holds no ${{ }}", remedy="point to an expression", path=f"{path}.at")
        try:
            read_program(text[2:-1])
        except InvalidInput as error:
            raise InvalidInput(f"{knob.at}: {error.fact}", remedy=error.remedy, path=f"{path}.at") from None
        return text[2:-1].strip()
    if knob.kind == "choice":
        if not knob.values:
            raise InvalidInput("the knob has no values", remedy="list them", path=f"{path}.values")
        return found
    if knob.least is None or knob.most is None or not -math.inf < knob.least < knob.most < math.inf:
        raise InvalidInput("the knob has no range", remedy="give least and most, which is more", path=f"{path}.least")
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InvalidInput(f"{knob.at} holds no number", remedy="point to a number", path=f"{path}.at")
    return found


_CODE = "/run/script/code"


def _script(knob: Knob, found: Any, document: Mapping[str, Any], path: str) -> str:
    told = value_at(document, knob.at.removesuffix("/code"), f"{path}.at") if knob.at.endswith(_CODE) else None
    if not isinstance(told, Mapping) or told.get("language") not in ("js", "javascript") or not isinstance(found, str):
        raise InvalidInput(f"{knob.at} holds no JavaScript", remedy=f"point to a script's {_CODE}", path=f"{path}.at")
    try:
        read_script(found)
    except InvalidInput as error:
        raise InvalidInput(f"{knob.at}: {error.fact}", remedy=error.remedy, path=f"{path}.at") from None
    return found


def scripts_of(order: EvolutionOrder, genes: Genes) -> frozenset[str]:
    """The candidate's own scripts as powers: what a script may reach is the same for each, and is nothing."""
    codes = (genes.values[one.name] for one in order.knobs if one.kind == "javascript")
    return frozenset(_script_power("js", code) for code in codes)


def _script_power(language: str, code: str) -> str:
    return f"the {language} script {code[:2_000]}"


# -- making a candidate


def document_with(order: EvolutionOrder, document: Mapping[str, Any], genes: Genes) -> dict[str, Any]:
    """The document of a candidate. Raises: InvalidInput: an edit has no task to change."""
    made: dict[str, Any] = json.loads(json.dumps(document))
    for knob in order.knobs:
        value = genes.values[knob.name]
        _put(made, knob.at, f"${{ {value} }}" if knob.kind == "jq" else value)
    for edit in genes.edits:
        _edit(made, edit)
    return made


_PLAIN_TASK = {"set"}


def example_places(order: EvolutionOrder, document: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Programs whose result is the workflow's own output, by knob: the task's place, and where in the output it stands.

    These are programs in the `set` of the last task, of a workflow that changes nothing before or after it. A function
    that judges may want something else than what is expected, so there are none then.
    """
    last = len(document["do"]) - 1
    ((name, task),) = document["do"][last].items()
    plain = set(task) == _PLAIN_TASK and not {"input", "output"} & set(document)
    if order.judge.kind == "function" or not plain:
        return {}
    begin = f"/do/{last}/{_escaped(name)}/set"
    jq = [one for one in order.knobs if one.kind == "jq"]
    return {one.name: (last, one.at[len(begin) :]) for one in jq if f"{one.at}/".startswith(f"{begin}/")}


def _edit(document: dict[str, Any], edit: Edit) -> None:
    block, at = _block(document, edit.at)
    item = block[at]
    name = next(iter(item), None)
    if name is None or not isinstance(item[name], dict):
        raise _no_task(edit.at)
    match edit.kind:
        case "drop":
            if len(block) < 2:
                raise _no_task(edit.at)
            del block[at]
        case "swap":
            if at + 1 >= len(block):
                raise _no_task(edit.at)
            block[at], block[at + 1] = block[at + 1], block[at]
        case "retry":
            policy = {"backoff": {"exponential": {}}, "delay": {"milliseconds": 10}, "limit": {"attempt": {"count": 3}}}
            block[at] = {name: {"try": [item], "catch": {"retry": policy}}}
        case "catch":
            block[at] = {name: {"try": [item], "catch": {"do": [{"nothing": {"set": "${ null }"}}]}}}
        case "skip":
            item[name]["if"] = "${ . != null }"


def tasks_of(document: Mapping[str, Any]) -> list[str]:
    """Pointers to the tasks of the outermost blocks and of those below, in the order of the document."""
    return list(_tasks(document.get("do"), "/do"))


def _tasks(block: Any, path: str) -> Iterator[str]:
    for at, item in enumerate(block if isinstance(block, list) else ()):
        yield f"{path}/{at}"
        for name, task in item.items() if isinstance(item, Mapping) else ():
            for key in ("do", "try"):
                if isinstance(task, Mapping) and isinstance(task.get(key), list):
                    yield from _tasks(task[key], f"{path}/{at}/{_escaped(name)}/{key}")


def _block(document: dict[str, Any], at: str) -> tuple[list[Any], int]:
    where, _, last = at.rpartition("/")
    block = value_at(document, where, "edits")
    if not isinstance(block, list) or not last.isdecimal() or int(last) >= len(block):
        raise _no_task(at)
    return block, int(last)


def _no_task(at: str) -> InvalidInput:
    return InvalidInput(f"there is no task at {at[:200]} to change", remedy="leave that edit out", path="edits")


def value_at(document: Any, pointer: str, path: str) -> Any:
    """The value at a JSON pointer (RFC 6901). Raises: InvalidInput."""
    found = document
    for step in (one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/")[1:]):
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, Mapping) and step in found:
            found = found[step]
        else:
            raise InvalidInput(f"the workflow has nothing at {pointer[:200]}", remedy="correct the pointer", path=path)
    return found


def _put(document: Any, pointer: str, value: Any) -> None:
    where, _, last = pointer.rpartition("/")
    inside = value_at(document, where, "knobs")
    key = last.replace("~1", "/").replace("~0", "~")
    inside[int(key) if isinstance(inside, list) else key] = value


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


# -- what a workflow may reach


def powers(graph: WorkflowGraph) -> frozenset[str]:
    """Everything outside of the run that its tasks may reach, as words for people."""
    found = {one for node in graph.nodes.values() for one in _powers(node, graph.document)}
    return frozenset(found | {f"the secret {name}" for name in graph.secrets})


def _powers(node: Node, document: Mapping[str, Any]) -> Iterator[str]:
    match node:
        case CallTask(target="plugin" | "connector" | "host" as target, ref=ref):
            yield f"{target} {ref}"
        case CallTask(target=target):
            # The whole request: a candidate that changes a part of it could send something to somebody else.
            request = value_at(document, f"{node.path}/with", "workflow")
            yield f"the {target} request {json.dumps(request, sort_keys=True, ensure_ascii=False)[:2_000]}"
        case RunTask(workflow=name):
            yield f"the workflow {name}"
        case ScriptTask(language=language, code=code):
            yield _script_power(language, code)
        case EmitTask() | ListenTask():
            yield "events"


def granted(order: EvolutionOrder, root: WorkflowGraph) -> frozenset[str]:
    """The powers of the seed, and those that the owner has listed as choices: functions of plugins and connectors."""
    listed = {value for knob in order.knobs if knob.kind == "choice" for value in knob.values if isinstance(value, str)}
    return powers(root) | {f"{target} {value}" for target in ("plugin", "connector") for value in listed}


_PART = 3  # one case of three is held out
_PARTIAL = 0.5
_RESAMPLES = 2_000
_LONGEST = 500


def division(cases: Sequence[EvolutionCase]) -> tuple[list[int], list[int]]:
    """The indexes of the cases for training, and of those that are held out: by the hash of each case.

    A case stays on its side when others are added. Equal cases are on the same side. Both sides have one at least.
    """
    hashes = [_hash(one) for one in cases]
    held = [at for at, found in enumerate(hashes) if found % _PART == 0]
    if not held or len(held) == len(cases):
        held = [hashes.index(min(hashes))]
    return [at for at in range(len(cases)) if at not in set(held)], held


def _hash(case: EvolutionCase) -> int:
    text = json.dumps([case.input, case.expect], sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def score(judge: EvolutionJudge, expected: Any, output: Any) -> float:
    """1.0 where the output is what is expected, and at most half of that where it only resembles it."""
    if same(expected, output, judge.tolerance if judge.kind == "number" else 0.0):
        return 1.0
    return _PARTIAL * likeness(expected, output)


def same(expected: Any, output: Any, tolerance: float) -> bool:
    """Equal as JSON values; numbers may differ by the tolerance."""
    if isinstance(expected, bool) or isinstance(output, bool):
        return expected is output
    if isinstance(expected, int | float) and isinstance(output, int | float):
        return bool(abs(expected - output) <= tolerance)
    if isinstance(expected, list) and isinstance(output, list):
        pairs = zip(expected, output, strict=False)
        return len(expected) == len(output) and all(same(*pair, tolerance) for pair in pairs)
    if isinstance(expected, Mapping) and isinstance(output, Mapping):
        return expected.keys() == output.keys() and all(same(expected[k], output[k], tolerance) for k in expected)
    return bool(type(expected) is type(output) and expected == output)


def likeness(expected: Any, output: Any) -> float:
    """The resemblance of two JSON values, 0 to 1: a slope for the search to climb, no measure of quality."""
    if isinstance(expected, bool) or isinstance(output, bool) or expected is None or output is None:
        return float(expected is output)
    if isinstance(expected, int | float) and isinstance(output, int | float):
        return 0.2 + 0.8 / (1 + abs(expected - output))
    if isinstance(expected, str) and isinstance(output, str):
        return 0.2 + 0.8 * SequenceMatcher(None, expected[:_LONGEST], output[:_LONGEST], autojunk=False).ratio()
    if isinstance(expected, list) and isinstance(output, list):
        pairs = list(zip(expected, output, strict=False))[:_LONGEST]
        longest = max(len(expected), len(output))
        return 0.2 + 0.8 * (sum(likeness(*pair) for pair in pairs) / longest if longest else 1.0)
    if isinstance(expected, Mapping) and isinstance(output, Mapping):
        names = sorted({*expected, *output})[:_LONGEST]
        found = sum(likeness(expected[name], output[name]) for name in names if name in expected and name in output)
        return 0.2 + 0.8 * (found / len(names) if names else 1.0)
    return 0.0


def lower_bound(gains: Sequence[float], seed: int) -> float:
    """The 2.5th percentile of the mean gain over paired bootstrap samples; the mean itself for one case.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    chance, count = Random(seed), len(gains)  # noqa: S311  # statistics, and the same for the same seed
    means = sorted(sum(chance.choices(gains, k=count)) / count for _ in range(_RESAMPLES))
    return means[int(_RESAMPLES * 0.025)]
