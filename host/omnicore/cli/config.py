"""`omnicore config`: the settings, where each comes from, and changes of them.

`omnicore config set|unset`: what the console's page of settings does.

`omnicore config show`: the settings, and where each comes from.

`omnicore trust`: the owner's word that a folder's settings and own code may do more than a stranger's.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omnicore.cli.client import loaded, who
from omnicore.cli.local import made, recorded_in
from omnicore.cli.options import Exit, Group, Lazy, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.clock import SystemClock
from omnicore.config.loader import SCHEMA, Loaded, no_setting
from omnicore.config.overrides import OverrideFile, OverrideKeeper, shared_overrides
from omnicore.config.schema import Entry, Misfit, Origin, SettingProblem, invalid, leaves
from omnicore.config.service import SettingsDesk, is_live, origin_of, take_back
from omnicore.config.settings import MASK, Settings, is_secret
from omnicore.config.trust import FolderFile, TrustRecord, find_file
from omnicore.errors import NotFound, StorageFailed
from omnicore.storage.tables.settings import OverridesTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omnicore.storage.store import Store


_AT = "omnicore.cli.config"
COMMANDS: Mapping[str, Lazy] = {
    "show": Lazy(_AT, "show", "Show the settings, or those under NAME; secrets are masked."),
    "set": Lazy(_AT, "set_", "Set NAME to VALUE, over the settings file."),
    "unset": Lazy(_AT, "unset", "Take back what was set, here or in the console."),
}


@click.command(cls=Group, table=COMMANDS)
@common
def config() -> None:
    """Show the settings and where they come from, and change them."""


@click.command()
@click.argument("name", required=False)
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option("--doc", is_flag=True, help="Say what each setting is for.")
@host_folders
@pass_shell
def show(shell: Shell, name: str | None, *, origin: bool, doc: bool) -> None:
    """Show the settings, or those under NAME, such as `limits`; secrets are masked."""
    output = Output(shell)
    found = _with_shared(loaded(shell))
    rows = _rows(found, name)
    if output.is_json:
        output.document(_document(rows, found, origin=origin))
        return
    heads = ["setting", "value", *(["origin"] if origin else []), *(["meaning"] if doc else [])]
    output.rows(
        heads,
        [
            [
                dotted,
                shown(value),
                *([_origin(found, dotted)] if origin else []),
                *([_doc(dotted)] if doc else []),
            ]
            for dotted, value in rows.items()
        ],
    )


def _with_shared(found: Loaded) -> Loaded:
    """The settings, with those that hosts of a shared database have in common."""
    if found.settings.storage.url is None:
        return found
    try:
        with made(found.settings) as store:
            return shared_overrides(found.base or found, _keeper(store, found.settings), found.settings.data)
    except StorageFailed as error:
        click.echo(f"note: without the settings in the database: {error}", err=True)
        return found


def _keeper(store: Store | None, settings: Settings) -> OverrideKeeper:
    shared = store is not None and settings.storage.url is not None
    return OverridesTable(store, SystemClock()) if store is not None and shared else OverrideFile(settings.data)


def _rows(found: Loaded, name: str | None) -> dict[str, Any]:
    values = {".".join(path): value for path, value in leaves(found.settings.to_json())}
    if name is None:
        return values
    rows = {dotted: value for dotted, value in values.items() if f"{dotted}.".startswith(f"{name}.")}
    if not rows:
        raise NotFound(f"there is no setting {name}", remedy="see `omnicore config show`")
    return rows


def _document(rows: dict[str, Any], found: Loaded, *, origin: bool) -> dict[str, Any]:
    if not origin:
        return rows
    ignored = _ignored(found)
    return {
        name: {"value": value, "origin": origin_of(found, name)}
        | ({"ignored": ignored[name]} if name in ignored else {})
        for name, value in rows.items()
    }


def _origin(found: Loaded, name: str) -> str:
    """The source of a value, and the place of a value that is ignored because its folder is not trusted."""
    ignored = _ignored(found).get(name)
    return origin_of(found, name) + (f"; {ignored} is ignored" if ignored else "")


def _ignored(found: Loaded) -> dict[str, str]:
    return {one.name: one.origin for one in found.ignored}


def shown(value: Any) -> str:
    """A value as a line shows it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _doc(name: str) -> str:
    leaf = SCHEMA.get(tuple(name.split(".")))
    if leaf is not None:
        return leaf.doc
    return next((spec.metadata["doc"] for spec in fields(Settings) if spec.name == name.partition(".")[0]), "")


@click.command(name="set")
@click.argument("name")
@click.argument("value")
@host_folders
@pass_shell
def set_(shell: Shell, name: str, value: str) -> None:
    """Set NAME to VALUE for the host of the data folder, over its settings file.

    Variables and options win over it. It is what the console's page of settings does.
    """
    output = Output(shell)
    base = loaded(shell, console=False)
    read = _read(name, value)
    with recorded_in(base.settings) as store:
        item = SettingsDesk(base, keeper=_keeper(store, base.settings)).set(name, read)
    when = "a host that runs takes it up" if is_live(name) else "it holds when the host is started the next time"
    output.done(f"{name} is {shown(item.next)}; {when}.", {"name": name, "value": item.next, "restart": item.restart})


