"""Indexes of plugins: a folder of signed files that any web server serves, and the client that reads it.

An index holds a document for each name, one for searches, and the packages themselves. The Update Framework signs it:
the root says which keys sign, targets name every file with its digest, and snapshot and timestamp say which version
of them is the newest and until when that holds. So whoever serves the folder can neither change a file, nor go back
to an older index, nor keep an old one alive.

Source: The Update Framework 1.0; the library is python-tuf.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from omnicore.advisories import RANGE, applies
from omnicore.connectors.addresses import parse_url
from omnicore.connectors.transfers import PartialDownloads, TransferRules, Transfers
from omnicore.errors import (
    Conflict,
    InvalidSetting,
    NotFound,
    OmniError,
    PackageRejected,
    ServiceRefused,
    StorageFailed,
    Unavailable,
)
from omnicore.files import own_folder
from omnicore.optional import optional
from omnicore.packages.keys import read_public_key
from omnicore.packages.package import Package, omni_name, read_omni, write_omni
from omnicore.packages.provenance import producers_of
from omnicore.packages.reference import WebReference
from omnicore.packages.signature import package_signatures
from omnicore.plugins.folder import write_whole
from omnicore.plugins.upgrade import version_order
from omnicore.records import Json, Meta, Record, from_text, replace, to_text

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.packages.keys import SecretKey

INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ADDRESS = re.compile(r"(?P<name>[^=]+)=(?P<url>[^#]+)#sha256=(?P<root>[0-9a-f]{64})")
_PLUGIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_README, _ICONS = "README.md", ("icon.svg", "icon.png")
_DAY_S = 86_400.0
_ROOT_DAYS, _LISTS_DAYS = 3 * 365, 365
MOST_DOCUMENT = 4 * 1024 * 1024
"""Largest document of one name, and largest list for searches."""
MOST_VERSIONS = 1000
"""Versions of one plugin; the oldest leave the index's documents, and their files stay."""
MOST_README = MOST_ICON = 64 * 1024
"""Largest files beside a package that can be read without fetching it; of a longer README the beginning."""
MOST_KEPT_FILES, MOST_KEPT_BYTES = 1000, 64 * 1024 * 1024
"""Files of an index that are kept for the next time."""
_ROLES = ("targets", "snapshot", "timestamp")
_POLL_S, _LONGEST_WAIT_S = 0.02, 120.0

Fetch = Callable[[str, int], bytes]
"""Gets the bytes at a URL, at most so many. Raises: NotFound: there are none; other errors of the tree."""
_OF_PACKAGE = re.compile(r"/([0-9a-f]{64})\.[^/]+\.omni\Z")


class IndexPublisher(Record, frozen=True):
    """A publisher whose signatures the index has verified. `key` is the public key as a file."""

    name: Annotated[str, Meta(max_length=80)]
    fingerprint: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    key: Annotated[str, Meta(max_length=4096)]


class IndexVersion(Record, frozen=True):
    """A version of a plugin. `digest` is its package's; `capabilities` hold name, scope and reason.

    `file`, `readme` and `icon` are paths in the index, the last two empty where the package has none.
    """

    version: Annotated[str, Meta(max_length=128)]
    digest: Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}$")]
    file: Annotated[str, Meta(max_length=300)]
    size_bytes: Annotated[int, Meta(ge=0)]
    module_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    capabilities: tuple[Json, ...] = ()
    functions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    licence: Annotated[str, Meta(max_length=200)] = ""
    publishers: tuple[str, ...] = ()
    added_at: float = 0.0
    readme: Annotated[str, Meta(max_length=300)] = ""
    icon: Annotated[str, Meta(max_length=300)] = ""


class IndexAdvisory(Record, frozen=True):
    """A fault of some versions. `affected` are ranges such as `>=1.0.0 <1.2.3`; `revoked` takes them back entirely."""

    id: Annotated[str, Meta(max_length=80)]
    plugin: Annotated[str, Meta(max_length=64)]
    affected: tuple[Annotated[str, Meta(pattern=RANGE, max_length=200)], ...]
    severity: Annotated[str, Meta(pattern="^(low|medium|high|critical|unknown)$")] = "unknown"
    summary: Annotated[str, Meta(max_length=500)] = ""
    revoked: bool = False


