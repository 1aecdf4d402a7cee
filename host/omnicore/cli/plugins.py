"""`omnicore plugins` and `omnicore call`: the catalogue of a host's plugins, and calls of their functions."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from omnicore.cli.client import Client, connected, loaded, running_client
from omnicore.cli.nouns import Document, Noun, listing, removal, switches
from omnicore.cli.options import (
    Duration,
    FiniteRange,
    Group,
    Lazy,
    Shell,
    common,
    host_folders,
    output_value,
    pass_shell,
    print_output,
    read_input,
)
from omnicore.cli.output import Output, date, printable, size_text, styled
from omnicore.errors import InvalidInput, NotFound
from omnicore.optional import optional
from omnicore.plugins.placement import labels_text, read_selector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


_AT = "omnicore.cli.plugins"
_FILES = "omnicore.cli.plugin_files"
TABLE: Mapping[str, Lazy] = {
    "ls": Lazy(_AT, "ls", "List the plugins and their states."),
    "show": Lazy(_FILES, "show", "Show one plugin: functions, grants, limits."),
    "call": Lazy(_AT, "call", "Call one function of a plugin."),
    "test": Lazy(_FILES, "test", "Make the calls of expected.json and compare."),
    "bench": Lazy(_FILES, "bench", "Measure what a function costs."),
    "stub": Lazy(_FILES, "stub", "Write a typed Python client for a plugin."),
    "adopt": Lazy(_FILES, "adopt", "Write the manifest of a module that was made for another host."),
    "install": Lazy(_AT, "install", "Install a plugin from a file, a registry or the web."),
    "vendor": Lazy("omnicore.cli.packages", "vendor", "Write the packages of omnicore.lock into a folder."),
    "enable": Lazy(_AT, "enable", "Let a plugin take calls."),
    "disable": Lazy(_AT, "disable", "Let a plugin take no calls."),
    "rm": Lazy(_AT, "rm", "Delete a plugin, its grants and its data."),
    "grant": Lazy(_AT, "grant", "Give a plugin what it asks for."),
    "revoke": Lazy(_AT, "revoke", "Take a grant back."),
    "diff": Lazy(_AT, "diff", "Show what a changed plugin asks for beyond its grants."),
    "upgrade": Lazy(_AT, "upgrade", "Show what a changed plugin brings, approve it or keep the old one."),
    "versions": Lazy(_AT, "versions", "List the versions of a plugin that are kept."),
    "rollback": Lazy(_AT, "rollback", "Put an earlier version of a plugin back."),
    "share": Lazy(_AT, "share", "Divide the calls of a plugin among versions."),
    "place": Lazy(_AT, "place", "Place a plugin on the hosts that have some labels."),
    "limit": Lazy(_AT, "limit", "Limit the calls of a plugin on all hosts."),
    "rollout": Lazy(_AT, "rollout", "Give a version the calls of a plugin step by step."),
    "hosts": Lazy(_AT, "hosts", "Show what hosts' folders propose and what hosts run of a plugin."),
    "config": Lazy(_AT, "config", "Show and change the settings of a plugin."),
    "top": Lazy(_FILES, "top", "Show which functions took the time, and what they asked of the host."),
    "calls": Lazy(_FILES, "calls", "Show calls that the running server keeps, with their costs."),
    "logs": Lazy(_AT, "logs", "Show what a plugin logged, from the running server."),
}

HEADS = ("plugin", "version", "state", "functions", "about")
_HOST_HEADS = ("host", "where", "version", "state", "since")
_CHANGE_HEADS = ("capability", "change", "asks for", "has", "reason")
_COLOURS = {
    "enabled": "green",
    "needs-grant": "yellow",
    "needs-review": "yellow",
    "quarantined": "yellow",
    "rejected": "red",
    "disabled": "dim",
}
_MOST_FUNCTIONS = 6
_MOST_NAMED = 10
_ENDINGS = (".wasm", ".wat")
_FOLLOW_S = 0.5
_MOST_LINES = 1_000


@click.command(cls=Group, table=TABLE)
@common
def plugins() -> None:
    """List, install, grant, inspect and remove plugins.

    These work with and without a running server, which notices what they change.
    """


@click.command()
@click.argument("reference", metavar="PLUGIN.FUNCTION")
@click.argument("given", metavar="[INPUT]", required=False)
@click.option("--timeout", type=Duration(), metavar="S", help="Longest time, such as 0.5 or 500ms.")
@click.option("--logs", is_flag=True, help="Show what the plugin logs, on standard error.")
@host_folders
@pass_shell
def call(shell: Shell, reference: str, given: str | None, *, timeout: float | None, logs: bool) -> None:
    """Call one function of a plugin and print its output.

    PLUGIN is enough when it has one function. INPUT is text or JSON; `-` reads standard input, `@FILE` a
    file. In a pipe the output is written byte for byte.
    """
    output = Output(shell)
    payload = read_input(given)
    with connected(shell, output) as client:
        path = _path(client, reference)
        if logs and not client.remote:
            optional("omnicore.cli.local").log_to_stderr("trace")
        shown = _shown_logs(client, path[1]) if logs and client.remote else nullcontext()
        started = perf_counter()
        with shown, output.waiting(f"Calling {reference}"):
            answer = client.send("POST", *path, data=payload, timeout_s=timeout).body
        took_s = perf_counter() - started
    if output.is_json:
        output.document({"call": reference, "output": output_value(answer), "ms": round(took_s * 1000, 3)})
    else:
        print_output(output, answer)


def _path(client: Client, reference: str) -> tuple[str, str, str, str]:
    """The path of a function. Raises: InvalidInput: several functions, and none is named."""
    plugin, _, function = reference.partition(".")
    if function:
        return "plugins", plugin, "functions", function
    offered = sorted(client.get("plugins", plugin)["functions"])
    if len(offered) != 1:
        raise InvalidInput(
            f"{plugin} has {len(offered)} functions", remedy=f"name one: {plugin}.{', '.join(offered[:_MOST_NAMED])}"
        )
    return "plugins", plugin, "functions", offered[0]


@contextmanager
def _shown_logs(client: Client, plugin: str) -> Iterator[None]:
    """Prints what a plugin logs in the running host during the block."""
    seen = client.get("plugins", plugin, "logs", limit=1)["next"]
    try:
        yield
    finally:
        for line in client.get("plugins", plugin, "logs", limit=_MOST_LINES, after=seen)["items"]:
            at, level = time.strftime("%H:%M:%S", time.localtime(line["at"])), line["level"].upper()
            click.echo(printable(f"{at} {level:7} omnicore.plugin.{plugin}  {line['message']}"), err=True)


@click.command()
@click.argument("what", metavar="FILE|REFERENCE")
@click.option("--hold", is_flag=True, help="Let the version that serves go on until this one is chosen.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask; takes a package that nobody whom you trust has signed.")
@host_folders
@pass_shell
def install(shell: Shell, what: str, *, hold: bool, yes: bool) -> None:
    """Install a plugin: a .wasm, .wat or .omni file, oci://HOST/NAME:VERSION, https://HOST/FILE#sha256=DIGEST, NAME.

    NAME or NAME@VERSION is looked up in the indexes of trust.indexes.

    Of a .wasm or .wat file the manifest beside it is taken along. A package is shown first: who made it, and what it
    asks for.
    """
    output, file = Output(shell), Path(what)
    if file.suffix not in _ENDINGS or "://" in what:
        optional("omnicore.cli.packages").install_package(shell, output, what, hold=hold, yes=yes)
        return
    data, manifest = _read(file), file.with_suffix(".toml")
    loaded(shell).settings.plugins.mkdir(parents=True, exist_ok=True)
    parts = {"file": (file.name, data)}
    if manifest.is_file():
        parts["manifest"] = (manifest.name, _read(manifest))
    media, body = _form(parts)
    with connected(shell, output) as client, output.waiting(f"Installing {file.name}"):
        held = {"hold": "true"} if hold else {}
        view = json.loads(client.send("POST", "plugins", data=body, headers={"content-type": media}, **held).body)
    output.done(f"Installed {view['name']} ({standing(view)})", view)
    say_next(output, view)


def _unlock(shell: Shell, name: str) -> None:
    """Takes a removed plugin out of the lock."""
    optional("omnicore.cli.packages").unlock(shell, name)


def say_next(output: Output, view: Document) -> None:
    """Says what a plugin that was just installed waits for."""
    if view["state"] == "needs-grant":
        output.say(f"See what it asks for with `omnicore plugins diff {view['name']}`.")
    elif view["state"] == "needs-review":
        output.say(f"See what it changes with `omnicore plugins upgrade {view['name']}`.")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as cause:
        raise NotFound(f"{file} cannot be read ({cause.strerror})", remedy="check the path") from cause


def _form(parts: Mapping[str, tuple[str, bytes]]) -> tuple[str, bytes]:
    """The media type and body of a form with files. Source: RFC 7578."""
    boundary = uuid4().hex
    body = b"".join(
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"; filename="{_escaped(file)}"\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, (file, data) in parts.items()
    )
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


@click.command()
@click.argument("name")
@click.argument("capability", required=False)
@host_folders
@pass_shell
def grant(shell: Shell, name: str, capability: str | None) -> None:
    """Give a plugin what it asks for: one CAPABILITY, `limits`, or without a name all of it."""
    output = Output(shell)
    with connected(shell, output) as client:
        asked = client.get("plugins", name, "diff")["items"]
        changes = [change for change in asked if capability in (None, change["capability"])]
        client.ask("POST", "plugins", name, "grants", body={"capability": capability})
        view = client.get("plugins", name)
    for change in changes:
        for warning in change["warnings"]:
            output.say(f"Warning: {warning}.")
    given = ", ".join(change["capability"] for change in changes) or "nothing new"
    output.done(f"Granted {name}: {given}. It is {view['state']}.", view)
    if view["state"] == "needs-review":
        output.say(f"A grant accepts no new code: see what it changes with `omnicore plugins upgrade {name}`.")


@click.command()
@click.argument("name")
@click.argument("capability")
@host_folders
@pass_shell
def revoke(shell: Shell, name: str, capability: str) -> None:
    """Take a grant back; the plugin waits until it is granted again."""
    output = Output(shell)
    with connected(shell, output) as client:
        client.ask("DELETE", "plugins", name, "grants", capability)
        view = client.get("plugins", name)
    output.done(f"Revoked {capability} of {name}. It is {view['state']}.", view)


@click.command()
@click.argument("name")
@click.argument("digest", metavar="[HASH]", required=False)
@host_folders
@pass_shell
def rollback(shell: Shell, name: str, digest: str | None) -> None:
    """Put an earlier version back: the one of HASH, or without it the one seen last before.

    Its file and manifest replace those in the folder. Grants stay as they are.
    """
    output = Output(shell)
    with connected(shell, output) as client:
        if digest is None:
            found = client.get("plugins", name, "versions")["items"]
            digest = next((one["hash"] for one in found if not one["newest"]), "none-kept")
        view = client.ask("POST", "plugins", name, "rollback", body={"hash": digest})
    words = f"{name} is {standing(view)}, version {view['version'] or '-'} ({(view['hash'] or '')[:8]})"
    output.done(words, view)


@click.command()
@click.argument("name")
@click.argument("parts", metavar="HASH=PERCENT...", nargs=-1, required=True)
@host_folders
@pass_shell
def share(shell: Shell, name: str, parts: Sequence[str]) -> None:
    """Divide the calls of a plugin among versions that are kept, such as 9f2c1b7a=95 41aa07c2=5.

    The version that serves must be among them. One version with 100 ends it: that one serves. All versions are
    accepted by this.
    """
    output, shares = Output(shell), dict[str, int]()
    for part in parts:
        digest, _, percent = part.partition("=")
        if not percent.isdigit():
            raise click.BadParameter(f"{part} is no HASH=PERCENT", param_hint="HASH=PERCENT")
        shares[digest] = int(percent)
    with connected(shell, output) as client:
        view = client.ask("PUT", "plugins", name, "shares", body={"shares": shares})
    shown = _shares(view) or f"all calls to {(view['serving'] or 'none')[:8]}"
    output.done(f"{name} is {standing(view)}, {shown}", view)


@click.command()
@click.argument("name")
@click.option("--on", "labels", multiple=True, help="Labels that a host needs, such as zone=eu,gpu=true; repeatable.")
@click.option("--anywhere", is_flag=True, help="Have every host serve it again.")
@host_folders
@pass_shell
def place(shell: Shell, name: str, labels: Sequence[str], *, anywhere: bool) -> None:
    """Place a plugin on the hosts that have all of these labels, which `fleet.labels` gives a host.

    The other hosts unload it within a second, once its calls there have ended, and send its calls over NATS. Without
    NATS they refuse calls; runs and tasks go to a host that serves it.
    """
    if anywhere == bool(labels):
        raise click.UsageError("give either --on or --anywhere")
    output, wanted = Output(shell), read_selector(labels) if labels else None
    with connected(shell, output) as client:
        view = client.ask("PUT", "plugins", name, "placement", body={"labels": wanted})
    where = f"hosts with {labels_text(wanted)}" if wanted else "every host"
    output.done(f"{name} is placed on {where}.", view)


@click.command()
@click.argument("name")
@click.argument("version", required=False)
@click.option("--share", "shares", default="5,25,100", show_default=True, help="Per cent of the calls, step by step.")
@click.option("--every", type=Duration(), default=600.0, show_default="10m", help="The least time of a step.")
@click.option("--guard", "guards", multiple=True, help="Condition such as errors<1%, p95<200ms or p95<2x; repeatable.")
@click.option("--stop", "order", flag_value="stop", help="Give all calls back to the version that served before.")
@click.option("--promote", "order", flag_value="promote", help="Give the new version all calls now.")
@click.option("--pause", "order", flag_value="pause", help="Leave it at its share; guards still give calls back.")
@click.option("--resume", "order", flag_value="resume", help="Carry on after a pause.")
@host_folders
@pass_shell
def rollout(
    shell: Shell, name: str, version: str | None, *, shares: str, every: float, guards: Sequence[str], order: str | None
) -> None:
    """Give a version that is kept, by its version or hash, the calls of a plugin step by step.

    A guard that trips gives all calls back to the version that served; `plugins show` says why. p95<2x compares with
    that version. Guards judge 100 calls or more, and a step waits for them.
    """
    output, steps = Output(shell), shares.split(",")
    if (order is None) == (version is None):
        raise click.UsageError("give a version, --promote, --pause, --resume or --stop")
    if not all(one.strip().isdigit() for one in steps):
        raise click.BadParameter(f"{shares} is no list such as 5,25,100", param_hint="--share")
    plan = {"version": version, "shares": [int(one) for one in steps], "every_s": every, "guards": list(guards)}
    with connected(shell, output) as client:
        if order is not None:
            found = client.ask("POST", "plugins", name, "rollout", order)
        else:
            found = client.ask("POST", "plugins", name, "rollout", body=plan)
    output.done(f"Rollout of {name}: {_rollout(found)}", found)


@click.command()
@click.argument("name")
@click.option("--concurrent", type=click.IntRange(1), help="Calls that may run at once, on all hosts together.")
@click.option("--per-second", type=FiniteRange(0.001), help="Calls that may begin in a second, on all hosts.")
@click.option("--none", "lifted", is_flag=True, help="Limit nothing any more.")
@host_folders
@pass_shell
def limit(shell: Shell, name: str, *, concurrent: int | None, per_second: float | None, lifted: bool) -> None:
    """Limit how many calls of a plugin run at once and begin in a second, on all hosts together.

    Without options the limits are shown. What is not named is not limited. A call above a limit is told when to try
    again.
    """
    output, order = Output(shell), {"concurrent": concurrent, "per_second": per_second}
    named = concurrent is not None or per_second is not None
    if named and lifted:
        raise click.UsageError("give either limits or --none")
    with connected(shell, output) as client:
        if named or lifted:
            found = client.ask("PUT", "plugins", name, "limit", body=order)
        else:
            found = client.get("plugins", name, "limit")
    output.done(f"Calls of {name}: {_limit(found)}", found)


def _limit(one: Document) -> str:
    """Limits in a line."""
    parts = [f"at most {one['concurrent']} at once, {one['held']} held now"] if one["concurrent"] else []
    parts += [f"at most {one['per_second']:g} a second"] if one["per_second"] else []
    return "; ".join(parts) or "not limited"


def _rollout(one: Document) -> str:
    """A rollout in a line."""
    share = one["shares"][one["step"]] if one["step"] >= 0 else 0
    reason = f": {one['reason']}" if one["reason"] else ""
    state = "paused" if one["state"] == "running" and one.get("paused_at") else one["state"]
    return f"{state}, {share} % to {one['version']} ({one['digest'][:8]}){reason}"


@click.command()
@click.argument("name")
@host_folders
@pass_shell
def hosts(shell: Shell, name: str) -> None:
    """Show what the folders of hosts propose for a plugin, and which versions of it hosts have in service."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("plugins", name, "hosts")
    if output.is_json:
        output.document(found)
    else:
        output.rows(_HOST_HEADS, [*map(_source_row, found["sources"]), *map(_host_row, found["hosts"])])


