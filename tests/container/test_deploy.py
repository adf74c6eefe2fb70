"""What deploy/kubernetes asks of the image, asked of a container that is as restricted as there."""

from __future__ import annotations

import yaml

from tests.support.checkout import ROOT
from tests.support.container.engine import running
from tests.support.container.log_check import unexpected
from tests.support.waiting import wait_until

MANIFEST = ROOT / "deploy/kubernetes/podkeeper.yaml"


def test_the_probes_of_the_manifest_answer_under_its_restrictions(image: str) -> None:
    """kubelet's requests carry the pod's address as Host and no login."""
    (spec,) = [each for each in yaml.safe_load_all(MANIFEST.read_text()) if each["kind"] == "StatefulSet"]
    pod = spec["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    options = ("--user", user, "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    with running(image, "--env", "COMFYUI_ENABLED=false", *options) as started:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container[probe]["httpGet"]
            url = f"http://127.0.0.1:{ports[asked['port']]}{asked['path']}"
            command = f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: 10.1.2.3:8190' {url}"
            wait_until(lambda: started.run(command, check=False) == "200", 60, f"{probe}: {command}", 0.2)  # noqa: B023
        assert unexpected(started.log) == []
