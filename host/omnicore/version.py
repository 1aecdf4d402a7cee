"""The version of the package. Apart from the package itself, which knows the whole host."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
