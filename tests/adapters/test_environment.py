"""Where a host runs is decided by signs, and what suits that place stands below every other layer of settings."""

from __future__ import annotations

import json

import pytest

from omnicore.adapters.environment import detect, surroundings_of
from omnicore.adapters.machine import Machine, look
from omnicore.adapters.settings import host_settings
from omnicore.errors import InvalidSetting

ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount/namespace"
MEMINFO = "MemTotal:  {} kB\nMemFree: 5 kB\n"
SMALL = {"proc/meminfo": MEMINFO.format(512 * 1024)}


@pytest.mark.parametrize(
    ("environ", "files", "found"),
    [
        ({}, {}, "local"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, {".dockerenv": ""}, "kubernetes"),
        ({}, {ACCOUNT: "default"}, "kubernetes"),
        ({}, {".dockerenv": ""}, "container"),
        ({}, {"run/.containerenv": ""}, "container"),
        ({"container": "podman"}, {}, "container"),
        ({}, {"proc/1/cgroup": "12:cpu:/docker/abc\n"}, "container"),
        ({}, {"proc/1/cgroup": "0::/init.scope\n"}, "local"),
        ({}, {"proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0"}, "edge"),
        ({}, {"proc/device-tree/model": "linux,dummy-virt\0"}, "local"),
        ({}, {"proc/device-tree/model": "Board\0", ".dockerenv": ""}, "container"),
    ],
)
def test_the_place_is_found_by_its_signs(environ, files, found):
    machine = Machine(environ, files)
    assert detect(machine) == found
    assert surroundings_of("auto", machine).name == found


def test_a_chosen_place_wins_over_the_one_that_is_found():
    assert surroundings_of("local", Machine(files={".dockerenv": ""})).values == {}
    assert surroundings_of("kubernetes", Machine()).name == "kubernetes"


def test_a_container_logs_for_collectors_uses_mounted_folders_and_listens_to_others_only_with_a_token():
    machine = Machine({"HOSTNAME": "Pod-1", "POD_IP": "10.1.2.3"}, {}, frozenset({"run/secrets", "var/lib/omnicore"}))
    place = surroundings_of("container", machine)
    assert place.values == {
        "runtime.log_format": "auto",
        "data": "/var/lib/omnicore",
        "runtime.secrets": "/run/secrets",
    }
    assert place.when_secured["host"] == "0.0.0.0"
    assert place.when_secured["allowed_hosts"][-2:] == ["pod-1", "10.1.2.3"]


@pytest.mark.parametrize(
    ("files", "cpus", "sizes"),
    [
        (SMALL, 4, {"threads": 8, "max_instances": 64, "tasks.workers": 4}),
        (SMALL, 1, {"threads": 2, "max_instances": 64, "tasks.workers": 1}),
        (
            {**SMALL, "sys/fs/cgroup/memory.max": "134217728\n"},
            1,
            {"threads": 2, "max_instances": 16, "tasks.workers": 1},
        ),
        (
            {**SMALL, "sys/fs/cgroup/cpu.max": "50000 100000\n"},
            8,
            {"threads": 2, "max_instances": 64, "tasks.workers": 1},
        ),
        (
            {**SMALL, "sys/fs/cgroup/cpu.max": "max 100000\n"},
            1,
            {"threads": 2, "max_instances": 64, "tasks.workers": 1},
        ),
        ({"proc/meminfo": MEMINFO.format(8 * 1024 * 1024), "sys/fs/cgroup/memory.max": "max\n"}, 4, {}),
        ({"proc/meminfo": "nonsense", "sys/fs/cgroup/cpu.max": "1 0"}, 1, {}),
    ],
)
def test_where_there_is_little_memory_there_are_few_threads_and_instances(files, cpus, sizes):
    assert surroundings_of("container", Machine({}, files, cpus=cpus)).values == {"runtime.log_format": "auto", **sizes}
    edge = surroundings_of("edge", Machine({}, files, cpus=cpus)).values
    assert edge == {"max_warm": 1, "log_lines": 200, **sizes}


def test_the_machine_is_looked_at_where_it_is(tmp_path):
    (tmp_path / ".dockerenv").write_text("")
    (tmp_path / "run" / "secrets").mkdir(parents=True)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_bytes(b"\xff" * 100_000)
    machine = look({"A": "b"}, tmp_path)
    assert set(machine.files) == {".dockerenv", "proc/meminfo"}
    assert len(machine.files["proc/meminfo"]) <= 16 * 1024
    assert machine.folders == {"run/secrets"}
    assert machine.cpus >= 1


