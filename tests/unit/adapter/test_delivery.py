from __future__ import annotations

import asyncio
import json
import os
import socket
from datetime import UTC, datetime
from threading import Thread

import httpx
import pytest
from support.memory import LOST, PATH, WHO, Service

from evalhub.adapter._report import will
from evalhub.adapter._report.delivery import Delivery, State
from evalhub.adapter._report.event import failure_event, result_event
from evalhub.errors import ReportError
from evalhub.models.event import JobStatusUpdate
from evalhub.models.result import EvaluationResult, JobResults
from evalhub.models.spec import BenchmarkRef
from evalhub.models.state import JobPhase, JobStatus


def delivery(service, **options):
    return Delivery(WHO, service.connection(), PATH, clock=service.clock, interval=0, **options)


def update(status=JobStatus.RUNNING, **more):
    return JobStatusUpdate(status=status, **more)


def results(value=0.5, **more):
    measured = JobResults(
        job_id="job-1",
        benchmark_id="bench",
        model_name="m",
        results=[EvaluationResult(metric_name="a", metric_value=value)],
        num_examples_evaluated=1,
        duration_seconds=1.0,
        **more,
    )
    return result_event(WHO, measured)


def failure(message="boom"):
    return failure_event(WHO, message, code="c", at=datetime(2026, 1, 2, tzinfo=UTC))


def kept(folder):
    (file,) = folder.iterdir()
    return json.loads(file.read_text())["benchmark_status_event"]


def statuses(service):
    return [event["status"] for event in service.accepted]


def test_progress_goes_before_the_end():
    service = Service()
    channel = delivery(service)
    for phase in list(JobPhase)[:3]:
        channel.report(update(phase=phase))
    channel.finish(results())
    assert [event["phase"] for event in service.accepted][-4:] == [
        "initializing",
        "loading_data",
        "running_evaluation",
        "completed",
    ]


def test_each_event_repeats_what_the_service_would_erase():
    service = Service()
    reports = delivery(service)
    reports.report(update(phase=JobPhase.LOADING_DATA, warning_message="careful"))
    reports.report(update())
    reports.finish(failure_event(WHO, "x", code="c", before=reports.last))
    last = service.accepted[-1]
    assert last["phase"] == "loading_data"
    assert last["warning_message"]["message"] == "careful"
    assert last["started_at"] == service.accepted[0]["started_at"]


def test_success_is_held_back_for_the_results():
    service = Service()
    reports = delivery(service)
    reports.report(update(JobStatus.COMPLETED))
    assert reports.state == State.HELD
    assert service.bodies == []
    reports.finish(results())
    assert reports.state == State.RECORDED
    assert statuses(service) == ["completed"]
    assert service.accepted[0]["metrics"] == {"a": 0.5}


def test_success_without_results_goes_at_the_end():
    service = Service()
    reports = delivery(service)
    reports.report(update(JobStatus.COMPLETED))
    reports.close()
    reports.close()
    assert statuses(service) == ["completed"]


def test_failure_goes_at_once():
    service = Service()
    reports = delivery(service)
    reports.report(update(JobStatus.FAILED, error_message="boom"))
    assert statuses(service) == ["failed"]
    assert reports.state is State.RECORDED


def test_failure_waits_while_another_attempt_may_follow():
    service = Service()
    reports = delivery(service)
    reports.holds_failures = True
    reports.report(update(JobStatus.FAILED, error_message="boom"))
    assert service.bodies == []
    reports.finish(results())
    assert statuses(service) == ["completed"]


def test_results_replace_a_failure_where_the_service_lets_them():
    service = Service()
    reports = delivery(service)
    reports.finish(failure())
    reports.finish(results())
    assert statuses(service) == ["failed", "completed"]


@pytest.mark.parametrize("second", [failure(), results(0.7)], ids=["failure", "results"])
def test_nothing_replaces_results(second):
    service = Service()
    reports = delivery(service)
    reports.finish(results())
    reports.finish(second)
    assert [event["metrics"] for event in service.accepted] == [{"a": 0.5}]


def test_a_second_failure_is_not_sent():
    service = Service()
    reports = delivery(service)
    reports.finish(failure("first"))
    reports.finish(failure("second"))
    assert [event["error_message"]["message"] for event in service.accepted] == ["first"]


def test_status_after_the_end_is_not_sent():
    service = Service()
    reports = delivery(service)
    reports.finish(results())
    reports.report(update())
    reports.close()
    assert statuses(service) == ["completed"]


