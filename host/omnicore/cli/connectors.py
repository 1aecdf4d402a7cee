"""`omnicore connectors`, `connectors hooks` and `secrets`: services, their webhooks, and credentials in the vault."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from omnicore.cli.client import connected, loaded, running_client
from omnicore.cli.nouns import Noun, listing, removal, showing
from omnicore.cli.options import (
    Duration,
    Exit,
    FiniteRange,
    Group,
    Shell,
    common,
    host_folders,
    pass_shell,
    read_input,
    read_secret,
)
from omnicore.cli.output import Output, date
from omnicore.clock import SystemClock
from omnicore.config.settings import Settings
from omnicore.connectors.kinds import Kinds, kind_json, known_kinds
from omnicore.connectors.vault import Vault, is_reference
from omnicore.connectors.webhooks import RULES
from omnicore.errors import InvalidInput, NotFound, PermissionDenied, Unavailable
from omnicore.optional import optional
from omnicore.storage.database import DATABASE, open_store
from omnicore.storage.tables.connectors import KindsTable

_HOOK = Noun(
    path="webhooks",
    heads=("name", "rule", "path", "connector"),
    row=lambda one: (one["name"], one["rule"], one["path"], one["connector"] or ""),
)
_DELIVERY = Noun(
    path="webhooks/{webhook}/deliveries",
    heads=("id", "event", "state", "attempts", "received"),
    row=lambda one: (one["id"], one["event"], one["state"], str(one["attempts"]), date(one["received_at"])),
    page=50,
)
_CONNECTOR = Noun(
    path="connectors",
    heads=("name", "kind", "credentials", "where"),
    row=lambda one: (
        *(one["name"], one["kind"], ", ".join(one["credentials"].values())),
        str(one["config"].get("base_url", "")),
    ),
    none="No connectors: see `omnicore connectors kinds`, then `omnicore connectors add NAME KIND`.",
)
_USE = Noun(
    path="connectors/{connector}/uses",
    heads=("at", "who", "action", "outcome", "attempts"),
    row=lambda one: (date(one["at"]), one["who"], one["action"], one["outcome"], str(one["attempts"])),
    page=50,
)


@click.group(cls=Group)
@common
def hooks() -> None:
    """Receive deliveries of services: verified, stored, and published as events `webhook.NAME`."""


hooks.add_command(listing(_HOOK))
hooks.add_command(showing(_HOOK))
hooks.add_command(removal(_HOOK, words="Remove a webhook, its secret and its deliveries."))
hooks.add_command(listing(_DELIVERY, "deliveries", words="List the deliveries of a webhook, newest first."))


@hooks.command()
@click.argument("name")
@click.argument("rule", type=click.Choice(list(RULES)))
@click.option("--connector", help="Also publish deliveries as events of this connector.")
@click.option(
    "--window",
    type=FiniteRange(1, 86400),
    default=300.0,
    show_default=True,
    help="Greatest age of a delivery, in seconds.",
)
@click.option("--secret", "reference", help="A reference, such as env:CONNECTOR_HOOK; default: it is asked for.")
@host_folders
@pass_shell
def add(shell: Shell, name: str, rule: str, *, connector: str | None, window: float, reference: str | None) -> None:
    """Add a webhook and print the path to give to the service. Its secret is asked for, or read from a pipe."""
    output = Output(shell)
    if reference is not None and not is_reference(reference):
        raise InvalidInput(
            "the secret stands on the command line, where others can read it",
            remedy="leave --secret out and give it when asked, or name where it is, such as env:CONNECTOR_HOOK",
        )
    secret = reference or read_secret("secret")
    order = {"name": name, "rule": rule, "secret": secret, "connector": connector, "window_s": window}
    with connected(shell, output) as client:
        row = client.ask("POST", "webhooks", body=order)
    if output.is_json:
        output.document(row)
        return
    output.line(row["path"])


@click.group(cls=Group)
@common
def connectors() -> None:
    """Connect services to the host. Plugins use them without seeing a credential."""


connectors.add_command(hooks)
connectors.add_command(listing(_CONNECTOR))
connectors.add_command(showing(_CONNECTOR))
connectors.add_command(removal(_CONNECTOR, words="Remove a connector and the secrets that were made for it."))
connectors.add_command(listing(_USE, "uses", words="List the uses of a connector, newest first."))


@connectors.command()
@click.argument("name", required=False)
@host_folders
@pass_shell
def kinds(shell: Shell, name: str | None) -> None:
    """List the kinds of connectors, or show one with its settings, credentials and actions."""
    output = Output(shell)
    known = _kinds(loaded(shell).settings)
    if name is not None and name not in known:
        raise NotFound(f"there is no kind of connector {name[:80]!r} here", remedy="see `omnicore connectors kinds`")
    if output.is_json:
        output.document(known[name] if name is not None else list(known.values()))
    elif name is not None:
        _show_kind(output, known[name])
    else:
        heads = ("kind", "service", "what it is", "actions")
        output.rows(
            heads, [(one["name"], one["title"], _what(one), str(len(one["actions"]))) for one in known.values()]
        )


def _kinds(settings: Settings) -> Mapping[str, Any]:
    """The kinds by name: of the host that runs, else of the database. To open a host for it takes seconds."""
    try:
        return {one["name"]: one for one in running_client(settings).get("connectors", "kinds")["items"]}
    except Unavailable:
        pass
    if settings.storage.url is None and not (settings.data / DATABASE).exists():
        return {name: kind_json(name, one) for name, one in known_kinds()}
    with closing(open_store(settings.storage, settings.data, check=False)) as store:
        return {name: kind_json(name, one) for name, one in Kinds(KindsTable(store), SystemClock()).all()}


@connectors.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", default="", help="Name of the kind; by default that of the document's title.")
@click.option(
    "--only", multiple=True, metavar="OPERATION", help="An id, a tag or `METHOD /path` to take; * stands for anything."
)
@click.option("--replace", is_flag=True, help="Take the place of a kind of this name.")
@click.option("--dry-run", is_flag=True, help="Print the description and change nothing.")
@host_folders
@pass_shell
def import_(shell: Shell, file: Path, *, name: str, only: tuple[str, ...], replace: bool, dry_run: bool) -> None:
    """Add a kind of connector from an OpenAPI 3 document, or from a description of a connector; JSON or YAML."""
    output = Output(shell)
    document = _read_service(file)
    left_out: tuple[tuple[str, str], ...] = ()
    if "actions" in document:
        description = {**document, **({"kind": name} if name else {})}
    else:
        imported = optional("omnicore.connectors.openapi").import_openapi(document, name=name, only=only)
        description, left_out = imported.description, imported.left_out
    for what, why in left_out[:_MOST_TOLD]:
        output.say(f"Left out {what}: {why}", "yellow")
    if len(left_out) > _MOST_TOLD:
        output.say(f"Left out {len(left_out) - _MOST_TOLD} more: `-o json` lists all", "yellow")
    if dry_run:
        output.document(description)
        return
    with connected(shell, output) as client:
        kind = client.ask("POST", "connectors", "kinds", body={"description": description, "replace": replace})
    if output.is_json:
        reasons = [{"what": what, "why": why} for what, why in left_out]
        output.document({"kind": kind["name"], "actions": len(kind["actions"]), "left_out": reasons})
    tokens = ((description.get("auth") or {}).get("oauth2") or {}).get("token_url")
    where = " and ".join(filter(None, (description.get("base") or "the base_url of each connector", tokens)))
    output.say(f"{kind['name']} has {len(kind['actions'])} actions. Credentials of its connectors go to {where}.")
    output.say(f"Add one with `omnicore connectors add NAME {kind['name']}`.")


@connectors.command()
@click.argument("kind")
@host_folders
@pass_shell
def forget(shell: Shell, kind: str) -> None:
    """Remove a KIND that was imported and that no connector is of."""
    output = Output(shell)
    with connected(shell, output) as client:
        client.ask("DELETE", "connectors", "kinds", kind)
    output.done(f"Removed the kind {kind}", {"removed": kind})


@connectors.command(name="add")
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
def add_connector(
    shell: Shell, name: str, kind: str, *, settings: tuple[str, ...], limits: tuple[str, ...], secrets: tuple[str, ...]
) -> None:
    """Add the connector NAME of a KIND. Its credentials are asked for; they are never part of a command line."""
    output = Output(shell)
    wanted = dict(_pair(text) for text in secrets)
    for field, text in wanted.items():
        _check_reference(field, text)
    with connected(shell, output) as client:
        for field in client.get("connectors", "kinds", kind)["required_secrets"]:
            wanted.setdefault(field, "")
        given = {field: text or read_secret(field) for field, text in wanted.items()}
        order = {"name": name, "kind": kind, "config": _values(settings), "secrets": given, "limits": _values(limits)}
        row = client.ask("POST", "connectors", body=order)
        # A login that may do too much for a connector that only reads is reported now, not at the first query.
        tested = kind in ("postgresql", "mysql")
        problem = client.ask("POST", "connectors", name, "test")["error"] if tested else None
    if output.is_json:
        output.document({"name": row["name"], "kind": row["kind"], "credentials": row["credentials"]})
    output.say(f"{name} is added. Try it with `omnicore connectors test {name}`.")
    if problem is not None and problem["code"] == PermissionDenied.code:
        output.say(f"Warning: {problem['message']}; {problem['remedy']}", "yellow")


@connectors.command()
@click.argument("name")
@host_folders
@pass_shell
def test(shell: Shell, name: str) -> None:
    """Check that a service answers and accepts the credentials."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.ask("POST", "connectors", name, "test")
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
@click.option(
    "--timeout", type=Duration(), default=30.0, show_default=True, help="Longest time, such as 0.5, 500ms or 1m."
)
@host_folders
@pass_shell
def call(shell: Shell, name: str, action: str, given: str | None, *, timeout: float) -> None:
    """Call an ACTION of a connector. INPUT is JSON; `-` reads it from standard input, `@FILE` from a file."""
    output = Output(shell)
    order = {"input": _json(read_input(given)), "timeout_s": timeout}
    with connected(shell, output) as client:
        found = client.ask("POST", "connectors", name, "actions", action, body=order)
    output.document(found["output"])