def _source_row(one: Document) -> tuple[str, ...]:
    stands = "removed elsewhere" if one["removed"] else one["problem"] or ("agrees" if one["agrees"] else "differs")
    return one["host"], f"folder: {one['path']}", (one["hash"] or "-")[:12], stands, date(one["at"])


def _host_row(one: Document) -> tuple[str, ...]:
    stands = one["error"] or f"{one['state']}{', another version is accepted' if one['lags'] else ''}"
    return one["host"], "in service", one["hash"][:12], stands, date(one["since"])


def _shares(view: Document) -> str:
    return ", ".join(f"{percent} % to {digest[:8]}" for digest, percent in (view["shares"] or {}).items())


@click.command()
@click.argument("name")
@click.argument("digest", metavar="[DIGEST]", required=False)
@click.option("--approve", "decision", flag_value="approve", help="Accept it, grant all that is new, switch to it.")
@click.option("--keep", "decision", flag_value="keep", help="Turn the newer version away; the old one serves on.")
@host_folders
@pass_shell
def upgrade(shell: Shell, name: str, digest: str | None, decision: str | None) -> None:
    """Show what a changed plugin brings, and with --approve or --keep decide over it.

    With DIGEST, which it shows, only that version is approved, not one that took its place meanwhile.
    """
    output = Output(shell)
    with connected(shell, output) as client:
        if decision is not None:
            if digest is None and decision == "approve":
                digest = client.get("plugins", name, "upgrade")["digest"]
            body = {"decision": decision, "digest": digest}
            view = client.ask("POST", "plugins", name, "upgrade", body=body)
            output.done(f"{name} is {standing(view)}", view)
            return
        found = client.get("plugins", name, "upgrade")
    if output.is_json:
        output.document(found)
        return
    _show_upgrade(output, name, found)


