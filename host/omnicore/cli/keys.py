"""`omnicore keys`, `omnicore sign` and `omnicore verify`: keys of publishers, and who made a file."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from omnicore.cli.client import loaded, who
from omnicore.cli.options import Exit, FiniteRange, Group, Shell, common, host_folders, pass_shell, read_secret
from omnicore.cli.output import Output, date, quoted
from omnicore.cli.packages import package_sources
from omnicore.clock import SystemClock
from omnicore.config.folders import state_root
from omnicore.errors import Conflict, InvalidInput, NotFound, PackageRejected
from omnicore.files import own_folder, own_opener
from omnicore.optional import optional
from omnicore.packages.keys import SecretKey, needs_password, read_public_key, read_secret_key, read_small
from omnicore.packages.package import Package, digest_of, read_omni, write_omni
from omnicore.packages.provenance import ENDING, about, opened, producers_of
from omnicore.packages.provenance import MOST_BYTES as MOST_STATEMENT
from omnicore.packages.reference import OciReference, parse_reference
from omnicore.packages.signature import (
    PackageSignature,
    offered_keys,
    package_signatures,
    sign,
    signatures_beside,
    with_signature,
)
from omnicore.packages.trust import Evidence, Publishers, TrustPolicy, TrustVerdict, judge
from omnicore.plugins.folder import write_whole as write_file
from omnicore.testing.trial import read_subject

_DAY_S = 86_400.0
_OWN_KEY = click.option(
    "--key", "key_word", required=True, metavar="NAME|FILE", help="A key of `omnicore keys new`, or a secret key file."
)


@click.group(cls=Group)
@common
def keys() -> None:
    """Manage keys of publishers: your own, to sign with, and those of others whom this host trusts.

    Keys have minisign's format.
    """


@keys.command()
@click.argument("name")
@click.option("--no-password", is_flag=True, help="Do not encrypt the secret key.")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Another folder for both files.")
@common
@pass_shell
def new(shell: Shell, name: str, *, no_password: bool, to: Path | None) -> None:
    """Make a key to sign with. The password is asked for, or read as one line from a pipe.

    NAME.key is the secret half and stays with you. Give NAME.pub to those who install what you sign.
    """
    output, folder = Output(shell), to or _own_keys()
    if not name or Path(name).name != name or name.startswith("."):
        raise InvalidInput(f"{name[:80]!r} cannot be the name of a key", remedy="use letters, digits, '.', '_', '-'")
    secret, public = folder / f"{name}.key", folder / f"{name}.pub"
    made = SecretKey.new()
    text = made.text("" if no_password else read_secret("password"))
    if to is None:
        own_folder(folder)
    _write_new(secret, text)
    _write_new(public, made.public.text())
    document = {"name": name, "key": str(secret), "public_key": str(public), **_key_json(made)}
    output.done(f"Made {secret}. Others trust it with `omnicore keys trust {quoted(public)} --name {name}`.", document)


@keys.command(name="ls")
@host_folders
@pass_shell
def ls(shell: Shell) -> None:
    """List your own keys and those that this host trusts, and the publishers that plugins are pinned to."""
    output, now = Output(shell), SystemClock().now()
    own = sorted(_own_keys().glob("*.pub")) if _own_keys().is_dir() else []
    with publishers(shell) as known:
        rows = known.table.known_keys() if known is not None else []
        pins = known.table.pins() if known is not None else []
    mine = [{"name": file.stem, "file": str(file), **_public_json(file)} for file in own]
    if output.is_json:
        shown = [{**row.to_json(), "valid": row.valid(now)} for row in rows]
        output.document({"own": mine, "trusted": shown, "pins": [one.to_json() for one in pins]})
        return
    heads = ("name", "fingerprint", "state", "expires")
    lines = [(one["name"], one["fingerprint"][:16], "own", "never") for one in mine]
    for row in rows:
        state = "trusted" if row.valid(now) else "revoked" if row.revoked_at is not None else "expired"
        expires = "never" if row.expires_at is None else date(row.expires_at)
        lines.append((row.name, row.fingerprint[:16], state, expires))
    output.rows(heads, lines)
    named = {row.publisher: row.name for row in rows}
    for one in pins:
        output.say(f"{one.plugin} is pinned to {', '.join(named.get(word, word[:20]) for word in one.publishers)}")


@keys.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The name of its publisher, for rules and messages.")
@click.option("--days", type=FiniteRange(0, min_open=True), help="Days after which it counts no more.")
@host_folders
@pass_shell
def trust(shell: Shell, file: Path, *, name: str, days: float | None) -> None:
    """Trust the public key in FILE: minisign's, or PEM of cosign (ECDSA with P-256, or Ed25519)."""
    output, key = Output(shell), read_public_key(read_small(file))
    expires = None if days is None else SystemClock().now() + days * _DAY_S
    with _changed(shell) as known:
        row = known.trust(key, name, who=who(), expires_at=expires)
    output.done(f"{name} is trusted: key {row.fingerprint[:16]}.", row.to_json())


