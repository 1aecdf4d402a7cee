"""Requests to hosts that the plugin may reach."""

import re

from omnicore_sdk import function, http


@function
def title(url: str) -> str | None:
    """The title of a web page, or nothing."""
    page = http.fetch(url, headers={"accept": "text/html"})
    if page.status != 200:
        raise ValueError(f"{url} answers {page.status}")
    found = re.search(r"<title>(.*?)</title>", page.body.decode(errors="replace"), re.IGNORECASE | re.DOTALL)
    return found[1].strip() if found else None
