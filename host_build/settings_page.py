"""Writes `docs/settings.md` from the declared settings: `python host_build/settings_page.py [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from omnicore.config.loader import SCHEMA, variable
from omnicore.config.schema import Leaf
from omnicore.config.service import is_live, schema_for

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
HEAD = """\
# Settings

This page is generated from `host/omnicore/config/settings.py`: `python host_build/settings_page.py` writes it, a test
compares it.

A setting is read from the first of these that has it: options of the command line, variables of the environment, what
`omnicore config set` or the console set, the settings file, defaults. The file is `omnicore.toml`, `.yaml`, `.yml` or
`.json` in the folder, or the one that `--config` or `OMNICORE_CONFIG` names:

```toml
port = 9000

[limits]
timeout_s = "500ms"
memory_bytes = "32 MiB"
```

The variable of a setting is its name in capital letters with `OMNICORE_` in front and `__` for each dot:
`{variable}`. A variable whose name ends in `_FILE` names a file that holds a secret. `omnicore config show --origin`
shows every value and where it comes from. An unknown name is an error. A name that was a setting in an earlier
version is ignored with a note.

`live` marks settings that take effect in a running host; all others take effect at the next start. `trust` is what
the settings file of a folder may set before `omnicore trust`, see `specs/trust.md`; an empty cell means nothing.
"""


def page() -> str:
    """The whole page."""
    return HEAD.format(variable=variable("limits.timeout_s")) + "".join(
        _section(section, list(leaves)) for section, leaves in groupby(SCHEMA.values(), _section_of)
    )


def _section_of(leaf: Leaf) -> str:
    return "" if len(leaf.path) == 1 else leaf.path[0]


def _section(section: str, leaves: list[Leaf]) -> str:
    rows = "".join(f"| {' | '.join(_cells(leaf))} |\n" for leaf in leaves)
    title = f"`{section}`" if section else "The host" if leaves[0].name == "plugins" else "Tables with free names"
    return f"\n## {title}\n\n| setting | default | values | meaning | live | trust |\n|---|---|---|---|---|---|\n{rows}"


def _cells(leaf: Leaf) -> Iterator[str]:
    yield f"`{leaf.name}`"
    size = leaf.name.endswith("_bytes")
    yield "" if leaf.default is None or leaf.free or leaf.name == "data" else f"`{_shown(leaf.default, size)}`"
    yield _values(schema_for(leaf), size) if not leaf.free else "table"
    yield leaf.doc.replace("|", "\\|") + (" (secret)" if leaf.secret else "")
    yield "yes" if is_live(leaf.name) else ""
    yield "" if leaf.untrusted == "never" else leaf.untrusted


def _shown(value: Any, size: bool) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(str(one) for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if size and value and value % 2**20 == 0:
        return f"{value // 2**20} MiB"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _values(schema: dict[str, Any], size: bool) -> str:
    if "anyOf" in schema:
        return f"{_values(schema['anyOf'][0], size)}, or none"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema["type"] == "array":
        return "list of strings"
    words = (("minimum", "from"), ("maximum", "to"))
    bounds = [f"{word} {_shown(schema[name], size)}" for name, word in words if name in schema]
    return " ".join(["size" if size else schema["type"], *bounds])


def main() -> int:
    """Writes the page, or with --check only compares. Returns: the exit code."""
    if "--check" not in sys.argv[1:]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
        sys.stderr.write(f"{PAGE} is not up to date: run python host_build/settings_page.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
