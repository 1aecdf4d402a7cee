"""What ends a running guest: asked at every tick of the epoch, on the guest's own thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from omnicore.sandbox.capi.callbacks import Callback, epoch_callback
from omnicore.sandbox.capi.faults import new_error
from omnicore.sandbox.extism import interrupt
from omnicore.sandbox.extism.hosting import CELLS
from omnicore.sandbox.reasons import cancelled, overtime

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell

__all__ = ["AT_EPOCH"]


@interrupt.shielded
def _at_epoch(_context: int, key: int, delta: Any, kind: Any) -> int | None:
    try:
        cell = CELLS[key]
        delta[0] = 1
        kind[0] = cell.yields  # 1: let the event loop run before going on
        reason = _reason(cell)
        if reason is None:
            return None
        if cell.error is None:
            cell.error = reason
    except BaseException as error:
        return new_error(f"the epoch callback failed: {error!r}".encode())
    return new_error(b"the call was cut")


def _reason(cell: Cell) -> BaseException | None:
    if cell.cancelled:
        return cancelled()
    if time.monotonic() >= cell.deadline:
        return overtime()
    if interrupt.PENDING:
        try:
            interrupt.deliver()
        except BaseException as error:
            return error
    return cell.oversize()


AT_EPOCH: Callback = epoch_callback(_at_epoch)
