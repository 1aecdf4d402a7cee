"""A package is looked at, installed by its digest on a second host, held back where it asks for more, and put back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.access.people import make
from tests.cli.conftest import Run, run_here
from tests.connectors.local_server import redirect, reply, serve
from tests.packages.packs import MODULE, other_module, package, rules
from tests.packages.registries import RegistryServer

from omnicore.access.principal import Role
from omnicore.assembly import Host
from omnicore.config.settings import PackageSettings, Settings
from omnicore.connectors.transfers import Transfers
from omnicore.errors import Conflict, InvalidInput, OmniError, PackageRejected, PermissionDenied
from omnicore.packages.keys import SecretKey
from omnicore.packages.lock import FILE, LockedPlugin, PluginLock, read_lock
from omnicore.packages.package import Package, write_omni
from omnicore.packages.reference import OciReference
from omnicore.packages.registry import Registry
from omnicore.packages.service import InstallOrder
from omnicore.packages.signature import sign, with_signature
from omnicore.portal import BlockingHost
from omnicore.storage.tables.plugins import PluginOrigin

__all__ = ["run_here"]

KV = '[[capabilities]]\nname = "kv"\nreason = "counts"\n'


def published(registry: RegistryServer, name: str, *packages: Package) -> str:
    """Publishes packages under their versions, and returns the repository."""

    async def push() -> None:
        async with Transfers(rules(registry.port)) as web:
            for one in packages:
                await Registry(web, OciReference(registry.host, f"service/{name}")).push(one, tag=one.version)

    asyncio.run(push())
    return f"oci://{registry.host}/service/{name}"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BlockingHost]:
    """A host of its own."""
    settings = Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False)
    with Host(settings=settings) as opened:
        yield opened


def install(host: BlockingHost, reference: str, **more: Any) -> Any:
    """Looks at a package and installs it, as its owner."""
    look = host.packages.look(reference, named=True)
    order = InstallOrder(reference, look.package.digest, **{"accept_publisher": True, **more})
    return host.packages.install(order, who="test", named=True)


def test_looking_writes_nothing_and_tells_what_would_be_asked_for(
    registry: RegistryServer, host: BlockingHost, tmp_path: Path
) -> None:
    place = published(registry, "asks", package(more=KV))
    look = host.packages.look(f"{place}:1.2.0", named=True).to_json()
    assert [one["capability"] for one in look["upgrade"]["changes"]] == ["kv"]
    assert (look["name"], look["version"], look["publisher"]["decision"]) == ("echo", "1.2.0", "ask")
    assert look["readme"].startswith("# echo")
    assert host.plugins.list() == []
    assert list((tmp_path / "plugins").glob("*")) == []


def test_a_package_is_installed_by_its_digest_and_nothing_is_granted(
    registry: RegistryServer, host: BlockingHost
) -> None:
    place = published(registry, "digest", package(more=KV))
    view = install(host, f"{place}@{package(more=KV).digest}")
    assert (view.name, view.state, view.granted) == ("echo", "needs-grant", ())
    host.plugins.grant("echo", who="test")
    assert host.call("echo.echo", "hello") == b"hello"
    (origin,) = host.packages.installed()
    assert (origin.source, origin.version, origin.digest) == (place, "1.2.0", package(more=KV).digest)


def test_a_version_that_asks_for_more_is_held_back_and_the_old_one_goes_on(
    registry: RegistryServer, host: BlockingHost
) -> None:
    old, new = package("1.0.0"), package("1.1.0", module=other_module("b"), more=KV)
    place = published(registry, "more", old)
    install(host, f"{place}:1.0.0")
    published(registry, "more", new)
    (outdated,) = host.packages.outdated(named=True)
    assert (outdated.newest, outdated.reference) == ("1.1.0", f"{place}:1.1.0")
    look = host.packages.look(outdated.reference, named=True).to_json()["upgrade"]
    assert (look["from"]["version"], look["to"]["version"]) == ("1.0.0", "1.1.0")
    assert [one["capability"] for one in look["changes"]] == ["kv"]
    view = install(host, outdated.reference)
    assert view.state in ("needs-review", "needs-grant")
    assert host.call("echo.echo", "hello") == b"hello"
    host.plugins.approve("echo", who="test")
    assert host.call("echo.echo", "hello") == b"b"
    host.plugins.rollback("echo", host.plugins.versions("echo")[1].hash, who="test")
    assert host.call("echo.echo", "hello") == b"hello"
    assert [one.version for one in host.packages.installed()] == ["1.0.0"]


def test_what_was_looked_at_is_what_is_installed(registry: RegistryServer, host: BlockingHost) -> None:
    place = published(registry, "moved", package("1.2.0"))
    seen = host.packages.look(f"{place}:1.2.0", named=True).package.digest
    other = package("1.2.0", module=other_module("x"))
    published(registry, "moved", other)
    order = InstallOrder(f"{place}:1.2.0", seen, accept_publisher=True)
    host.packages.install(order, who="test", named=True)
    assert host.call("echo.echo", "hello") == b"hello"  # the tag leads elsewhere by now
    with pytest.raises(Conflict, match="by now"):
        host.packages.install_file(write_omni(other), InstallOrder("echo.omni", seen), who="test")


def test_a_package_of_nobody_needs_a_yes(registry: RegistryServer, host: BlockingHost) -> None:
    place = published(registry, "nobody", package())
    with pytest.raises(PermissionDenied, match="not signed"):
        install(host, f"{place}:1.2.0", accept_publisher=False)
    assert host.plugins.list() == []


def test_an_install_that_fails_gives_the_name_to_nobody(host: BlockingHost, tmp_path: Path) -> None:
    def brought(found: Package) -> None:
        order = InstallOrder("oci://registry.example.org/echo:9", found.digest, accept_publisher=True)
        host.packages.install_file(write_omni(found), order, who="test")

    brought(package("1.0.0"))
    file, stranger, signed = tmp_path / "plugins" / "echo.wasm", SecretKey.new(), package("1.1.0")
    file.rename(tmp_path / "away")
    file.mkdir()
    with pytest.raises(OmniError):
        brought(with_signature(signed, sign(signed.manifest, stranger, comment="x"), stranger.public))
    file.rmdir()
    brought(package("1.2.0"))  # a name that was the stranger's would need their signature
    assert [one.source for one in host.packages.installed()] == ["file oci://registry.example.org/echo:9"]
    assert host.packages.outdated(named=True)[0].problem == "the source has one version only"


def test_removing_a_plugin_forgets_where_it_came_from(registry: RegistryServer, host: BlockingHost) -> None:
    install(host, f"{published(registry, 'gone', package())}:1.2.0")
    host.plugins.remove("echo")
    assert host.packages.installed() == []


async def test_a_file_of_the_web_is_taken_by_its_digest_only(tmp_path: Path) -> None:
    digest = package().layers[0].digest.removeprefix("sha256:")
    settings = Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False)
    async with Host(settings=settings) as host, serve(lambda seen: reply(200, MODULE)) as server:
        place = f"http://127.0.0.1:{server.port}/echo.wasm#sha256="
        look = await host.packages.look(place + digest, named=True)
        assert look.package.module == MODULE
        with pytest.raises(PackageRejected, match="has the digest"):
            await host.packages.look(place + 64 * "0", named=True)


@pytest.mark.parametrize("place", ["127.0.0.1:5000", "10.0.0.7", "169.254.169.254", "[::1]:5000", "localhost:5000"])
def test_nobody_from_elsewhere_reaches_a_private_address(host: BlockingHost, place: str) -> None:
    with pytest.raises(PermissionDenied, match=r"metadata|public internet"):
        host.packages.look(f"oci://{place}/echo:1", named=False)


# -- the command line


@pytest.fixture
def two(registry: RegistryServer) -> Callable[[str], tuple[str, str]]:
    """Two versions in a registry: their repository, and the digest of the first."""

    def publish(name: str) -> tuple[str, str]:
        first = package("1.0.0")
        return published(registry, name, first, package("1.1.0", module=other_module("b"), more=KV)), first.digest

    return publish


def omnicore(run: Run, folder: Path, *words: str) -> Any:
    """Runs a command in a folder with a state of its own."""
    folder.mkdir(exist_ok=True)
    return run(*words, folder=folder, XDG_STATE_HOME=str(folder / "state"), OMNICORE_PLUGINS=str(folder / "plugins"))


def test_a_lock_brings_the_same_to_a_second_host(
    run_here: Run, two: Callable[[str], tuple[str, str]], tmp_path: Path
) -> None:
    place, digest = two("lock")
    first, second, third = tmp_path / "first", tmp_path / "second", tmp_path / "third"
    asked = omnicore(run_here, first, "plugins", "install", f"{place}:1.0.0")
    assert (asked.code, "add --yes" in asked.err, (first / FILE).exists()) == (3, True, False)
    done = omnicore(run_here, first, "plugins", "install", f"{place}:1.0.0", "--yes")
    assert done.code == 0, done.err
    lock = read_lock((first / FILE).read_text())
    assert lock.plugins == (LockedPlugin("echo", place, "1.0.0", digest, ""),)
    second.mkdir()
    (second / FILE).write_bytes((first / FILE).read_bytes())
    assert omnicore(run_here, second, "install", "--locked", "--yes").code == 0
    assert omnicore(run_here, second, "call", "echo.echo", "hello").out == "hello"
    vendored = omnicore(run_here, first, "plugins", "vendor", str(tmp_path / "vendored"))
    assert vendored.code == 0, vendored.err
    third.mkdir()
    (third / FILE).write_bytes((tmp_path / "vendored" / FILE).read_bytes())
    moved = omnicore(run_here, third, "install", "--locked", "--from", str(tmp_path / "vendored"), "--yes")
    assert moved.code == 0, moved.err
    assert json.loads(omnicore(run_here, third, "plugins", "ls", "-o", "json").out)[0]["name"] == "echo"
    assert omnicore(run_here, third, "plugins", "rm", "echo", "--yes").code == 0
    assert read_lock((third / FILE).read_text()).plugins == ()


def test_an_update_is_shown_and_held_until_it_is_accepted(
    run_here: Run, two: Callable[[str], tuple[str, str]], tmp_path: Path
) -> None:
    place, _ = two("update")
    folder = tmp_path / "host"
    assert omnicore(run_here, folder, "plugins", "install", f"{place}:1.0.0", "--yes").code == 0
    assert "1.1.0" in omnicore(run_here, folder, "outdated").out
    done = omnicore(run_here, folder, "update", "--yes")
    assert done.code == 0, done.err
    assert "kv" in done.out
    assert omnicore(run_here, folder, "call", "echo.echo", "hello").out == "hello"
    assert read_lock((folder / FILE).read_text()).plugins[0].version == "1.1.0"
    assert omnicore(run_here, folder, "plugins", "upgrade", "echo", "--approve").code == 0
    assert omnicore(run_here, folder, "call", "echo.echo", "hello").out == "b"
    assert omnicore(run_here, folder, "plugins", "rollback", "echo").code == 0
    assert omnicore(run_here, folder, "call", "echo.echo", "hello").out == "hello"
    assert omnicore(run_here, folder, "update", "nope").code == 5


LOCK = PluginLock((LockedPlugin("echo", "oci://registry.example.org/echo", "1.0.0", f"sha256:{'9f' * 32}", "key:12"),))


def test_no_byte_of_a_lock_can_change_unnoticed() -> None:
    text = LOCK.text()
    assert read_lock(text) == LOCK
    for at, char in enumerate(text):
        with pytest.raises(PackageRejected):
            read_lock(text[:at] + ("x" if char != "x" else "y") + text[at + 1 :])
    for other in (text + "\n", text[:-1], "", text.replace("[[plugin]]", "[plugin]")):
        with pytest.raises(PackageRejected):
            read_lock(other)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"digest": f"sha256:{'0' * 64}"}, "has no sha256:0000"),
        ({"name": "other"}, "its name is echo, not other"),
        ({"version": "9.9.9"}, "its version is 1.0.0, not 9.9.9"),
        ({"publisher": "key:12"}, "its publisher is none, not key:12"),
        ({"source": "nowhere"}, "has no sha256:"),
    ],
)
def test_a_lock_that_says_something_else_than_the_package_installs_nothing(
    run_here: Run, two: Callable[[str], tuple[str, str]], tmp_path: Path, changed: dict[str, str], reason: str
) -> None:
    place, digest = two("differs")
    values = {"name": "echo", "source": place, "version": "1.0.0", "digest": digest, "publisher": ""}
    if "source" in changed:
        changed = {"source": place.replace("differs", "nowhere")}
    (tmp_path / FILE).write_text(PluginLock((LockedPlugin(**{**values, **changed}),)).text())
    done = omnicore(run_here, tmp_path, "install", "--locked", "--yes")
    assert done.code in (1, 5)
    assert reason in done.err
    assert not list((tmp_path / "plugins").glob("*.wasm"))


# -- REST


async def test_a_redirect_does_not_lead_the_host_to_a_private_address(tmp_path: Path) -> None:
    async with serve(lambda seen: redirect("http://169.254.169.254/")) as server:
        place = f"127.0.0.1:{server.port}"
        listed = PackageSettings(private_hosts=(place,), insecure_hosts=(place,))
        await _refused_redirect(
            Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, packages=listed), place
        )


async def _refused_redirect(settings: Settings, place: str) -> None:
    async with Host(settings=settings) as host:
        transport = httpx.ASGITransport(host.asgi())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            body = {"reference": f"oci://{place}/echo:1"}
            answer = await client.post("/api/v1/packages/look", json=body)
            assert answer.status_code == 401
        with pytest.raises(PermissionDenied, match=r"metadata|without TLS"):
            await host.packages.look(body["reference"], named=False)


def test_a_token_for_one_plugin_hears_of_that_one_only(registry: RegistryServer, host: BlockingHost) -> None:
    for name in ("echo", "second"):
        install(host, f"{published(registry, f'bound-{name}', package(name=name))}:1.2.0")
    user = make(host.host.access, "ada", Role.nobody, plugins={"echo": Role.operator, "second": Role.viewer})
    secret = host.host.access.tokens.add("t", owner=user.id, role=Role.nobody, plugins={"echo": Role.admin})[1]

    async def told(place: str, key: str) -> list[str]:
        transport = httpx.ASGITransport(host.asgi())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get(f"/api/v1/packages{place}", headers={"authorization": f"Bearer {key}"})
            return sorted(one["plugin"] for one in answer.json()["items"])

    assert asyncio.run(told("", secret)) == asyncio.run(told("/outdated", secret)) == ["echo"]
    own = host.host.access.tokens.add("t", owner=user.id, role=Role.admin)[1]
    assert asyncio.run(told("/outdated", own)) == ["echo"], "a viewer of a plugin sets no requests going"


def test_a_few_sources_are_asked_at_once(host: BlockingHost, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, most, service = 0, 0, host.host.packages

    async def versions(*_given: Any, **_named: Any) -> list[str]:
        nonlocal asked, most
        asked += 1
        most = max(most, asked)
        for _ in range(3):
            await asyncio.sleep(0)
        asked -= 1
        return ["9.0.0"]

    many = [PluginOrigin(f"many{n}", "0" * 64, f"oci://example.org/{n}", "1.0.0", "", "", 0.0, "") for n in range(20)]
    monkeypatch.setattr(service, "installed", lambda: many)
    monkeypatch.setattr(service, "_sources", SimpleNamespace(versions=versions))
    assert [one.newest for one in host.packages.outdated(named=True)] == ["9.0.0"] * 20
    assert most == 8


def test_a_file_of_the_host_is_no_package_for_a_caller(host: BlockingHost) -> None:
    with pytest.raises(InvalidInput, match="is a file"):
        host.packages.look("/etc/passwd.omni", named=True)
