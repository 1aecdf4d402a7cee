"""Answers lines, aborts on `abort` and hangs on `hang`: what the tests of `child.py` talk to."""

from __future__ import annotations

import json
import os
import sys
import threading

for line in sys.stdin:
    if line.strip() == "abort":
        os.abort()
    if line.strip() == "hang":
        threading.Event().wait()
    print(json.dumps({"line": line.strip()}), flush=True)
