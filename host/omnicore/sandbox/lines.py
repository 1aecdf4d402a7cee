"""Source lines of a module's code, from the DWARF that its compiler left in it.

Read only once a guest has trapped, and with bounds: the section is a stranger's.

Source: DWARF 5, section 6.2; DWARF for WebAssembly, whose addresses count from the start of the code section.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, TypeAlias

from omnicore.sandbox.wasm import ModuleInfo

_SECTIONS: Final = (".debug_line", ".debug_line_str", ".debug_str")
_MOST_STEPS: Final = 250_000  # of the line programs, and as many of the tables before them: a quarter of a second each
_MOST_FILES: Final = 20_000  # of one unit
_MOST_NAME: Final = 200
_MOST_ADDRESS: Final = 8  # bytes
_CODE: Final = 10


_Row: TypeAlias = tuple[int, bool, str, int]
"""An address, whether code of the place that follows starts there, and the place: file and line."""


class _Malformed(Exception):
    """The section says what it cannot mean, or more than is read."""


@dataclass(slots=True)
class SourceLines:
    """Files and lines of instructions. Safe to use from several threads.

    Args:
        sections: the DWARF sections that are needed, by their names.
        code_at: where the content of the code section starts. Units: bytes from the start of the module.
    """

    sections: dict[str, bytes]
    code_at: int
    _table: _Table | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, info: ModuleInfo) -> SourceLines | None:
        """The lines of a module; None if it has none."""
        code = next((one for one in info.sections if one.identifier == _CODE), None)
        if code is None or _SECTIONS[0] not in info.custom:
            return None
        return cls({name: bytes(info.custom[name]) for name in _SECTIONS if name in info.custom}, code.start)

    def place(self, offset: int) -> str:
        """The file and line of an instruction, such as `src/text.c:12`; empty where nothing tells.

        Args: offset: where the instruction is. Units: bytes from the start of the module.
        """
        with self._lock:
            if self._table is None:
                self._table = _Table.read(self.sections)
                self.sections = {}
        return self._table.place(offset - self.code_at)


@dataclass(frozen=True, slots=True)
class _Table:
    """Files and lines of instructions by the start of their run; a gap between sequences has no file."""

    starts: list[int]
    places: list[tuple[str, int]]

    def place(self, address: int) -> str:
        at = bisect_right(self.starts, address) - 1
        file, line = self.places[at] if at >= 0 else ("", 0)
        return f"{file}:{line}" if file else ""

    @classmethod
    def read(cls, sections: dict[str, bytes]) -> _Table:
        """All that can be read; a malformed unit ends it."""
        rows: list[_Row] = []
        with suppress(_Malformed):
            for row in _rows(sections):
                if not rows or rows[-1][1:] != row[1:]:
                    rows.append(row)
        rows.sort(key=itemgetter(0, 1))  # where one sequence ends and the next starts, the start counts
        return cls([row[0] for row in rows], [row[2:] for row in rows])


class _Budget:
    """Steps that are left. A step that costs no byte, or no more than one, still costs time."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _MOST_STEPS

    def spend(self, count: int = 1) -> None:
        self.left -= count
        if self.left < 0:
            raise _Malformed


class _Bytes:
    """A reader that never goes beyond its end."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int, end: int) -> None:
        if not 0 <= at <= end <= len(data):
            raise _Malformed
        self.data, self.at, self.end = data, at, end

    def byte(self) -> int:
        if self.at >= self.end:
            raise _Malformed
        self.at += 1
        return self.data[self.at - 1]

    def fixed(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def take(self, size: int) -> bytes:
        if size > self.end - self.at:
            raise _Malformed
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, *, signed: bool = False) -> int:
        """A LEB128 number of ten bytes at most."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value - (1 << shift) if signed and byte & 0x40 else value
            if shift > 63:
                raise _Malformed

    def text(self) -> str:
        stop = self.data.find(b"\0", self.at, self.end)
        if stop < 0:
            raise _Malformed
        found = self.data[self.at : min(stop, self.at + _MOST_NAME)].decode(errors="replace")
        self.at = stop + 1
        return found


def _text_at(data: bytes, at: int) -> str:
    """The text at a place, cut: its end is not looked for, since as many may point to it as there is room for."""
    return data[at : at + _MOST_NAME].partition(b"\0")[0].decode(errors="replace")


@dataclass(frozen=True, slots=True)
class _Program:
    """The head of one unit's line program."""

    code: _Bytes
    files: list[str]
    version: int
    shortest: int
    line_base: int
    line_range: int
    operands: list[int]

    def file(self, number: int) -> str:
        at = number if self.version >= 5 else number - 1
        return self.files[at] if 0 <= at < len(self.files) else ""


def _rows(sections: dict[str, bytes]) -> Iterator[_Row]:
    data = sections[_SECTIONS[0]]
    at, entries, steps = 0, _Budget(), _Budget()
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        if size >= 0xFFFFFFF0:
            return  # 64-bit DWARF, which no compiler for 32-bit Wasm writes
        end = at + 4 + size
        entries.spend()
        program = _head(_Bytes(data, at + 4, min(end, len(data))), sections, entries)
        if program is not None:
            yield from _run(program, steps)
        at = end


