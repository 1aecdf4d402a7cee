"""`specs/mcp.md` says what is so."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from omnicore.config.settings import McpSettings
from omnicore.mcp import tools
from omnicore.mcp.tools import Tool
from omnicore.plugins.schemas import FunctionSpec

_PAGE = (Path(__file__).parents[2] / "specs" / "mcp.md").read_text()


def test_the_example_is_listed_as_the_page_shows_it() -> None:
    manifest = tomllib.loads("".join(re.findall(r"```toml\n(.*?)```", _PAGE, re.DOTALL)))
    (shown,) = map(json.loads, re.findall(r"```json\n(.*?)```", _PAGE, re.DOTALL))
    spec = FunctionSpec("search", **manifest["functions"]["search"], input_media="application/json")
    assert Tool("notes.search", "notes", spec, "", 5.0).listed() == shown


def test_the_page_has_the_numbers() -> None:
    assert f"at most {tools.LONGEST} characters" in _PAGE
    assert f"{tools.PAGE} tools a page" in _PAGE
    assert f"the scope\n`{tools.TAG}`" in _PAGE
    assert f"| {McpSettings().sessions}; 503 beyond" in _PAGE
    assert f"ends after {McpSettings().idle_s / 60:.0f} minutes" in _PAGE
