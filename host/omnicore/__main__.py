"""`python -m omnicore` is the `omnicore` command."""

from __future__ import annotations

import sys

from omnicore.cli.main import main

sys.exit(main())
