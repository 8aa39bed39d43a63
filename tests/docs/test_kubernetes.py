"""The manifests: valid in each version, consistent, and explained line by line."""

from __future__ import annotations

import json
import re

import kubernetes_validate
import pytest
import yaml

from docs.blocks import ROOT
from evalhub.models import JobSpec
from evalhub.settings import AdapterSettings

VERSIONS = [f"1.{minor}" for minor in range(28, 38)]
FILES = sorted((ROOT / "examples" / "kubernetes").glob("*.yaml"))
OBJECTS = [one for file in FILES for one in yaml.safe_load_all(file.read_text())]
PAGE = (ROOT / "docs" / "kubernetes.md").read_text()


def named(kind, name=None):
    [found] = [
        one for one in OBJECTS if one["kind"] == kind and name in (None, one["metadata"]["name"])
    ]
    return found


JOB = named("Job")
POD = JOB["spec"]["template"]["spec"]
[SIDECAR] = POD["initContainers"]
[ADAPTER] = POD["containers"]
SPEC = named("ConfigMap", "arithmetic-spec")["data"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "manifest", OBJECTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}"
)
def test_a_manifest_is_valid(manifest, version):
    assert kubernetes_validate.validate(manifest, version, strict=True) == version


def test_a_misspelt_field_is_found():
    wrong = {**JOB, "spec": {**JOB["spec"], "backoflimit": 0}}
    with pytest.raises(kubernetes_validate.ValidationError, match="backoflimit"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_the_pod_lives_longer_than_the_adapter_needs_to_report():
    env = {one["name"]: one["value"] for one in ADAPTER["env"]}
    grace = AdapterSettings.model_fields["termination_grace"].default

    assert float(env["EVALHUB_TERMINATION_GRACE"]) == grace
    assert POD["terminationGracePeriodSeconds"] >= 2 * grace


def test_the_job_file_is_one():
    spec = JobSpec.model_validate_json(SPEC["job.json"])

    assert spec.timeout_seconds < JOB["spec"]["activeDeadlineSeconds"]
    assert spec.callback_url == json.loads(SPEC["sidecar_config.json"])["base_url"]


def test_every_volume_is_there_and_used():
    mounts = [*SIDECAR["volumeMounts"], *ADAPTER["volumeMounts"]]
    volumes = {volume["name"] for volume in POD["volumes"]}

    assert {mount["name"] for mount in mounts} == volumes
    writable = {mount["name"] for mount in mounts if not mount.get("readOnly")}
    assert writable == {"data", "shared", "tmp"}


def test_the_adapter_sees_references_to_the_model_s_keys_alone():
    secrets = {
        volume["name"]: volume["secret"]["secretName"]
        for volume in POD["volumes"]
        if "secret" in volume
    }
    mounted = {mount["name"] for mount in ADAPTER["volumeMounts"]}

    assert {secrets[name] for name in secrets.keys() & mounted} == {
        "registry",
        "arithmetic-model-ref",
    }
    assert named("Secret")["stringData"] == {"api-key": "api-key:ref"}


@pytest.mark.parametrize("container", [SIDECAR, ADAPTER], ids=["sidecar", "adapter"])
def test_a_container_has_no_rights(container):
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_network_policy_selects_the_pods():
    selected = named("NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items()

    assert selected <= JOB["spec"]["template"]["metadata"]["labels"].items()


def keys(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_the_page_explains_every_line():
    explained = set(re.findall(r"[\w./-]+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))

    assert sorted(set(keys(OBJECTS)) - explained) == []


def test_the_page_names_only_files_that_exist():
    files = re.findall(r"examples/kubernetes/[\w.-]+", PAGE)

    assert files
    assert [name for name in files if not (ROOT / name).is_file()] == []
