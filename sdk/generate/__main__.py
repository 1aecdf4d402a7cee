"""Writes what is made from `specs/doors` and the OpenAPI document: `python -m sdk.generate`, in the repository."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import sdk.generate
from sdk.generate.contract import ROOT, load


def made() -> dict[Path, str]:
    """All files that are made, with their text. Each module of this package with a `files` makes some."""
    contract = load()
    found: dict[Path, str] = {}
    for backend in backends():
        module = importlib.import_module(f"sdk.generate.{backend}")
        found.update({ROOT / path: text for path, text in module.files(contract).items()})
    return found


def backends() -> Iterator[str]:
    """The modules that make files."""
    for item in pkgutil.iter_modules(sdk.generate.__path__):
        if item.name not in ("__main__", "application", "breaches", "contract", "rest", "text"):
            yield item.name


def stale() -> list[Path]:
    """The files that are not as they would be made."""
    return [path for path, text in made().items() if not path.is_file() or path.read_text("utf-8") != text]


def main() -> int:
    """Writes, or with --check only compares. Returns: the exit code."""
    parser = argparse.ArgumentParser(description="Writes what is made from specs/doors and specs/openapi.json.")
    parser.add_argument("--check", action="store_true", help="only say which files are not up to date")
    check = parser.parse_args().check
    old = stale()
    for path in old:
        print(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made()[path], "utf-8")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
