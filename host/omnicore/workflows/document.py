"""A workflow's text, read, checked and made into its graph.

    document = read_document(text)   # plain JSON values and where each of them stands
    graph = compile_graph(document)  # or WorkflowInvalid with everything that is wrong
    problems = check(text)           # the same, as values for editors

Source: CNCF Serverless Workflow DSL 1.0.3 and the dialect of specs/workflow.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.workflows.graph import Graph
from omnicore.workflows.language.compiling import graph_of
from omnicore.workflows.language.plain import plain
from omnicore.workflows.language.problems import Problem, Report
from omnicore.workflows.language.reading import Document, document_of, read
from omnicore.workflows.language.values import canonical, digest_of

__all__ = ["Document", "Problem", "canonical", "check", "compile_graph", "digest_of", "plain", "read_document"]


def read_document(text: str) -> Document:
    """The document of a text in YAML 1.2 or JSON. Raises: WorkflowInvalid: it is neither, or over a limit."""
    report = Report()
    document = read(text, report)
    if document is None:
        raise report.invalid()
    return document


def compile_graph(document: Mapping[str, Any] | Document) -> Graph:
    """The graph of a definition. Raises: WorkflowInvalid with every problem there is."""
    report = Report()
    given = document if isinstance(document, Document) else Document(document)
    own = document_of(given, report)
    graph = graph_of(own.value, report) if own else None
    if graph is None:
        raise report.invalid()
    return graph


def check(text: str) -> Sequence[Problem]:
    """Everything that is wrong with a text, errors and warnings, in the order of its lines. Raises nothing."""
    report = Report()
    document = read(text, report)
    if document is not None:
        graph_of(document.value, report)
    return report.ordered()