@click.command()
@click.argument("name")
@host_folders
@pass_shell
def diff(shell: Shell, name: str) -> None:
    """Show what the newest version of a plugin asks for beyond what it was granted, and all else it changes.

    With `-o json` only the former; `omnicore plugins upgrade NAME -o json` is the whole difference.
    """
    output = Output(shell)
    with connected(shell, output) as client:
        if output.is_json:
            output.document(client.get("plugins", name, "diff")["items"])
            return
        found = client.get("plugins", name, "upgrade")
    _show_upgrade(output, name, found)


@click.command()
@click.argument("name")
@click.argument("action", metavar="[set|unset]", type=click.Choice(["set", "unset"]), required=False)
@click.argument("key", required=False)
@click.argument("value", required=False)
@host_folders
@pass_shell
def config(shell: Shell, name: str, action: str | None, *, key: str | None, value: str | None) -> None:
    """Show the settings of a plugin, or `set KEY VALUE` and `unset KEY` one of them.

    VALUE is JSON or text; `-` reads it from standard input and `@FILE` from a file, which keeps secrets off the
    command line. A running server follows at once.
    """
    output = Output(shell)
    if action is not None and (key is None or (value is None) == (action == "set")):
        raise click.UsageError("`set` wants KEY and VALUE, `unset` wants KEY alone")
    with connected(shell, output) as client:
        found = client.get("plugins", name, "config")
        if action is not None and key is not None:
            values = {one: found["values"][one] for one, origin in found["origins"].items() if origin == "stored"}
            if action == "set":
                values[key] = _value(found["schema"], key, value)
            elif values.pop(key, None) is None:
                raise NotFound(f"{key} of {name} was not set here", remedy=f"see `omnicore plugins config {name}`")
            found = client.ask("PUT", "plugins", name, "config", body={"values": values})
    if output.is_json:
        output.document(found)
        return
    output.rows(
        ("setting", "value", "from"),
        [(one, _json(value), found["origins"][one]) for one, value in found["values"].items()],
    )
    if not found["values"]:
        output.say(f"{name} has no settings.")


