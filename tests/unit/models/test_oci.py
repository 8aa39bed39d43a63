from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from evalhub.models.oci import OCIArtifactSpec


@pytest.mark.parametrize("name", ["job_id", "id"])
def test_the_job_goes_by_either_name(name):
    spec = OCIArtifactSpec.model_validate({"files_path": "out", name: "job-1"})
    assert (spec.job_id, spec.id) == ("job-1", "job-1")
    assert spec.to_wire()["id"] == "job-1"


def test_the_job_can_be_assigned_by_the_service_s_name():
    spec = OCIArtifactSpec(files_path=Path("out"))
    assert spec.id is None
    spec.id = "job-2"
    assert spec.job_id == "job-2"


def test_files_are_named_one_way():
    with pytest.raises(ValidationError, match="set either files or files_path, not both"):
        OCIArtifactSpec(files=[Path("a")], files_path=Path("b"))
    assert OCIArtifactSpec(files=[], files_path=Path("b")).files_path == Path("b")
    assert OCIArtifactSpec(files=[Path("a")]).files == [Path("a")]
