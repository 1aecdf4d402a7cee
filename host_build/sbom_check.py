"""Checks the bill of materials in DIST against CycloneDX's own schema: `python host_build/sbom_check.py DIST`."""

from __future__ import annotations

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def main(arguments: list[str]) -> int:
    """Prints what is wrong. Returns: 1 where something is."""
    wrong = False
    for file in sorted(Path(arguments[0]).glob("*.cdx.json")):
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text("utf-8"))
        print(f"{file.name}: {error or 'valid CycloneDX 1.6'}")
        wrong = wrong or error is not None
    return int(wrong)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
