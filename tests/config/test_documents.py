"""Settings files that are malformed or hostile are refused with place and reason."""

from __future__ import annotations

import pytest

from omnicore.config.documents import LARGEST_FILE, read_document
from omnicore.errors import InvalidSetting

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.toml", "a = 1\nb = \n", r"a.toml:2 cannot be used"),
        ("a.toml", "a = 1\na = 2\n", r"cannot be used"),
        ("a.json", '{\n"a": }', r"a.json:2 cannot be used"),
        ("a.json", '{"a": 1, "a": 2}', r"'a' stands twice"),
        ("a.json", '{"a": NaN}', r"NaN is not a JSON value"),
        ("a.json", "[1]", r"holds no table"),
        ("a.json", "[" * 60_000, r"nested too deeply"),
        ("a.yaml", "a: 1\nb: [\n", r"a.yaml:3 cannot be used"),
        ("a.yaml", "a: 1\nb: 1\na: 2\n", r"a.yaml:3 .* 'a' stands twice"),
        ("a.yaml", "? [a, b]\n: 1\n", r"a.yaml:1 .* not plain text"),
        ("a.yaml", "a: !!python/object/apply:os.system [id]\n", r"a.yaml:1 cannot be used"),
        ("a.yaml", "a: 2024-99-99\n", r"cannot be used"),
        ("a.yaml", "[" * 10_000, r"nested too deeply"),
        ("a.yaml", "just text", r"holds no table"),
        ("a.yaml", BOMB, r"more than 20000 values"),
        ("a.yaml", "a: &a\n  b: *a\n", r"nested too deeply|more than"),
        (
            "a.yaml",
            "a: &a {x: 1}\n" + "b: {<<: [" + ", ".join(["*a"] * 15_000) + "]}\n",
            r"more than 20000 values",
        ),
        ("a.ini", "a=1", r"not a settings file"),
        ("a.toml", "#" * (LARGEST_FILE + 1), r"larger than"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path, name, text, reason):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InvalidSetting, match=reason):
        read_document(file)


def test_a_file_that_is_not_text_is_refused_with_the_line(tmp_path):
    file = tmp_path / "a.toml"
    file.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(InvalidSetting, match=r"a.toml:2 .* not UTF-8"):
        read_document(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    for name in ("missing.toml", "folder.toml"):
        with pytest.raises(InvalidSetting, match="cannot be read"):
            read_document(tmp_path / name)


@pytest.mark.parametrize("name", ["a.toml", "a.yaml", "a.json"])
def test_a_file_without_settings_is_empty(tmp_path, name):
    (tmp_path / name).write_text("{}" if name == "a.json" else "# nothing\n")
    assert not read_document(tmp_path / name).values


def test_an_alias_used_honestly_is_followed(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n  y: 2\n")
    assert read_document(tmp_path / "a.yaml").values == {
        ("a", "x"): 1,
        ("b", "x"): 1,
        ("c", "x"): 1,
        ("c", "y"): 2,
    }


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert read_document(tmp_path / "a.toml").values == {("a",): 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", 'first = "last = 1"\n[t."x.y"]  # note\n# last = 3\nlast = 2\nd.e = 5\n'),
        ("a.json", '{"first": [{"last": 0}],\n "t": {\n"x.y": {\n"last": 2,\n "d": {"e": 5}}}}'),
        ("a.yaml", 'first: "last: 1"\nt:\n  x.y:\n    last: 2\n    d: {e: 5}\n'),
    ],
)
def test_a_key_is_found_on_its_line_whatever_stands_around_it(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    document = read_document(tmp_path / name)
    assert (document.line(("t", "x.y", "last")), document.line(("t", "x.y", "d", "e"))) == (4, 5)
    assert document.line(("nowhere",)) is None
