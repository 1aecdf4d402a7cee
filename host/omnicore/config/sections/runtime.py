"""Where and how the host runs: settings."""

# ruff: noqa: RUF009 -- `setting` is `dataclasses.field` with what the loader checks
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from omnicore.config.setting import setting

__all__ = ["RuntimeSettings"]


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """Where and how the host runs."""

    environment: Literal["auto", "local", "container", "kubernetes", "edge"] = setting(
        "auto", "Where the host runs; auto looks"
    )
    main: Path | None = setting(None, "Python file of the application that `omnicore run` starts in place of a server")
    secrets: Path | None = setting(None, "Folder of files that are named as variables and hold secrets")
    log_format: Literal["text", "json", "auto"] = setting(
        "text", "Log lines for people, JSON documents, or auto: for people on a terminal, JSON elsewhere"
    )
    native_plugins: bool = setting(True, "Load plugins in Python from installed packages")
    native_plugin_s: float = setting(
        5.0, "Longest time a plugin in Python may take to load, and for each of its hooks", minimum=0.1
    )