def test_what_is_not_delivered_is_kept(tmp_path):
    service = Service(*[503] * 100)
    reports = delivery(service, budget=5, folders=[tmp_path])
    with pytest.raises(ReportError, match=r"-m evalhub\.adapter resend") as caught:
        reports.finish(results())
    assert caught.value.kept == tmp_path / "job-1-0.json"
    kept = json.loads((tmp_path / "job-1-0.json").read_text())
    assert kept["benchmark_status_event"]["metrics"] == {"a": 0.5}
    assert service.now == pytest.approx(5)


def test_what_cannot_be_kept_is_logged(caplog):
    service = Service(404)
    with pytest.raises(ReportError, match="neither delivered nor saved") as caught:
        delivery(service).finish(results())
    assert caught.value.kept is None
    assert '"a": 0.5' in caplog.text


def test_hurry_shortens_the_budget_once_for_all(tmp_path):
    service = Service(*[503] * 100)
    reports = delivery(service, folders=[tmp_path])
    reports.hurry(3)
    reports.hurry(30)
    with pytest.raises(ReportError):
        reports.finish(results())
    assert service.now == pytest.approx(3)


def test_too_large_a_report_is_cut_and_says_so(caplog):
    service = Service()
    delivery(service).finish(results(additional_info={"big": "x" * 11 * 2**20}))
    assert "big" not in service.accepted[0]["additional_info"]
    assert "left out: big" in caplog.text


def test_the_log_names_ten_of_what_was_left_out(caplog):
    info = {f"part-{number}": "x" * 2**20 for number in range(30)}
    delivery(Service()).finish(results(additional_info=info))
    (line,) = [record.message for record in caplog.records if "left out" in record.message]
    assert line.count("part-") == 10
    assert line.endswith(" more")


def test_an_answer_that_was_lost_is_not_sent_twice():
    service = Service(LOST)
    delivery(service).finish(results())
    assert statuses(service) == ["completed"]


def test_last_event_is_kept_when_time_is_up(tmp_path):
    reports = delivery(Service(404), folders=[tmp_path])
    reports.keep_unrecorded()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ReportError):
        reports.finish(failure())
    (tmp_path / "job-1-0.json").unlink()
    reports.keep_unrecorded()
    assert (tmp_path / "job-1-0.json").exists()


def test_progress_and_what_is_recorded_are_not_kept(tmp_path):
    reports = delivery(Service(), folders=[tmp_path])
    reports.report(update())
    reports.keep_unrecorded()
    reports.finish(results())
    reports.keep_unrecorded()
    assert list(tmp_path.iterdir()) == []


def test_names_of_files_are_safe(tmp_path):
    service = Service(404)
    who = BenchmarkRef("../../etc/x", "b", "p")
    reports = Delivery(who, service.connection(), PATH, folders=[tmp_path])
    with pytest.raises(ReportError) as caught:
        reports.finish(failure())
    assert caught.value.kept == tmp_path / ".._.._etc_x-0.json"


