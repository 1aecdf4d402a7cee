"""What schemathesis looks for in each answer; the program that `tests.attack.document` starts imports it."""

from __future__ import annotations

from typing import Any

import schemathesis

__all__ = ["the_host_has_not_failed"]


@schemathesis.check
def the_host_has_not_failed(ctx: Any, response: Any, case: Any) -> None:
    """A failure of a plugin or of the other side of a connector is told by 502 to 504 and a code of its own."""
    if response.status_code < 500:
        return
    told = response.json() if response.headers.get("content-type", [""])[0].endswith("json") else {}
    if response.status_code not in (502, 503, 504) or told.get("code") in (None, "internal"):
        raise AssertionError(f"{response.status_code}: {response.text[:2000]}")
