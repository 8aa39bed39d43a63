"""What service 1.0.3 has, and what is said of an older one."""

from __future__ import annotations

import httpx
import pytest

from evalhub.errors import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    JobNotFoundError,
    NotFoundError,
    ServiceTooOldError,
    WaitTimeoutError,
)
from evalhub.models import (
    CalibrationDataColumns,
    CalibrationDataConfig,
    CalibrationDataRef,
    ConfidenceIntervalConfig,
    Interval,
    JobStatus,
    PostProcessing,
    PostProcessingRequest,
    PrimaryScore,
    PVCTestDataRef,
    ResultsDataRef,
)

CALIBRATION = CalibrationDataRef(
    pvc=PVCTestDataRef(claim_name="labels"),
    data_config=CalibrationDataConfig(
        format="jsonl", columns=CalibrationDataColumns(label="human", prediction="judge")
    ),
)
CONFIG = ConfidenceIntervalConfig(calibration_data_ref=[CALIBRATION], significance_level=0.05)
EXTERNAL = ConfidenceIntervalConfig(
    calibration_data_ref=[CALIBRATION],
    significance_level=0.05,
    results_data_ref=ResultsDataRef(pvc=PVCTestDataRef(claim_name="results")),
    primary_score=PrimaryScore(metric="accuracy"),
)
COLLECTION = {
    "name": "set",
    "domains": ["math"],
    "benchmarks": [{"id": "sums", "provider_id": "alpha"}],
}


def ended(world, name="job"):
    job_id = world.submit(name=name)
    details = {"accuracy": {"confidence_interval": [0.7, 0.9]}, "odd": "text"}
    info = {"metric_details": details}
    world.report(job_id, "completed", metrics={"accuracy": 0.8}, additional_info=info)
    return world.run(lambda c: c.jobs.get(job_id))


def test_intervals_of_a_job_are_computed_once_and_read_with_it(newer):
    job = ended(newer)
    first = newer.run(lambda c: c.post_processing.create(CONFIG, job=job))
    again = newer.run(
        lambda c: c.post_processing.create(
            {"operations": {"confidence_interval": CONFIG.to_wire()}}, job=job.id
        )
    )
    done = newer.run(lambda c: c.post_processing.wait(first))

    assert (first.id, first.job_id) == (again.id, job.id)
    assert (done.state, done.is_terminal) == (JobStatus.COMPLETED, True)
    bounds = done.interval("sums")
    assert (bounds.lower, bounds.upper) == pytest.approx((0.75, 0.85))

    # Read through the job, which was read before the computation was started.
    found = newer.run(lambda c: c.post_processing.get(job))
    fresh = newer.run(lambda c: c.jobs.get(job))
    assert fresh.results.post_processing_ref.id == found.id
    ours, service = fresh.confidence_intervals(found)
    assert ours == Interval("sums", "alpha", 0, "accuracy", 0.7, 0.9, "adapter")
    assert (service.metric, service.source) == ("accuracy", "service")
    assert fresh.confidence_intervals() == [ours]


def test_intervals_of_other_data(newer):
    made = newer.run(lambda c: c.post_processing.create(EXTERNAL))
    done = newer.run(lambda c: c.post_processing.wait(made.id, timeout=60, poll=2))

    assert made.job_id is None
    assert done.confidence_interval.upper == 0.85
    assert done.interval("sums") is None
    assert made.confidence_interval is None


def test_deleted_computation_is_gone_and_the_job_stays(newer):
    job = ended(newer)
    made = newer.run(lambda c: c.post_processing.create(CONFIG, job=job))

    newer.run(lambda c: c.post_processing.delete(made.id, job=job))

    with pytest.raises(NotFoundError, match=f"'{made.id}' was not found"):
        newer.run(lambda c: c.post_processing.get(made))
    with pytest.raises(NotFoundError, match=f"job {job.id} has no post-processing: start it"):
        newer.run(lambda c: c.post_processing.get(job))
    assert newer.run(lambda c: c.jobs.get(job)).passed is True


def test_only_a_job_that_has_ended_is_processed(newer):
    running = newer.submit()
    with pytest.raises(ConflictError, match="can not be post-processed because it is 'pending'"):
        newer.run(lambda c: c.post_processing.create(CONFIG, job=running))
    with pytest.raises(JobNotFoundError, match="'gone' was not found"):
        newer.run(lambda c: c.post_processing.create(CONFIG, job="gone"))


@pytest.mark.parametrize(
    ("request_", "for_job", "message"),
    [
        (CONFIG, False, "set results_data_ref, or pass job="),
        (EXTERNAL, True, "leave them out, or leave out job="),
        (
            {"operations": {"confidence_interval": {"significance_level": 0.05}}},
            True,
            "calibration",
        ),
        ({"name": "x"}, True, "operations"),
        (
            EXTERNAL.model_copy(update={"primary_score": None}),
            False,
            "set primary_score for results that are not those of a job",
        ),
    ],
)
def test_wrong_request_is_not_sent(newer, request_, for_job, message):
    job = "some-job" if for_job else None
    with pytest.raises(ConfigurationError, match=message):
        newer.run(lambda c: c.post_processing.create(request_, job=job))
    assert newer.requests == []


