"""Settings and hosts for commands, from the options of the command line."""

from __future__ import annotations

import getpass
import logging
import os
import sys
from typing import Literal

from omnicore.adapters.settings import host_settings
from omnicore.cli.options import Shell
from omnicore.cli.output import printable
from omnicore.config.loader import Loaded
from omnicore.config.settings import Settings
from omnicore.errors import NotFound
from omnicore.telemetry.json_lines import JsonLines

__all__ = ["checked_folder", "loaded", "log_to_stderr", "who"]

_LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40}


def loaded(shell: Shell, *, console: bool = True) -> Loaded:
    """The settings that options, variables, the console, the file and the environment give. Raises: InvalidSetting.

    Args:
        console: whether what the console has set counts.
    """
    return host_settings(shell.file, os.environ, shell.overrides, console=console)


def checked_folder(settings: Settings) -> Settings:
    """The settings, whose plugin folder is there. Raises: NotFound."""
    if not settings.plugins.is_dir():
        raise NotFound(
            f"there is no plugin folder {settings.plugins}",
            remedy="make it, name another with --plugins, or begin with `omnicore new demo`",
        )
    return settings


def who() -> str:
    """The person at the terminal, as grants record it."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # a user id without a name, as in containers
        return f"cli:{os.getuid()}"


def log_to_stderr(level: str, form: Literal["text", "json", "auto"] = "text") -> None:
    """Sends what the host and the plugins log to standard error, from `level` on."""
    handler = logging.StreamHandler(sys.stderr)
    text = _Harmless("%(asctime)s %(levelname)-7s %(name)s  %(message)s", "%H:%M:%S")
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    handler.setFormatter(JsonLines() if as_json else text)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("omnicore").setLevel(_LEVELS[level])


class _Harmless(logging.Formatter):
    """Log lines that cannot steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))
