"""`omnicore users` and `omnicore tokens`: passwords come from a pipe, tokens are shown once, the last admin stays."""

from __future__ import annotations

import io
import json
import logging
import os
import re
from types import SimpleNamespace

import pytest

from omnicore.cli.main import main

from .conftest import Ran

PASSWORD = "correct horse battery"


@pytest.fixture
def omnicore(tmp_path, monkeypatch, capfd):
    """Runs `omnicore ARGUMENTS` in this process, which saves most of a second each time."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OMNICORE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMNICORE_ACCESS__HASH_MEMORY_KIB", "8")
    root = logging.getLogger()
    handlers = root.handlers[:]

    def run(*arguments: str, typed: str = "") -> Ran:
        capfd.readouterr()
        pipe = SimpleNamespace(buffer=io.BytesIO(typed.encode()), isatty=lambda: False)
        monkeypatch.setattr("sys.stdin", pipe)
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        out, err = capfd.readouterr()
        return Ran(int(caught.value.code), out, err, out.encode())

    yield run
    root.handlers[:] = handlers


def document(ran: Ran) -> object:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_a_user_is_made_changed_and_removed(omnicore):
    made = omnicore("users", "add", "Ada", "--role", "admin", "-o", "json", typed=f"{PASSWORD}\n")
    assert document(made)["name"] == "ada"
    assert PASSWORD not in made.out + made.err
    omnicore("users", "add", "grace", "--plugin", "text=operator", typed=PASSWORD)
    listed = document(omnicore("users", "ls", "-o", "json"))
    assert [(one["name"], one["role"], one["plugins"]) for one in listed] == [
        ("ada", "admin", {}),
        ("grace", "viewer", {"text": "operator"}),
    ]
    assert (
        document(omnicore("users", "set", "grace", "--role", "operator", "--no-plugins", "-o", "json"))["plugins"] == {}
    )
    assert document(omnicore("users", "disable", "grace", "-o", "json"))["disabled"] is True
    assert "disabled" in omnicore("users", "ls").out
    assert document(omnicore("users", "set", "grace", "--enable", "-o", "json"))["disabled"] is False
    assert omnicore("users", "password", "grace", typed="another password").code == 0
    assert omnicore("users", "remove", "grace").code == 0
    assert omnicore("users", "remove", "grace").code == 5


@pytest.mark.parametrize("arguments", [("disable", "ada"), ("remove", "ada"), ("set", "ada", "--role", "viewer")])
def test_the_last_admin_stays_one(omnicore, arguments):
    omnicore("users", "add", "ada", "--role", "admin", typed=PASSWORD)
    ran = omnicore("users", *arguments)
    assert ran.code == 1
    assert "only admin" in ran.err


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (("add", "ada"), "", "no value was given for password"),
        (("add", "ada"), "short", "characters"),
        (("add", "a da"), PASSWORD, "no user name"),
        (("add", "ada", "--plugin", "text"), PASSWORD, "PLUGIN=ROLE"),
        (("add", "ada", "--plugin", "text=root"), PASSWORD, "no role"),
        (("set", "ada"), "", "nothing is to be changed"),
        (("password", "nobody"), PASSWORD, "no user"),
    ],
)
def test_what_makes_no_sense_is_refused(omnicore, arguments, typed, words):
    ran = omnicore("users", *arguments, typed=typed)
    assert ran.code != 0
    assert words in ran.err


def test_passwords_cannot_be_given_on_the_line(omnicore):
    assert omnicore("users", "add", "ada", "--password", PASSWORD).code == 2


def test_a_token_is_made_listed_and_revoked(omnicore):
    omnicore("users", "add", "ada", "--role", "operator", typed=PASSWORD)
    made = document(omnicore("tokens", "add", "ci", "--owner", "ada", "--scope", "calls", "--days", "7", "-o", "json"))
    assert made["secret"].startswith("omc_")
    plain = omnicore("tokens", "add", "host's own", "--plugin", "text=operator")
    assert plain.out.startswith("omc_")
    listed = document(omnicore("tokens", "ls", "-o", "json"))
    assert [(one["name"], one["owner"], one["scopes"]) for one in listed] == [
        ("ci", "ada", ["calls"]),
        ("host's own", None, None),
    ]
    assert "omc_" not in omnicore("tokens", "ls").out
    assert omnicore("tokens", "revoke", made["id"]).code == 0
    assert omnicore("tokens", "revoke", made["id"]).code == 5
    assert omnicore("tokens", "add", "x", "--owner", "nobody").code == 5


def test_changes_leave_rows_of_the_record_without_passwords(omnicore):
    omnicore("users", "add", "ada", "--role", "admin", typed=PASSWORD)
    key = document(omnicore("tokens", "add", "ci", "-o", "json"))["secret"]
    rows = omnicore("audit", "ls", "-o", "json").out
    assert "users add" in rows
    assert "tokens add" in rows
    assert PASSWORD not in rows
    assert key not in rows


def test_the_owners_header_is_printed_as_curl_takes_it_and_a_new_key_is_recorded(omnicore, tmp_path, monkeypatch):
    monkeypatch.setenv("OMNICORE_DATA", str(tmp_path / "data"))
    header = omnicore("auth").out
    assert re.fullmatch(r"Authorization: Bearer own_[\w-]{43}\n", header)
    assert omnicore("auth").out == header
    assert f"Authorization: {document(omnicore('auth', '-o', 'json'))['authorization']}\n" == header
    (file,) = tmp_path.rglob("owner.key")
    assert file.stat().st_mode & 0o777 == 0o600
    renewed = omnicore("auth", "--rotate").out
    assert renewed != header
    assert omnicore("auth").out == renewed
    rows = document(omnicore("audit", "ls", "-o", "json"))
    assert "auth" in str(rows)
    assert renewed.split()[-1] not in str(rows)


def test_a_key_that_others_can_read_is_refused_with_what_helps(omnicore, tmp_path, monkeypatch):
    monkeypatch.setenv("OMNICORE_DATA", str(tmp_path / "data"))
    omnicore("auth")
    (file,) = tmp_path.rglob("owner.key")
    file.chmod(0o644)
    refused = omnicore("auth")
    assert (refused.code, "omnicore auth --rotate" in refused.err) == (3, True)
    assert omnicore("auth", "--rotate").code == 0
    assert omnicore("auth").code == 0


def test_a_locked_name_is_freed(omnicore):
    omnicore("users", "add", "ada", "--role", "admin", typed=PASSWORD)
    assert "may try again" in omnicore("users", "unlock", "ada").out
    assert omnicore("users", "unlock", "nobody").code == 5
