"""Options of every command: `-o`, `-C`, and the folders of plugins and data.

Exit codes: one table from error classes to numbers, for scripts to rely on.

Command groups that know the names and descriptions of their commands and import one when it runs.

What goes into a call and what comes out of it, on a command line.

Secrets on their way in: asked for without showing them, or one line of a pipe.
"""

from __future__ import annotations

import base64
import importlib
import json
import math
import re
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click
from click.shell_completion import CompletionItem

from omnicore.cli.output import Format, Output, Shell, printable
from omnicore.config.schema import parse_duration
from omnicore.errors import (
    DeadlineExceeded,
    InvalidInput,
    InvalidSetting,
    NotFound,
    OmniError,
    PermissionDenied,
    WrongMasterKey,
)

__all__ = [
    "CODES",
    "Duration",
    "Exit",
    "FiniteRange",
    "Format",
    "Group",
    "Lazy",
    "Shell",
    "common",
    "common_and_file",
    "exit_for",
    "folders",
    "host_folders",
    "json_object",
    "output_value",
    "pass_shell",
    "print_output",
    "read_input",
    "read_secret",
    "task_input",
]


Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_FORMATS = ("table", "text", "json")


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


class Exit(IntEnum):
    """Exit codes. `INTERRUPTED` is the shell's own for Ctrl-C."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    DENIED = 3
    TIMED_OUT = 4
    NOT_FOUND = 5
    INTERRUPTED = 130


CODES: tuple[tuple[type[OmniError], Exit], ...] = (
    (NotFound, Exit.NOT_FOUND),
    (DeadlineExceeded, Exit.TIMED_OUT),
    (PermissionDenied, Exit.DENIED),
    (InvalidInput, Exit.USAGE),
    (InvalidSetting, Exit.USAGE),
    (WrongMasterKey, Exit.USAGE),
    (OmniError, Exit.FAILURE),
)


def exit_for(error: OmniError) -> Exit:
    """The exit code of an error."""
    return next(code for kind, code in CODES if isinstance(error, kind))


class Lazy(NamedTuple):
    """The place of a command: `attribute` of `module`; `help` is its line in the list."""

    module: str
    attribute: str
    help: str


_ALIASES: Mapping[str, str] = {
    "list": "ls",
    "remove": "rm",
    "delete": "rm",
    "inspect": "show",
    "get": "show",
    "on": "enable",
    "off": "disable",
}
"""Words of earlier versions and of other programs, and the commands they stand for. No help page lists them."""


class Group(click.Group):
    """A group of commands that also takes the words of `_ALIASES`.

    Args:
        table: where commands are that are imported when they run; importing all of them takes most of a second.
        aliases: further words of this group.
    """

    def __init__(
        self,
        *args: Any,
        table: Mapping[str, Lazy] | None = None,
        aliases: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.table, self.aliases = table or {}, {**_ALIASES, **(aliases or {})}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.table, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self.table.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(place.module), place.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, known = args[0], self.list_commands(ctx)
        if name not in known:
            name = word if (word := self.aliases.get(name)) in known else name
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.NoSuchCommand(name, possibilities=known, ctx=ctx)
        return super().resolve_command(ctx, [name, *args[1:]])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self.table:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in self.table.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        if not self.table:
            return super().shell_complete(ctx, incomplete)
        names = [
            CompletionItem(name, help=place.help) for name, place in self.table.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


_LARGEST_PRETTY = 1 << 20
# What nobody begins a text with who does not mean JSON; `{{` and `[words]` are texts.
_LIKE_JSON = re.compile(r"""\s*(?:\{\s*(?:["']|\w+\s*:)|\[\s*["'{\[])""")


class Duration(click.ParamType[float]):
    """Seconds, written as `0.5`, `500ms` or `1m`."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds. Raises: click.BadParameter."""
        seconds = value if isinstance(value, float) else parse_duration(str(value))
        if seconds is None or seconds <= 0:
            self.fail(f"{value!r} is no duration, such as 0.5, 500ms or 1m", param, ctx)
        return seconds


class FiniteRange(click.FloatRange):
    """A number within bounds; `nan`, which no bound refuses, and `inf` are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Raises: click.BadParameter."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number", param, ctx)
        return number


class Moment(click.ParamType[float]):
    """Unix seconds, written as a time that has passed since (`90s`, `2h`, `7d`), a date, or a date and time."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds since the Unix epoch. Raises: click.BadParameter."""
        if isinstance(value, float):
            return value
        text = str(value)
        days = text[:-1] if text.endswith("d") else ""
        ago = float(days) * 86_400.0 if days.isdecimal() else parse_duration(text) if not text.isdecimal() else None
        if ago is not None:
            return time.time() - ago
        try:
            return datetime.fromisoformat(text).astimezone().timestamp()
        except ValueError:
            self.fail(f"{value!r} is no time, such as 2h, 7d, 2026-11-23 or 2026-11-23T08:00:00Z", param, ctx)


def read_input(text: str | None) -> bytes:
    """The bytes that INPUT stands for: `-` is standard input, `@FILE` a file, all else the text itself.

    Raises: NotFound: the file cannot be read.
    """
    if text is None:
        return b""
    if text == "-":
        return sys.stdin.buffer.read()
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return Path(text[1:]).read_bytes()
    except OSError as cause:
        raise NotFound(
            f"the input {text[1:]} cannot be read ({cause.strerror})",
            remedy="check the path; a text that begins with @ comes in through `-`",
        ) from cause


def task_input(text: str | None) -> Any:
    """The JSON value that INPUT stands for: text where it is no JSON, base64 where it is no text, else null.

    Raises: NotFound: the file cannot be read. InvalidInput: it was meant as JSON, and has a mistake.
    """
    if text is None:
        return None
    data = read_input(text)
    _refuse_mistaken(data)
    return output_value(data)


def _refuse_mistaken(data: bytes) -> None:
    """Raises: InvalidInput: it begins as only JSON does, and is none."""
    text = data.decode(errors="replace")
    if not _LIKE_JSON.match(text):
        return
    try:
        json.loads(text)
    except (ValueError, RecursionError) as cause:
        raise InvalidInput(
            f"the input begins like JSON and is none: {str(cause)[:200]}",
            remedy="correct it; a text of that kind is given as a JSON string",
        ) from cause


def json_object(data: bytes | str, name: str, *, example: str) -> dict[str, Any]:
    """The JSON object that an argument or option holds. Raises: InvalidInput."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{name} is not JSON: {error}", remedy=f"write it like {example}") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{name} is not a JSON object", remedy=f"write it like {example}")
    return found


def moment(text: str, name: str) -> float:
    """The time that an option names, in seconds since the epoch; without a zone that of this machine.

    Raises: InvalidInput.
    """
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{name} is no time: {text[:40]!r}", remedy="write it like 2026-05-03T14:00") from error


def print_output(output: Output, data: bytes) -> None:
    """Bytes as they are into a pipe; on a terminal JSON is laid out and nothing can steer it."""
    if not output.to_terminal:
        output.raw(data)
        return
    text = _for_people(data)
    click.echo(text, nl=not text.endswith("\n"))


def output_value(data: bytes) -> Any:
    """Bytes as a JSON document holds them: the JSON value they are, else text, else base64."""
    try:
        text = data.decode()
        return json.loads(text)
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
    except (ValueError, RecursionError):
        return text


def _for_people(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"{len(data)} bytes that are no text; send them to a file with > FILE"
    if text[:1] in ("{", "[") and len(text) < _LARGEST_PRETTY:
        value = output_value(data)
        if not isinstance(value, str):
            text = json.dumps(value, indent=2, ensure_ascii=False)
    return printable(text)


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