@keys.command()
@click.argument("key")
@click.option("--reason", default="", help="The reason, which refusals repeat.")
@host_folders
@pass_shell
def revoke(shell: Shell, key: str, *, reason: str) -> None:
    """Revoke a trusted key by its name or fingerprint, for good. `omnicore audit plugins` shows what it signed."""
    output = Output(shell)
    with _changed(shell) as known:
        row = known.revoke(key, reason=reason)
    output.done(f"{row.name} is revoked.", row.to_json())


@keys.command()
@click.argument("plugin")
@host_folders
@pass_shell
def unpin(shell: Shell, plugin: str) -> None:
    """Forget the publisher of a plugin, so that its next version may come from another one."""
    output = Output(shell)
    with _changed(shell) as known:
        if not known.table.unpin(plugin):
            raise NotFound(f"{plugin[:80]} is not pinned", remedy="see `omnicore keys ls`")
    output.done(f"{plugin} is pinned to nobody.", {"plugin": plugin, "unpinned": True})


@click.command(name="sign")
@click.argument("word", metavar="FILE|oci://REF")
@_OWN_KEY
@click.option("--detached", is_flag=True, help="Write FILE.minisig for a package too, in place of signing inside it.")
@host_folders
@pass_shell
def sign_(shell: Shell, word: str, *, key_word: str, detached: bool) -> None:
    """Sign a module, a package, or a package in a registry.

    The signature of a module is written to FILE.minisig. A package carries it inside, and in a registry it is an
    artifact about the package. The password of the key is asked for, or read as one line from a pipe.
    """
    output = Output(shell)
    if word.startswith("oci://"):
        _sign_remote(shell, output, word, key_word)
        return
    file = Path(word)
    data, key = _read(file), secret_key(key_word)
    if file.suffix == ".omni" and not detached:
        package = _signed(read_omni(data), key)
        written, digest = file, package.digest
        write_file(file.absolute().parent, file.name, write_omni(package))
    else:
        written, digest = file.with_name(f"{file.name}.minisig"), digest_of(data)
        _write(written, sign(data, key, comment=_comment(file.name, digest)))
    document = {"file": str(file), "signature": str(written), "digest": digest, **_key_json(key)}
    output.done(f"Signed {file} with key {key.public.fingerprint[:16]}: {written}", document)


def _sign_remote(shell: Shell, output: Output, word: str, key_word: str) -> None:
    reference, sources = parse_reference(word), package_sources(shell)
    if not isinstance(reference, OciReference):
        raise InvalidInput(f"{word[:120]} is no package in a registry", remedy="write oci://HOST/NAME:VERSION")
    with output.waiting(f"Reading {reference}"):
        package = asyncio.run(sources.fetch(reference, named=True))
    key = secret_key(key_word)
    signed = _signed(package, key)
    with output.waiting(f"Signing {reference}"):
        asyncio.run(sources.attach(signed.attached[-1], reference))
    document = {"reference": str(reference.pinned(package.digest)), "digest": package.digest, **_key_json(key)}
    output.done(f"Signed {reference.pinned(package.digest)} with key {key.public.fingerprint[:16]}", document)


