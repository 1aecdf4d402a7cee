"""What goes into a call and what comes out of it, on a command line."""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

import click

from omnicore.cli.output import Output, printable
from omnicore.config.units import parse_duration
from omnicore.errors import InvalidInput, NotFound

__all__ = ["Duration", "output_value", "print_output", "read_input", "task_input"]

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


def print_output(output: Output, data: bytes) -> None:
    """Bytes as they are into a pipe; on a terminal JSON is laid out and nothing can steer it."""
    if not output.out.is_terminal:
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