@pytest.mark.parametrize("level", [0, 1, 95])
def test_level_is_a_share(level):
    with pytest.raises(ValueError, match=r"between 0 and 1, such as 0\.05 for 95 %"):
        ConfidenceIntervalConfig(calibration_data_ref=[CALIBRATION], significance_level=level)


def test_keys_of_a_newer_draft_are_kept():
    request = PostProcessingRequest.model_validate({"operations": {"bootstrap": {"n": 3}}, "x": 1})
    assert request.to_wire() == {"operations": {"bootstrap": {"n": 3}}, "x": 1}

    old_draft = {"operations": [{"confidence_interval_config": {}}], "status": {"state": "new"}}
    found = PostProcessing.model_validate({"resource": {"id": "1"}, **old_draft, "more": 2})
    assert found.to_wire() == {"resource": {"id": "1"}, **old_draft, "more": 2}
    with pytest.raises(ValueError, match="set exactly one of eval_job, s3"):
        ResultsDataRef()


def test_wait_goes_through_outages_and_ends_in_time(newer):
    made = newer.run(lambda c: c.post_processing.create(EXTERNAL))
    newer.faults += [httpx.ConnectError] * 6
    assert newer.run(lambda c: c.post_processing.wait(made)).is_terminal

    stuck = newer.run(lambda c: c.post_processing.create(EXTERNAL))
    with pytest.raises(WaitTimeoutError, match="still pending after 0 s; wait again"):
        newer.run(lambda c: c.post_processing.wait(stuck, timeout=0))


def test_jobs_of_a_collection_are_listed(newer):
    made = newer.run(lambda c: c.collections.create(COLLECTION))
    job = newer.run(
        lambda c: c.jobs.submit(
            name="j", model={"name": "m", "url": "http://m"}, collection=made.id
        )
    )
    newer.submit()

    assert [one.id for one in newer.run(lambda c: c.jobs.list(collection_id=made.id))] == [job.id]
    assert made.category == ""
    assert job.benchmarks == []


def test_version_is_known_after_the_first_answer_that_tells_it(newer):
    client = newer.client
    assert client.server_version is None
    newer.run(lambda c: c.health(), client)
    assert client.server_version is None

    info = newer.run(lambda c: c.info(), client)
    assert (info.version, info.hardware_profiles) == ("1.0.3", [])
    assert client.server_version == "1.0.3"


@pytest.mark.parametrize(
    ("action", "feature"),
    [
        (lambda c: c.info(), "service information"),
        (lambda c: c.post_processing.create(EXTERNAL), "post-processing"),
        (lambda c: c.post_processing.create(CONFIG, job="j"), "post-processing"),
        (lambda c: c.post_processing.get("p"), "post-processing"),
        (lambda c: c.post_processing.wait("p", job="j"), "post-processing"),
        (lambda c: c.post_processing.delete("p"), "post-processing"),
        (lambda c: c.jobs.list(collection_id="c"), "filter collection_id"),
        (lambda c: c.jobs.iter(collection_id="c"), "filter collection_id"),
        (lambda c: c.collections.create(COLLECTION), "collections without a category"),
    ],
)
def test_older_service_is_named_with_the_version_to_look_for(world, action, feature):
    with pytest.raises(ServiceTooOldError) as caught:
        world.run(action, world.client)

    assert f"the service has no {feature}: it is older than EvalHub 1.0.3" in str(caught.value)
    assert (caught.value.feature, caught.value.since) == (feature, "1.0.3")


def test_job_of_an_older_service_has_no_computation(world):
    job = ended(world)
    with pytest.raises(NotFoundError, match=r"services before 1\.0\.3 have none"):
        world.run(lambda c: c.post_processing.get(job))


def test_other_refusals_stay_what_they_are(world, newer):
    world.faults.append({"status_code": 400, "json": {"message_code": "query_bad_parameter"}})
    with pytest.raises(BadRequestError) as caught:
        world.run(lambda c: c.jobs.list(collection_id="c"))
    assert not isinstance(caught.value, ServiceTooOldError)

    newer.faults.append({"status_code": 405, "json": {"message_code": "method_not_allowed"}})
    with pytest.raises(ServiceTooOldError, match="no post-processing"):
        newer.run(lambda c: c.post_processing.get("p"))


def test_attributes_of_1_0_are_there(world):
    client = world.client
    assert client.api_base == "http://hub/api/v1"
    assert client.auth_token is None
    assert client.max_retries == 3