_MOST_TOLD = 30
_LARGEST_DOCUMENT = 16 * 1024 * 1024
_MOST_VALUES = 1_000_000


def _read_service(file: Path) -> dict[str, Any]:
    """The document of a file: JSON, else YAML. Raises: NotFound; InvalidInput, with the place."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST_DOCUMENT + 1)
    except OSError as cause:
        raise NotFound(f"{file} cannot be read ({cause.strerror})", remedy="check the path") from cause
    if len(data) > _LARGEST_DOCUMENT:
        raise InvalidInput(
            f"{file} is larger than {_LARGEST_DOCUMENT} bytes", remedy="cut it to the operations you need"
        )
    text = data.decode("utf-8-sig", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        language = optional("omnicore.workflows.language.text")
        report = language.Report()
        try:
            document, _ = language.read_yaml(text, report, most=_MOST_VALUES)
        except language.StopReadingError:
            problem = report.ordered()[0]
            place = f"{file}:{problem.line}:{problem.column}"
            raise InvalidInput(f"{place}: {problem.fact}", remedy=problem.remedy, path=problem.path) from None
    if not isinstance(document, dict):
        raise InvalidInput(f"{file} holds no object", remedy="give an OpenAPI 3 document, or a description")
    return document


def _what(kind: dict[str, Any]) -> str:
    return str(kind.get("problem") or kind["description"])


def _show_kind(output: Output, kind: dict[str, Any]) -> None:
    settings = kind["config"]["properties"]
    needed = {*kind["config"].get("required", ()), *kind["required_secrets"]}
    rows = [("documentation", "", kind["docs"])] if kind["docs"] else []
    rows += [("setting", name, _says(name, about.get("description", ""), needed)) for name, about in settings.items()]
    rows += [("secret", name, _says(name, says, needed)) for name, says in kind["secrets"].items()]
    rows += [("action", action["name"], action["description"]) for action in kind["actions"]]
    rows += [("limit", name, f"{value:g} unless the connector sets it") for name, value in kind["limits"].items()]
    rows += [("webhooks", kind["webhook"], f"omnicore connectors hooks add NAME {kind['webhook']}")]
    output.rows(("", kind["name"], kind["description"]), rows)


def _says(name: str, text: str, needed: set[str]) -> str:
    return f"{text} (needed)".strip() if name in needed else text


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _check_reference(field: str, text: str) -> None:
    """A value on the command line could be read by every user of the machine."""
    if text and not is_reference(text):
        raise InvalidInput(
            f"the value of {field} stands on the command line, where others can read it",
            remedy=f"write `--secret {field}` and give it when asked, or a reference such as env:CONNECTOR_TOKEN",
        )


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
        raise InvalidInput(f"the input is not JSON: {error}", remedy='write it like {"path": "/"}') from error


@click.group(cls=Group)
@common
def secrets() -> None:
    """Keep credentials in the vault, for connectors that name them as vault:NAME."""


# The vault's keys and values pass no socket: these commands work on the database itself, which a running host reads.
@contextmanager
def _vault(shell: Shell, *, changes: bool = False, moved_from: str = "") -> Iterator[Vault]:
    settings, local = loaded(shell).settings, optional("omnicore.cli.local")
    with (local.changed if changes else local.made)(settings) as store:
        opening = optional("omnicore.connectors.service").open_vault
        yield opening(store, settings.connectors, data=settings.data, environ=os.environ, moved_from=moved_from)


@secrets.command(name="ls")
@click.option("--cursor", "--after", "after", default="", help="Continue after this name.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="Items on a page.")
@host_folders
@pass_shell
def ls_secrets(shell: Shell, *, after: str, limit: int) -> None:
    """List the names of secrets."""
    output = Output(shell)
    with _vault(shell) as vault:
        found = [asdict(one) for one in vault.list(after, limit)]
    if output.is_json:
        output.document(found)
        return
    output.rows(
        ("name", "version", "changed"), [(one["name"], str(one["version"]), date(one["changed_at"])) for one in found]
    )


@secrets.command(name="set")
@click.argument("name")
@host_folders
@pass_shell
def set_(shell: Shell, name: str) -> None:
    """Set a secret. Its value is asked for, or read as one line from a pipe."""
    output = Output(shell)
    value = read_secret(name)
    with _vault(shell, changes=True) as vault:
        info = vault.set(name, value)
    if output.is_json:
        output.document({"name": info.name, "version": info.version})
    output.say(f"{name} is kept, as version {info.version}.")


@secrets.command(name="rm")
@click.argument("name")
@host_folders
@pass_shell
def rm_secret(shell: Shell, name: str) -> None:
    """Remove a secret."""
    output = Output(shell)
    with _vault(shell, changes=True) as vault:
        if not vault.remove(name):
            raise NotFound(f"the vault holds no {name}", remedy="see `omnicore secrets ls`")
    output.done(f"Removed {name}", {"removed": name})


@secrets.command()
@click.option("--master", is_flag=True, help="Replace the master key instead, which encrypts the data keys.")
@click.option(
    "--from", "old", metavar="PLACE", default="", help="Where the master key was before connectors.master_key changed."
)
@host_folders
@pass_shell
def rotate(shell: Shell, *, master: bool, old: str) -> None:
    """Encrypt all secrets with a new data key. If it is interrupted, run it again.

    To move the master key, set connectors.master_key to the new place and run `rotate --master --from OLD`.
    """
    output = Output(shell)
    if old and not master:
        raise click.UsageError("--from moves the master key: give --master too")
    with _vault(shell, changes=True, moved_from=old) as vault:
        count = vault.rotate_master_key() if master else vault.rotate_data_key()
    if output.is_json:
        output.document({"rotated": "master key" if master else "data key", "count": count})
    output.say(
        f"{count} data keys are encrypted with a new master key."
        if master
        else f"{count} secrets are encrypted with a new data key."
    )


@secrets.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@host_folders
@pass_shell
def reset(shell: Shell, *, yes: bool) -> None:
    """Delete all secrets and keys of a vault whose master key is lost."""
    output = Output(shell)
    if not yes and not output.errors_to_terminal:
        raise click.UsageError("Nobody is there to ask; add --yes to delete every secret")
    if not yes and not click.confirm("Delete every secret for good?", err=True):
        output.say("Nothing was changed.")
        click.get_current_context().exit(Exit.FAILURE)
    with _vault(shell, changes=True) as vault:
        count = vault.reset()
    output.done(f"Deleted {count} secrets; set the credentials of every connector again", {"deleted": count})