def _signed(package: Package, key: SecretKey) -> Package:
    comment = _comment(f"{package.name}-{package.version}", package.digest)
    return with_signature(package, sign(package.manifest, key, comment=comment), key.public)


def _comment(name: str, digest: str) -> str:
    return f"timestamp:{int(SystemClock().now())} file:{_printable(name)} {digest}"


@click.command()
@click.argument("word", metavar="FILE|oci://REF")
@click.option(
    "--key", "key_files", multiple=True, type=click.Path(path_type=Path), help="A public key to try; repeatable."
)
@click.option(
    "--rebuild", type=click.Path(path_type=Path), metavar="SOURCE", help="Build SOURCE and compare the bytes."
)
@host_folders
@click.pass_context
@pass_shell
def verify(shell: Shell, ctx: click.Context, word: str, *, key_files: tuple[Path, ...], rebuild: Path | None) -> None:
    """Tell who made a module or a package, from what, with which tools, and if this host would take it.

    FILE.provenance.json of `omnicore build --provenance` says from what; --rebuild makes sure of it.

    Exit code 0 if it would, 1 if a person has to say yes, 3 if it is refused.
    """
    output, offered = Output(shell), [read_public_key(read_small(one)) for one in key_files]
    found = evidence_of(shell, word)
    evidence = Evidence(found.evidence.signatures, [*offered, *found.evidence.offered])
    verdict, producers = _verdict(shell, found.name, evidence), producers_of(found.module)
    document = {
        "file": word,
        "name": found.name,
        "version": found.version,
        "digest": found.digest,
        "languages": list(producers.languages),
        "tools": list(producers.tools),
        "signatures": [_signature_json(one) for one, _ in evidence.signatures],
        **_built_from(shell, word, found, evidence),
        **verdict.to_json(),
    }
    if rebuild is not None:
        document["rebuilt"] = _rebuilt(output, found, rebuild)
    if output.is_json:
        output.document(document)
    else:
        output.rows(("field", "value"), list(_lines(document)))
    if verdict.decision != "accept":
        ctx.exit(Exit.DENIED if verdict.decision == "refuse" else Exit.FAILURE)


def _built_from(shell: Shell, word: str, found: SignedThing, evidence: Evidence) -> dict[str, str]:
    """The provenance beside a file, {} where there is none. Raises: InvalidInput, PackageRejected."""
    file = Path(f"{word}{ENDING}")
    if word.startswith("oci://") or not file.is_file():
        return {}
    with publishers(shell) as known:
        rows = known.table.known_keys() if known is not None else []
    now = SystemClock().now()
    names = {read_public_key(row.key): row.name for row in rows if row.valid(now)}
    with file.open("rb") as stream:
        stated, key = opened(stream.read(MOST_STATEMENT + 1), [*names, *evidence.offered])
    digest, language, tools, files = about(stated)
    if digest != hashlib.sha256(found.module).hexdigest():
        raise PackageRejected(f"{file} is about another module", remedy="build it again", fault="digest")
    made = ", ".join(f"{name} {version}" for name, version in tools.items())
    who = names.get(key, f"key {key.fingerprint[:16]}, which nobody trusts")
    return {"built from": f"{files} files of {language} with {made}, as {who} states"}


def _rebuilt(output: Output, found: SignedThing, source: Path) -> str:
    """Builds a source and compares. Raises: PackageRejected: the bytes are others."""
    building = optional("omnicore.cli.build")
    work = building.Work(*building.find_source(source, None), found.name)
    with output.working(f"Building {source}") as report:
        plugin, _ = building.built(work, report)
    if plugin.wasm != found.module:
        raise PackageRejected(
            f"{source} makes other bytes: {hashlib.sha256(plugin.wasm).hexdigest()}",
            remedy="use the tools that the provenance names, and the same source",
            fault="digest",
        )
    return f"{source} makes the same bytes"


@dataclass(frozen=True, slots=True)
class SignedThing:
    """A module or package, with what says who made it."""

    name: str
    version: str
    digest: str
    module: bytes
    evidence: Evidence


