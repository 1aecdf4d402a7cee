"""specs/workflow.md: each of its examples is a workflow, and it names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.workflows.language.texts import HEAD

from omnicore.workflows.language.builder import schema
from omnicore.workflows.language.document import check
from omnicore.workflows.language.palette import VERBS
from omnicore.workflows.language.tasks import KINDS

PAGE = (Path(__file__).parents[3] / "specs" / "workflow.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_page_has_examples():
    assert len(SNIPPETS) >= 5


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_an_example_has_no_problems(snippet):
    if snippet.startswith("- "):
        snippet = HEAD + snippet
    elif not snippet.startswith("document:"):
        snippet = HEAD.replace("do:\n", snippet) + "do: [{a: {set: {b: 1}}}]\n"

    assert check(snippet) == ()


@pytest.mark.parametrize(
    "name", [*KINDS, *VERBS, *schema()["$defs"]["host"]["properties"], *schema()["$defs"]["use"]["properties"]]
)
def test_the_page_names_what_there_is(name):
    assert re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", PAGE)
