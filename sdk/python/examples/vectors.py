"""Vectors, and the nearest of them."""

from omnicore_sdk import function, vectors

COLORS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}


@function
def learn() -> int:
    """Keeps the colors; returns how many."""
    vectors.create("colors", 3, metric="l2")
    return vectors.upsert("colors", [vectors.Vector(name, values) for name, values in COLORS.items()])


@function
def nearest(red: float, green: float, blue: float) -> str:
    """The name of the nearest color."""
    return vectors.search("colors", [red, green, blue], limit=1).matches[0].id