def evidence_of(shell: Shell, word: str) -> SignedThing:
    """The plugin in a file or a registry, and its signatures. Raises: NotFound; what reading it raises."""
    if word.startswith("oci://"):
        package = asyncio.run(package_sources(shell).fetch(parse_reference(word), named=True))
        return _of_package(package, Evidence())
    file = Path(word)
    data, beside = _read(file), file.with_name(f"{file.name}.pub")
    offered = [read_public_key(read_small(beside))] if beside.is_file() else []
    held = Evidence([(one, data) for one in signatures_beside(file)], offered)
    if file.suffix == ".omni":
        return _of_package(read_omni(data), held)
    manifest = read_subject(file).manifest
    return SignedThing(manifest.name, manifest.version, digest_of(data), data, held)


def _of_package(package: Package, held: Evidence) -> SignedThing:
    signatures = [*package_signatures(package), *held.signatures]
    evidence = Evidence(signatures, [*offered_keys(package), *held.offered])
    return SignedThing(package.name, package.version, package.digest, package.module, evidence)


def secret_key(word: str) -> SecretKey:
    """The secret key that a name of `omnicore keys new` or a file means; its password is asked for.

    Raises: NotFound, InvalidInput, WrongCredentials.
    """
    named = _own_keys() / f"{word}.key"
    file = named if Path(word).name == word and named.is_file() else Path(word)
    text = read_small(file)
    return read_secret_key(text, read_secret("password") if needs_password(text) else "")


def _verdict(shell: Shell, name: str, evidence: Evidence) -> TrustVerdict:
    policy = TrustPolicy.of(loaded(shell).settings.trust)
    with publishers(shell) as known:
        if known is not None:
            return known.verdict(name, evidence, policy)
    return judge(name, evidence, policy, keys=(), pin=None, now=SystemClock().now())


def _lines(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("file", "name", "version", "digest", "publisher", "decision", "reason", "remedy"):
        if document[name]:
            yield name, document[name]
    for name in ("built from", "rebuilt"):
        if document.get(name):
            yield name, document[name]
    for name in ("languages", "tools"):
        if document[name]:
            yield name, ", ".join(document[name])
    for one in document["signatures"]:
        yield "signature", " ".join(filter(None, (one["kind"], one["key_id"], one["comment"])))


@contextmanager
def publishers(shell: Shell) -> Iterator[Publishers | None]:
    """Keys and pins, None where there is no database: looking makes none."""
    local = optional("omnicore.cli.local")
    with ExitStack() as stack:
        store = None
        with suppress(NotFound):
            store = stack.enter_context(local.stored(loaded(shell).settings))
        yield None if store is None else Publishers(store, SystemClock())


@contextmanager
def _changed(shell: Shell) -> Iterator[Publishers]:
    local = optional("omnicore.cli.local")
    with local.changed(loaded(shell).settings) as store:
        yield Publishers(store, SystemClock())


def _own_keys() -> Path:
    return state_root() / "keys"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotFound(f"{file} cannot be read ({error.strerror})", remedy="check the path") from error


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written ({error.strerror})", remedy="name another place") from error


def _write_new(file: Path, text: str) -> None:
    """Writes a file that only its owner may read, in no other one's place."""
    try:
        with open(file, "x", encoding="utf-8", opener=own_opener) as stream:
            stream.write(text)
    except FileExistsError as error:
        raise Conflict(f"{file} is there already", remedy="choose another name") from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written ({error.strerror})", remedy="name another place") from error


def _key_json(key: SecretKey) -> dict[str, str]:
    return {"key_id": key.key_id, "fingerprint": key.public.fingerprint}


def _public_json(file: Path) -> dict[str, str]:
    key = read_public_key(read_small(file))
    return {"key_id": key.key_id, "fingerprint": key.fingerprint}


def _signature_json(one: PackageSignature) -> dict[str, str]:
    return {"kind": one.kind, "key_id": one.key_id, "comment": one.comment}


def _printable(name: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in name)
