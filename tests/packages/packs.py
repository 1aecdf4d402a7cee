"""Packages of small plugins, and transfers that may reach this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.plugins.guests import ECHO, says

from omnicore.connectors.transfers import TransferRules
from omnicore.packages.package import Package, pack
from omnicore.sandbox.capi.code import wat_to_wasm

README = b"# echo\n\nSays what it is told.\n"
ICON = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
MODULE = wat_to_wasm(ECHO.encode())


def sidecar(version: str = "1.2.0", more: str = "", name: str = "echo") -> bytes:
    """The manifest of a plugin."""
    return f'name = "{name}"\nversion = "{version}"\ndescription = "Says it again"\n{more}'.encode()


def package(version: str = "1.2.0", *, module: bytes = MODULE, more: str = "", name: str = "echo") -> Package:
    """A package with a README, a licence and an icon."""
    files = {"plugin.toml": sidecar(version, more, name), "README.md": README, "LICENSE": b"MIT\n", "icon.svg": ICON}
    return pack(module, files, stem=name)


def other_module(letter: str) -> bytes:
    """Another module, which says a letter."""
    return wat_to_wasm(says(letter, "echo").encode())


def rules(*ports: int, ca_file: Path | None = None, **more: Any) -> TransferRules:
    """Rules that let loopback ports through, without TLS unless there is a certificate to trust."""
    named = tuple(f"127.0.0.1:{port}" for port in ports)
    return TransferRules(named=named, plain=() if ca_file else named, ca_file=ca_file, **more)