def _value(schema: Document | None, key: str, text: str | None) -> Any:
    """The value that a text stands for: the text where the schema wants one, else the JSON that it is."""
    try:
        words = read_input(text).decode().removesuffix("\n")
    except UnicodeDecodeError as cause:
        raise InvalidInput("the value is no text", remedy="write it in UTF-8") from cause
    about = (schema or {}).get("properties", {}).get(key, {})
    if isinstance(about, dict) and about.get("type") == "string":
        return words
    try:
        return json.loads(words)
    except (ValueError, RecursionError):
        return words


@click.command()
@click.argument("name")
@click.option("-n", "--lines", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--level", type=click.Choice(["trace", "debug", "info", "warn", "error"]), default="trace")
@click.option("-f", "--follow", is_flag=True, help="Go on with the lines that come, until Ctrl-C.")
@host_folders
@pass_shell
def logs(shell: Shell, name: str, *, lines: int, level: str, follow: bool) -> None:
    """Show the last lines a plugin logged. They live in the server that runs on this data folder."""
    output, client = Output(shell), running_client(loaded(shell).settings)
    found = client.get("plugins", name, "logs", limit=lines, level=level)
    if follow:
        _print_lines(output, found["items"])
        while True:
            time.sleep(_FOLLOW_S)
            found = client.get("plugins", name, "logs", limit=_MOST_LINES, level=level, after=found["next"])
            if found["dropped"]:
                output.say(f"{found['dropped']} lines came too fast to be kept.")
            _print_lines(output, found["items"])
    if output.is_json:
        output.document(found["items"])
        return
    output.rows(("time", "level", "message"), map(_line_row, found["items"]))


def _print_lines(output: Output, lines: Sequence[Document]) -> None:
    for line in lines:
        if output.is_json:
            click.echo(json.dumps(line))
        else:
            output.line("  ".join(_line_row(line)))


def _line_row(line: Document) -> tuple[str, str, str]:
    return date(line["at"]), line["level"], line["message"]


# -- rows and lines for people


def plugin_row(view: Document) -> tuple[str, ...]:
    """A plugin; `about` is the reason of a state that needs a person, else the description."""
    return (
        view["name"],
        view["version"] or "-",
        _state(view["state"]),
        _short(list(view["functions"])),
        _about(view),
    )


def detail_rows(view: Document) -> Iterator[tuple[str, str]]:
    """All that is known of an installed plugin."""
    yield "state", _state(view["state"])
    yield from ((label, view[label]) for label in ("reason", "description", "author") if view[label])
    yield "version", view["version"] or "-"
    if view["trust"] == "native":
        yield "trust", "native: Python in the host's own process, without a sandbox"
        yield "code", view["path"]
    else:
        yield "file", view["path"]
        yield "sha256", view["hash"] or "-"
    if view["trust"] == "sandboxed" and view["serving"] != view["hash"]:
        yield "serves", view["serving"] or "nothing"
    if view.get("shares"):
        yield "shares", _shares(view)
    if view.get("placement"):
        yield "placed on", f"hosts with {labels_text(view['placement'])}"
    if view.get("rollout"):
        yield "rollout", _rollout(view["rollout"])
    yield from function_rows(view["functions"])
    yield from asked_rows(view["asked"])
    for one in view["granted"]:
        granted = f"{one['capability']} {_scope(one['scope'])}  by {one['granted_by']}, {_day(one['granted_at'])}"
        yield "granted", granted
    for name, value in view["limits"].items():
        if value is not None:
            yield f"limit {name}", str(value)
    if view["last_error"]:
        yield "last error", f"{view['last_error'].get('message', '')}  ({_day(view['last_error'].get('at', 0))})"


def function_rows(functions: Mapping[str, Document]) -> Iterator[tuple[str, str]]:
    """The functions of a plugin with their lanes and schemas."""
    for name, function in functions.items():
        yield "function", in_words(name, function)
        if function.get("lane"):
            yield "  called by", f"the {function['lane']} lane"
        for side in ("input", "output"):
            schema = function[side]
            if schema is not None and schema != {"type": "string"}:
                yield f"  {side}", _json(schema)


def asked_rows(asked: Sequence[Document]) -> Iterator[tuple[str, str]]:
    """Capabilities that a plugin asks for, with warnings."""
    for request in asked:
        yield "asks for", f"{request['name']} {_scope(request['scope'])}  because: {request['reason']}"
        for warning in request["warnings"]:
            yield "  warning", styled(printable(warning), "yellow")


def in_words(name: str, function: Document) -> str:
    """A function on a line: `greet  {name: string} -> {greeting: string}  Greets somebody`."""
    sides = " -> ".join(_side(function[f"{side}_media"], function[side]) for side in ("input", "output"))
    return f"{name}  {sides}" + (f"  {function['description']}" if function["description"] else "")


def next_steps(views: Sequence[Document]) -> list[str]:
    """Commands that make sense with these plugins."""
    looks = {"needs-grant": "diff", "needs-review": "upgrade"}
    waiting = [f"omnicore plugins {looks[view['state']]} {view['name']}" for view in views if view["state"] in looks]
    ready = [
        f"omnicore call {view['name']}.{next(iter(view['functions']))}"
        for view in views
        if view["state"] == "enabled" and view["functions"]
    ]
    return ready[:1] + waiting[:3]


def _show_upgrade(output: Output, name: str, upgrade: Document) -> None:
    """Prints all that differs, what is decided over first, and what can be done about it."""
    show_changes(output, upgrade)
    if upgrade["review"] and upgrade["kept"] is None:
        also = ", or stay with the version that serves with `--keep`" if upgrade["from"] is not None else ""
        take = f"omnicore plugins upgrade {name} {upgrade['digest'][:12]} --approve"
        output.say(f"It {upgrade['review']}. Take it with `{take}`{also}.")
    elif upgrade["kept"] is not None:
        by = upgrade["kept"]["who"]
        output.say(f"It was turned away by {by}; `omnicore plugins upgrade {name} --approve` takes it.")
    elif any(change["command"] for change in upgrade["changes"]):
        output.say(f"Grant it with `omnicore plugins grant {name}`, or one of it with its name after that.")
    else:
        output.say(f"{name} asks for nothing that it has not been granted.")


def show_changes(output: Output, upgrade: Document) -> None:
    """Prints what is asked for, and all else that differs."""
    output.rows(_CHANGE_HEADS, [_change_row(change) for change in upgrade["changes"]])
    if rows := list(_upgrade_rows(upgrade)):
        output.rows(("what", "before", "after"), rows)


def _upgrade_rows(upgrade: Document) -> Iterator[tuple[str, ...]]:
    before, after = upgrade["from"], upgrade["to"]
    if before is not None and after is not None and before != after:
        lower = "  LOWER than before" if upgrade["lower"] else ""
        yield "version", before["version"] or "-", f"{after['version'] or '-'}{lower}"
        yield "sha256", before["hash"][:12], after["hash"][:12]
        if before["size_bytes"] != after["size_bytes"]:
            yield "size", size_text(before["size_bytes"]), size_text(after["size_bytes"])
    if upgrade["review"]:
        yield "digest", "-", upgrade["digest"][:12]
    functions, code = upgrade["functions"], upgrade["code"]
    yield from (("function", "-", name) for name in functions["added"])
    yield from (("function", name, "-") for name in functions["removed"])
    for one in functions["changed"]:
        yield "function", in_words(one["name"], one["before"]), in_words(one["name"], one["after"])
    yield from (("export", "-", name) for name in code["exports"]["added"] if name not in functions["added"])
    yield from (("export", name, "-") for name in code["exports"]["removed"] if name not in functions["removed"])
    yield from (("import", "-", name) for name in code["imports"]["added"])
    yield from (("import", name, "-") for name in code["imports"]["removed"])
    for name, limit in upgrade["limits"].items():
        yield f"limit {name}", str(limit["from"]), str(limit["to"])


def _change_row(change: Document) -> tuple[str, ...]:
    return (
        change["capability"],
        styled(change["change"], "yellow"),
        _scope(change["asked"]),
        "-" if change["granted"] is None else _scope(change["granted"]),
        "; ".join([change["reason"], *map(printable, change["warnings"])]),
    )


def _version_row(one: Document) -> tuple[str, ...]:
    marks = (("serving", one["serving"]), ("in the folder", one["newest"]), ("turned away", one["turned_away"]))
    return (
        one["hash"][:12],
        one["version"] or "-",
        size_text(one["size_bytes"]),
        date(one["seen_at"]),
        ", ".join(word for word, true in marks if true) or "-",
        one["accepted"]["who"] if one["accepted"] is not None else "-",
        ", ".join(one["functions"][:_MOST_FUNCTIONS]) or "-",
    )


def standing(view: Document) -> str:
    """The state of a plugin in words."""
    return f"{view['state']}: {view['reason']}" if view["reason"] else str(view["state"])


def _about(view: Document) -> str:
    about: str = view["reason"] or view["description"]
    return about if view["trust"] == "sandboxed" else f"native, trusted{': ' if about else ''}{about}"


def _side(media: str, schema: Any) -> str:
    if media != "application/json":
        return "text" if media == "text/plain" else "bytes"
    return _schema(schema or {})


def _schema(schema: Any) -> str:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if isinstance(properties, dict) and properties:
        required = schema.get("required", ())
        ordered = sorted(properties.items(), key=lambda item: item[0] not in required)
        shown = [f"{key}{'' if key in required else '?'}: {_kind(one)}" for key, one in ordered[:6]]
        return "{" + ", ".join(shown) + (", ..." if len(properties) > len(shown) else "") + "}"
    return _kind(schema)


def _kind(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "json"
    choices = schema.get("anyOf")
    if "type" not in schema and isinstance(choices, list) and choices:
        return " or ".join(sorted(dict.fromkeys(map(_kind, choices)), key=lambda kind: kind == "null"))
    kind = schema.get("type", "json")
    return " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)


def _state(state: str) -> str:
    return styled(state, _COLOURS.get(state, ""))


def _short(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_FUNCTIONS])
    return f"{shown} and {len(names) - _MOST_FUNCTIONS} more" if len(names) > _MOST_FUNCTIONS else shown or "-"


def _scope(scope: Document) -> str:
    return printable(_json(scope)) if scope else "{}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


_PLUGIN = Noun(
    path="plugins",
    heads=HEADS,
    row=plugin_row,
    extent="all",
    none="No plugins: copy a .wasm file into the folder, or `omnicore plugins install FILE`.",
    asks="Remove {name} ({path}), its grants and its data?",
    also=("path",),
    switch=lambda on: ("PUT", ("state",), {"state": "enabled" if on else "disabled"}),
    # A disabled plugin needs no reason: it was asked for.
    state=lambda view: str(view["state"]) if view["state"] == "disabled" else standing(view),
)
_VERSION = Noun(
    path="plugins/{plugin}/versions",
    heads=("hash", "version", "size", "seen", "is", "accepted by", "functions"),
    row=_version_row,
)
ls = listing(_PLUGIN, words="List plugins and their states; with TEXT only those with it in name, file or reason.")
rm = removal(_PLUGIN, words="Delete a plugin's file, its grants and its data.", then=_unlock)
versions = listing(
    _VERSION,
    "versions",
    words="List the stored versions of a plugin, the latest first. `plugins rollback` restores one.",
)
enable, disable = switches(
    _PLUGIN,
    enable="Enable a plugin. One in quarantine is tried again.",
    disable="Disable a plugin. Running calls finish.",
)
