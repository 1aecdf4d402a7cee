from __future__ import annotations

import subprocess
import sys

_SETTLED = """
import gc
from omnicore.cli.run import settle

young, *older = gc.get_threshold()
settle()
assert gc.get_freeze_count() > 1000, gc.get_freeze_count()
assert gc.get_threshold()[0] > young and list(gc.get_threshold()[1:]) == older
assert gc.isenabled()
"""


def test_what_a_process_started_with_leaves_the_collectors_rounds_and_the_rest_is_still_collected() -> None:
    subprocess.run([sys.executable, "-c", _SETTLED], check=True, timeout=60)
