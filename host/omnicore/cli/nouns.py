"""Nouns of the table of operations, and the commands that all of them share: `ls`, `show`, `rm`, `enable`, `disable`.

Each command is derived from its operation: path parameters are arguments, the query becomes options, and the summary
the help. A noun adds what only people need, such as columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import click

from omnicore.api.operation import MOST_ITEMS, Operation, Query
from omnicore.api.operations import OPERATIONS
from omnicore.cli.client import connected
from omnicore.cli.options import Exit, Shell, host_folders, pass_shell
from omnicore.cli.output import Output, date

Document = dict[str, Any]
Keep = Callable[[Document], bool]
Switch = Callable[[bool], tuple[str, tuple[str, ...], Any]]
"""The method, the rest of the path and the body of the request that enables or disables one."""

_ROOT = "/api/v1/"
_PARAMETER = re.compile(r"\{(\w+)\}")
_PAGING = frozenset({"limit", "cursor"})


def field_rows(view: Document) -> Iterable[Sequence[str]]:
    """A row for each field that has a value; moments are dates."""
    return [(name, _cell(name, value)) for name, value in view.items() if value not in (None, "", [], {})]


def _cell(name: str, value: Any) -> str:
    if name.endswith("_at") and isinstance(value, (int, float)):
        return date(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _enabled(view: Document) -> str:
    return "enabled" if view.get("enabled", not view.get("disabled", False)) else "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """A noun of the table of operations.

    Args:
        path: of its list, without `/api/v1/`.
        extent: the document of `ls`: a page with `items` and `next`, the items of a page, or all items.
        page: items on a page, unless `-n` says otherwise.
        none: a sentence for an empty list.
        gone: the word of `rm` for its outcome, which is also the member of its document.
        asks: the question of `rm`, with members of the object in braces.
        also: members of the object that the document of `rm` repeats.
        tells: further words of `rm` about its outcome, from the host's answer.
        state: the words for the state after `enable` and `disable`.
        brief: members that the documents of `enable` and `disable` leave out.
        folder: its commands need a plugin folder.
    """

    path: str
    heads: Sequence[str] = ()
    row: Callable[[Document], Sequence[str]] = tuple
    extent: Literal["page", "items", "all"] = "items"
    page: int = 100
    none: str = ""
    details: Callable[[Document], Iterable[Sequence[str]]] = field_rows
    gone: str = "removed"
    asks: str = ""
    also: Sequence[str] = ()
    tells: Callable[[Document], str] = lambda answer: ""
    switch: Switch = field(default=lambda on: ("POST", ("enable" if on else "disable",), None))
    state: Callable[[Document], str] = _enabled
    brief: frozenset[str] = frozenset()
    folder: bool = True

    def operation(self, method: str, *, one: bool = True) -> Operation:
        """The operation of the list, or of one item."""
        wanted = re.compile(re.escape(_ROOT + self.path) + (r"/\{\w+\}" if one else ""))
        return next(found for found in OPERATIONS if found.method == method and wanted.fullmatch(found.path))


def listing(noun: Noun, name: str = "ls", *, words: str = "", keep: Mapping[str, str] | None = None) -> click.Command:
    """The command that lists.

    Args:
        words: its help, where the operation's summary does not say enough.
        keep: query parameters that are not options, with their values.
    """
    operation = noun.operation("GET", one=False)
    fixed: dict[str, Any] = dict(keep or {})
    paged = noun.extent != "all" and any(query.name == "limit" for query in operation.query)

    def run(shell: Shell, **given: Any) -> None:
        output = Output(shell)
        path = _filled(operation, given)
        with connected(shell, output, folder=noun.folder) as client:
            if noun.extent == "all":
                page: Document = {"items": list(client.pages(*path, **fixed, **given)), "next": None}
            else:
                page = client.get(*path, **fixed, **given)
        show_page(output, noun, page)

    return _command(operation, name, words, run, paged=noun.page if paged else None, without=_PAGING | fixed.keys())


def show_page(output: Output, noun: Noun, page: Document) -> None:
    """Prints a page of a list."""
    if output.is_json:
        output.document(page if noun.extent == "page" else page["items"])
        return
    output.rows(noun.heads, [noun.row(one) for one in page["items"]])
    if page.get("next") is not None:
        output.say(f"There are more: add --cursor {page['next']}")
    if noun.none and not page["items"]:
        output.say(noun.none)


def showing(noun: Noun, name: str = "show", *, words: str = "") -> click.Command:
    """The command that shows one."""
    operation = noun.operation("GET")

    def run(shell: Shell, **given: Any) -> None:
        output = Output(shell)
        path = _filled(operation, given)
        with connected(shell, output, folder=noun.folder) as client:
            found = client.get(*path, **given)
        if output.is_json:
            output.document(found)
        else:
            output.rows(("field", "value"), list(noun.details(found)))

    return _command(operation, name, words, run)


def removal(
    noun: Noun, name: str = "rm", *, words: str = "", then: Callable[[Shell, str], None] | None = None
) -> click.Command:
    """The command that removes one. Where the noun has a question it is asked, unless `--yes` is given.

    Args:
        then: called with the name of what was removed.
    """
    operation = noun.operation("DELETE")

    def run(shell: Shell, *, yes: bool = False, **given: Any) -> None:
        output = Output(shell)
        path = _filled(operation, given)
        if noun.asks and not yes and not output.errors_to_terminal:
            raise click.UsageError("Nobody is there to ask; add --yes to remove it")
        with connected(shell, output, folder=noun.folder) as client:
            known = client.get(*path, **given) if noun.asks else {}
            if noun.asks and not yes and not click.confirm(noun.asks.format(**known), err=True):
                output.say("Nothing was removed.")
                click.get_current_context().exit(Exit.FAILURE)
            answer = client.ask("DELETE", *path, **given) or {}
        if then is not None:
            then(shell, path[-1])
        also = {member: known[member] for member in noun.also}
        output.done(f"{noun.gone.capitalize()} {path[-1]}{noun.tells(answer)}", {noun.gone: path[-1], **also, **answer})

    more = (click.option("-y", "--yes", is_flag=True, help="Do not ask."),) if noun.asks else ()
    return _command(operation, name, words, run, more=more)


def switches(noun: Noun, *, enable: str, disable: str) -> tuple[click.Command, click.Command]:
    """The commands `enable` and `disable`, with their help."""
    operation = noun.operation("GET")

    def made(name: str, words: str, *, on: bool) -> click.Command:
        def run(shell: Shell, **given: Any) -> None:
            output = Output(shell)
            method, rest, body = noun.switch(on)
            path = _filled(operation, given)
            with connected(shell, output, folder=noun.folder) as client:
                view = client.ask(method, *path, *rest, body=body)
            brief = {member: value for member, value in view.items() if member not in noun.brief}
            output.done(f"{path[-1]} is {noun.state(view)}", brief)

        return _command(operation, name, words, run)

    return made("enable", enable, on=True), made("disable", disable, on=False)


def _command(
    operation: Operation,
    name: str,
    words: str,
    run: Callable[..., None],
    *,
    paged: int | None = None,
    without: Iterable[str] = (),
    more: Iterable[Callable[[Any], Any]] = (),
) -> click.Command:
    """A command with the parameters of an operation.

    Args:
        paged: items on a page, where there are pages.
        without: parts of the query that are no options.
    """
    command: Any = host_folders(pass_shell(run))
    if paged is not None:
        command = click.option("--cursor", "--after", help="Continue where the previous page ended.")(command)
        number = click.IntRange(1, MOST_ITEMS)
        about = "Items on a page."
        command = click.option("-n", "--limit", type=number, default=paged, show_default=True, help=about)(command)
    for query in reversed(operation.query):
        if query.name == "q":
            command = click.argument("q", metavar="[TEXT]", required=False)(command)
        elif query.name not in without:
            command = _option(query)(command)
    for option in more:
        command = option(command)
    for parameter in reversed(_PARAMETER.findall(operation.path)):
        command = click.argument(parameter)(command)
    made: click.Command = click.command(name, help=words or _imperative(operation.summary))(command)
    return made


def _option(query: Query) -> Callable[[Any], Any]:
    schema = query.schema if isinstance(query.schema, Mapping) else {}
    words = f"{query.description}."
    if schema.get("type") == "boolean":
        return click.option(f"--{query.name}", flag_value="true", default=None, help=words)
    kind: click.ParamType[Any] | None = click.Choice(schema["enum"]) if "enum" in schema else None
    if schema.get("type") == "integer":
        kind = click.IntRange(schema.get("minimum"), schema.get("maximum"))
    return click.option(f"--{query.name}", type=kind, help=words)


def _filled(operation: Operation, given: dict[str, Any]) -> tuple[str, ...]:
    """The parts of the path, with the arguments of the command in it, which are taken out of `given`."""
    parts = operation.path.removeprefix(_ROOT).split("/")
    return tuple(str(given.pop(part[1:-1])) if part.startswith("{") else part for part in parts)


def _imperative(summary: str) -> str:
    """The help of a command from the summary of an operation.

    >>> _imperative("Lists tasks, newest first")
    'List tasks, newest first.'
    """
    verb, _, rest = summary.partition(" ")
    return f"{verb.removesuffix('s')} {rest}."
