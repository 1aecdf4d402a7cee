"""Plugins that travel: `omnicore pack`, `publish`, `install`, `outdated`, `update`, and `omnicore plugins vendor`."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from omnicore.api.packages import OMNI
from omnicore.cli.client import Client, connected, loaded
from omnicore.cli.nouns import Document
from omnicore.cli.options import Exit, Shell, common, common_and_file, host_folders, pass_shell
from omnicore.cli.output import Output, short_path, size_text
from omnicore.cli.plugins import say_next, show_changes, standing
from omnicore.config.folders import downloads_folder
from omnicore.errors import InvalidInput, NotFound, PermissionDenied
from omnicore.packages.lock import FILE, LockedPlugin, PluginLock, check_locked, load_lock, save_lock
from omnicore.packages.package import (
    CASES,
    LOCKS,
    SBOM,
    SIDECAR,
    Package,
    bill_of_materials,
    omni_name,
    pack,
    read_omni,
    write_omni,
)
from omnicore.packages.reference import FileReference, OciReference, parse_reference
from omnicore.packages.source import PackageSources
from omnicore.plugins.folder import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FOLDER = click.Path(path_type=Path, file_okay=False)
_YES = click.option(
    "-y", "--yes", is_flag=True, help="Do not ask; takes packages that nobody whom you trust has signed."
)
_OUTDATED_HEADS = ("plugin", "version", "newest", "source", "about")
_BESIDE: Mapping[str, tuple[str, ...]] = {
    "README.md": ("README.md", "README"),
    "LICENSE": ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING"),
    "icon.svg": ("icon.svg",),
    "icon.png": ("icon.png",),
    CASES: (CASES,),
    SBOM: (SBOM, f"dist/{SBOM}"),
}
"""Files of a package by the names that folders have them under, the first one that is there."""


@click.command("pack")
@click.argument("path", type=click.Path(path_type=Path), default=".", metavar="[FOLDER|FILE.wasm]")
@click.option("--version", help="The version, where the manifest says none.")
@common_and_file
@pass_shell
def pack_command(shell: Shell, path: Path, *, version: str | None) -> None:
    """Pack a plugin into NAME-VERSION.omni: module, manifest, README, licence, icon, examples.

    FOLDER is a plugin's source with the built module in dist/. The same files make the same bytes; the time in
    SOURCE_DATE_EPOCH is kept if it is set.
    """
    output = Output(shell)
    found = packed(path, version or "")
    data = write_omni(found)
    target = shell.out or Path(omni_name(found))
    write_whole(target.parent, target.name, data)
    about = {**_about(found), "file": str(target), "file_bytes": len(data)}
    output.done(f"Packed {found.name} {found.version} as {short_path(target)} ({size_text(len(data))})", about)
    output.say(f"{found.digest}  with {', '.join(found.files) or 'no other files'}")


@click.command("publish")
@click.argument("reference", metavar="oci://HOST/NAME[:VERSION]")
@click.argument("path", type=click.Path(path_type=Path), default=".", metavar="[FOLDER|FILE]")
@common
@pass_shell
def publish(shell: Shell, reference: str, path: Path) -> None:
    """Publish a plugin to a registry: the one in FOLDER, or a .wasm or .omni file.

    Credentials are those of `docker login`, of the keyring, or of packages.credentials. Prints the reference that
    names exactly this package.
    """
    output, place = Output(shell), parse_reference(reference)
    if not isinstance(place, OciReference) or place.digest:
        raise click.BadParameter(f"{reference} is no oci://HOST/NAME:VERSION", param_hint="REFERENCE")
    found = read_omni(_read(path)) if path.suffix == ".omni" else packed(path, "" if path.is_dir() else place.tag)
    if place.tag and found.version and place.tag != found.version:
        output.say(f"Note: the tag is {place.tag}, and the version {found.version}.")
    with output.waiting(f"Publishing {found.name}"):
        digest = asyncio.run(package_sources(shell).publish(found, place))
    tag = place.tag or found.version
    pinned = str(place.pinned(digest))
    output.done(f"Published {place.place}:{tag}", {**_about(found), "tag": tag, "reference": pinned})
    output.say(f"Install exactly this one: omnicore plugins install {pinned}")


@dataclass(frozen=True, slots=True)
class _Looked:
    """A package as a host looked at it: what was asked for, the bytes of a file, and what the host told."""

    what: str
    data: bytes | None
    told: Document

    def locked(self, source: str) -> LockedPlugin:
        """The entry of a lock that it makes."""
        told = self.told
        return LockedPlugin(told["name"], source, told["version"], told["digest"], told["publisher"]["signers"])


def install_package(shell: Shell, output: Output, what: str, *, hold: bool, yes: bool) -> None:
    """Shows a package, installs it once that is confirmed, and notes it in `omnicore.lock`."""
    loaded(shell).settings.plugins.mkdir(parents=True, exist_ok=True)
    with connected(shell, output) as client:
        with output.waiting(f"Fetching {what}"):
            found = _look(client, what)
        view = _confirmed(client, output, found, hold=hold, yes=yes)
    if view is not None:
        _note(shell, [found.locked(_source(shell, what))])
        output.done(f"Installed {view['name']} ({standing(view)})", {**view, "package": found.told})
        say_next(output, view)


@click.command("install")
@click.option("--locked", is_flag=True, help="Bring exactly what the lock says, also in the place of another version.")
@click.option(
    "--from", "folder", type=click.Path(path_type=Path, file_okay=False), help="A folder of `plugins vendor`."
)
@_YES
@host_folders
@pass_shell
def install_locked(shell: Shell, *, locked: bool, folder: Path | None, yes: bool) -> None:
    """Install the plugins of omnicore.lock that are not here yet; with --locked exactly those versions, or fail.

    All packages are fetched and compared with the lock before the first one is installed. Nothing is granted.
    """
    output, lock = Output(shell), load_lock(_project(shell))
    loaded(shell).settings.plugins.mkdir(parents=True, exist_ok=True)
    with connected(shell, output) as client:
        found = []
        for one in _lacking(client, output, lock, others=locked):
            with output.waiting(f"Fetching {one.name}"):
                looked = _look(client, _place(shell, one, folder))
            check_locked(one, looked.locked(one.source))
            found.append(looked)
        views = [_confirmed(client, output, one, hold=False, yes=yes) for one in found]
    done = [one for one in views if one is not None]
    words = f"Plugins in {FILE}: {len(lock.plugins)}; installed now: {len(done)}"
    output.done(words, {"plugins": [one.name for one in lock.plugins], "installed": done})
    for view in done:
        say_next(output, view)
    if len(done) != len(found):
        click.get_current_context().exit(Exit.FAILURE)


def _lacking(client: Client, output: Output, lock: PluginLock, *, others: bool) -> list[LockedPlugin]:
    """The plugins of a lock that are not here, and with `others` those of which another version is."""
    here = {one["plugin"]: one for one in client.get("packages")["items"]}
    wanted = [one for one in lock.plugins if here.get(one.name, {}).get("digest") != one.digest]
    different = [one for one in wanted if one.name in here]
    for one in [] if others else different:
        output.say(f"{one.name} is at {here[one.name]['version']}, not at {one.version} as {FILE} says: see --locked.")
    return wanted if others else [one for one in wanted if one not in different]


@click.command()
@host_folders
@pass_shell
def outdated(shell: Shell) -> None:
    """Show plugins whose source has a newer version."""
    output = Output(shell)
    with connected(shell, output) as client, output.waiting("Asking the sources"):
        items = client.get("packages", "outdated")["items"]
    newer = [one for one in items if one["reference"] or one["problem"]]
    if output.is_json:
        output.document(items)
        return
    rows = [[one["plugin"], one["version"], one["newest"] or "-", one["source"], one["problem"]] for one in newer]
    output.rows(_OUTDATED_HEADS, rows)
    if not any(one["reference"] for one in items):
        output.say("No plugin is outdated.")


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@_YES
@host_folders
@pass_shell
def update(shell: Shell, names: Sequence[str], *, yes: bool) -> None:
    """Update plugins to the newest versions of their sources, all that are outdated or those with a NAME.

    Shows what each changes before it is installed. Without a terminal and without --yes a new version is held: the old
    one goes on until `omnicore plugins upgrade NAME --approve`. `omnicore plugins rollback NAME` goes back.
    """
    output, done = Output(shell), list[Document]()
    with connected(shell, output) as client:
        with output.waiting("Asking the sources"):
            items = {one["plugin"]: one for one in client.get("packages", "outdated")["items"]}
        for name in names:
            if name not in items:
                raise NotFound(f"{name} did not come as a package", remedy="see `omnicore outdated`")
        for one in [items[name] for name in (names or items) if items[name]["reference"]]:
            found = _look(client, one["reference"])
            hold = not (yes or output.errors_to_terminal)
            view = _confirmed(client, output, found, hold=hold, yes=yes)
            if view is not None:
                _note(shell, [found.locked(one["source"])])
                done.append(view)
    words = ", ".join(f"{one['name']} ({standing(one)})" for one in done)
    output.done(f"Updated {words}" if done else "Nothing was updated.", {"updated": done})
    for view in done:
        say_next(output, view)


@click.command()
@click.argument("folder", type=_FOLDER)
@common
@pass_shell
def vendor(shell: Shell, folder: Path) -> None:
    """Write the packages of omnicore.lock into FOLDER, for machines without a network.

    There `omnicore install --locked --from FOLDER` installs them; the lock is in it too.
    """
    output, lock, sources = Output(shell), load_lock(_project(shell)), package_sources(shell)
    for one in lock.plugins:
        with output.waiting(f"Fetching {one.name}"):
            found = asyncio.run(sources.fetch(parse_reference(_place(shell, one, None)), named=True))
        publisher = one.publisher  # who trusts whom is the other machine's to decide
        check_locked(one, LockedPlugin(found.name, one.source, found.version, found.digest, publisher))
        write_whole(folder, _vendored(one), write_omni(found))
    save_lock(folder, lock)
    names = [_vendored(one) for one in lock.plugins]
    output.done(f"Packages written to {folder}: {len(names)}", {"packages": names})


def _look(client: Client, what: str) -> _Looked:
    """A package as the host sees it. Raises: OmniError: what the host answered; NotFound: no such file."""
    place = parse_reference(what)
    if not isinstance(place, FileReference):
        return _Looked(what, None, client.ask("POST", "packages", "look", body={"reference": what}))
    data = _read(place.path)
    answer = client.send("POST", "packages", "look", data=data, headers={"content-type": OMNI}, name=place.path.name)
    return _Looked(what, data, json.loads(answer.body))


def _confirmed(client: Client, output: Output, found: _Looked, *, hold: bool, yes: bool) -> Document | None:
    """Shows a package and installs it; None when a person says no. Raises: PermissionDenied: it may not be."""
    told = found.told
    publisher = told["publisher"]
    if not output.is_json:
        _show(output, told)
    if publisher["decision"] == "refuse" or (publisher["decision"] == "ask" and not (yes or output.errors_to_terminal)):
        remedy = publisher["remedy"] if publisher["decision"] == "refuse" else f"{publisher['remedy']}, or add --yes"
        raise PermissionDenied(f"{told['name']} is {publisher['reason']}", remedy=remedy, capability="install")
    if output.errors_to_terminal and not yes and not click.confirm(f"Install {told['name']}?", err=True):
        output.say("Nothing was installed.")
        return None
    order = {"digest": told["digest"], "hold": hold, "accept_publisher": publisher["decision"] == "ask"}
    if found.data is None:
        view: Document = client.ask("POST", "packages", body={"reference": found.what, **order})
        return view
    query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in order.items()}
    headers = {"content-type": OMNI}
    answer = client.send("POST", "packages", data=found.data, headers=headers, name=told["reference"], **query)
    return dict(json.loads(answer.body))


def _show(output: Output, told: Document) -> None:
    rows = [
        ("package", f"{told['name']} {told['version']}".strip()),
        ("about", told["description"]),
        ("publisher", f"{told['publisher']['publisher'] or 'unknown'}: {told['publisher']['reason']}"),
        ("from", told["reference"]),
        ("digest", told["digest"]),
        ("size", size_text(told["size_bytes"])),
        ("files", ", ".join(told["files"])),
    ]
    output.rows(("field", "value"), [row for row in rows if row[1]])
    show_changes(output, told["upgrade"])


def _project(shell: Shell) -> Path:
    """The folder of the settings file, where the lock is."""
    return shell.file.parent if shell.file is not None else Path()


def _note(shell: Shell, changed: Sequence[LockedPlugin]) -> None:
    """Writes packages into the lock. Raises: PackageRejected: the lock was damaged."""
    folder = _project(shell)
    try:
        lock = load_lock(folder)
    except NotFound:
        lock = PluginLock()
    save_lock(folder, lock.holding(changed))


def unlock(shell: Shell, name: str) -> None:
    """Takes a plugin out of the lock, where there is one that holds it. Raises: PackageRejected."""
    folder = _project(shell)
    if (folder / FILE).exists() and (lock := load_lock(folder)).find(name) is not None:
        save_lock(folder, lock.without(name))


def _source(shell: Shell, what: str) -> str:
    """The source as a lock names it; a file by its path from the lock's folder."""
    place = parse_reference(what)
    if isinstance(place, FileReference):
        return os.path.relpath(place.path.resolve(), _project(shell).resolve())
    return place.place


