"""Lets plain `tox` see every interpreter that pyenv holds: its shims answer for the selected ones only."""

from __future__ import annotations

import os
from pathlib import Path

_VERSIONS = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
_FOUND = sorted(path.name for path in _VERSIONS.glob("3.1[1-9]*") if (path / "bin" / "python3").exists())

if _FOUND and "PYENV_VERSION" not in os.environ:
    os.environ["PYENV_VERSION"] = ":".join(_FOUND)
