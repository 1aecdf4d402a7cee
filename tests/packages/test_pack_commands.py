"""`omnicore pack` and `omnicore publish`, with a real registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run, run_here
from tests.packages.packs import ICON, MODULE, README, sidecar
from tests.packages.registries import PASSWORD, USER, RegistryServer

from omnicore.packages.package import read_omni

__all__ = ["run_here"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A plugin's source with its built module."""
    folder = tmp_path / "echo"
    (folder / "dist").mkdir(parents=True)
    (folder / "dist" / "echo.wasm").write_bytes(MODULE)
    for name, data in {"plugin.toml": sidecar(), "README.md": README, "LICENSE": b"MIT\n", "icon.svg": ICON}.items():
        (folder / name).write_bytes(data)
    return folder


def test_a_folder_becomes_one_file_of_always_the_same_bytes(run_here: Run, source: Path, tmp_path: Path) -> None:
    done = run_here("pack", "echo", "-o", "json")
    assert (done.code, json.loads(done.out)["file"]) == (0, "echo-1.2.0.omni")
    first = (tmp_path / "echo-1.2.0.omni").read_bytes()
    assert set(read_omni(first).files) == {"plugin.toml", "README.md", "LICENSE", "icon.svg"}
    (source / "README.md").touch()
    assert run_here("pack", "echo", "--out", "again.omni").code == 0
    assert (tmp_path / "again.omni").read_bytes() == first
    assert run_here("pack", "echo", "--out", "later.omni", SOURCE_DATE_EPOCH="1700000000").code == 0
    assert (tmp_path / "later.omni").read_bytes() != first


def test_a_module_alone_takes_its_version_from_the_command_line(run_here: Run, tmp_path: Path) -> None:
    (tmp_path / "alone.wasm").write_bytes(MODULE)
    assert run_here("pack", "alone.wasm", "--version", "0.3.0").code == 0
    assert (tmp_path / "alone-0.3.0.omni").is_file()


def test_a_link_brings_no_file_of_this_machine_into_a_package(run_here: Run, source: Path) -> None:
    (source / "README.md").unlink()
    (source / "README.md").symlink_to("/etc/passwd")
    done = run_here("pack", "echo")
    assert done.code == 5
    assert "README.md cannot be read" in done.err


def test_a_folder_that_was_not_built_says_how(run_here: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert "omnicore build new" in run_here("pack", "new").err


@pytest.mark.parametrize("what", ["echo", "echo-1.2.0.omni", "echo/dist/echo.wasm"])
def test_a_plugin_is_published_and_its_digest_told(
    run_here: Run, source: Path, registry: RegistryServer, what: str
) -> None:
    assert run_here("pack", "echo").code == 0
    done = run_here("publish", f"oci://{registry.host}/commands/echo:1.2.0", what, "-o", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["reference"] == f"oci://{registry.host}/commands/echo@{told['digest']}"


def test_credentials_come_from_a_variable(run_here: Run, source: Path, guarded: RegistryServer, tmp_path: Path) -> None:
    environ = {"OMNICORE_PACKAGES__CA_FILE": str(guarded.ca_file), "HOME": str(tmp_path)}
    wanted = f"oci://{guarded.host}/commands/echo:1.2.0"
    refused = run_here("publish", wanted, "echo", **environ)
    assert (refused.code, "docker login" in refused.err) == (1, True)
    environ["OMNICORE_PACKAGES__CREDENTIALS"] = f'["{USER}:{PASSWORD}@{guarded.host}"]'
    done = run_here("publish", wanted, "echo", **environ)
    assert done.code == 0, done.err
    assert PASSWORD not in run_here("config", "show", **environ).out


def test_a_reference_with_a_digest_cannot_be_published_to(run_here: Run, source: Path) -> None:
    assert run_here("publish", "oci://h/n@sha256:" + 64 * "0", "echo").code == 2


def test_the_lock_files_of_a_source_become_its_bill_of_materials(run_here: Run, source: Path, tmp_path: Path) -> None:
    lock = '[[package]]\nname = "echo"\nversion = "1.2.0"\n\n[[package]]\nname = "serde"\nversion = "1.0.1"\n'
    (source / "Cargo.lock").write_text(lock + 'source = "registry"\nchecksum = "9f"\n')
    (source / "go.sum").write_text("example.org/m v1.2.3 h1:AAAA\nexample.org/m v1.2.3/go.mod h1:AAAA\n")
    modules = {"": {"name": "echo"}, "node_modules/@a/b": {"version": "2.0.0", "dev": True, "integrity": "sha512-AAAA"}}
    (source / "package-lock.json").write_text(json.dumps({"packages": modules}))
    (source / "requirements.txt").write_text("# pinned\nRich==13.0\nloose>=1\n")
    assert run_here("pack", "echo").code == 0
    bill = json.loads(read_omni((tmp_path / "echo-1.2.0.omni").read_bytes()).files["sbom.cdx.json"])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert [one["purl"] for one in bill["components"]] == [
        "pkg:cargo/serde@1.0.1",
        "pkg:golang/example.org/m@v1.2.3",
        "pkg:npm/%40a/b@2.0.0",
        "pkg:pypi/rich@13.0",
    ]
    assert bill["components"][2]["scope"] == "excluded"
    (source / "Cargo.lock").write_text("no toml")
    assert "Cargo.lock cannot be read" in run_here("pack", "echo").err


def test_our_own_examples_are_packed_with_what_they_were_built_from(run_here: Run, tmp_path: Path) -> None:
    plugins = Path(__file__).parents[2] / "plugins"
    for name in ("text", "csv", "counter"):
        assert run_here("pack", str(plugins / name), "--out", f"{name}.omni").code == 0
        found = read_omni((tmp_path / f"{name}.omni").read_bytes())
        assert {"plugin.toml", "README.md", "expected.json", "sbom.cdx.json"} <= set(found.files)
