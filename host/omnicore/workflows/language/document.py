"""A workflow document: read, checked and compiled into its graph.

    document = read_document(text)   # plain JSON values and their positions
    graph = compile_graph(document)  # or WorkflowInvalid with every problem found
    problems = check(text)           # the same, as values for editors

Source: CNCF Serverless Workflow DSL 1.0.3 and the dialect of specs/workflow.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.jobs.ticks import ticks_of
from omnicore.workflows.expressions.expression import CompiledValue, expression
from omnicore.workflows.language.builder import (
    Build,
    StopCompilingError,
    authentication_of,
    check_extensions,
    check_shape,
    data_of,
    marked,
    retry_of,
    timeout_of,
)
from omnicore.workflows.language.graph import DoTask, HostSection, WorkflowGraph
from omnicore.workflows.language.tasks import block_of, filter_of, filters_of, node_of, strategy_of
from omnicore.workflows.language.text import (
    Diagnostic,
    Path,
    Report,
    SourceText,
    canonical,
    digest_of,
    document_of,
    read,
)

__all__ = [
    "Diagnostic",
    "SourceText",
    "canonical",
    "check",
    "compile_graph",
    "digest_of",
    "graph_of",
    "host_of",
    "plain",
    "read_document",
]


_EVERYTHING = '"all"'
"""The key of all runs, where `concurrency` has none of its own."""
_LONGEST_ANSWER_S = 60.0


def host_of(build: Build, document: Mapping[str, Any]) -> HostSection:
    """The host's part of a workflow."""
    host: Mapping[str, Any] = document.get("host", {})
    path: Path = ("host",)
    concurrency, rate, dedupe, keep = (host.get(key, {}) for key in ("concurrency", "rate", "dedupe", "keep"))
    triggers = [
        *_scheduled(build, document.get("schedule", {})),
        *(_trigger(build, one, (*path, "triggers", index)) for index, one in enumerate(host.get("triggers", ()))),
    ]
    return HostSection(
        triggers=tuple(triggers),
        concurrency_key=_concurrency_key(build, concurrency, (*path, "concurrency", "key")),
        concurrency_most=concurrency.get("most"),
        concurrency_full=concurrency.get("full", "wait"),
        rate=(rate["starts"], build.seconds(rate["per"], (*path, "rate", "per"), least=0.001)) if rate else None,
        dedupe_key=build.expression(dedupe["key"], (*path, "dedupe", "key")) if dedupe else None,
        dedupe_s=_seconds(build, dedupe, "within", (*path, "dedupe")) or 86_400.0,
        priority=host.get("priority", 4),
        keep_s=_seconds(build, keep, "for", (*path, "keep")),
        keep_failed_s=_seconds(build, keep, "failedFor", (*path, "keep")),
        keep_most=keep.get("most"),
    )


def _seconds(build: Build, value: Mapping[str, Any], key: str, path: Path) -> float | None:
    return build.seconds(value[key], (*path, key)) if key in value else None


def _concurrency_key(build: Build, value: Mapping[str, Any], path: Path) -> CompiledValue | None:
    if not value:
        return None
    return build.expression(value["key"], path) if "key" in value else expression(_EVERYTHING)


