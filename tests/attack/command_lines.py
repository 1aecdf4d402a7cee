"""Command lines for every command there is: a new command gets one by itself, from its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

from omnicore.cli.main import cli

__all__ = ["CONSENTS", "Line", "command_lines", "commands"]

CONSENTS = frozenset({"trust", "import"})
"""Commands that record the user's consent to what a folder says; whoever runs them in it has agreed."""

_PASSWORD = "correct horse battery staple\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One command line. `served`: it goes on until it is told to stop."""

    arguments: tuple[str, ...]
    stdin: str = ""
    served: bool = False


_GIVEN: Mapping[str, Sequence[str]] = {
    "new": ("made-here",),
    "run": ("--port", "0", "-o", "json"),
    "dev": ("--port", "0", "-o", "json"),
    "plugins bench": ("hello.greet", "-n", "2"),
    "plugins install": ("elsewhere/extra.wat",),
    "plugins revoke": ("spare", "kv"),
    "plugins stub": ("hello",),
    "plugins show": ("thief",),
    "tasks submit": ("hello.greet",),
    "tasks schedules add": ("mine", "hello.greet", "--every", "1h"),
    "workflows fork": ("none", "--after", "1"),
    "vectors search": ("none", "[1, 2]"),
    "memory import": ("none.jsonl",),
    "memory export": ("memories.jsonl",),
    "memory store": ("a thought", "--tier", "semantic"),
    "connectors add": ("mine", "http", "-s", "base_url=https://example.com"),
    "secrets set": ("mine",),
    "config set": ("log_lines", "1000"),
    "db backup": ("mine.backup",),
    "db restore": ("none.backup",),
    "audit export": ("audit.jsonl",),
    "workflows run": ("every",),
    "workflows export": ("--to", "exported"),
    "users set": ("mine", "--role", "viewer"),
    "users add": ("mine", "--role", "viewer"),
    "completion": ("bash",),
    "workflows validate": ("workflows",),
    "workflows apply": ("none.yaml",),
    "workflows import": ("none.yaml",),
    "workflows diff": ("none",),
}
_BY_PARAMETER: Mapping[str, str] = {
    "reference": "hello.greet",
    "function": "hello.greet",
    "path": ".",
    "given": "",
    "action": "",
    "digest": "",
}
_SERVED = frozenset({"run", "dev"})
_ON_SPARE = frozenset({"enable", "disable", "remove", "grant", "upgrade", "rollback", "config", "accept", "versions"})


_EVERYWHERE = frozenset({"build", "call", "plugins ls", "workflows run"})
"""Commands that start what a folder names. With `run` and `plugins test` below they are run in every repository."""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that is no group, with its words."""
    yield from _below(cli, "", click.Context(cli, info_name="omnicore"))


def command_lines(turn: int = 0, turns: int = 1) -> list[Line]:
    """A line for each command but the consents, and some in a second way.

    Args:
        turn: of the commands that are not run everywhere only each one of `turns`, beginning with this one.
    """
    found = [(words, command) for words, command in commands() if words not in CONSENTS]
    lines = [
        _line(words, command)
        for at, (words, command) in enumerate(found)
        if words in _EVERYWHERE or (at - turn) % turns == 0
    ]
    more = Line(("run", "--serve", "--port", "0", "-o", "json", "--try", "hello.greet=x"), served=True)
    return [*lines, more, Line(("build", "main.go")), Line(("plugins", "test", "hello"))]


def _below(group: click.Command, words: str, ctx: click.Context) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(group, click.Group):
        yield words, group
        return
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None, name
        yield from _below(command, f"{words} {name}".strip(), click.Context(command, parent=ctx, info_name=name))


def _line(words: str, command: click.Command) -> Line:
    given = _GIVEN.get(words)
    if given is None:
        given = [value for parameter in command.params for value in _values(words, parameter)]
    return Line((*words.split(), *given), _PASSWORD * 2, served=words in _SERVED)


def _values(words: str, parameter: click.Parameter) -> Iterator[str]:
    if isinstance(parameter, click.Option):
        if "--yes" in parameter.opts:
            yield "--yes"
        elif parameter.required:
            yield from (parameter.opts[-1], _value(words, parameter))
    elif parameter.required or parameter.name == "path":
        yield _value(words, parameter)


def _value(words: str, parameter: click.Parameter) -> str:
    if isinstance(parameter.type, click.Choice):
        return str(parameter.type.choices[0])
    if isinstance(parameter.type, click.types.IntParamType | click.types.FloatParamType):
        return "1"
    if words.startswith("plugins ") and words.rsplit(maxsplit=1)[-1] in _ON_SPARE:
        return "spare"
    return _BY_PARAMETER.get(str(parameter.name), "hello")
