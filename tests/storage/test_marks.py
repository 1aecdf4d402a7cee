from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.storage.marks import with_percent_marks


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("SELECT a FROM t WHERE b = ? AND c > ?", "SELECT a FROM t WHERE b = %s AND c > %s"),
        ("SELECT '?', 'it''s ?' WHERE a = ?", "SELECT '?', 'it''s ?' WHERE a = %s"),
        ('SELECT "?" WHERE "a""?" = ?', 'SELECT "?" WHERE "a""?" = %s'),
        ("SELECT a LIKE '10%' AND b % ? = 0", "SELECT a LIKE '10%%' AND b %% %s = 0"),
        ("SELECT 1 -- is it ?\n + ?", "SELECT 1 -- is it ?\n + %s"),
        ("SELECT 1 /* ? \n ' */ + ?", "SELECT 1 /* ? \n ' */ + %s"),
    ],
)
def test_marks_are_found_outside_of_texts_names_and_comments(written: str, understood: str) -> None:
    assert with_percent_marks(written) == understood


@given(st.lists(st.sampled_from(["'a?%'", '"n%?"', "?", "%", " a ", "/* ? */"])))
def test_there_are_as_many_marks_as_were_written(parts: list[str]) -> None:
    sql = with_percent_marks(" ".join(parts))
    assert sql.replace("%%", "").count("%s") == parts.count("?")
    assert sql.count("%%") == sum(part.count("%") for part in parts)
