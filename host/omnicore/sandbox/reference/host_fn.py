"""Host functions that were declared for the `extism` package with its `@host_fn`, as functions of this host."""

from __future__ import annotations

from typing import Any

from extism import extism
from extism.extism import _ffi as ffi

from omnicore.errors import InvalidSetting
from omnicore.sandbox.abi import HostCall, HostFunction, ValueType

__all__ = ["adapted", "is_host_fn"]

_TYPES: tuple[ValueType, ...] = ("i32", "i64", "f32", "f64")  # by the numbers that extism gives them
_USER = "extism:host/user"
_UNWRITTEN = 1 << 48  # handles of blocks that are allocated and not yet written; no real one is so large


def is_host_fn(function: Any) -> bool:
    """True for what `@extism.host_fn` makes."""
    return isinstance(function, extism.Function)


def adapted(function: Any) -> HostFunction:
    """The function for guests of this host. Raises: InvalidSetting: it takes what is no number."""
    found: Any = function
    if any(one >= len(_TYPES) for one in (*found.args, *found.returns)):
        raise InvalidSetting(f"{found.name} takes or returns a vector or a reference", remedy="use numbers and blocks")
    takes, returns = ([extism.ValType(one) for one in kinds] for kinds in (found.args, found.returns))
    given = tuple(ffi.from_handle(found.user_data))[:-1]  # without the number by which extism finds it

    def run(call: HostCall, *arguments: Any) -> Any:
        plugin = CallingPlugin(call)
        inputs = [extism.Val(kind, _signed(kind, one)) for kind, one in zip(takes, arguments, strict=True)]
        outputs = [extism.Val(kind, 0) for kind in returns]
        found(plugin, inputs, outputs, *given)
        values = tuple(plugin.settled(one.value) for one in outputs)
        return None if not values else values[0] if len(values) == 1 else values

    return HostFunction(
        found.namespace or _USER,
        found.name,
        tuple(_TYPES[one] for one in found.args),
        tuple(_TYPES[one] for one in found.returns),
        run,
    )


def _signed(kind: Any, value: Any) -> Any:
    bits = {extism.ValType.I32: 32, extism.ValType.I64: 64}.get(kind)
    return value - (1 << bits) if bits is not None and value >> (bits - 1) else value


class CallingPlugin:
    """The plugin that calls, with the methods of `extism.CurrentPlugin`."""

    def __init__(self, call: HostCall) -> None:
        self._call = call
        self._unwritten: list[bytearray] = []

    def host_context(self) -> Any:
        """The object that the caller of the plugin passed."""
        return self._call.host_context

    def alloc(self, size: int) -> Any:
        """A new block; its bytes reach the plugin when the function returns."""
        self._unwritten.append(bytearray(size))
        return extism.Memory(_UNWRITTEN + len(self._unwritten) - 1, size)

    def memory(self, memory: Any) -> Any:
        """The bytes of a block: those of a new one can be written."""
        if memory.offset >= _UNWRITTEN:
            return memoryview(self._unwritten[memory.offset - _UNWRITTEN])
        return memoryview(self._call.read(memory.offset))

    def memory_at_offset(self, offset: Any) -> Any:
        """The block at an offset, or of a value that holds one."""
        at = offset.value if isinstance(offset, extism.Val) else offset
        return extism.Memory(at, self._call.size(at))

    def free(self, memory: Any) -> None:
        """Frees a block."""
        if memory.offset < _UNWRITTEN:
            self._call.free(memory.offset)

    def input_buffer(self, value: Any) -> Any:
        """The bytes of a block that the plugin passed."""
        return self.memory(self.memory_at_offset(value))

    def input_bytes(self, value: Any) -> bytes:
        """The same, copied."""
        return self._call.read(value.value)

    def input_string(self, value: Any) -> str:
        """The same, as text."""
        return self.input_bytes(value).decode()

    def return_bytes(self, output: Any, data: bytes) -> None:
        """Has the function return a block."""
        output.value = self._call.write(data)

    def return_string(self, output: Any, text: str) -> None:
        """Has the function return a block with a text."""
        self.return_bytes(output, text.encode())

    def settled(self, value: Any) -> Any:
        """The value for the guest: the handle of a block that was allocated and is whole now."""
        if isinstance(value, int) and _UNWRITTEN <= value < _UNWRITTEN + len(self._unwritten):
            return self._call.write(bytes(self._unwritten[value - _UNWRITTEN]))
        return int(value) if isinstance(value, bool) else value
