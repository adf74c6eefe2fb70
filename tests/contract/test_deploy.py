"""The files in deploy/ against their schemas, the image and the code."""

import json
import shlex
from typing import Any

import kubernetes_validate
import pytest
import yaml

from entrypoint.commands.arguments import build_parser
from entrypoint.jobs.failure import CODES, RETRIED
from entrypoint.jobs.one_job import is_one_job
from entrypoint.settings.paths import VOLUMES
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from tests.support.checkout import ROOT

DEPLOY = ROOT / "deploy"
PORTS = {service.public_port(Settings()) for service in SERVICES} - {0}
MANIFESTS = [
    manifest
    for name in ("podkeeper", "job")
    for manifest in yaml.safe_load_all((DEPLOY / f"kubernetes/{name}.yaml").read_text())
]
#: The oldest that upstream still mends, and the newest there is a schema of.
VERSIONS = ("1.33", "1.37")
#: https://docs.skypilot.co/en/latest/reference/yaml-spec.html
SKYPILOT = {"name", "workdir", "num_nodes", "resources", "envs", "secrets", "volumes", "file_mounts", "config",
            "setup", "run"}  # fmt: skip
SKYPILOT_RESOURCES = {"infra", "accelerators", "accelerator_args", "cpus", "memory", "instance_type", "use_spot",
                      "disk_size", "disk_tier", "network_tier", "ports", "image_id", "labels", "any_of", "ordered",
                      "job_recovery", "autostop", "priority"}  # fmt: skip
#: https://docs.runpod.io/api-reference/templates/POST/templates: TemplateCreateInput
RUNPOD = {"category": str, "containerDiskInGb": int, "containerRegistryAuthId": str, "dockerEntrypoint": list,
          "dockerStartCmd": list, "env": dict, "isPublic": bool, "isServerless": bool, "name": str, "ports": list,
          "readme": str, "volumeInGb": int, "volumeMountPath": str}  # fmt: skip


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = [manifest for manifest in MANIFESTS if manifest["kind"] == kind]
    return dict(found)


def container() -> dict[str, Any]:
    return dict(of_kind("StatefulSet")["spec"]["template"]["spec"]["containers"][0])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["kind"])
def test_kubernetes_knows_every_field(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_a_field_unknown_to_kubernetes_is_found() -> None:
    """Negative control."""
    wrong = json.loads(json.dumps(of_kind("StatefulSet")))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenessProb"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_the_pod_is_as_restricted_as_the_standard_asks_for() -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    pod = of_kind("StatefulSet")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)


def test_every_port_is_published_also_while_the_pod_is_not_ready() -> None:
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert set(ports.values()) == PORTS
    service = of_kind("Service")["spec"]
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == ports
    assert service["publishNotReadyAddresses"] is True


def test_liveness_asks_the_status_server_and_not_a_service() -> None:
    """A probe that failed with ComfyUI would end the user's terminals over what is being restarted already."""
    assert {name: container()[name]["httpGet"]["path"] for name in
            ("startupProbe", "readinessProbe", "livenessProbe")} == {
        "startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz",
    }  # fmt: skip


def test_the_volume_is_where_the_image_looks_for_one() -> None:
    mounts = [mount["mountPath"] for mount in container()["volumeMounts"]]
    assert set(mounts) & set(VOLUMES)
    assert json.loads((DEPLOY / "runpod/template.json").read_text())["volumeMountPath"] in VOLUMES


def test_runpods_template_has_fields_the_api_knows_and_every_port() -> None:
    template = json.loads((DEPLOY / "runpod/template.json").read_text())
    assert {name: RUNPOD[name] for name in template} == {name: type(value) for name, value in template.items()}
    assert set(template["ports"]) == {f"{port}/http" for port in PORTS} | {f"{Settings().ssh_port}/tcp"}
    assert template["dockerEntrypoint"] == []  # else RunPod would replace the supervisor


def test_skypilots_file_has_keys_it_knows_and_starts_what_the_image_starts() -> None:
    line = next(row for row in (DEPLOY.parent / "Dockerfile").read_text().splitlines() if row.startswith("ENTRYPOINT"))
    start = json.loads(line.removeprefix("ENTRYPOINT "))
    for name, rest in (("podkeeper", []), ("job", ["podkeeper", "run"])):
        task = yaml.safe_load((DEPLOY / f"skypilot/{name}.yaml").read_text())
        assert set(task) <= SKYPILOT
        assert set(task["resources"]) <= SKYPILOT_RESOURCES
        words = shlex.split(task["run"].replace("\\\n", " "))[1:]
        assert (words[: len(start)], words[len(start) :][: len(rest)]) == (start, rest)


def test_the_jobs_policy_is_that_of_the_exit_codes() -> None:
    spec = of_kind("Job")["spec"]
    never, evicted = spec["podFailurePolicy"]["rules"]
    assert set(never["onExitCodes"]["values"]) == {code for code in CODES.values() if code not in RETRIED}
    assert (never["action"], evicted["action"]) == ("FailIndex", "Ignore")
    (worker,) = spec["template"]["spec"]["containers"]
    assert worker["securityContext"] == container()["securityContext"]
    build_parser().parse_args(worker["args"][1:])
    assert is_one_job(worker["args"])


def test_no_file_holds_a_login() -> None:
    """RunPod's template is public at a click; its variables come from the console."""
    assert json.loads((DEPLOY / "runpod/template.json").read_text())["env"] == {"MODELS": "auto"}
    assert yaml.safe_load((DEPLOY / "skypilot/podkeeper.yaml").read_text())["secrets"] == {"JUPYTER_TOKEN": None}
