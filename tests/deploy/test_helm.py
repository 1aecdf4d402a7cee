"""The Helm chart: it renders, each value changes something, and Kubernetes' own schemas accept what comes out."""

from __future__ import annotations

import copy
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.deploy.conftest import KIT, done, lacking, tool

pytestmark = pytest.mark.services
CHART = KIT / "helm"
NAMED = yaml.safe_load((CHART / "values.yaml").read_text())
VERSIONS = ("1.25", "1.31", "1.37")
_FIXED = {"secrets": {"token": "t", "masterKey": "k", "fleetSecret": "s" * 32}}
"""Else the chart makes random ones, and every rendering differs."""

SINGLE: dict[str, Any] = _FIXED
FLEET: dict[str, Any] = yaml.safe_load((CHART / "examples" / "fleet.yaml").read_text())

CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "image.repository": (SINGLE, "registry.example.org/omnicore"),
    "image.tag": (SINGLE, "1.2.3"),
    "image.pullPolicy": (SINGLE, "Always"),
    "image.pullSecrets": (SINGLE, ["registry"]),
    "replicas": ({**_FIXED, "persistence": {"enabled": False}}, 0),
    "settings": (SINGLE, {"limits.timeout_s": 2, "access.origins": ["https://a.example", "https://b.example"]}),
    "secrets.existing": (SINGLE, "mine"),
    "secrets.token": (SINGLE, "another"),
    "secrets.masterKey": (SINGLE, "another"),
    "secrets.storageUrl": (SINGLE, "postgresql://db/omnicore"),
    "secrets.fleetUrl": (SINGLE, "nats://nats:4222"),
    "secrets.fleetSecret": (SINGLE, "t" * 32),
    "fleet.nats": (FLEET, False),
    "fleet.labels": (SINGLE, ["gpu=yes"]),
    "persistence.enabled": (SINGLE, False),
    "persistence.size": (SINGLE, "1Gi"),
    "persistence.storageClass": (SINGLE, "fast"),
    "persistence.cacheSize": (FLEET, "1Gi"),
    "plugins.image": (SINGLE, "plugins:1"),
    "service.type": (SINGLE, "LoadBalancer"),
    "service.port": (SINGLE, 8080),
    "ingress.enabled": (SINGLE, True),
    "ingress.className": (FLEET, "traefik"),
    "ingress.host": (FLEET, "other.example.org"),
    "ingress.tlsSecret": (FLEET, "other"),
    "ingress.annotations": (FLEET, {"a": "b"}),
    "resources.requests": (SINGLE, {"cpu": "1"}),
    "resources.limits": (SINGLE, {"memory": "2Gi"}),
    "terminationGracePeriodSeconds": (SINGLE, 60),
    "preStopSeconds": (SINGLE, 9),
    "podDisruptionBudget.enabled": (SINGLE, False),
    "podDisruptionBudget.maxUnavailable": (SINGLE, "25%"),
    "autoscaling.enabled": (FLEET, False),
    "autoscaling.minReplicas": (FLEET, 4),
    "autoscaling.maxReplicas": (FLEET, 40),
    "autoscaling.cpu": (FLEET, 0),
    "autoscaling.metrics": (FLEET, {"omnicore_calls_running": "5"}),
    "networkPolicy.enabled": (SINGLE, False),
    "networkPolicy.from": (SINGLE, [{"podSelector": {"matchLabels": {"app": "proxy"}}}]),
    "networkPolicy.metricsFrom": (SINGLE, []),
    "networkPolicy.egress": (SINGLE, [{"ports": [{"port": 443, "protocol": "TCP"}]}]),
    "serviceMonitor.enabled": (FLEET, False),
    "serviceMonitor.interval": (FLEET, "30s"),
    "serviceMonitor.labels": (FLEET, {"team": "a"}),
    "serviceMonitor.rules": (FLEET, False),
    "dashboard.enabled": (FLEET, False),
    "dashboard.label": (FLEET, "dash"),
    "serviceAccount.annotations": (SINGLE, {"a": "b"}),
    "podAnnotations": (SINGLE, {"a": "b"}),
    "podLabels": (SINGLE, {"a": "b"}),
    "nodeSelector": (SINGLE, {"disk": "fast"}),
    "tolerations": (SINGLE, [{"key": "a", "operator": "Exists"}]),
    "affinity": (SINGLE, {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}}),
    "topologyKey": (SINGLE, "topology.kubernetes.io/zone"),
    "extraEnv": (SINGLE, [{"name": "AWS_REGION", "value": "eu-west-1"}]),
}
"""For each value: the values beside it, and one that is not the default."""

_WHOLE = {"ingress.annotations", "autoscaling.metrics", "resources.requests", "resources.limits"}
"""Values whose names are free, which have some by default."""


def leaves(values: dict[str, Any], before: str = "") -> list[str]:
    """The dotted names of all values."""
    found = []
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and value and name != "settings" and name not in _WHOLE:
            found += leaves(value, f"{name}.")
        else:
            found.append(name)
    return found


