"""Keys and values that outlive the call."""

from omnicore_sdk import function, kv


@function
def visit(page: str) -> int:
    """Counts a visit of a page; two at the same time are both counted."""
    while True:
        seen = kv.get(page)
        count = int(seen.value) + 1 if seen else 1
        if kv.cas(page, seen.version if seen else None, str(count)).swapped:
            return count


@function
def pages() -> list[str]:
    """All pages that were visited."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = kv.list(limit=100, cursor=cursor)
        found += page.keys
        cursor = page.cursor
        if cursor is None:
            return found
