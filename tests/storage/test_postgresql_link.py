from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.storage.postgresql_link import copy_of, many_of, with_percent_marks


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


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t (a) VALUES (?) ON CONFLICT DO NOTHING",
        "INSERT INTO t (a) VALUES (?) RETURNING a",
        "INSERT INTO t (a, b) VALUES (?, 1)",
        "INSERT INTO t (a) SELECT ? FROM u",
        "INSERT INTO t VALUES (?)",
        "UPDATE t SET a = ?",
    ],
)
def test_only_a_plain_insert_is_copied(sql: str) -> None:
    assert copy_of(sql) is None


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t (a) VALUES (?)",
        "INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET a = 1",
        "INSERT INTO t (a) VALUES (?) ON CONFLICT DO NOTHING RETURNING a",
        "INSERT INTO t (a, b) VALUES (?, 1) ON CONFLICT DO NOTHING",
    ],
)
def test_only_an_insert_that_leaves_out_what_is_there_is_done_for_many_rows_at_once(sql: str) -> None:
    assert many_of(sql, 8) is None


def test_a_plain_insert_is_copied_into_the_columns_it_names() -> None:
    assert copy_of('INSERT INTO t ("at", b) VALUES (?, ?)') == 'COPY t ("at", b) FROM STDIN'