def _scheduled(build: Build, schedule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for key, value in schedule.items():
        path: Path = ("schedule", key)
        if key == "on":
            found.append({"kind": "event", "input": None, **_events(build, value, path)})
        elif key == "cron":
            found.append({**_cron(build, {"cron": value}, path[:1]), "input": None})
        elif key == "every":
            every = build.seconds(value, path, least=1.0)
            found.append({"kind": "every", "every": every, "missed": "one", "input": None})
        else:
            found.append({"kind": "after", "after": build.seconds(value, path), "input": None})
    return found


def _trigger(build: Build, value: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    given = build.template(value["input"], (*path, "input")) if "input" in value else None
    if "cron" in value:
        return {**_cron(build, value, path), "input": given}
    if "every" in value:
        every = build.seconds(value["every"], (*path, "every"), least=1.0)
        return {"kind": "every", "every": every, "missed": value.get("missed", "one"), "input": given}
    if "webhook" in value:
        return {**_webhook(build, value, path), "input": given}
    if "connector" in value:
        event = value.get("event", "*")
        return {"kind": "connector", "connector": value["connector"], "event": event, "input": given}
    within = _seconds(build, value, "within", path)
    spread = {} if within is None else {"within": within}
    return {"kind": "event", "input": given, **_events(build, value["event"], (*path, "event")), **spread}


def _cron(build: Build, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    cron, timezone = value["cron"], value.get("timezone", "UTC")
    try:
        ticks_of("cron", cron, timezone, 0.0)
    except InvalidInput as error:
        wrong = "timezone" if "time zone" in error.fact else "cron"
        build.report.error((*path, wrong), error.fact, error.remedy)
    return {"kind": "cron", "cron": cron, "timezone": timezone, "missed": value.get("missed", "one")}


def _webhook(build: Build, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    wait_s = _seconds(build, value, "timeout", path)
    if wait_s is not None and wait_s > _LONGEST_ANSWER_S:
        fact = f"nobody waits longer than {_LONGEST_ANSWER_S:g} s for an answer"
        build.report.error((*path, "timeout"), fact, "give a shorter time, or `respond: accepted`")
    respond = value.get("respond", "accepted")
    return {"kind": "webhook", "webhook": value["webhook"], "respond": respond, "timeout": wait_s or 30.0}


def _events(build: Build, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    if "with" in value:
        return {"mode": "one", "filters": (filter_of(build, value, path),)}
    return {"mode": strategy_of(value), "filters": filters_of(build, value, path)}


_CATALOGS = "put the functions into `use.functions`, or call plugins as plugin.function"


def graph_of(document: Mapping[str, Any], report: Report) -> WorkflowGraph | None:
    """The graph of a document of plain JSON values; None, once it is reported what is wrong."""
    build = Build(report)
    document = _supported(document, report)
    try:
        if check_shape("", document, (), report):
            graph = _compiled(build, document)
            return None if report.errors else graph
        _looked_into(build, document)
    except StopCompilingError:
        pass  # the report says why
    return None


def _supported(document: Mapping[str, Any], report: Report) -> Mapping[str, Any]:
    """The document without what is not supported, once that is reported."""
    found = dict(document)
    use, mode = found.get("use"), found.get("evaluate")
    if isinstance(use, Mapping) and "catalogs" in use:
        report.error(("use", "catalogs"), "catalogs from outside are not supported", _CATALOGS)
        found["use"] = {key: value for key, value in use.items() if key != "catalogs"}
    if isinstance(mode, Mapping) and mode.get("mode") == "loose":
        report.error(("evaluate", "mode"), "`loose` is not supported", "use `strict`, and write expressions in ${ }")
        found["evaluate"] = {}
    return found


def _looked_into(build: Build, document: Mapping[str, Any]) -> None:
    """Problems in the tasks of a document that has other errors: valid parts of `use` count."""
    use = document.get("use")
    if isinstance(use, Mapping) and check_shape("use", use, ("use",), Report()):
        build.use = use
    block_of(build, document.get("do"), ("do",))


def _compiled(build: Build, document: Mapping[str, Any]) -> WorkflowGraph:
    build.use = document.get("use", {})
    _check_use(build)
    about = document["document"]
    name: str = about["name"]
    block = block_of(build, document["do"], ("do",))
    root = DoTask("", name, "do", data_of(build, document, ()), block=block)
    timeout_s = timeout_of(build, document.get("timeout"), ("timeout",))
    host = host_of(build, document)
    _check_steps(build)
    return WorkflowGraph(
        name=name,
        namespace=about["namespace"],
        version=about["version"],
        document=document,
        digest=digest_of(document),
        root=root,
        host=host,
        timeout_s=timeout_s,
        secrets=tuple(dict.fromkeys(build.use.get("secrets", ()))),
        simple=build.simple,
        nodes=build.nodes,
    )


def _check_use(build: Build) -> None:
    """Checks declarations that nothing uses as well."""
    kept = build.simple
    for name, timeout in build.use.get("timeouts", {}).items():
        build.duration(timeout["after"], ("use", "timeouts", name, "after"))
    with build.within(variables=build.variables | {"error"}):
        for name, retry in build.use.get("retries", {}).items():
            retry_of(build, retry, ("use", "retries", name))
    for name, policy in build.use.get("authentications", {}).items():
        path: Path = ("use", "authentications", name)
        authentication_of(build, policy, path)
        build.template(policy, path)
    for name, error in build.use.get("errors", {}).items():
        build.template(error, ("use", "errors", name))
    for name, function in build.use.get("functions", {}).items():
        with build.within(nodes={}, functions=(name,)):
            node_of(build, name, function, ("use", "functions", name))
    check_extensions(build, block_of)
    build.simple = kept


def _check_steps(build: Build) -> None:
    known = {node.name for node in build.nodes.values()}
    for path, name in build.mentioned:
        if name not in known:
            remedy = build.report.closest(name, known, otherwise="use the name of a task")
            build.report.warning(path, f"`$steps.{name}` is not the output of a task", remedy)


_BLOCKS = ("do", "try")
_ASKED = "omnicore.approval.asked"
_DECIDED = "omnicore.approval.decided"


def plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without `host`: it counts as plain DSL 1.0.3, and other engines can read it.

    An approval becomes an event that asks and one that is waited for. Triggers beside `schedule`, limits, retention,
    compensation and what tasks have in `host` are not in it.
    """
    found = {key: value for key, value in document.items() if key != "host"}
    found["do"] = _block(document["do"])
    use = document.get("use")
    if isinstance(use, Mapping):
        found["use"] = _use(use)
    return found


def _use(use: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(use)
    if "functions" in use:
        found["functions"] = {name: _task(task) for name, task in use["functions"].items()}
    if "extensions" in use:
        found["extensions"] = [
            {name: _blocks(one, ("before", "after")) for name, one in item.items()} for item in use["extensions"]
        ]
    return found


def _block(block: Any) -> list[Any]:
    return [{name: _task(task) for name, task in item.items()} for item in block]


def _blocks(value: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: _block(part) if key in keys else part for key, part in value.items()}


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    host: Mapping[str, Any] = task.get("host", {})
    found = _blocks({key: part for key, part in task.items() if key != "host"}, _BLOCKS)
    if "fork" in found:
        found["fork"] = _blocks(found["fork"], ("branches",))
    for key in ("catch", "foreach"):
        if key in found:
            found[key] = _blocks(found[key], ("do",))
    if "approval" in host:
        found["do"] = _asking(host["approval"])
    elif "until" in host and "wait" not in found:
        found["wait"] = "PT0S"
    if "run" in found and "workflow" in found["run"]:
        filled = {"namespace": "default", "version": "latest", **found["run"]["workflow"]}
        found["run"] = {**found["run"], "workflow": filled}
    return _with_object(found) if "call" in found else found


def _asking(approval: Mapping[str, Any]) -> list[Any]:
    data = {key: approval[key] for key in ("title", "text", "form", "role") if key in approval}
    event = {"source": "omnicore:workflow", "type": _ASKED, "data": data}
    decided: dict[str, Any] = {"listen": {"to": {"one": {"with": {"type": _DECIDED}}}}}
    if "deadline" in approval:
        decided["timeout"] = {"after": approval["deadline"]}
    return [{"asked": {"emit": {"event": {"with": event}}}}, {"decided": decided}]


def _with_object(task: dict[str, Any]) -> dict[str, Any]:
    """The DSL hands functions an object; another value becomes the task's input, which they are then called with."""
    given = task.get("with", {})
    if isinstance(given, Mapping):
        return task
    rest = {key: part for key, part in task.items() if key != "with"}
    if "from" in task.get("input", {}) or not isinstance(given, str):
        return {**rest, "with": {"input": given}}
    text = given if marked(given) else json.dumps(given)  # a bare text would be read as an expression there
    return {**rest, "input": {**task.get("input", {}), "from": text}}


def read_document(text: str) -> SourceText:
    """The document of a text in YAML 1.2 or JSON. Raises: WorkflowInvalid: it is neither, or over a limit."""
    report = Report()
    document = read(text, report)
    if document is None:
        raise report.invalid()
    return document


def compile_graph(document: Mapping[str, Any] | SourceText) -> WorkflowGraph:
    """The graph of a definition. Raises: WorkflowInvalid with every problem there is."""
    report = Report()
    given = document if isinstance(document, SourceText) else SourceText(document)
    own = document_of(given, report)
    graph = graph_of(own.value, report) if own else None
    if graph is None:
        raise report.invalid()
    return graph


def check(text: str) -> Sequence[Diagnostic]:
    """Everything that is wrong with a text, errors and warnings, in the order of its lines. Raises nothing."""
    report = Report()
    document = read(text, report)
    if document is not None:
        graph_of(document.value, report)
    return report.ordered()