class IndexEntry(Record, frozen=True):
    """A plugin of an index: its facts, and its versions, the newest first."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,63}$")]
    versions: Annotated[tuple[IndexVersion, ...], Meta(min_length=1, max_length=MOST_VERSIONS)]
    description: Annotated[str, Meta(max_length=2000)] = ""
    author: Annotated[str, Meta(max_length=200)] = ""
    publishers: tuple[IndexPublisher, ...] = ()
    advisories: tuple[IndexAdvisory, ...] = ()

    def version(self, wanted: str = "") -> IndexVersion:
        """The version that was named, else the newest one that was not revoked. Raises: NotFound."""
        for one in self.versions:
            if wanted == one.version or (not wanted and not self.revoked(one.version)):
                return one
        raise NotFound(
            f"the index has no version {wanted or 'that was not revoked'} of {self.name}",
            remedy=f"it has {', '.join(one.version for one in self.versions[:10])}",
        )

    @property
    def offered(self) -> IndexVersion:
        """The newest version that was not revoked, else the newest one."""
        return next((one for one in self.versions if not self.revoked(one.version)), self.versions[0])

    def known(self, version: str) -> tuple[IndexAdvisory, ...]:
        """The advisories for a version."""
        return tuple(one for one in self.advisories if applies(version, one.affected))

    def revoked(self, version: str) -> bool:
        """True when a version was taken back."""
        return any(one.revoked for one in self.known(version))


class IndexList(Record, frozen=True):
    """Every plugin of an index, for searches: each with its newest version only, of those that were not revoked."""

    entries: tuple[IndexEntry, ...] = ()


def entry_with(
    before: IndexEntry | None, package: Package, *, publishers: Sequence[IndexPublisher], added_at: float
) -> IndexEntry:
    """The entry of a plugin with one more version.

    Args:
        publishers: of whom each is kept whose signature of the package verifies.

    Raises: Conflict: the version is there with another digest.
    """
    keys = {read_public_key(one.key): one for one in publishers}
    signed = [key for one, data in package_signatures(package) if (key := one.signer(data, keys)) is not None]
    made = _version(package, tuple(dict.fromkeys(key.fingerprint for key in signed)), added_at)
    old = before.versions if before is not None else ()
    same = next((one for one in old if one.version == made.version), None)
    if same is not None and same.digest != made.digest:
        raise Conflict(
            f"{package.name} {made.version} is in the index with other bytes", remedy="give the package another version"
        )
    versions = sorted({one.version: one for one in (made, *old)}.values(), key=_order, reverse=True)[:MOST_VERSIONS]
    if made not in versions:
        raise Conflict(f"the index has {MOST_VERSIONS} newer versions of {package.name}", remedy="leave this one out")
    held = {one.fingerprint: one for one in (before.publishers if before is not None else ())}
    held |= {key.fingerprint: keys[key] for key in signed}
    return IndexEntry(
        package.name,
        tuple(versions),
        package.plugin.description[:2000],
        package.plugin.author[:200],
        tuple(held.values()),
        before.advisories if before is not None else (),
    )


def _version(package: Package, publishers: tuple[str, ...], added_at: float) -> IndexVersion:
    plugin, file = package.plugin, f"packages/{omni_name(package)}"
    icon = next((one for one in _ICONS if 0 < len(package.files.get(one, b"")) <= MOST_ICON), "")
    return IndexVersion(
        package.version,
        package.digest,
        file,
        size_bytes=package.size,
        module_sha256=hashlib.sha256(package.module).hexdigest(),
        capabilities=tuple(
            {"name": one.name, "scope": dict(one.scope), "reason": one.reason} for one in plugin.capabilities
        ),
        functions=tuple(one.name for one in plugin.functions),
        languages=producers_of(package.module).languages,
        licence=_licence(package),
        publishers=publishers,
        added_at=added_at,
        readme=_beside(file, _README) if package.files.get(_README) else "",
        icon=_beside(file, icon) if icon else "",
    )


def index_files(package: Package, version: IndexVersion) -> dict[str, bytes]:
    """The files of a version as an index holds them: the package, and what is shown before anybody fetches it."""
    found = {version.file: write_omni(package)}
    if version.readme:
        found[version.readme] = package.files[_README][:MOST_README]
    if version.icon:
        found[version.icon] = package.files[version.icon.rpartition("/")[2]]
    return found


def _beside(file: str, title: str) -> str:
    return f"{file.removesuffix('.omni')}/{title}"


def _order(one: IndexVersion) -> tuple[Any, ...]:
    return version_order(one.version) or ()


def _licence(package: Package) -> str:
    """The licence that the package names, else the first line of its text."""
    named = package.annotations.get("org.opencontainers.image.licenses", "")
    lines = package.files.get("LICENSE", b"")[:1000].decode("utf-8", "replace").strip().splitlines()
    return (named or (lines[0].strip() if lines else ""))[:200]


# -- writing


@dataclass(frozen=True, slots=True)
class IndexKeys:
    """The keys that sign an index.

    Args:
        online: signs lists, snapshot and timestamp, whenever the index is made.
        root: says which key that is; needed for the first index and where a key changes. It may be the same key.
        before: the root key until now, where `root` is another one.
    """

    online: SecretKey
    root: SecretKey | None = None
    before: SecretKey | None = None


class IndexFolder:
    """An index as its owner writes it.

    Args:
        days: after which the index counts as frozen, unless it is made again.
    """

    def __init__(self, folder: Path, keys: IndexKeys, *, clock: Clock, days: float = 30.0) -> None:
        self._folder, self._keys, self._clock, self._days = folder, keys, clock, days
        self._tuf = optional("tuf.api.metadata", extra="index")

    def entries(self) -> dict[str, IndexEntry]:
        """The plugins of the index as it is, by name. Raises: InvalidInput: a document of it is damaged."""
        found = {}
        for path, target in (self._targets() if (self._folder / "metadata").is_dir() else {}).items():
            if path.startswith("names/"):
                place = self._folder / "targets" / _prefixed(path, target.hashes["sha256"])
                entry = from_text(IndexEntry, place.read_bytes(), "document of the index")
                found[entry.name] = entry
        return found

    def write(self, entries: Mapping[str, IndexEntry], packages: Mapping[str, bytes]) -> str:
        """Writes the index, and returns the digest of its first root, which clients are given.

        Args:
            packages: the files of versions that are new, as `index_files` gives them.

        Raises: Conflict: a key that is needed is missing, a version is there with other bytes, or hosts would not read
            what is written.
        """
        tuf = self._tuf
        files = dict[str, bytes]()
        for name, entry in entries.items():
            files[f"names/{name}.json"] = to_text(entry).encode()
        listed = (replace(one, versions=one.versions and (one.offered,)) for _, one in sorted(entries.items()))
        files["search.json"] = to_text(IndexList(tuple(listed))).encode()
        for path, data in files.items():
            if len(data) > MOST_DOCUMENT:
                raise Conflict(
                    f"{path} would have {len(data)} bytes, of which hosts read {MOST_DOCUMENT}",
                    remedy="make another index for some of the plugins",
                )
        before = self._targets() if (self._folder / "metadata").is_dir() else {}
        targets = {path: one for path, one in before.items() if path.startswith("packages/")}
        for path, data in {**packages, **files}.items():
            target = tuf.TargetFile.from_data(path, data, ["sha256"])
            if path in targets and targets[path].hashes != target.hashes:
                raise Conflict(f"{path} is in the index with other bytes", remedy="give the package another version")
            targets[path] = target
            place = self._folder / "targets" / _prefixed(path, target.hashes["sha256"])
            write_whole(place.parent, place.name, data)
        self._sign(targets)
        return hashlib.sha256((self._folder / "metadata" / "1.root.json").read_bytes()).hexdigest()

    def _sign(self, targets: Mapping[str, Any]) -> None:
        tuf, signer = self._tuf, _signer(self._keys.online)
        self._write_root()
        version = self._newest("targets") + 1
        lists = self._until(_LISTS_DAYS)
        self._save("targets", tuf.Metadata(tuf.Targets(version, expires=lists, targets=dict(targets))), [signer])
        meta = {"targets.json": tuf.MetaFile(version)}
        number = self._newest("snapshot") + 1
        self._save("snapshot", tuf.Metadata(tuf.Snapshot(number, expires=lists, meta=meta)), [signer])
        stamp = tuf.Timestamp(self._stamp() + 1, expires=self._until(self._days), snapshot_meta=tuf.MetaFile(number))
        self._save("timestamp", tuf.Metadata(stamp), [signer])

    def _write_root(self) -> None:
        """Writes a root where there is none, or where the keys are others than in the newest one."""
        tuf, keys, newest = self._tuf, self._keys, self._newest("root")
        online = _signer(keys.online).public_key
        if newest:
            old = tuf.Metadata.from_file(str(self._folder / "metadata" / f"{newest}.root.json")).signed
            holds = all(old.roles[role].keyids == [online.keyid] for role in _ROLES)
            if holds and (keys.root is None or _signer(keys.root).public_key.keyid in old.roles["root"].keyids):
                return
            self._check_root(old)
        if keys.root is None:
            raise Conflict("the index has another key, or none yet", remedy="give the root key with --root-key")
        root = tuf.Root(newest + 1, expires=self._until(_ROOT_DAYS), consistent_snapshot=True)
        root.add_key(_signer(keys.root).public_key, "root")
        for role in _ROLES:
            root.add_key(online, role)
        signers = [_signer(keys.root), *([_signer(keys.before)] if keys.before is not None else [])]
        self._save("root", tuf.Metadata(root), signers)

    def _check_root(self, old: Any) -> None:
        given = [one for one in (self._keys.root, self._keys.before) if one is not None]
        if not {_signer(one).public_key.keyid for one in given} & set(old.roles["root"].keyids):
            raise Conflict(
                "the root key that the index has now is not among those given",
                remedy="give it with --root-key, or with --old-root-key beside a new one",
            )

    def _save(self, role: str, metadata: Any, signers: Sequence[Any]) -> None:
        for signer in signers:
            metadata.sign(signer, append=True)
        name = f"{role}.json" if role == "timestamp" else f"{metadata.signed.version}.{role}.json"
        write_whole(self._folder / "metadata", name, metadata.to_bytes())

    def _newest(self, role: str) -> int:
        found = (self._folder / "metadata").glob(f"*.{role}.json")
        return max((int(one.name.partition(".")[0]) for one in found if one.name[0].isdigit()), default=0)

    def _stamp(self) -> int:
        file = self._folder / "metadata" / "timestamp.json"
        return int(self._tuf.Metadata.from_file(str(file)).signed.version) if file.is_file() else 0

    def _targets(self) -> dict[str, Any]:
        newest = self._newest("targets")
        if not newest:
            return {}
        file = self._folder / "metadata" / f"{newest}.targets.json"
        return dict(self._tuf.Metadata.from_file(str(file)).signed.targets)

    def _until(self, days: float) -> datetime:
        return (datetime.fromtimestamp(self._clock.now(), UTC) + timedelta(days=days)).replace(microsecond=0)


def _signer(key: SecretKey) -> Any:
    signing, ed25519 = optional("securesystemslib.signer", extra="index"), key.private()
    return signing.CryptoSigner(ed25519)


def _prefixed(path: str, digest: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{digest}.{name}"


# -- reading


@dataclass(frozen=True, slots=True)
class IndexAddress:
    """An index in the owner's settings. `root` is the SHA-256 of its first root; `url` ends without a slash."""

    name: str
    url: str
    root: str