@pytest.fixture
def pod(tmp_path):
    """The root of a machine that is a container with secrets and a data folder."""
    root = tmp_path / "root"
    for folder in ("run/secrets", "var/lib/omnicore"):
        (root / folder).mkdir(parents=True)
    (root / ".dockerenv").write_text("")
    return root


def load(root, environ=None, overrides=None, file=None):
    return host_settings(file, environ or {}, overrides or {}, folder=root, root=root)


def test_what_suits_the_place_stands_below_file_variables_and_overrides(pod, tmp_path):
    found = load(pod)
    assert (found.settings.data, str(found.origins["data"])) == (pod / "var/lib/omnicore", "environment: container")
    file = tmp_path / "omnicore.yaml"
    file.write_text("data: /from/file\n")
    assert str(load(pod, file=file).settings.data) == "/from/file"
    assert str(load(pod, {"OMNICORE_DATA": "/from/variable"}, file=file).settings.data) == "/from/variable"
    assert str(load(pod, {"OMNICORE_DATA": "/v"}, {"data": "/o"}, file).settings.data) == "/o"


@pytest.mark.parametrize("layer", ["file", "variable", "override"])
def test_every_layer_may_choose_the_place(pod, tmp_path, layer):
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"runtime": {"environment": "local"}} if layer == "file" else {}))
    environ = {"OMNICORE_RUNTIME__ENVIRONMENT": "local"} if layer == "variable" else {}
    overrides = {"runtime.environment": "local"} if layer == "override" else {}
    assert load(pod, environ, overrides, file).settings.runtime.log_format == "text"


def test_a_place_that_is_none_is_an_error_with_its_origin(pod):
    with pytest.raises(InvalidSetting, match=r"OMNICORE_RUNTIME__ENVIRONMENT: runtime\.environment cannot be 'moon'"):
        load(pod, {"OMNICORE_RUNTIME__ENVIRONMENT": "moon"})


@pytest.mark.parametrize("way", ["variable", "file", "folder", "override"])
def test_a_host_that_others_can_reach_has_a_token_whichever_way_it_came(pod, tmp_path, way):
    assert load(pod).settings.host == "127.0.0.1"
    secret = pod / "run/secrets/omnicore_token"
    environ, overrides = {}, {}
    match way:
        case "variable":
            environ = {"OMNICORE_TOKEN": "hush"}
        case "override":
            overrides = {"token": "hush"}
        case "folder":
            secret.write_text("hush\n")
        case "file":
            (tmp_path / "token").write_text("hush\n")
            environ = {"OMNICORE_TOKEN_FILE": str(tmp_path / "token")}
    found = load(pod, environ, {"runtime.secrets": str(pod / "run/secrets"), **overrides})
    assert (found.settings.token, found.settings.host) == ("hush", "0.0.0.0")
    assert str(found.origins["host"]) == "environment: container"
    assert load(pod, {**environ, "OMNICORE_HOST": "127.0.0.1"}, overrides).settings.host == "127.0.0.1"


def test_files_of_the_secrets_folder_are_variables_that_the_settings_file_wins_over(pod, tmp_path):
    secrets = pod / "run/secrets"
    (secrets / "omnicore_token").write_text("from-folder")
    (secrets / "OMNICORE_PLUGIN_SETTINGS__WEATHER__API_KEY").write_text("key\r\n")
    (secrets / "others").write_text("not ours")
    (secrets / "kubernetes.io").mkdir()
    overrides = {"runtime.secrets": str(secrets)}
    found = load(pod, {}, overrides)
    assert found.settings.plugin_settings == {"weather": {"api_key": "key"}}
    assert str(found.origins["token"]) == str(secrets / "omnicore_token")
    file = tmp_path / "omnicore.toml"
    file.write_text('token = "from-file"\n')
    assert load(pod, {}, overrides, file).settings.token == "from-file"


def test_what_is_wrong_with_secret_files_is_told_without_the_secret(pod):
    secrets = pod / "run/secrets"
    (secrets / "omnicore_token").write_bytes(b"hush\xff")
    (secrets / "omnicore_nothing").write_text("hush")
    with pytest.raises(InvalidSetting) as caught:
        load(pod, {}, {"runtime.secrets": str(secrets)})
    told = {problem["origin"]: problem["fact"] for problem in caught.value.details["problems"]}
    assert "not text" in told[str(secrets / "omnicore_token")]
    assert told[str(secrets / "omnicore_nothing")] == "is an unknown setting"
    assert "hush" not in str(caught.value)
    with pytest.raises(InvalidSetting, match=r"/nowhere: runtime\.secrets cannot be read"):
        load(pod, {}, {"runtime.secrets": "/nowhere"})
