"""The table of `sdk/README.md`: how many cases of `specs/conformance` each language passes at each door.

The suite fails unless every case passes in every language that has a conformance plugin, so the table counts cases.
"""

from __future__ import annotations

import json
import re

from sdk.generate.contract import ROOT, Contract

__all__ = ["files"]

_PATH = "sdk/README.md"
_NAMES = {
    "rust": "Rust",
    "go": "Go",
    "js": "JavaScript, TypeScript",
    "python": "Python",
    "c": "C",
    "zig": "Zig",
    "assemblyscript": "AssemblyScript",
}


def files(contract: Contract) -> dict[str, str]:
    """The page, with its table made anew."""
    doors = [door.name for door in contract.doors]
    counts = {door: len(json.loads((ROOT / "specs/conformance" / f"{door}.json").read_text("utf-8"))) for door in doors}
    kits = [language for language in _NAMES if (ROOT / "sdk" / language / "conformance").is_dir()]
    rows = [
        f"| | {' | '.join(doors)} |",
        f"|---|{'---|' * len(doors)}",
        *(f"| [{_NAMES[kit]}]({kit}/) | {' | '.join(str(counts[door]) for door in doors)} |" for kit in kits),
    ]
    page = (ROOT / _PATH).read_text("utf-8")
    block = "<!-- made: table -->\n" + "\n".join(rows) + "\n<!-- end -->"
    return {_PATH: re.sub(r"<!-- made: table -->\n.*?<!-- end -->", lambda _: block, page, flags=re.DOTALL)}
