"""`omnicore connectors`: the services the host is connected to."""

from __future__ import annotations

import json
from typing import Any

import click

from omnicore.cli.commands.webhooks import hooks
from omnicore.cli.hosting import opened
from omnicore.cli.inputs import Duration, read_input
from omnicore.cli.options import Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.secret_input import read_secret
from omnicore.cli.session import who
from omnicore.connectors.kinds import KINDS, find_kind
from omnicore.connectors.vault.references import is_reference
from omnicore.errors import InvalidInput, NotFound, ToolMissing, Unavailable

_HEADS = ("name", "kind", "credentials", "where")


@click.group()
@common
def connectors() -> None:
    """Connect services to the host, so that plugins can use them without ever seeing a credential."""


connectors.add_command(hooks)


@connectors.command()
@click.argument("name", required=False)
@common
@pass_shell
def kinds(shell: Shell, name: str | None) -> None:
    """List the kinds of connectors, or show one with its settings, credentials and actions."""
    output = Output(shell)
    if name is not None:
        kind = find_kind(name)
        output.document(kind.to_json()) if output.is_json else _show_kind(output, kind.to_json())
        return
    found = [_kind(one) for one in KINDS]
    if output.is_json:
        output.document(found)
        return
    output.rows(("kind", "what it is", "actions"), [(one["name"], one["description"], one["can"]) for one in found])


@connectors.command()
@host_folders
@pass_shell
def ls(shell: Shell) -> None:
    """List the connectors."""
    output = Output(shell)
    with opened(shell, output) as host:
        rows = host.connectors.register.all()
    if output.is_json:
        output.document([{name: getattr(row, name) for name in row.__slots__} for row in rows])
        return
    output.rows(
        _HEADS,
        [(row.name, row.kind, ", ".join(row.credentials.values()), row.config.get("base_url", "")) for row in rows],
    )
    if not rows:
        output.say("No connectors: see `omnicore connectors kinds`, then `omnicore connectors add NAME KIND`.")


@connectors.command()
@click.argument("name")
@click.argument("kind")
@click.option("-s", "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting; JSON or text.")
@click.option("-l", "--limit", "limits", multiple=True, metavar="KEY=NUMBER", help="A limit, such as rate=5.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="FIELD[=REFERENCE]",
    help="A credential: asked for, or read from a pipe; or a reference, such as token=env:CONNECTOR_TOKEN.",
)
@host_folders
@pass_shell
def add(
    shell: Shell, name: str, kind: str, *, settings: tuple[str, ...], limits: tuple[str, ...], secrets: tuple[str, ...]
) -> None:
    """Add the connector NAME of a KIND. Credentials it needs are asked for; they are never part of a command line."""
    output = Output(shell)
    wanted = dict(_pair(text) for text in secrets)
    for field in find_kind(kind).required:
        wanted.setdefault(field, "")
    given = {field: _credential(field, text) for field, text in wanted.items()}
    with opened(shell, output) as host:
        row = host.connectors.register.add(name, kind, _values(settings), given, _values(limits))
    if output.is_json:
        output.document({"name": row.name, "kind": row.kind, "credentials": row.credentials})
    output.say(f"{name} is added. Try it with `omnicore connectors test {name}`.")


@connectors.command()
@click.argument("name")
@host_folders
@pass_shell
def test(shell: Shell, name: str) -> None:
    """Ask the other side whether it answers and takes the credentials."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = host.connectors.test_blocking(name)
    if output.is_json:
        output.document(found)
    if not found["ok"]:
        error = found["error"]
        raise Unavailable(error["message"], remedy=error["remedy"])
    output.say(f"{name} answers, in {found['took_s'] * 1000:.0f} ms.")


@connectors.command()
@click.argument("name")
@click.argument("action")
@click.argument("given", metavar="[INPUT]", required=False)
@click.option("--timeout", type=Duration(), default=30.0, show_default=True, help="Such as 0.5, 500ms or 1m.")
@host_folders
@pass_shell
def call(shell: Shell, name: str, action: str, given: str | None, *, timeout: float) -> None:
    """Let a connector do an ACTION. INPUT is JSON; `-` reads it from standard input, `@FILE` from a file."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = host.connectors.use_blocking(who(), name, action, _json(read_input(given)), timeout_s=timeout)
    output.document(found)


@connectors.command()
@click.argument("name")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@host_folders
@pass_shell
def uses(shell: Shell, name: str, *, limit: int) -> None:
    """Show who used a connector, newest first."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = [use.to_json() for use in host.connectors.register.table.uses(name, limit=limit)]
    if output.is_json:
        output.document(found)
        return
    heads = ("at", "who", "action", "outcome", "attempts")
    output.rows(heads, [[str(use[head]) for head in heads] for use in found])


@connectors.command()
@click.argument("name")
@host_folders
@pass_shell
def rm(shell: Shell, name: str) -> None:
    """Remove a connector and the secrets that were made for it."""
    output = Output(shell)
    with opened(shell, output) as host:
        if not host.connectors.register.remove(name):
            raise NotFound(f"there is no connector {name}", remedy="see `omnicore connectors ls`")
    output.say(f"{name} is removed.")


def _kind(name: str) -> dict[str, Any]:
    try:
        kind = find_kind(name)
    except ToolMissing as error:
        return {"name": name, "description": str(error), "can": ""}
    return {**kind.to_json(), "can": ", ".join(action.name for action in kind.actions)}


def _show_kind(output: Output, kind: dict[str, Any]) -> None:
    settings = kind["config"]["properties"]
    needed = {*kind["config"].get("required", ()), *kind["required_secrets"]}
    rows = [("setting", name, _says(name, about.get("description", ""), needed)) for name, about in settings.items()]
    rows += [("secret", name, _says(name, says, needed)) for name, says in kind["secrets"].items()]
    rows += [("action", action["name"], action["description"]) for action in kind["actions"]]
    output.rows(("", kind["name"], kind["description"]), rows)


def _says(name: str, text: str, needed: set[str]) -> str:
    return f"{text} (needed)".strip() if name in needed else text


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _credential(field: str, text: str) -> str:
    """A reference as it is; a value on the command line could be read by every user of the machine."""
    if text and not is_reference(text):
        raise InvalidInput(
            f"the value of {field} stands on the command line, where others can read it",
            remedy=f"write `--secret {field}` and give it when asked, or a reference such as env:CONNECTOR_TOKEN",
        )
    return text or read_secret(field)


def _values(pairs: tuple[str, ...]) -> dict[str, Any]:
    return {name: _value(text) for name, text in map(_pair, pairs)}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json(data: bytes) -> Any:
    try:
        return json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the input is no JSON: {error}", remedy='write it like {"path": "/"}') from error