def read_address(text: str) -> IndexAddress:
    """The index that a setting names. Raises: InvalidSetting.

    >>> read_address("own=https://example.org/index#sha256=" + "0" * 64).url
    'https://example.org/index'
    """
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or not INDEX_NAME.fullmatch(found["name"]):
        raise InvalidSetting(
            f"{text[:120]!r} of trust.indexes is no index",
            remedy="write NAME=URL#sha256=DIGEST, as `omnicore index make` prints it",
        )
    return IndexAddress(found["name"], found["url"].rstrip("/"), found["root"])


class PluginIndex:
    """An index as a host reads it. `refresh` comes first; everything that is read then was signed.

    Args:
        state: the folder that remembers the versions that were seen, so that older ones are noticed.
    """

    def __init__(self, address: IndexAddress, state: Path, *, fetch: Fetch, clock: Clock) -> None:
        self.address, self._fetch, self._clock = address, fetch, clock
        digest = hashlib.sha256(f"{address.name}\n{address.root}".encode()).hexdigest()[:16]
        self.state = state / f"{address.name}-{digest}"
        self._updater: Any = None

    def refresh(self) -> None:
        """Reads which version of the index is the newest.

        Raises:
            PackageRejected: it was changed, rolled back, frozen, or is of another owner.
            Unavailable, and what `fetch` raises: it cannot be reached.
            ToolMissing: the extra `index` is not installed.
        """
        client, config = optional("tuf.ngclient", extra="index"), optional("tuf.ngclient.config", extra="index")
        for folder in (self.state, self.state / "targets"):
            own_folder(folder)
        with _translated(self.address.name):
            updater = client.Updater(
                str(self.state),
                f"{self.address.url}/metadata/",
                str(self.state / "targets"),
                f"{self.address.url}/targets/",
                fetcher=_Fetcher(self._fetch),
                config=config.UpdaterConfig(max_root_rotations=64, targets_max_length=16 * 1024 * 1024),
                bootstrap=self._first_root(),
            )
            # The library reads the clock once, here; there is no argument for it.
            updater._trusted_set.reference_time = datetime.fromtimestamp(self._clock.now(), UTC)
            updater.refresh()
        self._updater = updater

    def entries(self) -> tuple[IndexEntry, ...]:
        """Every plugin with its newest version. Raises: as `refresh`."""
        return from_text(IndexList, self._file("search.json"), "list of the index").entries

    def entry(self, name: str) -> IndexEntry:
        """A plugin with all its versions. Raises: NotFound; as `refresh`."""
        if not _PLUGIN.fullmatch(name):
            raise NotFound(f"{name[:80]!r} is no name of a plugin", remedy="see `omnicore search`")
        return from_text(IndexEntry, self._file(f"names/{name}.json"), "document of the index")

    def package(self, version: IndexVersion) -> bytes:
        """The file of a version's package. Raises: NotFound; as `refresh`."""
        return self._file(version.file, most=None)

    def readme(self, version: IndexVersion) -> bytes:
        """The beginning of a version's README, empty where it has none. Raises: NotFound; as `refresh`."""
        return self._file(version.readme, most=MOST_README) if version.readme else b""

    def icon(self, version: IndexVersion) -> bytes:
        """The icon of a version, not checked, empty where it has none. Raises: NotFound; as `refresh`."""
        return self._file(version.icon, most=MOST_ICON) if version.icon else b""

    def _file(self, path: str, *, most: int | None = MOST_DOCUMENT) -> bytes:
        if self._updater is None:
            self.refresh()
        with _translated(self.address.name):
            target = self._updater.get_targetinfo(path)
            if target is None:
                name = path.removeprefix("names/").removesuffix(".json")
                raise NotFound(f"the index {self.address.name} has no {name}", remedy="see `omnicore search`")
            if most is not None and target.length > most:
                raise _rejected(self.address.name, f"announces a file of {target.length} bytes", "size")
            if held := self._updater.find_cached_target(target):
                return Path(held).read_bytes()
            data = Path(self._updater.download_target(target)).read_bytes()
            self._tidy()
        return data

    def _tidy(self) -> None:
        """Deletes the oldest of the files that are kept, so that they do not grow with all that was ever looked at."""
        found = [(one.stat().st_mtime_ns, one.stat().st_size, one) for one in (self.state / "targets").iterdir()]
        size = 0
        for at, (_, length, file) in enumerate(sorted(found, reverse=True)):
            size += length
            if at >= MOST_KEPT_FILES or size > MOST_KEPT_BYTES:
                file.unlink()

    def _first_root(self) -> bytes:
        """The first root: the one that the owner's setting names, whoever serves the index."""
        file = self.state / "1.root.json"
        data = file.read_bytes() if file.is_file() else b""
        if hashlib.sha256(data).hexdigest() != self.address.root:
            try:
                data = self._fetch(f"{self.address.url}/metadata/1.root.json", 512_000)
            except NotFound as error:  # not for the next index to answer: it may have other plugins by these names
                raise Unavailable(
                    f"the index {self.address.name} cannot be read: {error.fact}", remedy=error.remedy
                ) from error
            if hashlib.sha256(data).hexdigest() != self.address.root:
                raise _rejected(self.address.name, "has another first root than your setting names", "digest")
            file.write_bytes(data)
        return data


