"""A new host joins by a token: once, in time, and without that anybody else learns what it gets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.conftest import MANY
from tests.api.hosting import Served
from tests.cli.conftest import COMMAND, clean_environment

from omnicore.config.settings import FleetSettings, StorageSettings
from omnicore.errors import InvalidInput
from omnicore.fleet.keys import JoinExchange, join_proof, new_token, token_parts


@pytest.fixture
def inviting(postgresql_url: str, tmp_path: Path) -> Iterator[Served]:
    """A host that makes tokens."""
    changes = {"storage": StorageSettings(url=postgresql_url), "fleet": FleetSettings(name="a")}
    with Served(tmp_path / "a", {"many.wat": MANY}, **changes) as host:
        yield host


def _token(host: Served) -> str:
    answer = host.client.post("/api/v1/fleet/tokens")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


def _body(token: str, **other: str) -> dict[str, str]:
    name, key = token_parts(token)
    public, exchange = "11" * 32, JoinExchange().public
    body = {"token": name, "public_key": public, "exchange_key": exchange, "proof": join_proof(key, public, exchange)}
    return {**body, **other}


def test_a_host_joins_by_a_token_and_starts_with_what_it_got(
    inviting: Served, tmp_path: Path, postgresql_url: str
) -> None:
    token, folder = _token(inviting), tmp_path / "b"
    folder.mkdir()

    def joined() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "fleet", "join", inviting.url, token, "-o", "json"],
            cwd=folder,
            env=clean_environment(OMNICORE_DATA=str(folder / "data")),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = joined()
    assert done.returncode == 0, done.stderr
    file = Path(json.loads(done.stdout)["file"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()) == {"storage.url": postgresql_url}
    assert inviting.client.get("/api/v1/audit").text.count(token) == 0
    with Served(tmp_path / "c", {}, data=folder / "data", fleet=FleetSettings(name="b")):
        assert [one["name"] for one in inviting.client.get("/api/v1/fleet").json()["items"]] == ["a", "b"]
    file.unlink()
    again = joined()
    assert again.returncode == 3
    assert "has expired or was used" in again.stderr


def test_a_join_without_the_token_gets_nothing_and_uses_nothing_up(inviting: Served) -> None:
    token = _token(inviting)
    for wrong in (_body(token, proof="0" * 64), _body(token, public_key="22" * 32), _body(new_token())):
        refused = inviting.client.post("/api/v1/fleet/join", json=wrong, headers={"authorization": ""})
        assert refused.status_code == 403
        assert "sealed" not in refused.json()
    assert inviting.client.post("/api/v1/fleet/join", json=_body(token, exchange_key="short")).status_code == 422
    with inviting.host.store.write() as session:
        session.execute("UPDATE fleet_tokens SET expires_at = 0")
    assert inviting.client.post("/api/v1/fleet/join", json=_body(token)).status_code == 403
    with inviting.host.store.write() as session:
        session.execute("UPDATE fleet_tokens SET expires_at = 1e12")
    answers = [inviting.client.post("/api/v1/fleet/join", json=_body(token)).status_code for _ in range(2)]
    assert answers == [200, 403]


def test_a_host_that_was_thrown_out_does_not_join(inviting: Served) -> None:
    with inviting.host.store.write() as session:
        session.execute("UPDATE fleet_hosts SET removed_at = 1, public_key = ?, id = 'other'", ("11" * 32,))
    refused = inviting.client.post("/api/v1/fleet/join", json=_body(_token(inviting)))
    assert refused.status_code in (403, 503)
    assert "removed" in refused.json()["detail"]


def test_what_is_sealed_is_read_by_nobody_else() -> None:
    key, other_key = token_parts(new_token())[1], token_parts(new_token())[1]
    host, joining = JoinExchange(), JoinExchange()
    sealed = host.seal({"storage.url": "postgresql://"}, joining.public, key)
    assert joining.opened(sealed, host.public, key) == {"storage.url": "postgresql://"}
    for side, public, given in (
        (joining, host.public, other_key),
        (JoinExchange(), host.public, key),
        (joining, "00", key),
    ):
        with pytest.raises(InvalidInput):
            side.opened(sealed, public, given)


def test_a_host_alone_makes_no_tokens(tmp_path: Path) -> None:
    with Served(tmp_path, {}) as host:
        assert host.client.post("/api/v1/fleet/tokens").status_code == 409
        assert host.client.post("/api/v1/fleet/join", json=_body(new_token())).status_code == 409
