"""Artifacts through the real runtime sidecar: no credentials here, no probing, the real name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest
from support.recorder import EventRecorder
from support.registry import docker_registry
from support.sidecar import runtime_sidecar

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec, OCICoordinates
from evalhub.oci import (
    OCIArtifactContext,
    OCIArtifactPersister,
    Persister,
    verify,
)
from evalhub.oci._registry.repository import SIDECAR_CHUNK
from evalhub.testing.faults import Answer, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.registry import Registry

pytestmark = pytest.mark.e2e

REPOSITORY = "team/results"


@pytest.fixture
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    auth: Literal["basic", "token"] = getattr(request, "param", "token")
    with docker_registry(tmp_path / "registry", auth=auth) as running:
        yield running


@pytest.fixture
def coordinates(registry: Registry) -> OCICoordinates:
    return OCICoordinates(oci_host=registry.url, oci_repository=REPOSITORY)


@pytest.fixture
def sidecar(
    registry: Registry, coordinates: OCICoordinates, recorder: EventRecorder, tmp_path: Path
) -> Iterator[Faults]:
    """A sidecar, and in front of it something that counts."""
    job: dict[str, Any] = {"id": "job", "exports": {"oci": {"coordinates": coordinates.to_wire()}}}
    auth = registry.write_auth_file(tmp_path / "auth.json")
    with (
        # Whatever the sidecar does not know as the registry's goes here.
        EventRecorder() as model,
        runtime_sidecar(
            tmp_path / "sidecar",
            eval_hub=recorder.url,
            model_url=model.url,
            job_spec=job,
            oci_auth=auth,
        ) as running,
        Faults(running.url) as counted,
    ):
        yield counted


@pytest.fixture
def persister(sidecar: Faults, tmp_path: Path) -> Persister:
    return OCIArtifactPersister(
        context=OCIArtifactContext("job", "mmlu", "lm-eval"),
        proxy_host=sidecar.url.removeprefix("http://"),
    )


def test_an_artifact_goes_through_the_sidecar(
    registry: Registry,
    coordinates: OCICoordinates,
    persister: Persister,
    sidecar: Faults,
    results: Path,
) -> None:
    with (results / "weights.bin").open("ab") as stream:
        stream.truncate(2 * SIDECAR_CHUNK + 5)

    stored = persister.persist(OCIArtifactSpec(files_path=results, coordinates=coordinates))

    assert stored.reference.startswith(f"{registry.host}/{REPOSITORY}:evalhub-")
    assert {seen.path[: len(f"/v2/{REPOSITORY}/")] for seen in sidecar.seen} == {
        f"/v2/{REPOSITORY}/"
    }
    assert [seen.request_bytes for seen in sidecar.seen if seen.method == "PATCH"] == [
        SIDECAR_CHUNK
    ] * 2
    credentials: dict[str, Any] = {"username": registry.username, "password": registry.password}
    assert verify(stored.reference, **credentials) == stored


def test_a_sidecar_that_has_no_answer_for_a_while(
    coordinates: OCICoordinates, persister: Persister, sidecar: Faults, results: Path
) -> None:
    sidecar.script(Answer(502, b"dial tcp: connection refused"), method="P*")

    assert persister.persist(OCIArtifactSpec(files_path=results, coordinates=coordinates)).digest


def test_a_subject_through_the_sidecar(
    coordinates: OCICoordinates, persister: Persister, results: Path
) -> None:
    spec = OCIArtifactSpec(files_path=results, coordinates=coordinates)
    subject = persister.persist(spec).digest
    refers = coordinates.model_copy(update={"oci_subject": subject, "oci_tag": "second"})

    stored = persister.persist(spec.model_copy(update={"coordinates": refers}))

    assert stored.digest != subject


def test_the_plain_form_of_the_persister(
    coordinates: OCICoordinates, sidecar: Faults, results: Path
) -> None:
    persister = OCIArtifactPersister(
        context=OCIArtifactContext("job", "mmlu"),
        oci_proxy_host=sidecar.url.removeprefix("http://"),
    )

    stored = persister.persist(OCIArtifactSpec(files_path=results, coordinates=coordinates))

    assert stored.digest in stored.reference


@pytest.mark.parametrize("registry", ["basic"], indirect=True)
def test_a_registry_the_sidecar_cannot_authenticate_with(
    registry: Registry, coordinates: OCICoordinates, persister: Persister, results: Path
) -> None:
    with pytest.raises(ArtifactError, match="the registry refused the sidecar") as caught:
        persister.persist(OCIArtifactSpec(files_path=results, coordinates=coordinates))

    assert caught.value.registry == registry.host
