"""Rust, with cargo: a folder with a Cargo.toml whose library is a cdylib."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from omnicore.errors import BuildFailed, ToolMissing
from omnicore.toolchains.languages import Built, PluginSource, Report, program, run

_TARGET: Final = "wasm32-unknown-unknown"
_ADD: Final = f"rustup target add {_TARGET}"
_RUSTUP: Final = f"install Rust: `curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh`, then `{_ADD}`"
_DEBIAN: Final = "on Debian and Ubuntu `apt install libstd-rust-dev-wasm32`; elsewhere "
# For a small module; what the author's own profile says wins.
_PROFILE: Final[Mapping[str, str]] = {
    "opt-level": '"s"',
    "lto": "true",
    "codegen-units": "1",
    "panic": '"abort"',
    "strip": "true",
}
_STACK_BYTES: Final = 131_072  # two pages; the linker's own megabyte would be part of every instance
_PLAIN: Final = {"CARGO_TERM_COLOR": "never", "CARGO_TERM_PROGRESS_WHEN": "never", "CARGO_INCREMENTAL": "0"}


@dataclass(frozen=True, slots=True)
class RustToolchain:
    """Builds with the `cargo` on PATH, in the author's own target folder."""

    language: str = "rust"
    watched: tuple[str, ...] = ("Cargo.toml", "Cargo.lock", "build.rs", "plugin.toml", "src/**/*", "sdk/**/*.rs")
    kit_files: tuple[str, ...] = ("Cargo.toml", "README.md", "src", "macros/Cargo.toml", "macros/src")
    """Files that `omnicore new` copies of sdk/rust: the crate omnicore-sdk, which is on no registry."""

    def find(self, path: Path) -> PluginSource | None:
        """A folder with the Cargo.toml of a library, or that file."""
        folder = path.parent if path.name == "Cargo.toml" else path
        values = _toml(folder / "Cargo.toml")
        package = values.get("package")
        if not isinstance(package, dict) or not ("lib" in values or (folder / "src" / "lib.rs").is_file()):
            return None
        return PluginSource(self.language, folder, folder, str(package.get("name", folder.name)))

    def build(self, source: PluginSource, report: Report) -> Built:
        """Compiles.

        Raises:
            ToolMissing: no cargo, or no standard library for Wasm.
            BuildFailed: with what the compiler says.
        """
        cargo = _Cargo(program("cargo", language="Rust", install=_RUSTUP), source.folder)
        _check_target(source.folder)
        report("looking for the crates it needs")
        metadata = cargo.metadata()
        package = _package(metadata, source.folder)
        options, variables = _given(_flags(metadata, package, source.folder))
        options += _profile(metadata)
        report("compiling; the first time takes longer")
        said = cargo.build(options, variables)
        # Everything is built: this only says where.
        artefacts = _objects(cargo.build(["--message-format=json", *options], variables))
        return Built(_module(artefacts, package), _described(package), (said.strip(),) if said.strip() else ())


@dataclass(frozen=True, slots=True)
class _Cargo:
    """Runs cargo in a folder."""

    path: str
    folder: Path

    def metadata(self) -> dict[str, Any]:
        """All packages of the build, downloaded. What is on this machine is taken before anything newer."""
        words = (self.path, "metadata", "--format-version=1", f"--filter-platform={_TARGET}")
        try:
            said = run([*words, "--offline"], cwd=self.folder, language="Rust", env=_PLAIN)
        except BuildFailed:
            said = run(words, cwd=self.folder, language="Rust", env=_PLAIN)
        return next(_objects(said))

    def build(self, options: list[str], variables: Mapping[str, str]) -> str:
        """Builds the library as a release for Wasm."""
        words = [self.path, "build", "--quiet", "--lib", "--release", f"--target={_TARGET}", *options]
        return run(words, cwd=self.folder, language="Rust", env={**_PLAIN, **variables})


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # cargo says what is wrong with it


