"""The Rust kit: a file for each door, and what its conformance plugin dispatches to."""

from __future__ import annotations

from sdk.generate.contract import Contract
from sdk.generate.rust.conformance import dispatch
from sdk.generate.rust.doors import module

__all__ = ["files"]


def files(contract: Contract) -> dict[str, str]:
    """`src/<door>.rs` for each door, and the dispatch of the conformance plugin."""
    made = {f"sdk/rust/src/{door.name}.rs": module(door) for door in contract.doors}
    return {**made, "sdk/rust/conformance/src/dispatch.rs": dispatch(contract)}