def _place(shell: Shell, one: LockedPlugin, folder: Path | None) -> str:
    """The words that bring a plugin of the lock: from a vendored folder, or from where it came."""
    if folder is not None:
        return str(folder / _vendored(one))
    place = parse_reference(one.reference)
    return str(_project(shell) / place.path) if isinstance(place, FileReference) else one.reference


def _vendored(one: LockedPlugin) -> str:
    return f"{one.name}-{one.version or one.digest[7:15]}.omni"


def package_sources(shell: Shell) -> PackageSources:
    """The sources of packages by the settings that hold here."""
    settings = loaded(shell).settings
    most = max(settings.max_limits.module_bytes or 0, settings.max_limits.component_bytes or 0)
    return PackageSources(
        settings.packages,
        os.environ,
        most_bytes=most,
        indexes=settings.trust.indexes,
        state=settings.data / "indexes",
        downloads=downloads_folder(settings.data),
    )


def packed(path: Path, version: str) -> Package:
    """The package of a source folder or module. Raises: NotFound, ModuleRejected, ManifestInvalid, InvalidInput."""
    module = _module_of(path) if path.is_dir() else path
    if module.suffix != ".wasm":
        raise InvalidInput(f"{module} is no .wasm file", remedy="build it with `omnicore build`")
    above = module.parent.parent if module.parent.name == "dist" else module.parent
    files = {
        title: _read(place)
        for title, names in _BESIDE.items()
        if (place := next((above / name for name in names if os.path.lexists(above / name)), None)) is not None
    }
    sidecars = [module.with_suffix(".toml"), *([above / SIDECAR] if above != module.parent else [])]
    sidecar = next((one for one in sidecars if os.path.lexists(one)), None)
    if sidecar is not None:
        files[SIDECAR] = _read(sidecar)
    if SBOM not in files:
        locks = {one: _read(above / one) for one in LOCKS if os.path.lexists(above / one)}
        bill = bill_of_materials(module.stem, version, locks)
        files |= {SBOM: bill} if bill is not None else {}
    return pack(_read(module), files, stem=module.stem, version=version, created=_created(os.environ))


