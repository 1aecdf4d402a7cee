"""Puts a plugin's manifest into its module: `embed.py plugin.toml plugin.wasm`, as `omnicore build` does it.

The manifest goes in as JSON, in the custom section `omnicore:manifest`; one that is there already is replaced.
Needs this checkout and nothing else but Python 3.11.
"""

import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))

from omnicore.toolchains.manifest import embedded, with_manifest


def main(manifest: str, module: str) -> None:
    """Embeds the manifest of the first file in the second."""
    values = tomllib.loads(Path(manifest).read_text(encoding="utf-8"))
    path = Path(module)
    path.write_bytes(with_manifest(path.read_bytes(), embedded(values)))


if __name__ == "__main__":
    main(*sys.argv[1:])
