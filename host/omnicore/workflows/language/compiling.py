"""A document to its graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.workflows.graph import Do, Graph
from omnicore.workflows.language.build import Build, StopCompilingError
from omnicore.workflows.language.extending import check_extensions
from omnicore.workflows.language.hosting import host_of
from omnicore.workflows.language.policies import authentication_of, data_of, retry_of, timeout_of
from omnicore.workflows.language.problems import Path, Report
from omnicore.workflows.language.shapes import check_shape
from omnicore.workflows.language.tasks import block_of, node_of
from omnicore.workflows.language.values import digest_of

__all__ = ["graph_of"]

_CATALOGS = "put the functions into `use.functions`, or call plugins as plugin.function"


def graph_of(document: Mapping[str, Any], report: Report) -> Graph | None:
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
    """What is wrong with the tasks of a document that is wrong elsewhere: `use` counts as far as it is sound."""
    use = document.get("use")
    if isinstance(use, Mapping) and check_shape("use", use, ("use",), Report()):
        build.use = use
    block_of(build, document.get("do"), ("do",))


def _compiled(build: Build, document: Mapping[str, Any]) -> Graph:
    build.use = document.get("use", {})
    _check_use(build)
    about = document["document"]
    name: str = about["name"]
    block = block_of(build, document["do"], ("do",))
    root = Do("", name, "do", data_of(build, document, ()), block=block)
    timeout_s = timeout_of(build, document.get("timeout"), ("timeout",))
    host = host_of(build, document)
    _check_steps(build)
    return Graph(
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
    """What is declared and may be used by nothing is checked as well."""
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
            build.report.warning(path, f"`$steps.{name}` is the output of no task", remedy)
