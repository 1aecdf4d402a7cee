from __future__ import annotations

import ctypes
import gc

import pytest

from omnicore.sandbox.capi.library import Buffer, copy_bytes, read_pointer, view_at


@pytest.mark.parametrize("words", [1, 2, 7, 100])
def test_a_buffer_is_zeroed_and_as_long_as_asked(words):
    assert Buffer(words).words.tolist() == [0] * words


def test_what_c_writes_to_a_buffer_python_reads_and_the_other_way():
    buffer = Buffer(2)
    ctypes.memmove(buffer.address + 8, b"\xff" * 8, 8)
    assert buffer.words.tolist() == [0, -1]
    buffer.words[0] = 258
    assert copy_bytes(buffer.address, 3) == b"\x02\x01\0"


def test_a_buffer_has_no_more_than_its_words():
    with pytest.raises(IndexError):
        Buffer(2).words[2] = 1
    with pytest.raises(ValueError, match="format"):
        Buffer(1).words[0] = 1 << 63


def test_a_view_of_a_buffer_outlives_its_name():
    words = Buffer(1000).words
    gc.collect()
    words[999] = 5
    assert words[999] == 5


def test_a_view_reads_and_writes_where_it_is_and_nowhere_else():
    buffer = Buffer(4)
    view = view_at(buffer.address + 8, 16)
    assert (len(view), view.format, view.itemsize, view.readonly) == (16, "B", 1, False)
    view[:] = b"\x01" * 16
    assert buffer.words.tolist() == [0, 0x0101010101010101, 0x0101010101010101, 0]
    with pytest.raises(ValueError, match="different structures"):
        view[:] = bytes(17)


def test_views_of_nothing_and_of_all_sizes_can_be_made():
    buffer = Buffer(100)
    assert [len(view_at(buffer.address, size)) for size in range(200)] == list(range(200))


def test_a_pointer_is_read_without_its_sign_and_null_is_zero():
    buffer = Buffer(2)
    assert read_pointer(buffer.address) == 0
    buffer.words[0] = -1
    assert read_pointer(buffer.address) == 2**64 - 1


def test_copied_bytes_stay_as_they_were():
    buffer = Buffer(1)
    before = copy_bytes(buffer.address, 8)
    buffer.words[0] = -1
    assert before == bytes(8)
    assert copy_bytes(buffer.address, 0) == b""
