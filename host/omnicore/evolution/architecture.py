"""An architecture: a workflow with knobs, the values and edits that make a candidate of it, and what that may reach.

Its cases stand here too: their division, the score of an output, and the proof that one candidate beats another.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal

from omnicore.errors import InvalidInput
from omnicore.evolution.jq_programs import read_program
from omnicore.evolution.js_programs import read_script
from omnicore.evolution.reflection import LARGEST_QUESTION, REFLECTED, EvolutionModel
from omnicore.records import Meta, Record, field
from omnicore.storage.tables.evolution import Edit, EditKind, Genes
from omnicore.workflows.language.graph import CallTask, EmitTask, ListenTask, RunTask, ScriptTask, WorkflowGraph

if TYPE_CHECKING:
    from omnicore.workflows.language.graph import Node

_MOST_KNOBS, _MOST_VALUES, _MOST_CASES = 32, 200, 2_000

KnobKind = Literal["int", "float", "choice", "jq", "javascript", "text"]
DRAWN = frozenset({"int", "float", "choice"})
"""Kinds of knobs whose values a sampler draws."""


class Knob(Record, frozen=True):
    """A part of the workflow that a search may change. `at` is a JSON pointer into the document.

    A `choice` may be a function such as `text.summarise`, a prompt, or any other JSON value. A `jq` is a program that
    stands in `${ }` there, `javascript` the code of a script. A `text`, such as a prompt, is written by a model alone.
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


class EvolutionCanary(Record, frozen=True):
    """The trial of a promoted candidate on real runs. It is taken back when it fails more often than before."""

    share: Annotated[int, Meta(ge=1, le=99, description="Per cent of the runs.")] = 10
    runs: Annotated[int, Meta(ge=1, le=1_000, description="Of its runs that end before it may serve all.")] = 50


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
    model: Annotated[EvolutionModel | None, Meta(description="Proposes candidates as well; null: none is asked.")] = (
        None
    )
    objectives: Annotated[
        Sequence[Literal["quality", "cost"]],
        Meta(min_length=1, max_length=2, description="With `cost`, what is as good and does less is proposed as well."),
    ] = ("quality",)
    sampler: Annotated[Literal["tpe", "nsga2"], Meta(description="Optuna's, which draws numbers and choices.")] = "tpe"
    policy_steps: Annotated[
        int,
        Meta(ge=0, le=1_000, description="Of PPO after eight candidates, to learn who proposes; 0: wins are counted."),
    ] = 0
    promotion: Annotated[
        EvolutionCanary | None,
        Meta(description="Promotes what is proposed by itself, with a trial; null: a person does."),
    ] = None
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
    _check_proposers(order)
    if order.judge.kind == "function" and "." not in order.judge.function:
        raise InvalidInput("the judge names no function", remedy="give plugin.function", path="judge.function")
    values = {one.name: _first(one, number, document) for number, one in enumerate(order.knobs)}
    return Genes(values, ())


def _check_proposers(order: EvolutionOrder) -> None:
    """Refuses what would be given and not used. Raises: InvalidInput."""
    kinds = {one.kind for one in order.knobs}
    if len(set(order.objectives)) < len(order.objectives) or "quality" not in order.objectives:
        raise InvalidInput(
            "the objectives are not quality, or quality and cost", remedy="give these", path="objectives"
        )
    if order.sampler == "nsga2" and not kinds & DRAWN:
        raise InvalidInput("there is nothing to sample", remedy="give a number or a choice as knob", path="sampler")
    if order.sampler == "nsga2" and "cost" not in order.objectives:
        raise InvalidInput("nsga2 is for two objectives", remedy="add cost to objectives, or use tpe", path="sampler")
    if order.model is None and "text" in kinds:
        at = next(at for at, one in enumerate(order.knobs) if one.kind == "text")
        raise InvalidInput("only a model writes a text", remedy="name one in `model`", path=f"knobs[{at}].kind")
    if order.model is not None and not kinds & REFLECTED:
        kinds_ = ", ".join(sorted(REFLECTED))
        raise InvalidInput("there is nothing to ask the model about", remedy=f"give a knob: {kinds_}", path="model")
    if order.model is not None and order.model.tokens < LARGEST_QUESTION + order.model.answer_tokens:
        least = LARGEST_QUESTION + order.model.answer_tokens
        raise InvalidInput("the tokens are too few for a question", remedy=f"give {least} or more", path="model.tokens")


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
    if knob.kind == "text":
        if not isinstance(found, str) or "${" in found or not _LITERAL.fullmatch(knob.at):
            raise InvalidInput(
                f"{knob.at} holds no plain text",
                remedy="point to a text without ${ } that is a member of `set` or `with`",
                path=f"{path}.at",
            )
        return found
    if knob.kind == "choice":
        if not knob.values:
            raise InvalidInput("the knob has no values", remedy="list them", path=f"{path}.values")
        return found
    if knob.least is None or knob.most is None or not -math.inf < knob.least < knob.most < math.inf:
        raise InvalidInput("the knob has no range", remedy="give least and most, which is more", path=f"{path}.least")
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InvalidInput(f"{knob.at} holds no number", remedy="point to a number", path=f"{path}.at")
    return found


