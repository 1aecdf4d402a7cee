"""`python -m omnicore.api` writes the OpenAPI document of a host without plugins: `specs/openapi.json`."""

from __future__ import annotations

import json
import sys

from omnicore.api.openapi import document
from omnicore.api.operations import OPERATIONS

__all__ = ["text"]


def text() -> str:
    """The document as the file holds it."""
    return json.dumps(document(OPERATIONS), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