def _module_of(folder: Path) -> Path:
    named = folder / "dist" / f"{folder.resolve().name}.wasm"
    if named.is_file():
        return named
    found = sorted((folder / "dist").glob("*.wasm"))
    if len(found) != 1:
        raise NotFound(
            f"{folder} has {len(found) or 'no'} built modules in dist/",
            remedy=f"build it with `omnicore build {folder}`, or name the .wasm file",
        )
    return found[0]


def _read(path: Path) -> bytes:
    """The bytes of a file that is none of a link, which could bring anything of this machine into a package."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            return file.read()
    except OSError as cause:
        raise NotFound(f"{path} cannot be read ({cause.strerror})", remedy="put a plain file there") from cause


def _created(environ: Mapping[str, str]) -> str:
    """The time that a package notes. Source: reproducible-builds.org, SOURCE_DATE_EPOCH."""
    text = environ.get("SOURCE_DATE_EPOCH", "0")
    if not text.isdecimal() or len(text) > 11:
        raise InvalidInput(f"SOURCE_DATE_EPOCH is {text[:40]!r}", remedy="set it to seconds since 1970, or unset it")
    return datetime.fromtimestamp(int(text), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _about(found: Package) -> dict[str, object]:
    return {
        "name": found.name,
        "version": found.version,
        "digest": found.digest,
        "files": {one.title: one.size for one in found.layers},
    }