class _Fetcher:
    """The fetcher that the library asks, with the bounds of ours."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def download_bytes(self, url: str, max_length: int) -> bytes:
        errors = optional("tuf.api.exceptions")
        try:
            return self._fetch(url, max_length)
        except NotFound as error:
            raise errors.DownloadHTTPError(str(error), 404) from error

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[io.BytesIO]:
        yield io.BytesIO(self.download_bytes(url, max_length))


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Failures of the library as refusals with their reason."""
    errors = optional("tuf.api.exceptions", extra="index")
    try:
        yield
    except OmniError:
        raise
    except errors.ExpiredMetadataError as error:
        raise _rejected(name, f"is frozen: {error}, and a newer one was due", "frozen") from error
    except errors.BadVersionNumberError as error:
        raise _rejected(name, f"was rolled back to an older version: {error}", "rolled-back") from error
    except errors.UnsignedMetadataError as error:
        raise _rejected(name, f"is not signed by its owner: {error}", "signature") from error
    except errors.LengthOrHashMismatchError as error:
        raise _rejected(name, f"holds a file that was changed: {error}", "digest") from error
    except errors.DownloadError as error:
        raise Unavailable(f"the index {name} cannot be read: {error}", remedy="try again, or another mirror") from error
    except OSError as error:
        raise StorageFailed(
            f"a file of the index {name} cannot be kept ({error.strerror or error})",
            remedy="free space on the disk of the data folder; if there is enough, tell the index's owner",
        ) from error
    except (errors.RepositoryError, ValueError, KeyError, TypeError) as error:
        raise _rejected(name, f"is damaged: {error}", "content") from error


