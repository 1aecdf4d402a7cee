"""`omnicore index` and `omnicore search`: signed indexes of plugins, made and read."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from omnicore.cli.keys import secret_key
from omnicore.cli.options import FiniteRange, Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output, date, size_text
from omnicore.cli.packages import package_sources
from omnicore.clock import SystemClock
from omnicore.errors import InvalidInput, NotFound, OmniError
from omnicore.packages.index import (
    IndexAdvisory,
    IndexEntry,
    Indexes,
    IndexFolder,
    IndexKeys,
    IndexPublisher,
    entry_with,
    index_files,
    matching,
)
from omnicore.packages.keys import read_public_key, read_small
from omnicore.packages.package import read_omni
from omnicore.records import decode, replace

_MOST_ADVISORIES = 1024 * 1024


@click.group(cls=Group)
@common
def index() -> None:
    """Make an index of plugins: a folder of signed files that any web server serves."""


@index.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("packages", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE.omni]...")
@click.option("--key", "online", required=True, metavar="NAME|FILE", help="The key that signs the index each time.")
@click.option("--root-key", metavar="NAME|FILE", help="The key that says which key that is; for the first index.")
@click.option("--old-root-key", metavar="NAME|FILE", help="The root key until now, to take --root-key in its place.")
@click.option("--publisher", "publishers", multiple=True, metavar="NAME=FILE", help="A public key to verify with.")
@click.option("--advisories", type=click.Path(path_type=Path), help="A TOML file of [[advisory]] tables.")
@click.option(
    "--days",
    type=FiniteRange(0, 3650, min_open=True),
    default=30.0,
    show_default=True,
    help="Days after which it counts as frozen unless it is made again.",
)
@common
@pass_shell
def make(
    shell: Shell,
    folder: Path,
    packages: Sequence[Path],
    *,
    online: str,
    root_key: str | None,
    old_root_key: str | None,
    publishers: Sequence[str],
    advisories: Path | None,
    days: float,
) -> None:
    """Write the index in FOLDER, with the packages added: make it again before it counts as frozen.

    Prints the line for the setting trust.indexes of those who read it. Passwords of keys are asked for.
    """
    output, clock = Output(shell), SystemClock()
    keys = _keys(online, root_key, old_root_key)
    writer = IndexFolder(folder, keys, clock=clock, days=days)
    entries, files = writer.entries(), dict[str, bytes]()
    known = [_publisher(one) for one in publishers]
    for path in packages:
        package = read_omni(_bytes(path))
        entry = entry_with(entries.get(package.name), package, publishers=known, added_at=clock.now())
        entries[package.name] = entry
        files |= index_files(package, next(one for one in entry.versions if one.digest == package.digest))
    if advisories is not None:
        entries = _advised(entries, read_advisories(_bytes(advisories)))
    digest = writer.write(entries, files)
    line = f"NAME=URL#sha256={digest}"
    document = {
        "folder": str(folder),
        "plugins": sorted(entries),
        "root": digest,
        "frozen_at": clock.now() + days * 86_400,
    }
    output.done(f"Wrote an index of {len(entries)} plugins to {folder}. Readers set trust.indexes to {line}", document)


@click.command()
@click.argument("words", nargs=-1)
@host_folders
@pass_shell
def search(shell: Shell, words: Sequence[str]) -> None:
    """Search the indexes for WORDS: names, descriptions, functions and capabilities. Facts only, no ratings."""
    output = Output(shell)
    found = indexes(shell)
    if not found.addresses:
        raise NotFound("no index is set", remedy="name one in the setting trust.indexes")
    with output.waiting("Reading the indexes"):
        listed, problems = asyncio.run(found.entries())
    if problems and not listed:
        raise problems[0]
    for problem in problems:
        click.echo(f"warning: {problem}", err=True)
    places = {entry.name: place for place, entry in listed}
    hits = matching([entry for _, entry in listed], words)
    if output.is_json:
        output.document([{"index": places[one.name], **one.to_json()} for one in hits])
        return
    heads = ("name", "version", "asks for", "size", "publisher", "licence", "language", "added", "index")
    output.rows(heads, [(*_facts(one), places[one.name]) for one in hits])
    for one in hits:
        for advisory in one.known(one.versions[0].version):
            output.say(f"{one.name}: {advisory.id} ({advisory.severity}) {advisory.summary}", "yellow")


def indexes(shell: Shell) -> Indexes:
    """The indexes of the settings that hold here."""
    return package_sources(shell).read_indexes()


async def advised(shell: Shell, versions: Mapping[str, str]) -> tuple[list[dict[str, str]], list[str]]:
    """The advisories of all indexes for installed versions, by name, and why an index could not be read."""
    found, problems, read = list[dict[str, str]](), list[str](), indexes(shell)
    for address in read.addresses:
        try:
            entries = await read.of(address)
        except OmniError as error:
            problems.append(str(error))
            continue
        for entry in entries:
            for one in entry.known(versions[entry.name]) if entry.name in versions else ():
                words = "revoked" if one.revoked else one.id
                row = {"plugin": entry.name, "version": versions[entry.name], "finding": words}
                found.append({**row, "severity": one.severity, "summary": f"{one.summary} ({address.name})".strip()})
    return found, problems


def read_advisories(data: bytes) -> list[IndexAdvisory]:
    """The advisories in a TOML file. Raises: InvalidInput."""
    try:
        rows = tomllib.loads(data[:_MOST_ADVISORIES].decode()).get("advisory", [])
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the advisories are no TOML: {error}", remedy="write [[advisory]] tables") from error
    return [decode(IndexAdvisory, one, "advisory") for one in rows]


def _advised(entries: Mapping[str, IndexEntry], found: Sequence[IndexAdvisory]) -> dict[str, IndexEntry]:
    unknown = {one.plugin for one in found} - entries.keys()
    if unknown:
        raise InvalidInput(f"the index has no {', '.join(sorted(unknown))}", remedy="correct the advisories")
    given = {name: tuple(one for one in found if one.plugin == name) for name in entries}
    return {name: replace(entry, advisories=given[name]) for name, entry in entries.items()}


def _keys(online: str, root: str | None, before: str | None) -> IndexKeys:
    first = secret_key(online)
    return IndexKeys(
        first,
        first if root == online else secret_key(root) if root else None,
        secret_key(before) if before else None,
    )


def _publisher(text: str) -> IndexPublisher:
    name, sign, file = text.partition("=")
    if not sign or not name:
        raise InvalidInput(f"{text[:80]!r} is not NAME=FILE", remedy="write it as `--publisher acme=acme.pub`")
    key = read_public_key(read_small(Path(file)))
    return IndexPublisher(name, key.fingerprint, key.text())


def _facts(entry: IndexEntry) -> Iterator[str]:
    newest = entry.versions[0]
    named = {one.fingerprint: one.name for one in entry.publishers}
    yield entry.name
    yield newest.version
    yield ", ".join(str(one.get("name", "?")) for one in newest.capabilities) or "nothing"
    yield size_text(newest.size_bytes)
    yield ", ".join(named.get(one, one[:16]) for one in newest.publishers) or "not signed"
    yield newest.licence or "-"
    yield ", ".join(newest.languages) or "-"
    yield date(newest.added_at)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read ({error.strerror})", remedy="check the path") from error
