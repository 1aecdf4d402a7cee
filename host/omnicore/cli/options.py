"""What every command takes: `-o`, `-C`, and where the plugins and the data are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

__all__ = ["Format", "Shell", "common", "common_and_file", "folders", "host_folders", "pass_shell"]

Format = Literal["table", "text", "json"]
Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_FORMATS = ("table", "text", "json")


@dataclass(slots=True)
class Shell:
    """What the options said, for the command that runs; filled while click reads the line.

    `file` holds settings, `out` is what a command writes that makes a file.
    """

    format: Format | None = None
    file: Path | None = None
    out: Path | None = None
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


def _take_format_or_file(ctx: click.Context, _option: click.Parameter, value: Any) -> None:
    if value in _FORMATS:
        ctx.ensure_object(Shell).format = value
    elif value is not None:
        ctx.ensure_object(Shell).out = Path(value)


def _take_out(ctx: click.Context, _option: click.Parameter, value: Any) -> None:
    if value is not None:
        ctx.ensure_object(Shell).out = value


def common(command: Decorated) -> Decorated:
    """Adds `-o` and `-C`, which may stand before or after the command's name."""
    form = click.option(
        "-o",
        "--output",
        type=click.Choice(_FORMATS),
        is_eager=True,
        expose_value=False,
        callback=_take_format,
        help="Form of the answer; default: table on a terminal, text in a pipe.",
    )
    return form(_settings_file(command))


def common_and_file(command: Decorated) -> Decorated:
    """The same for commands that write a file: `-o FILE` names it, unless FILE is the name of a form."""
    for decorate in (
        _settings_file,
        click.option(
            "--out",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            expose_value=False,
            callback=_take_out,
            help="The file to write.",
        ),
        click.option(
            "-o",
            "--output",
            metavar="FORM|FILE",
            is_eager=True,
            expose_value=False,
            callback=_take_format_or_file,
            help="table, text or json is the form of the answer; all else the file to write.",
        ),
    ):
        command = decorate(command)
    return command


def _settings_file(command: Decorated) -> Decorated:
    return click.option(
        "-C",
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_take_file,
        help="Settings file; default: omnicore.toml, .yaml or .json here, or config.yaml.",
    )(command)


def host_folders(command: Decorated) -> Decorated:
    """Adds `--plugins` and `--data`, and what `common` adds."""
    return common(folders(command))


def folders(command: Decorated) -> Decorated:
    """Adds `--plugins` and `--data`."""
    folder = click.Path(path_type=Path, file_okay=False)
    for name, words in (("data", "Folder of the database and cache."), ("plugins", "Folder of the plugins.")):
        command = click.option(
            f"--{name}", type=folder, metavar="DIR", expose_value=False, callback=take_override, help=words
        )(command)
    return command