def _rejected(name: str, fact: str, fault: str) -> PackageRejected:
    return PackageRejected(
        f"the index {name} {fact[:300]}", remedy="tell its owner, or use another mirror", fault=fault
    )


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class FoundVersion:
    """A version that an index has, and the index."""

    index: str
    entry: IndexEntry
    version: IndexVersion


class Indexes:
    """The indexes of the owner's settings, in their order: the first one that has a name is the one for it.

    Args:
        state: the folder that remembers the versions of indexes.
        rules: the bounds of requests for a reference.
        partial: keeps downloads of packages that broke off.
    """

    def __init__(
        self,
        addresses: Iterable[str],
        state: Path,
        *,
        rules: Callable[..., TransferRules],
        clock: Clock,
        partial: PartialDownloads | None = None,
    ) -> None:
        self.addresses = tuple(map(read_address, addresses))
        self._state, self._rules, self._clock, self._partial = state, rules, clock, partial

    async def entries(self) -> tuple[list[tuple[str, IndexEntry]], list[OmniError]]:
        """Every plugin of every index, with the index's name, and why an index could not be read.

        A name that an earlier index has is left out.
        """
        found, problems = dict[str, tuple[str, IndexEntry]](), list[OmniError]()
        for address in self.addresses:
            try:
                listed = await self.of(address)
            except OmniError as error:
                problems.append(error)
                continue
            for one in listed:
                found.setdefault(one.name, (address.name, one))
        return list(found.values()), problems

    async def of(self, address: IndexAddress) -> tuple[IndexEntry, ...]:
        """Every plugin of one index. Raises: as `PluginIndex.refresh`."""
        return await self.read(address, PluginIndex.entries)

    async def find(self, name: str, version: str = "") -> FoundVersion:
        """A version of a plugin, by default the newest that was not revoked.

        Raises: NotFound. PackageRejected: the version was revoked. Others: as `PluginIndex`.
        """
        for address in self.addresses:
            try:
                entry: IndexEntry = await self.read(address, lambda index: index.entry(name))
            except NotFound:
                continue
            found = entry.version(version)
            if (revoked := next((one for one in entry.known(found.version) if one.revoked), None)) is not None:
                raise PackageRejected(
                    f"{name} {found.version} was revoked ({revoked.id}: {revoked.summary})",
                    remedy="install another version",
                    fault="revoked",
                )
            return FoundVersion(address.name, entry, found)
        raise NotFound(
            f"no index has {name[:80]}",
            remedy="see `omnicore search`" if self.addresses else "name an index in the setting trust.indexes",
        )

    async def package(self, found: FoundVersion) -> Package:
        """The package of a version, checked. Raises: as `PluginIndex`."""
        address = next(one for one in self.addresses if one.name == found.index)
        data = await self.read(address, lambda index: index.package(found.version))
        package = await asyncio.to_thread(read_omni, data)
        if package.digest != found.version.digest or package.name != found.entry.name:
            raise _rejected(found.index, "names another package than the one it holds", "digest")
        return package

    async def read(self, address: IndexAddress, work: Callable[[PluginIndex], _T]) -> _T:
        """The value that `work` reads from an index, alone. Raises: as `PluginIndex`."""
        async with _alone(self._opened(address, _from_folder).state):
            return await self._on_a_thread(address, work)

    async def _on_a_thread(self, address: IndexAddress, work: Callable[[PluginIndex], _T]) -> _T:
        """Works on a thread: the library waits, and this event loop sends what it asks for."""
        if not address.url.startswith(("https://", "http://")):
            return await _to_its_end(work, self._opened(address, _from_folder))
        loop, url = asyncio.get_running_loop(), parse_url(f"{address.url}/")
        async with Transfers(self._rules(WebReference(url, ""), named=True), partial=self._partial) as web:

            def fetch(url: str, most: int) -> bytes:
                named = _OF_PACKAGE.search(url)  # the library compares the digest that is in the name
                digest = f"sha256:{named[1]}" if named else ""
                asked = web.send("GET", url, most_bytes=most, resumes=True, digest=digest)
                sent = asyncio.run_coroutine_threadsafe(asked, loop)
                answer = sent.result()
                if answer.status in (403, 404):
                    raise NotFound(f"{url} is not there", remedy="check the address of the index")
                if answer.status != 200:
                    raise ServiceRefused(f"{url} answered {answer.status}", status=answer.status)
                return answer.body

            return await _to_its_end(work, self._opened(address, fetch))

    def _opened(self, address: IndexAddress, fetch: Fetch) -> PluginIndex:
        return PluginIndex(address, self._state, fetch=fetch, clock=self._clock)


