"""Engines: the only room that runs guests. Doors and limits are handed in; see `abi.py` and `engine.py`."""
