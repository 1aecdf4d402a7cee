"""Tools that these tests run where they are installed."""

from __future__ import annotations

import os
import shutil

import pytest

MINISIGN = shutil.which("minisign")
needs_minisign = pytest.mark.skipif(
    MINISIGN is None and not os.environ.get("CI"), reason="minisign is not installed: `.ci/servers` brings it"
)
"""In continuous integration the tool must be there."""
