"""The settings of a host on this machine: those of its environment stand below file, variables and overrides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omnicore.adapters.environment import surroundings_of
from omnicore.adapters.machine import look
from omnicore.config.loader import Loaded, load_settings

__all__ = ["host_settings"]


def host_settings(
    file: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Any],
    *,
    folder: Path = Path(),
    root: Path = Path("/"),
) -> Loaded:
    """`load_settings` with what suits the place, which is looked for below `root`. Raises: InvalidSetting."""
    return load_settings(
        file, environ, overrides, folder=folder, adapt=lambda choice: surroundings_of(choice, look(environ, root))
    )
