"""`omnicore plugins`: the table of its commands."""

from __future__ import annotations

from collections.abc import Mapping

import click

from omnicore.cli.lazy import Lazy, LazyGroup
from omnicore.cli.options import common

_SHOW = "omnicore.cli.commands.plugins_show"
_VERSIONS = "omnicore.cli.commands.plugins_versions"
_CHANGE = "omnicore.cli.commands.plugins_change"
TABLE: Mapping[str, Lazy] = {
    "ls": Lazy(_SHOW, "ls", "List the plugins and their states."),
    "inspect": Lazy(_SHOW, "inspect", "Show one plugin: functions, grants, limits."),
    "call": Lazy("omnicore.cli.commands.call", "call", "Call one function of a plugin."),
    "test": Lazy("omnicore.cli.commands.plugins_test", "test", "Make the calls of expected.json and compare."),
    "bench": Lazy("omnicore.cli.commands.plugins_bench", "bench", "Measure what a function costs."),
    "stub": Lazy("omnicore.cli.commands.plugins_stub", "stub", "Write a typed Python client for a plugin."),
    "install": Lazy(_CHANGE, "install", "Copy a .wasm or .wat file into the folder."),
    "enable": Lazy(_CHANGE, "enable", "Let a plugin take calls."),
    "disable": Lazy(_CHANGE, "disable", "Let a plugin take no calls."),
    "remove": Lazy(_CHANGE, "remove", "Delete a plugin, its grants and its data."),
    "grant": Lazy(_CHANGE, "grant", "Give a plugin what it asks for."),
    "revoke": Lazy(_CHANGE, "revoke", "Take a grant back."),
    "diff": Lazy(_VERSIONS, "diff", "Show what a changed plugin asks for beyond its grants."),
    "upgrade": Lazy(_VERSIONS, "upgrade", "Show what a changed plugin brings, approve it or keep the old one."),
    "versions": Lazy(_VERSIONS, "versions", "List the versions of a plugin that are kept."),
    "rollback": Lazy(_VERSIONS, "rollback", "Put an earlier version of a plugin back."),
    "config": Lazy("omnicore.cli.commands.plugins_config", "config", "Show and change the settings of a plugin."),
    "logs": Lazy(_SHOW, "logs", "Show what a plugin logged, from the running server."),
}


@click.command(cls=LazyGroup, table=TABLE)
@common
def plugins() -> None:
    """List, install, grant, inspect and remove plugins.

    These work with and without a running server, which notices what they change.
    """
