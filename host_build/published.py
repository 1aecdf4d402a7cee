"""Texts of the kits about where OmniCore comes from: a registry once it is released there, until then a clone.

`python host_build/published.py` writes them again after `published` of `[tool.omnicore.release]` in pyproject.toml
has changed. Somebody else may hold a name that we do not: nobody is told to install it from a registry before.

It writes the paths of the Go modules as well, after `go` of the same table has changed. Its first element needs a dot,
or `go get` takes the modules from nowhere.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLONE = "/path/to/omnicore"
_INSTALL = re.compile(rf"pip install '?(?:omnicore|{CLONE})(\[[a-z,-]+\])?'?(?![\w\[/=-])")
_NOTES = (
    "`pip install 'omnicore[go]'` in a clone of this repository is `pip install '.[go]'`, and so on.",
    f"`{CLONE}` is your clone of this repository: no registry has OmniCore or its kits yet.",
)
_COLUMN = 40  # where comments of the kits' first commands begin


def published() -> bool:
    """True when registries have what is released: the one switch for it."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return bool(found["tool"]["omnicore"]["release"]["published"])


def go_path() -> str:
    """What the paths of the Go modules begin with: the one place for it."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return str(found["tool"]["omnicore"]["release"]["go"])


def renamed(text: str, before: str, after: str) -> str:
    """A text with the Go modules at another path."""
    return re.sub(rf"(?<![\w./-]){re.escape(before)}/(sdk|client)(?![\w.-])", rf"{after}/\1", text)


def texts() -> list[Path]:
    """The texts that begin where nothing is installed yet."""
    return [
        *sorted(ROOT.glob("sdk/*.md")),
        *sorted(ROOT.glob("sdk/*/README.md")),
        *sorted(ROOT.glob("plugins/*/README.md")),
    ]


def told(text: str, *, released: bool) -> str:
    """The text as it is when registries have OmniCore, or have not."""
    before, after = _NOTES if not released else reversed(_NOTES)
    lines = (_line(line, released) if line not in _NOTES else line for line in text.replace(before, after).split("\n"))
    return "\n".join(lines)


def _line(line: str, released: bool) -> str:
    def one(found: re.Match[str]) -> str:
        name, extra = "omnicore" if released else CLONE, found[1] or ""
        return f"pip install '{name}{extra}'" if extra else f"pip install {name}"

    changed = _INSTALL.sub(one, line)
    code, sign, comment = changed.partition(" # ")
    aligned = sign and changed.startswith("pip install ")
    return f"{code.rstrip():<{_COLUMN - 1}}{sign}{comment}" if aligned else changed


def _go_texts() -> list[Path]:
    """The sources and texts that name a Go module."""
    places = (
        "sdk/go",
        "sdk/clients/go",
        "plugins",
        "host/omnicore/cli/templates/plugin-go",
        "tests/sdk",
        "tests/toolchains",
    )
    found = [path for place in places for end in ("go", "mod", "md", "py") for path in (ROOT / place).rglob(f"*.{end}")]
    return [path for path in sorted(found) if "node_modules" not in path.parts]


def main() -> None:
    """Writes the texts, and says which of them changed."""
    begin = re.findall(r"^module (\S+)/sdk$", (ROOT / "sdk/go/go.mod").read_text("utf-8"), re.MULTILINE)[0]
    for path in sorted({*texts(), *_go_texts()}):
        before = path.read_text("utf-8")
        after = renamed(before, begin, go_path())
        after = told(after, released=published()) if path in texts() else after
        if after != before:
            path.write_text(after, "utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
