"""`specs/mcp.md` says what is so."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from omnicore.config.sections.mcp import McpSettings
from omnicore.mcp import catalogue, names
from omnicore.mcp.tools import Tool
from omnicore.plugins.manifest import FunctionSpec

_PAGE = (Path(__file__).parents[2] / "specs" / "mcp.md").read_text()


def test_the_example_is_listed_as_the_page_shows_it() -> None:
    manifest = tomllib.loads("".join(re.findall(r"```toml\n(.*?)```", _PAGE, re.DOTALL)))
    (shown,) = map(json.loads, re.findall(r"```json\n(.*?)```", _PAGE, re.DOTALL))
    spec = FunctionSpec("search", **manifest["functions"]["search"], input_media="application/json")
    assert Tool("notes.search", "notes", spec, "", 5.0).listed() == shown


def test_the_page_has_the_numbers_and_the_settings() -> None:
    assert f"at most {names.LONGEST} characters" in _PAGE
    assert f"{catalogue.PAGE} tools a page" in _PAGE
    assert f"the scope\n`{catalogue.TAG}`" in _PAGE
    assert all(f"`mcp.{name}`" in _PAGE for name in McpSettings.__dataclass_fields__)