def _head(unit: _Bytes, sections: dict[str, bytes], entries: _Budget) -> _Program | None:
    version = unit.fixed(2)
    if not 2 <= version <= 5:
        return None
    if version >= 5:
        unit.take(2)  # sizes of addresses and segments
    length = unit.fixed(4)
    start = unit.at + length
    shortest = unit.byte()
    if version >= 4:
        unit.byte()  # operations an instruction: 1 for all but VLIW machines
    unit.byte()
    base, span, opcodes = unit.byte(), unit.byte(), unit.byte()
    operands = [unit.byte() for _ in range(opcodes - 1)]
    if not span:
        raise _Malformed
    files = _files_5(unit, sections, entries) if version >= 5 else _files(unit, entries)
    code = _Bytes(unit.data, start, unit.end)
    return _Program(code, files, version, shortest, base - 256 if base > 127 else base, span, operands)


def _files(unit: _Bytes, entries: _Budget) -> list[str]:
    folders, files = [""], list[str]()
    for name in iter(unit.text, ""):
        _check_more(folders, entries)
        folders.append(name)
    for name in iter(unit.text, ""):
        _check_more(files, entries)
        folder, _changed, _size = unit.number(), unit.number(), unit.number()
        files.append(_joined(folders, folder, name))
    return files


def _check_more(found: list[str], entries: _Budget) -> None:
    entries.spend()
    if len(found) >= _MOST_FILES:
        raise _Malformed


def _files_5(unit: _Bytes, sections: dict[str, bytes], entries: _Budget) -> list[str]:
    folders = [name for name, _ in _entries(unit, sections, entries)]
    return [
        _joined(folders, folder, name) if folder else _shown(name) for name, folder in _entries(unit, sections, entries)
    ]


def _entries(unit: _Bytes, sections: dict[str, bytes], entries: _Budget) -> list[tuple[str, int]]:
    """Names and numbers of folders, of a table whose head says which fields its rows have."""
    fields = [(unit.number(), unit.number()) for _ in range(unit.byte())]
    count = unit.number()
    if count > _MOST_FILES or (count and not fields):
        raise _Malformed
    entries.spend(len(fields) * (1 + count))
    found = []
    for _ in range(count):
        values = {content: _value(unit, form, sections) for content, form in fields}
        name, folder = values.get(1, ""), values.get(2, 0)
        found.append((name if isinstance(name, str) else "", folder if isinstance(folder, int) else 0))
    return found


_SIZES: Final = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8}


def _value(unit: _Bytes, form: int, sections: dict[str, bytes]) -> Any:
    if form == 0x08:
        return unit.text()
    if form in (0x0E, 0x1F):
        names = sections.get(_SECTIONS[2] if form == 0x0E else _SECTIONS[1], b"")
        return _text_at(names, unit.fixed(4))
    if form == 0x0F:
        return unit.number()
    if form in _SIZES:
        return unit.fixed(_SIZES[form])
    if form == 0x1E:
        return unit.take(16)
    if form == 0x09:
        return unit.take(unit.number())
    raise _Malformed


def _joined(folders: list[str], folder: int, name: str) -> str:
    above = folders[folder] if 0 < folder < len(folders) else ""
    return _shown(f"{above.rstrip('/')}/{name}" if above and not name.startswith("/") else name)


def _shown(path: str) -> str:
    """A path that tells nothing of the machine it was built on, and holds nothing that steers a terminal."""
    if path.startswith("/") or ":" in path:
        path = "/".join(path.replace("\\", "/").split("/")[-2:])
    return "".join(letter if letter.isprintable() else "?" for letter in path)[-_MOST_NAME:]


@dataclass(slots=True)
class _State:
    """The registers of the line machine that tell a place."""

    address: int = 0
    file: int = 1
    line: int = 1
    dropped: bool = False


def _run(program: _Program, steps: _Budget) -> Iterator[_Row]:
    code, state, first = program.code, _State(), len(program.operands) + 1
    while code.at < code.end:
        steps.spend()
        opcode = code.byte()
        if opcode >= first:
            advance = opcode - first
            state.address += advance // program.line_range * program.shortest
            state.line += program.line_base + advance % program.line_range
        elif opcode == 0:
            if _extended(code, state):
                if not state.dropped:
                    yield state.address, False, "", 0
                state = _State()
            continue
        elif opcode != 1:
            _standard(opcode, program, state, steps)
            continue
        if not state.dropped:
            yield state.address, True, program.file(state.file), state.line


def _extended(code: _Bytes, state: _State) -> bool:
    """Does what an extended opcode says; true where a sequence ends."""
    size = code.number()
    stop = code.at + size
    if size < 1 or stop > code.end:
        raise _Malformed
    kind = code.byte()
    if kind == 2:
        if size - 1 > _MOST_ADDRESS:
            raise _Malformed
        state.address = code.fixed(size - 1)
        # The linker gives functions that it dropped the address 0, where none can be, or one beyond all code.
        state.dropped = not 0 < state.address < 0xFFFFFFF0
    code.at = stop
    return kind == 1


def _standard(opcode: int, program: _Program, state: _State, steps: _Budget) -> None:
    code = program.code
    if opcode == 2:
        state.address += code.number() * program.shortest
    elif opcode == 3:
        state.line += code.number(signed=True)
    elif opcode == 4:
        state.file = code.number()
    elif opcode == 8:
        state.address += (255 - len(program.operands) - 1) // program.line_range * program.shortest
    elif opcode == 9:
        state.address += code.fixed(2)
    else:
        steps.spend(count := program.operands[opcode - 1])
        for _ in range(count):
            code.number()