def _objects(said: str) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in said.splitlines() if line.startswith("{"))


def _check_target(folder: Path) -> None:
    """Raises: ToolMissing: Rust is here, but not its standard library for Wasm."""
    rustc = program("rustc", language="Rust", install=_RUSTUP)
    said = run([rustc, "--print=target-libdir", f"--target={_TARGET}"], cwd=folder, language="Rust")
    if any(Path(said.strip()).glob("libstd-*.rlib")):
        return
    raise ToolMissing(
        f"Rust's standard library for {_TARGET} is not on this machine",
        remedy=_ADD if shutil.which("rustup") else _DEBIAN + _RUSTUP,
        tool=_TARGET,
    )


def _package(metadata: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    file = folder.resolve() / "Cargo.toml"
    package: dict[str, Any] = next(one for one in metadata["packages"] if Path(one["manifest_path"]).resolve() == file)
    if not any("cdylib" in target["crate_types"] for target in package["targets"]):
        raise BuildFailed(
            f"the library {package['name']} is none that a host can load",
            remedy='add to Cargo.toml:\n[lib]\ncrate-type = ["cdylib"]',
            output="",
        )
    return package


def _profile(metadata: Mapping[str, Any]) -> Iterator[str]:
    """Options for what the author's release profile leaves open."""
    own = _toml(Path(metadata["workspace_root"]) / "Cargo.toml").get("profile", {}).get("release", {})
    for name, value in _PROFILE.items():
        if name not in own:
            yield f"--config=profile.release.{name}={value}"


def _flags(metadata: Mapping[str, Any], package: Mapping[str, Any], folder: Path) -> list[str]:
    """Flags for rustc: the stack's size, and no path of this machine in the module."""
    own = package["metadata"] or {}
    stack = own.get("omnicore", {}).get("stack_bytes", _STACK_BYTES)
    flags = [f"-Clink-arg=-zstack-size={stack}"]
    flags += [f"--remap-path-prefix={path}={name}" for path, name in _places(metadata, folder).items()]
    return flags


def _given(flags: list[str]) -> tuple[list[str], dict[str, str]]:
    """Options and variables that hand flags to rustc beside the author's own, which cargo reads from one place only."""
    encoded, plain = os.environ.get("CARGO_ENCODED_RUSTFLAGS"), os.environ.get("RUSTFLAGS", "")
    own = encoded.split("\x1f") if encoded else plain.split()
    if own:
        return [], {"CARGO_ENCODED_RUSTFLAGS": "\x1f".join([*own, *flags])}
    return [f"--config=target.{_TARGET}.rustflags={json.dumps(flags)}"], {}


def _places(metadata: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Folders of sources on this machine, with their names in the module: messages of panics contain file names."""
    sysroot = run(["rustc", "--print=sysroot"], cwd=folder, language="Rust").strip()
    places = {f"{sysroot}/lib/rustlib/src/rust": "/rust", metadata["target_directory"]: "/target"}
    for one in metadata["packages"]:
        home = Path(one["manifest_path"]).parent
        if (one["source"] or "").startswith("registry+"):
            places[str(home.parent)] = "/crates"
        elif not home.is_relative_to(metadata["workspace_root"]):  # those within are compiled by relative paths
            places[str(home)] = f"/{one['name']}"
    return places


def _module(artefacts: Iterator[Mapping[str, Any]], package: Mapping[str, Any]) -> bytes:
    for one in artefacts:
        if one.get("package_id") == package["id"]:
            for name in one.get("filenames", ()):
                if name.endswith(".wasm"):
                    return Path(name).read_bytes()
    raise BuildFailed(f"cargo made no module of {package['name']}", remedy="build the library for Wasm", output="")


def _described(package: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        "version": package["version"],
        "description": package["description"],
        "author": ", ".join(package["authors"]),
    }
    return {name: value for name, value in values.items() if value}


TOOLCHAIN = RustToolchain()
