"""Ids are of their own in each process, forked ones too, and sort by their time."""

from __future__ import annotations

import os
import re

from omnicore import ids
from omnicore.ids import new_id, random_hex


def test_ids_and_random_texts_never_come_twice() -> None:
    many = 3 * ids._CHUNKS
    assert len({new_id("x") for _ in range(many)}) == many
    found = {random_hex() for _ in range(many)}
    assert len(found) == many
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in found)


def test_a_forked_child_draws_random_bits_of_its_own() -> None:
    random_hex()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, random_hex().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 32).decode()
    os.close(reader)
    os.close(writer)
    assert theirs not in {random_hex() for _ in range(ids._CHUNKS)}