_LITERAL = re.compile(r"/do/\d+/[^/]+(?:/(?:do|try)/\d+/[^/]+)*/(?:set|with)/.+")
"""Places where a text is a text; in others one without `${ }` is a program too."""
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
        case "merge":
            block[at : at + 2] = [_merged(block[at : at + 2], edit.at)]
        case "cache":
            earlier = next((one for one in block[:at] if list(one.values()) == [item[name]]), None)
            word = next(iter(earlier or {}), "")
            if not _PLAIN_NAME.fullmatch(word) or set(item[name]) <= _PLAIN_TASK:
                raise _no_task(edit.at)
            block[at] = {name: {"set": f"${{ $steps.{word}.output }}"}}
        case "skip":
            item[name]["if"] = "${ . != null }"


_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def _merged(pair: Sequence[Any], at: str) -> dict[str, Any]:
    """Two tasks that only set their output as one, whose programs take what the first one's give."""
    if len(pair) < 2 or not all(isinstance(one, Mapping) and len(one) == 1 for one in pair):
        raise _no_task(at)
    ((_, first),), ((name, second),) = pair[0].items(), pair[1].items()
    if not all(isinstance(one, Mapping) and set(one) == _PLAIN_TASK for one in (first, second)):
        raise _no_task(at)
    given = _program(first["set"], at)

    def after(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: after(one) for key, one in value.items()}
        if isinstance(value, list):
            return [after(one) for one in value]
        text = _expression(value, at)
        return value if text is None else f"${{ ({given}) | ({text}) }}"

    return {name: {"set": after(second["set"])}}


def _program(value: Any, at: str) -> str:
    """A value with expressions in it as one jq program."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: ({_program(one, at)})" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(f"({_program(one, at)})" for one in value) + "]"
    text = _expression(value, at)
    return json.dumps(value) if text is None else f"({text})"


def _expression(value: Any, at: str) -> str | None:
    """The program of an expression; None where it is none. Variables mean something else in another task."""
    if not isinstance(value, str) or "$" not in value:
        return None
    text = value.strip()
    if not (text.startswith("${") and text.endswith("}")) or "$" in text[2:]:
        raise _no_task(at)
    return text[2:-1].strip()


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


_Z = 1.96


def verdict(runs: int, failed: int, runs_before: int, failed_before: int, wanted: int) -> str | None:
    """The verdict on a candidate that is tried: "" it may serve all, a reason to take it back, or None: not yet.

    It is taken back early when it surely fails more often (Newcombe's interval of Wilson scores lies below zero), and
    in the end when it fails more often at all.
    """
    words = f"{failed} of its {runs} runs failed, and {failed_before} of {runs_before} of the version before"
    if runs and runs_before and _wilson(runs, failed)[0] > _wilson(runs_before, failed_before)[1]:
        return words
    if runs < wanted:
        return None
    return words if failed * max(runs_before, 1) > failed_before * runs else ""


def _wilson(runs: int, failed: int) -> tuple[float, float]:
    """The interval of a share, with 95 % confidence; everything where there are no runs."""
    if not runs:
        return 0.0, 1.0
    share, square = failed / runs, _Z * _Z
    middle, wide = share + square / (2 * runs), _Z * math.sqrt(share * (1 - share) / runs + square / (4 * runs * runs))
    return (middle - wide) / (1 + square / runs), (middle + wide) / (1 + square / runs)


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
