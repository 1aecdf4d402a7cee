"""The shipped workflows as files: right, listed, carried by the package, and offered by every face."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.workflows.shipped.desk import EXAMPLES, ROOT, Desk

from omnicore.cli.main import cli
from omnicore.cli.options import Shell
from omnicore.workflows.language.document import check
from omnicore.workflows.language.sources import shipped_examples

TESTS = "".join(one.read_text() for one in sorted(Path(__file__).parent.glob("test_*.py")))
FILES = sorted(EXAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_has_no_problems_and_says_what_it_does(file: Path) -> None:
    text = file.read_text()
    assert check(text) == ()
    assert text.startswith("# ")
    assert f"name: {file.stem}," in text
    assert f"[{file.stem}]({file.name})" in (EXAMPLES / "README.md").read_text()
    assert f'.apply("{file.stem}"' in TESTS


def test_they_are_package_data() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "specs/examples" in wheel["only-include"]
    assert wheel["sources"]["specs/examples"] == "omnicore/workflows/examples"
    assert [one.name for one in shipped_examples()] == sorted(file.stem for file in FILES)


def test_rest_and_the_command_line_offer_them(desk: Desk) -> None:
    items = desk.client.get("/api/v1/workflows/examples").json()["items"]
    assert [one["name"] for one in items] == [one.name for one in shipped_examples()]
    assert next(one for one in items if one["name"] == "order")["summary"].endswith("the latest first: a saga.")
    listed = CliRunner().invoke(cli, ["workflows", "examples", "-o", "json"], obj=Shell())
    assert json.loads(listed.stdout) == items
    shown = CliRunner().invoke(cli, ["workflows", "examples", "order"], obj=Shell())
    assert shown.stdout == (EXAMPLES / "order.yaml").read_text()


def test_the_first_workflow_of_the_page_gives_what_the_page_says(desk: Desk) -> None:
    page = (ROOT / "specs" / "workflow.md").read_text().split("## Begin here")[1]
    text = page.split("```yaml\n")[1].split("```")[0]
    said = page.split("omnicore workflows run hello ")[1].split("\n")[0]
    given, output = (json.loads(part.strip(" '")) for part in said.split("#"))
    assert desk.client.post("/api/v1/workflows", json={"text": text.replace("PT20S", "PT0.05S")}).status_code == 201
    run = desk.ended(desk.start("hello", given))
    assert run["output"] == output
