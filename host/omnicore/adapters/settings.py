"""The settings of a host on this machine: those of its environment stand below file, variables and overrides."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from omnicore.adapters.environment import surroundings_of
from omnicore.adapters.machine import look
from omnicore.config.loader import Loaded, load_settings
from omnicore.config.overrides import given, joined, overridden, read_overrides
from omnicore.config.schema import Origin
from omnicore.config.settings import Settings

_log = logging.getLogger("omnicore.settings")


def host_settings(
    file: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Any],
    *,
    folder: Path = Path(),
    root: Path = Path("/"),
    console: bool = True,
) -> Loaded:
    """The settings of a host on this machine, with what the console has set for its data folder.

    Args:
        file, environ, overrides, folder: see `load_settings`.
        root: what suits the place is looked for below it.
        console: whether what the console has set counts.

    Raises: InvalidSetting.
    """
    base = joined(
        load_settings(
            file, environ, overrides, folder=folder, adapt=lambda choice: surroundings_of(choice, look(environ, root))
        )
    )
    return overridden(base, read_overrides(base.settings.data)) if console else base


def told(found: Loaded) -> Loaded:
    """The settings, whose notes are logged: a program that embeds a host has no other place for them."""
    for note in found.notes:
        _log.warning("%s", note)
    return found


def settings_for(settings: Settings | Loaded | None, environ: Mapping[str, str], named: Mapping[str, Any]) -> Loaded:
    """The settings of a host that code makes: those given, or those found, under what is `named` beside them.

    What the console has set counts where code gave nothing, as it does everywhere. Raises: InvalidSetting.
    """
    if settings is None:
        return told(host_settings(None, environ, named))
    found = given(settings) if isinstance(settings, Settings) else settings.base or settings
    origins = {**found.origins, **{name: Origin("override", name) for name in named}}
    base = joined(
        replace(found, settings=replace(found.settings, **named), origins=MappingProxyType(origins), base=None)
    )
    return overridden(base, read_overrides(base.settings.data))
