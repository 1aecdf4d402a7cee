"""Secrets on their way in: asked for without showing them, or one line of a pipe."""

from __future__ import annotations

import sys

import click

from omnicore.errors import InvalidInput

__all__ = ["read_secret"]

_LONGEST_LINE = 64 * 1024


def read_secret(name: str) -> str:
    """The secret that a person types, or the next line of standard input. Raises: InvalidInput: there is none."""
    if sys.stdin.isatty():
        value = str(click.prompt(name, hide_input=True, err=True))
    else:
        value = sys.stdin.buffer.readline(_LONGEST_LINE + 2).decode("utf-8", "surrogateescape").rstrip("\r\n")
    if not value:
        raise InvalidInput(f"no value was given for {name}", remedy="type it, or send it as a line: `... < FILE`")
    return value
