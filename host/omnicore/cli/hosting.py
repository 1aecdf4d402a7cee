"""A host for commands that need one: on the same folder and data as a server that may run beside it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from omnicore.assembly import BlockingHost, Host
from omnicore.cli.options import Shell
from omnicore.cli.output import Output
from omnicore.cli.recording import plugin_look, recorded
from omnicore.cli.session import checked_folder, loaded, log_to_stderr

__all__ = ["opened"]


@contextmanager
def opened(shell: Shell, output: Output) -> Iterator[BlockingHost]:
    """A host in this process, without a watcher. What the command changes in it is recorded.

    Raises: InvalidSetting; NotFound: there is no plugin folder.
    """
    found = loaded(shell)
    checked_folder(found.settings)
    log_to_stderr("warn")
    logging.getLogger("omnicore.extensions").setLevel(logging.CRITICAL)  # `plugins ls` says why one is not used
    with output.waiting("Reading the plugins"):
        host = Host(settings=found, watch=False, work=False)
        entered = host.__enter__()
    try:
        with recorded(entered.audit, plugin_look(entered.plugins)):
            yield entered
    finally:
        host.__exit__(None, None, None)
