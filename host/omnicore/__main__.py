"""`python -m omnicore` is the `omnicore` command."""

from __future__ import annotations

from omnicore.cli.main import main

main()
