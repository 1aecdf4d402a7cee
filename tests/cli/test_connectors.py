"""`omnicore connectors` and `omnicore secrets`: values come in by a pipe and never go out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run

TOKEN = b"ghp_0123456789abcdef"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plugins").mkdir()
    return tmp_path


def test_a_connector_is_added_with_its_secret_from_a_pipe_and_its_keys_are_rotated(omnicore: Run, folder: Path) -> None:
    added = omnicore("connectors", "add", "gh", "github", "-s", "base_url=http://127.0.0.1:1", stdin=TOKEN + b"\n")
    assert (added.code, added.err) == (0, "gh is added. Try it with `omnicore connectors test gh`.\n")
    shown = omnicore("connectors", "ls", "-o", "json")
    assert json.loads(shown.out)[0]["credentials"] == {"token": "vault:connector.gh.token"}
    rotated = omnicore("secrets", "rotate", "-o", "json")
    assert json.loads(rotated.out) == {"rotated": "data key", "count": 1}
    assert json.loads(omnicore("secrets", "rotate", "--master", "-o", "json").out)["count"] == 1
    tested = omnicore("connectors", "test", "gh")
    assert (tested.code, "cannot be reached" in tested.err) == (1, True)
    assert omnicore("connectors", "rm", "gh").code == 0
    assert TOKEN.decode() not in added.out + shown.out + tested.err
    assert TOKEN not in b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(omnicore: Run, folder: Path) -> None:
    done = omnicore("connectors", "add", "gh", "github", "--secret", f"token={TOKEN.decode()}")
    assert (done.code, "command line" in done.err, TOKEN.decode() in done.err) == (2, True, False)


def test_secrets_are_set_listed_and_removed_by_name(omnicore: Run, folder: Path) -> None:
    assert omnicore("secrets", "set", "shared", stdin=b"the value\n").code == 0
    assert [one["name"] for one in json.loads(omnicore("secrets", "ls", "-o", "json").out)] == ["shared"]
    assert omnicore("secrets", "rm", "other").code == 5


def test_a_master_key_is_moved_from_one_place_to_another_and_a_lost_one_given_up(omnicore: Run, folder: Path) -> None:
    assert omnicore("secrets", "set", "shared", stdin=b"the value\n").code == 0
    moved = {"OMNICORE_CONNECTORS__MASTER_KEY": "variable", "OMNICORE_MASTER_KEY": "11" * 32}
    refused = omnicore("secrets", "set", "other", stdin=b"the value\n", **moved)
    assert (refused.code, "omnicore secrets reset" in refused.err) == (2, True)
    assert omnicore("secrets", "rotate", "--from", "file", **moved).code == 2
    done = omnicore("secrets", "rotate", "--master", "--from", "file", "-o", "json", **moved)
    assert json.loads(done.out)["count"] == 1
    assert omnicore("secrets", "set", "other", stdin=b"the value\n", **moved).code == 0
    assert omnicore("secrets", "set", "third", stdin=b"the value\n").code == 2
    assert omnicore("secrets", "reset").code == 2, "nobody says yes"
    assert json.loads(omnicore("secrets", "reset", "-y", "-o", "json").out) == {"deleted": 2}
    assert omnicore("secrets", "set", "third", stdin=b"the value\n").code == 0


def test_a_webhook_is_added_with_its_secret_from_a_pipe(omnicore: Run, folder: Path) -> None:
    path = omnicore("connectors", "hooks", "add", "in", "github", stdin=b"a-secret-of-tests\n").out.strip()
    shown = omnicore("connectors", "hooks", "ls", "-o", "json").out
    assert (json.loads(shown)[0]["path"], "a-secret-of-tests" in shown) == (path, False)


def test_an_openapi_document_is_imported_used_and_forgotten(omnicore: Run, folder: Path) -> None:
    pets = (Path(__file__).parents[1] / "connectors" / "petstore.yaml").read_text()
    (folder / "pets.yaml").write_text(pets)
    shown = omnicore("connectors", "import", "pets.yaml", "--only", "addPet", "--dry-run", "-o", "json")
    assert list(json.loads(shown.out)["actions"]) == ["addPet"]
    twice = omnicore("connectors", "import", "pets.yaml", "--name", "slack")
    assert "the host has a kind slack of its own" in twice.err
    done = omnicore("connectors", "import", "pets.yaml", "--name", "pets", "-o", "json")
    found = json.loads(done.out)
    assert (found["kind"], found["actions"]) == ("pets", 4)
    assert {"what": "POST /pets/{pet-id}/photo", "why": "it takes image/png"} in found["left_out"]
    assert "deletePet" in omnicore("connectors", "kinds", "pets").out
    added = omnicore("connectors", "add", "shop", "pets", "-s", "base_url=http://127.0.0.1:1", stdin=TOKEN + b"\n")
    assert (added.code, added.err) == (0, "shop is added. Try it with `omnicore connectors test shop`.\n")
    called = omnicore("connectors", "call", "shop", "deletePet", '{"pet_id": 7}')
    assert (called.code, "cannot be reached" in called.err) == (1, True)
    assert "comes with the host" in omnicore("connectors", "forget", "slack").err
    kept = omnicore("connectors", "forget", "pets")
    assert "there are connectors of the kind pets" in kept.err
    (folder / "twice.yaml").write_text(pets.replace("openapi: 3.0.3", "openapi: 3.0.3\nopenapi: 3.0.3"))
    assert "twice.yaml:3:1: the key `openapi` stands here twice" in omnicore("connectors", "import", "twice.yaml").err
