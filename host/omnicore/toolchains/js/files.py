"""The files of a plugin as its source asks for them, and none outside of its folder."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path

from omnicore.sandbox.nesting import too_deep
from omnicore.toolchains.kits import kit

__all__ = ["Files"]

_ENDINGS = ("", ".js", ".mjs", ".cjs", ".json", "/index.js", "/index.mjs", "/index.json")
_KIT, _NOUNS = "omnicore", "omnicore:nouns"
_MOST_BYTES = 4 << 20
_MOST_DEPTH = 200


class Files:
    """Answers an engine's questions; remembers what was asked.

    Attributes:
        sources: the text of each file that was read, by its path.
        packages: names of npm packages that were asked for.
        omnicore: whether the kit was.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.sources: dict[str, str] = {}
        self.packages: list[str] = []
        self.omnicore = False

    def answer(self, question: bytes) -> bytes:
        """The answer behind a `=`, or a refusal behind a `!`."""
        verb, base, name = question.decode(errors="replace").split("\0", 2)
        try:
            return b"=" + (self._find(base, name) if verb == "find" else self._text(verb, name)).encode()
        except (OSError, ValueError) as error:
            return f"!{error}".encode()

    def _find(self, base: str, name: str) -> str:
        if name == _KIT:
            self.omnicore = True
            return _KIT
        if not name.startswith(("./", "../", "/")) and name not in (".", ".."):
            self.packages.append(name)
            raise ValueError(f"there is no package {name} in a plain build")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(base), name))
        for ending in _ENDINGS:
            if self._inside(path + ending).is_file():
                return path + ending
        raise ValueError(f"{base} asks for {name}, which is not there")

    def _inside(self, path: str) -> Path:
        found = (self._folder / path).resolve()
        if not found.is_relative_to(self._folder):
            raise ValueError(f"{path} lies outside of the plugin's folder")
        return found

    def _text(self, verb: str, name: str) -> str:
        if name == _KIT:
            return (kit("js") / "src" / "omnicore.mjs").read_text("utf-8")
        if name == _NOUNS:
            return _nouns()
        path = self._inside(name)
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{name} is larger than {_MOST_BYTES} bytes")
        text = path.read_text("utf-8")
        self.sources[name] = text
        if verb == "module" and name.endswith(".json"):
            if too_deep(text.encode(), _MOST_DEPTH):
                raise ValueError(f"{name} is nested deeper than {_MOST_DEPTH}")
            return f"export default {json.dumps(json.loads(text))};"
        return text


def _nouns() -> str:
    """The kit's nouns as one function of the kit and the object that takes them."""
    files = sorted((kit("js") / "src" / "nouns").glob("*.js"))
    return f"(function (kit, nouns) {{\n{''.join(file.read_text('utf-8') for file in files)}}})"
