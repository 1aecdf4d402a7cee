"""What every command takes: `-o`, `-C`, and where the plugins and the data are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

__all__ = ["Format", "Shell", "common", "host_folders", "pass_shell"]

Format = Literal["table", "text", "json"]
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(slots=True)
class Shell:
    """What the options said, for the command that runs; filled while click reads the line."""

    format: Format | None = None
    file: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)


pass_shell = click.make_pass_decorator(Shell, ensure=True)


def _take_format(ctx: click.Context, _option: click.Parameter, value: Any) -> None:
    if value is not None:
        ctx.ensure_object(Shell).format = value


def _take_file(ctx: click.Context, _option: click.Parameter, value: Any) -> None:
    if value is not None:
        ctx.ensure_object(Shell).file = value


def take_override(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    """The callback of an option that is named after a setting and overrides it."""
    if value is not None and value != ():
        ctx.ensure_object(Shell).overrides[str(option.name)] = value


def common(command: Decorated) -> Decorated:
    """Adds `-o` and `-C`, which may stand before or after the command's name."""
    formats = click.Choice(["table", "text", "json"])
    for decorate in (
        click.option(
            "-C",
            "--config",
            type=click.Path(path_type=Path),
            metavar="FILE",
            is_eager=True,
            expose_value=False,
            callback=_take_file,
            help="Settings file; default: omnicore.toml, .yaml or .json here.",
        ),
        click.option(
            "-o",
            "--output",
            type=formats,
            is_eager=True,
            expose_value=False,
            callback=_take_format,
            help="Form of the answer; default: table on a terminal, text in a pipe.",
        ),
    ):
        command = decorate(command)
    return command


def host_folders(command: Decorated) -> Decorated:
    """Adds `--plugins` and `--data`, and what `common` adds."""
    folder = click.Path(path_type=Path, file_okay=False)
    for name, words in (("data", "Folder of the database and cache."), ("plugins", "Folder of the plugins.")):
        command = click.option(
            f"--{name}", type=folder, metavar="DIR", expose_value=False, callback=take_override, help=words
        )(command)
    return common(command)
