"""Where the kits for plugin authors are: in the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from omnicore.errors import NotFound

__all__ = ["kit"]

_PACKAGE = Path(__file__).resolve().parents[1]


def kit(language: str) -> Path:
    """The folder of a language's kit, as `sdk/` has it. Raises: NotFound: the installation is damaged."""
    for folder in (_PACKAGE / "sdk" / language, _PACKAGE.parents[1] / "sdk" / language):
        if folder.is_dir():
            return folder
    raise NotFound(f"the kit for {language} is not installed", remedy="install omnicore again")