def test_threads_may_report_and_end_at_once():
    service = Service()
    reports = delivery(service)
    threads = [Thread(target=reports.finish, args=(results(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses(service) == ["completed"]


def test_a_child_process_does_not_report(caplog):
    service = Service()
    reports = delivery(service)
    reports.report(update())
    reports._order.acquire()  # held by another thread at the moment of the fork
    child = os.fork()
    if child == 0:
        reports.report(update(phase=JobPhase.LOADING_DATA))
        reports.finish(results())
        reports.close()
        lines = [line for line in caplog.messages if "is not sent: report from the" in line]
        os._exit(0 if len(lines) == 3 and reports.state is State.OPEN else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_progress_does_not_replace_an_end_that_was_not_delivered(tmp_path):
    service = Service(*[503] * 100)
    reports = delivery(service, budget=1, folders=[tmp_path])
    with pytest.raises(ReportError):
        reports.finish(failure())
    reports.report(update(phase=JobPhase.RUNNING_EVALUATION))
    (tmp_path / "job-1-0.json").unlink()
    reports.keep_unrecorded()
    assert kept(tmp_path)["status"] == "failed"
    assert reports.last is not None
    assert reports.last.status is JobStatus.FAILED


def test_progress_while_the_end_is_on_its_way_does_not_replace_it(tmp_path):
    service = Service(*[503] * 100)
    reports = delivery(service, budget=5, folders=[tmp_path])
    service.during_pause = lambda: reports.report(update(phase=JobPhase.POST_PROCESSING))
    with pytest.raises(ReportError):
        reports.finish(failure())
    assert statuses(service) == []
    assert kept(tmp_path)["status"] == "failed"


def test_a_failure_does_not_replace_results_that_are_kept(tmp_path):
    service = Service(*[503] * 100)
    reports = delivery(service, budget=1, folders=[tmp_path])
    with pytest.raises(ReportError):
        reports.finish(results())
    service.script.clear()
    reports.finish(failure())
    assert statuses(service) == []
    assert kept(tmp_path)["metrics"] == {"a": 0.5}


def test_results_that_were_kept_can_be_reported_again(tmp_path):
    service = Service(*[503] * 100)
    reports = delivery(service, budget=1, folders=[tmp_path])
    with pytest.raises(ReportError):
        reports.finish(results())
    service.script.clear()
    reports.finish(results())
    assert statuses(service) == ["completed"]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_results_refused_for_good_end_the_job_as_failed(status, tmp_path):
    refusal = httpx.Response(status, json={"message": "bad metric", "message_code": "bad"})
    service = Service(refusal, refusal)
    reports = delivery(service, folders=[tmp_path])
    reports.report(update(phase=JobPhase.LOADING_DATA))
    service.script = [204, refusal, refusal]
    with pytest.raises(
        ReportError, match="refused the results: bad metric; they are kept"
    ) as caught:
        reports.finish(results())
    assert caught.value.kept == tmp_path / "job-1-0.json"
    assert kept(tmp_path)["metrics"] == {"a": 0.5}
    last = service.accepted[-1]
    assert (last["status"], last["phase"]) == ("failed", "loading_data")
    assert last["error_message"] == {
        "message": str(caught.value),
        "message_code": "results_refused",
        "message_origin": "sdk",
    }
    reports.finish(failure())
    assert service.accepted[-1] == last


def test_a_refused_failure_is_not_followed_by_another(tmp_path, caplog):
    service = Service(400, 400, 400)
    with pytest.raises(ReportError):
        delivery(service, folders=[tmp_path]).finish(failure())
    assert len(service.bodies) == 2


def test_a_job_that_cannot_be_ended_either_is_an_error_in_the_log(tmp_path, caplog):
    service = Service(400, 400, 404)
    with pytest.raises(ReportError):
        delivery(service, folders=[tmp_path]).finish(results())
    assert "the job could not be ended as failed either" in caplog.text


def test_a_failure_in_a_coroutine_waits_because_it_would_block_the_loop():
    service = Service()
    reports = delivery(service)

    async def evaluate():
        reports.report(update(JobStatus.FAILED, error_message="boom"))

    asyncio.run(evaluate())
    assert service.bodies == []
    reports.close()
    assert statuses(service) == ["failed"]


@pytest.fixture
def supervisor():
    receiver, sender = socket.socketpair()
    will.open_channel(sender)
    with receiver, sender, receiver.makefile("rb") as stream:
        yield stream
    will.open_channel(None)


def next_will(stream):
    content = will.read(stream)
    assert content is not None
    return json.loads(content)


def test_a_supervised_process_leaves_its_will(supervisor):
    service = Service()
    reports = delivery(service)
    first = next_will(supervisor)
    assert first["job_id"] == "job-1"
    assert first["benchmark_status_event"]["status"] == "failed"
    assert first["benchmark_status_event"]["error_message"]["message_code"] == "adapter_died"
    reports.report(update(phase=JobPhase.LOADING_DATA))
    second = next_will(supervisor)["benchmark_status_event"]
    assert second["phase"] == "loading_data"
    reports.report(update(phase=JobPhase.LOADING_DATA))  # of the same stage: no new will
    reports.finish(results())
    third = next_will(supervisor)["benchmark_status_event"]
    assert third["metrics"] == {"a": 0.5}
    assert will.read(supervisor) == b""


def test_a_will_is_withdrawn_when_the_end_is_kept(supervisor, tmp_path):
    reports = delivery(Service(404), folders=[tmp_path])
    with pytest.raises(ReportError):
        reports.finish(results())
    assert [bool(will.read(supervisor)) for _ in range(3)] == [True, True, False]


def test_without_its_supervisor_a_process_goes_on():
    receiver, sender = socket.socketpair()
    receiver.close()
    will.open_channel(sender)
    will.leave(b"x")
    assert not will.is_supervised()
    sender.close()


def test_waits_for_the_sidecar():
    service = Service()
    delivery(service).await_sidecar(1)
    assert service.gets == 1
