"""The built plugin that a word on the command line means: a file, a source's folder, or one in the plugin folder."""

from __future__ import annotations

from pathlib import Path

from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell
from omnicore.cli.output import Output
from omnicore.cli.session import loaded
from omnicore.errors import InvalidInput, NotFound
from omnicore.plugins.manifest import name_of_stem
from omnicore.testing.expected import FILE as CASES
from omnicore.testing.trial import Subject, read_subject
from omnicore.toolchains.manifest import toml_values

__all__ = ["cases_of", "code_cache", "find_subject", "is_file"]

_ENDINGS = (".wasm", ".wat")
_HOMES = ("plugins", "dist")


def is_file(word: str) -> bool:
    """Whether a word means a file and not the name of a plugin."""
    return word.endswith(_ENDINGS) or "/" in word or word in (".", "..")


def find_subject(shell: Shell, output: Output, word: str) -> Subject:
    """The plugin that PLUGIN, FOLDER or FILE means.

    Raises: NotFound: with what to build; InvalidInput: a folder with several; ModuleRejected, ManifestInvalid.
    """
    path = Path(word)
    if word.endswith(_ENDINGS):
        return read_subject(path)
    if path.is_dir() and (is_file(word) or _built(path) or path.joinpath(CASES).is_file()):
        return read_subject(_module(path))
    if is_file(word):
        raise NotFound(f"there is no {word}", remedy="check the path")
    with opened(shell, output) as host:
        view = host.plugins.get(word)
        return read_subject(host.settings.plugins / view.path)


def cases_of(subject: Subject) -> Path:
    """The file with a plugin's cases: `NAME.expected.json` beside it, else `expected.json` there or above."""
    folder = subject.path.absolute().parent
    places = [folder / f"{subject.path.stem}.{CASES}", folder / CASES]
    if folder.name in _HOMES:
        places.insert(1, folder.parent / CASES)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise NotFound(
            f"{subject.manifest.name} has no {CASES}",
            remedy=f'write {places[1]}: [{{"function": "...", "input": "..."}}], then run this with --update',
        )
    return found


def code_cache(shell: Shell) -> Path:
    """Where compiled code is kept between commands."""
    return loaded(shell).settings.data / "code"


def _built(folder: Path) -> list[Path]:
    """The modules a folder holds, in the first place that has any."""
    for place in (*(folder / home for home in _HOMES), folder):
        if found := sorted(one for one in place.glob("*") if one.suffix in _ENDINGS and one.is_file()):
            return found
    return []


def _module(folder: Path) -> Path:
    found = _built(folder)
    if not found:
        raise NotFound(f"{folder} has no built plugin", remedy=f"run `omnicore build {folder}` first")
    _, values = toml_values(folder)
    name = values.get("name") or name_of_stem(folder.resolve().name)
    mine = [one for one in found if name_of_stem(one.stem) == name] or found
    if len(mine) > 1:
        several = ", ".join(str(one) for one in mine[:5])
        raise InvalidInput(f"{folder} has several plugins: {several}", remedy="name the file")
    return mine[0]