@click.command()
@click.argument("name")
@host_folders
@pass_shell
def unset(shell: Shell, name: str) -> None:
    """Take back what `set` or the console has set, so that the settings file and the defaults hold again."""
    output = Output(shell)
    settings = loaded(shell, console=False).settings
    with recorded_in(settings) as store, _keeper(store, settings).changing() as change:
        take_back(change.values, name)
        change.write()
    when = "a host that runs takes that up" if is_live(name) else "that holds when the host is started the next time"
    output.done(f"{name} is not set here any more; {when}.", {"name": name, "restart": not is_live(name)})


def _read(name: str, text: str) -> Any:
    """The value that a text is for a setting, as JSON has it: texts are read as those of variables are."""
    leaf = SCHEMA.get(tuple(name.split(".")))
    if leaf is None or leaf.free:
        raise no_setting(name)
    try:
        value = leaf.read(Entry(text, Origin("override", name), text=True))
    except Misfit as misfit:
        shown = "" if leaf.secret else f" {text!r:.80}"
        raise invalid([SettingProblem(name, "VALUE", f"cannot be{shown}", f"it takes {misfit.expected}")]) from misfit
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request to trust a folder: its settings file with its digest, and the restricted settings in it."""

    folder: Path
    files: Mapping[str, str]
    settings: Mapping[str, Any]


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--ls", "list_", is_flag=True, help="Show the folders that are trusted.")
@click.option("--revoke", is_flag=True, help="Take the trust in PATH back.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@common
@click.pass_context
@pass_shell
def trust(shell: Shell, ctx: click.Context, path: Path, *, list_: bool, revoke: bool, yes: bool) -> None:
    """Trust the folder PATH: its settings file counts in full, and builds there may run its own code.

    Shows what the file sets that a folder which is not trusted may not, and asks. The settings file is trusted as it
    is now; once it changes, this is asked again. The record lies in your state folder.
    """
    output = Output(shell)
    if list_:
        _list(output)
        return
    folder = path.parent if path.is_file() else path
    if revoke:
        TrustRecord().revoke(folder)
        output.done(f"{folder.resolve()} is not trusted any more.", {"folder": str(folder.resolve()), "trusted": False})
        return
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}", remedy="name the folder of a settings file or of sources")
    if not yes and not output.errors_to_terminal:
        raise click.UsageError("Nobody is there to ask; add --yes to trust it")
    asked = _asked(folder)
    _show(output, asked)
    if not yes and not click.confirm("Trust it?", err=True):
        output.say("Nothing was changed.")
        ctx.exit(Exit.FAILURE)
    entry = TrustRecord().add(folder, asked.files, by=who(), at=SystemClock().now())
    settings = {name: MASK if _hidden(name) else value for name, value in asked.settings.items()}
    output.done(f"{entry.folder} is trusted.", {**entry.to_json(), "settings": settings})


def trust_made(folder: Path) -> None:
    """Records trust in a folder that this command line just made. Raises: InvalidSetting, StorageFailed."""
    TrustRecord().add(folder, _asked(folder).files, by=who(), at=SystemClock().now())


def _asked(folder: Path) -> _Asked:
    file = find_file(folder)
    if file is None:
        return _Asked(folder, {}, {})
    held = FolderFile.read(file, named=True)
    layer = held.layer()
    judged = FolderFile(held.source, trusted=False)
    judged.admitted(layer, {}, SCHEMA)
    names = {one.name for one in judged.ignored}
    settings = {".".join(path): entry.value for path, entry in layer.items() if _leaf(".".join(path), names)}
    return _Asked(folder, {file.name: held.source.digest}, settings)


def _leaf(name: str, names: set[str]) -> bool:
    return any(f"{name}.".startswith(f"{one}.") for one in names)


def _hidden(name: str) -> bool:
    """True for the value of a secret; `connectors.secret_folders` only sounds like one, and must be seen."""
    leaf, table = SCHEMA.get(tuple(name.split("."))), SCHEMA.get((name.partition(".")[0],))
    return leaf.secret if leaf is not None else is_secret(name) or (table is not None and table.secret)


def _show(output: Output, asked: _Asked) -> None:
    output.say(f"Trust in {asked.folder.resolve()} allows:")
    for name, value in asked.settings.items():
        line = f"{name} = {MASK if _hidden(name) else shown(value)}"
        output.say("  " + "\\n".join(line.splitlines()))  # whole and on one line: what is agreed to must be seen
    output.say("  builds, tests and package managers to run code of this folder as you, outside of any sandbox")


def _list(output: Output) -> None:
    entries = TrustRecord().folders()
    if output.is_json:
        output.document([entry.to_json() for entry in entries])
        return
    rows = [
        (entry.folder, ", ".join(entry.files) or "-", time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.at)))
        for entry in entries
    ]
    output.rows(("folder", "settings file", "since"), rows)