async def _to_its_end(work: Callable[[PluginIndex], _T], index: PluginIndex) -> _T:
    """Works on a thread. Whoever is cancelled waits for its end too: it writes files that nobody else may write yet."""
    job = asyncio.get_running_loop().run_in_executor(None, work, index)
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        await asyncio.wait([job])
        if not job.cancelled():
            job.exception()  # told to nobody
        raise


@asynccontextmanager
async def _alone(state: Path) -> AsyncIterator[None]:
    """Keeps other readers of an index out, in all processes: the library replaces its files one after the other.

    It waits on the event loop: a thread that waits might be the one that the reader needs. Raises: Unavailable.
    """
    own_folder(state)
    with (state / "lock").open("wb") as file:
        for _ in range(int(_LONGEST_WAIT_S / _POLL_S)):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(_POLL_S)
                continue
            yield
            return
    raise Unavailable(f"another process reads {state.name} for {_LONGEST_WAIT_S:g} seconds", remedy="try again")


def _from_folder(url: str, most: int) -> bytes:
    """A file of an index that lies in a folder of this machine."""
    try:
        with Path(url.removeprefix("file://")).open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise NotFound(f"{url} cannot be read ({error.strerror})", remedy="check the address of the index") from error
    if len(data) > most:
        raise PackageRejected(f"{url} has more than {most} bytes", fault="size")
    return data


def matching(entries: Iterable[IndexEntry], words: Sequence[str]) -> list[IndexEntry]:
    """The entries that all words are found in: in the name first, then in what they say about themselves."""
    wanted = [word.casefold() for word in words]

    def rank(entry: IndexEntry) -> int | None:
        newest = entry.versions[0]
        asked = [str(one.get("name", "")) for one in newest.capabilities if isinstance(one, dict)]
        rest = " ".join((entry.description, entry.author, *newest.functions, *newest.languages, *asked)).casefold()
        if not all(word in entry.name.casefold() or word in rest for word in wanted):
            return None
        return sum(word not in entry.name.casefold() for word in wanted)

    ranked = [(at, one.name, one) for one in entries if (at := rank(one)) is not None]
    return [one for _, _, one in sorted(ranked, key=lambda item: item[:2])]
