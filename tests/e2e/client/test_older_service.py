"""The released service is 1.0.2: what newer ones have is refused by it, and named by the client."""

from __future__ import annotations

import pytest

from evalhub.errors import JobNotFoundError, NotFoundError, ServiceTooOldError

pytestmark = pytest.mark.e2e

LABELLED = {
    "pvc": {"claim_name": "labels"},
    "data_config": {"format": "jsonl", "columns": {"label": "l", "prediction": "p"}},
}
REQUEST = {
    "operations": {
        "confidence_interval": {"calibration_data_ref": [LABELLED], "significance_level": 0.05}
    }
}
SUMS = {"id": "sums", "provider_id": "silent"}


@pytest.mark.parametrize(
    "action",
    [
        lambda c: c.info(),
        lambda c: c.post_processing.create(REQUEST, job="some-job"),
        lambda c: c.post_processing.get("some-id"),
        lambda c: c.post_processing.get("some-id", job="some-job"),
        lambda c: c.post_processing.wait("some-id"),
        lambda c: c.post_processing.delete("some-id", job="some-job"),
        lambda c: c.jobs.list(collection_id="some-id"),
        lambda c: c.collections.create({"name": "x", "domains": ["math"], "benchmarks": [SUMS]}),
    ],
)
def test_older_service_is_named_with_the_version_to_look_for(api, action):
    with pytest.raises(ServiceTooOldError, match=r"it is older than EvalHub 1\.0\.3"):
        api(action)


def test_what_is_missing_for_other_reasons_stays_what_it_is(api):
    with pytest.raises(JobNotFoundError):
        api(lambda c: c.jobs.get("some-job"))
    job = api.submit(SUMS)
    with pytest.raises(NotFoundError, match=r"has no post-processing.*before 1\.0\.3"):
        api(lambda c: c.post_processing.get(job))
