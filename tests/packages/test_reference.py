"""References say where a package is, and nothing that could be read in two ways passes for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.errors import InvalidInput
from omnicore.packages.credentials import RegistryLogins
from omnicore.packages.reference import FileReference, IndexReference, OciReference, WebReference, parse_reference

_HEX = "9f" * 32


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("oci://host.example/team/text:1.2.0", OciReference("host.example", "team/text", "1.2.0")),
        ("oci://HOST.example:5000/text", OciReference("host.example:5000", "text")),
        (f"oci://h/t@sha256:{_HEX}", OciReference("h", "t", "", f"sha256:{_HEX}")),
        (f"oci://h/t:1@sha256:{_HEX}", OciReference("h", "t", "1", f"sha256:{_HEX}")),
        ("oci://[::1]:5000/t:1", OciReference("[::1]:5000", "t", "1")),
    ],
)
def test_a_registry_and_its_port_a_repository_a_tag_and_a_digest(text: str, found: OciReference) -> None:
    assert parse_reference(text) == found
    assert parse_reference(str(found)) == found


def test_a_file_of_the_web_and_a_file_of_this_machine() -> None:
    web = parse_reference(f"https://host.example/a/text.wasm?x=1#sha256={_HEX}")
    assert isinstance(web, WebReference)
    assert (web.digest, web.stem, web.is_package) == (f"sha256:{_HEX}", "text", False)
    assert str(web) == f"https://host.example/a/text.wasm?x=1#sha256={_HEX}"
    file = parse_reference("./text-1.2.0.omni")
    assert isinstance(file, FileReference)
    assert file.stem == "text-1.2.0"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("oci://host.example", "names no repository"),
        ("oci://host.example/Team/text", "names no repository"),
        ("oci://host.example/../text", "names no repository"),
        ("oci:///text", "no host"),
        ("oci://user@host/text", "no digest behind the @"),
        ("oci://host/text:", "cannot be the tag"),
        ("oci://host/text:a b", "cannot be the tag"),
        ("oci://host/text@sha256:12", "no digest behind the @"),
        (f"oci://host/text@sha256:{_HEX.upper()}", "no digest behind the @"),
        ("https://host.example/text.wasm", "is not pinned"),
        ("https://host.example/text.wasm#sha256=12", "is not pinned"),
        (f"https://host.example/text#sha256={_HEX}", "no .wasm and no .omni"),
        ("ftp://host.example/text.wasm", "no reference"),
        ("Text", "no reference"),
        ("text@", "no reference"),
        ("text/more", "no reference"),
        ("", "no reference"),
    ],
)
def test_what_is_no_reference_says_how_to_write_one(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_reference(text)


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    for prefix in ("", "oci://", "https://"):
        try:
            found = parse_reference(prefix + text)
        except InvalidInput:
            continue
        assert parse_reference(str(found)) == found


def test_credentials_do_not_show_in_what_is_printed() -> None:
    found = RegistryLogins(["ada:secret@host.example"], keyring=False).of("host.example")
    assert found is not None
    assert "secret" not in repr(found)


def test_a_name_is_looked_up_in_the_indexes() -> None:
    found = parse_reference("text@1.2.0")
    assert found == parse_reference("index:text@1.2.0") == IndexReference("text", "1.2.0")
    assert (found.place, found.stem, str(found)) == ("index:text", "text", "index:text@1.2.0")
    assert str(parse_reference("text")) == "index:text"