def with_value(base: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """A copy of some values with one more."""
    whole = copy.deepcopy(base)
    *path, last = name.split(".")
    inner = whole
    for part in path:
        inner = inner.setdefault(part, {})
    inner[last] = value
    return whole


def template(values: dict[str, Any], folder: Path, *, kube: str = "1.31") -> subprocess.CompletedProcess[str]:
    """`helm template` with these values."""
    file = folder / f"{abs(hash(json.dumps(values)))}.json"
    file.write_text(json.dumps(values))
    command = [tool("helm"), "template", "x", str(CHART), "--kube-version", f"{kube}.0", "-f", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def rendered(values: dict[str, Any], folder: Path, *, kube: str = "1.31") -> list[dict[str, Any]]:
    """The objects that come out."""
    answer = template(values, folder, kube=kube)
    assert answer.returncode == 0, answer.stderr
    return [one for one in yaml.safe_load_all(answer.stdout) if one]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[Any], list[Any]]]:
    """What comes out without and with each value."""
    folder = tmp_path_factory.mktemp("values")
    tool("helm")

    def both(item: tuple[str, tuple[dict[str, Any], Any]]) -> tuple[list[Any], list[Any]]:
        name, (base, value) = item
        return rendered(base, folder), rendered(with_value(base, name, value), folder)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CASES, pool.map(both, CASES.items()), strict=True))


def test_the_chart_has_no_fault_that_helm_sees() -> None:
    for base in ((), ("-f", CHART / "examples" / "fleet.yaml")):
        done([tool("helm"), "lint", "--strict", CHART, *base])


def test_every_value_changes_what_comes_out(changed: dict[str, tuple[list[Any], list[Any]]]) -> None:
    assert sorted(CASES) == sorted(leaves(NAMED))
    assert [name for name, (without, with_it) in changed.items() if without == with_it] == []


def test_kubernetes_accepts_what_every_value_renders(changed: dict[str, tuple[list[Any], list[Any]]]) -> None:
    try:
        from kubernetes_validate import validate
        from kubernetes_validate.utils import SchemaNotFoundError
    except ModuleNotFoundError:
        lacking("kubernetes-validate is not installed", in_ci=True)
    seen, unknown = set(), set()
    for _, objects in changed.values():
        for one in objects:
            text = json.dumps(one, sort_keys=True)
            for version in VERSIONS if text not in seen else ():
                try:
                    validate(one, version, strict=True)
                except SchemaNotFoundError:
                    unknown.add(one["kind"])
            seen.add(text)
    assert unknown == {"ServiceMonitor", "PrometheusRule"}  # of the Prometheus operator: the next test's


def test_the_operator_of_prometheus_accepts_its_objects(tmp_path: Path) -> None:
    try:
        from cloudcoil.models.prometheus_operator import v1
    except ModuleNotFoundError:
        lacking("cloudcoil.models.prometheus_operator is not installed", in_ci=True)
    for kind in ("ServiceMonitor", "PrometheusRule"):
        (one,) = [found for found in rendered(FLEET, tmp_path) if found["kind"] == kind]
        read = getattr(v1, kind).model_validate(one).model_dump(by_alias=True, exclude_unset=True, mode="json")
        assert read == one  # the models pass over names that they do not know


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"replicas": 3}, "several hosts need one database"),
        ({"autoscaling": {"enabled": True}}, "several hosts need one database"),
        ({"replicas": 3, "secrets": {"existing": "s"}}, "hosts share no disk"),
        ({"fleet": {"nats": True}}, "set secrets.fleetUrl"),
        ({"fleet": {"labels": ["gpu"]}}, "labels"),
        ({"replicas": -1}, "replicas"),
        ({"replica": 3}, "replica"),
        ({"settings": {"limits-timeout": 1}}, "limits-timeout"),
        ({"secrets": {"storageUrl": "mysql://db/omnicore"}}, "storageUrl"),
        ({"persistence": {"size": "ten"}}, "size"),
    ],
)
def test_values_that_cannot_work_are_refused_with_a_reason(values: dict[str, Any], reason: str, tmp_path: Path) -> None:
    answer = template(values, tmp_path)
    assert answer.returncode != 0
    assert reason in answer.stderr


def test_pods_run_without_root_rights_or_a_writable_root(tmp_path: Path) -> None:
    values = with_value(FLEET, "plugins.image", "plugins:1")
    (pod,) = [one["spec"]["template"]["spec"] for one in rendered(values, tmp_path) if one["kind"] == "Deployment"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in (*pod["initContainers"], *pod["containers"]):
        rights = container["securityContext"]
        assert (rights["readOnlyRootFilesystem"], rights["allowPrivilegeEscalation"]) == (True, False)
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
    (host,) = pod["containers"]
    assert {name for name in host if name.endswith("Probe")} == {"startupProbe", "livenessProbe", "readinessProbe"}
    secret = {one["name"] for one in host["env"] if "secretKeyRef" in one.get("valueFrom", {})}
    assert secret == {
        *("OMNICORE_TOKEN", "OMNICORE_MASTER_KEY", "OMNICORE_STORAGE__URL"),
        *("OMNICORE_FLEET__URL", "OMNICORE_FLEET__SECRET"),
    }
