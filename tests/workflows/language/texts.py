"""Texts of workflows for the tests of the language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

HEAD = "document: {dsl: '1.0.3', namespace: default, name: a, version: '1.0.0'}\ndo:\n"
HEAD_LINES = 2
RULES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("rules.yaml").read_text(encoding="utf-8"))


def whole(text: str) -> str:
    """A list of tasks below the usual head; a text with a head of its own stays as it is."""
    return text if text.startswith("document:") else HEAD + text
