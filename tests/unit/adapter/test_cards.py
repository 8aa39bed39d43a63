"""Cards: captured once and in the background, completed from the results, sent in any form."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pydantic import ValidationError

from evalhub._version import __version__
from evalhub.adapter import (
    CapabilityEvalEntry,
    DefaultCallbacks,
    EnvironmentCardMetadata,
    EvalCardMetadata,
    EvaluationResult,
    JobPhase,
    JobResults,
    JobStatus,
    JobStatusUpdate,
    OCIArtifactResult,
    OCIArtifactSpec,
    SafetyEvalEntry,
)
from evalhub.adapter._report import cards
from evalhub.adapter._report.cards import Capture, card_json, cards_of, completed_card
from evalhub.adapter._report.event import Report, result_event
from evalhub.adapter._report.size import fit
from evalhub.models.card import EnvironmentCard
from evalhub.models.job import BenchmarkResult
from evalhub.models.spec import BenchmarkRef
from evalhub.oci import OCIArtifactPersister, pull

WHO = BenchmarkRef("job-1", "arc", "field", 0)
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def results(**fields: Any) -> JobResults:
    given = {
        "job_id": "job-1",
        "benchmark_id": "arc",
        "model_name": "granite",
        "results": [
            EvaluationResult(metric_name="acc", metric_value=0.5, confidence_interval=(0.4, 0.6)),
            EvaluationResult(metric_name="grade", metric_value="B"),
            EvaluationResult(metric_name="each", metric_value=[0, 1]),
            EvaluationResult(metric_name="passed", metric_value=True),
        ],
        "num_examples_evaluated": 2,
        "duration_seconds": 1.0,
        "completed_at": datetime(2026, 1, 2, 4, 0, tzinfo=UTC),
        **fields,
    }
    return JobResults(**given)


def sent(**fields: Any) -> Any:
    """Return the artifacts of the event that carries the results."""
    body = json.loads(Report(result_event(WHO, results(**fields))).body)
    return body["benchmark_status_event"].get("artifacts")


def test_a_card_written_by_hand_is_valid_and_sent_as_it_was_written():
    card = EvalCardMetadata(
        modalities_input=["text"],
        languages_count=1,
        languages=["en"],
        capability_evaluations=[
            CapabilityEvalEntry(ability="reasoning", benchmark="arc", metric="acc", zero_shot=0.5)
        ],
        safety_evaluations=[
            SafetyEvalEntry(feature="refusal", benchmark="wild", metric="f1", zero_shot="n/a")
        ],
    )

    shown = sent(eval_card=card)["evalhub.eval_card"]
    assert shown["capability_evaluations"] == [
        {"ability": "reasoning", "benchmark": "arc", "metric": "acc", "zero_shot": 0.5}
    ]
    assert shown["safety_evaluations"][0]["zero_shot"] == "n/a"
    assert shown["languages_count"] == 1
    assert "developer_footnotes" not in shown
    assert EvalCardMetadata.model_validate(shown) == card


def test_an_entry_of_a_card_needs_its_names():
    with pytest.raises(ValidationError, match="benchmark"):
        CapabilityEvalEntry(ability="reasoning")  # type: ignore[call-arg]


def test_a_misspelt_field_of_a_card_is_a_warning(caplog):
    EvalCardMetadata(langauges=["en"])

    assert caplog.messages == [
        "EvalCardMetadata has no field 'langauges'; did you mean 'languages'?"
    ]


def test_a_card_takes_dates_and_paths_and_shows_them_as_text():
    card = EnvironmentCardMetadata.model_validate(
        {
            "started_at": STARTED,
            "oci_artifact_ref": Path("h/r"),
            "cuda_version": 12.4,
            "k8s_pod_labels": None,
            "custom": None,
        }
    )

    assert card.started_at == "2026-01-02T03:04:05+00:00"
    assert (card.oci_artifact_ref, card.cuda_version) == ("h/r", "12.4")
    assert (card.k8s_pod_labels, card.custom) == ({}, {})


def test_what_is_assigned_to_a_card_costs_no_report(caplog):
    card: Any = EnvironmentCardMetadata()
    card.started_at = STARTED
    card.container_image = Path("image")
    card.total_memory_gb = math.nan
    card.custom = {"seed": {1, 2}, "when": STARTED}

    shown = sent(env_card=card)["evalhub.env_card"]
    assert shown["started_at"] == "2026-01-02T03:04:05+00:00"
    assert shown["container_image"] == "image"
    assert shown["total_memory_gb"] is None
    assert shown["custom"] == {"seed": [1, 2], "when": "2026-01-02T03:04:05+00:00"}
    assert "evalhub.env_card.total_memory_gb: nan as null" in caplog.text


def test_completeness_is_counted_when_it_is_read():
    card = EnvironmentCardMetadata()
    assert card.capture_completeness == 0.0
    card.model_id = "granite"
    card.gpu_count = 0
    card.k8s_pod_labels = {"app": "x"}
    card.scorer_ids = ["not counted"]
    card.capture_completeness = 0.9

    assert card.capture_completeness == round(3 / 26, 2)
    assert card.model_dump()["capture_completeness"] == card.capture_completeness
    assert EnvironmentCardMetadata.model_validate(card.model_dump()) == card
    assert EnvironmentCardMetadata(**json.loads(card.model_dump_json())) == card


def test_a_full_card_is_complete():
    filled = {
        name: {"k": "v"} if field.default_factory else "1"
        for name, field in EnvironmentCard.model_fields.items()
        if name not in ("scorer_ids", "gpu_count", "total_memory_gb")
    }

    card = EnvironmentCard.model_validate({**filled, "gpu_count": 1, "total_memory_gb": 1})
    assert card.capture_completeness == 1.0


@pytest.mark.parametrize(
    ("stored", "languages"),
    [
        ({"languages": ["en"], "of_a_newer_release": 1}, ["en"]),
        ({"languages": "en"}, None),
        ("text", None),
        (None, None),
    ],
)
def test_a_stored_card_is_read_from_the_results_of_a_job(stored, languages):
    benchmark = BenchmarkResult.model_validate(
        {"id": "arc", "provider_id": "field", "artifacts": {"evalhub.eval_card": stored}}
    )

    assert (benchmark.eval_card and benchmark.eval_card.languages) == languages
    assert benchmark.env_card is None


def test_a_card_is_valid_as_it_is():
    card = EnvironmentCard(os_info="os")
    assert EnvironmentCard.model_validate(card) is card


def test_artifacts_that_an_adapter_names_are_merged_and_win():
    own = {"oci_digest": "sha256:mine", "report": Path("out/report.html")}
    artifact = OCIArtifactResult(digest="sha256:1", reference="h/r:t@sha256:1")
    event = result_event(
        WHO,
        results(oci_artifact=artifact, evaluation_metadata={"artifacts": own, "seed": 7}),
    )

    assert event.artifacts == {
        "oci_reference": "h/r:t@sha256:1",
        "oci_digest": "sha256:mine",
        "report": "out/report.html",
    }
    assert (event.additional_info or {})["evaluation_metadata"] == {"seed": 7}


@pytest.mark.parametrize("named", [None, [], {}, "text"])
def test_artifacts_that_are_no_object_stay_where_they_are(named):
    event = result_event(WHO, results(evaluation_metadata={"artifacts": named}))

    assert event.artifacts is None
    assert (event.additional_info or {})["evaluation_metadata"] == {"artifacts": named}


def test_the_results_complete_a_card_where_it_is_empty():
    given = results(
        oci_artifact=OCIArtifactResult(digest="sha256:1", reference="h/r:t@sha256:1"),
        evaluation_metadata={"framework": "lm_eval", "framework_version": "0.4"},
    )
    card = EnvironmentCard(model_id="granite-3-8b")

    full = completed_card(card, given, started_at=STARTED)
    assert full.model_id == "granite-3-8b"
    assert (full.framework_name, full.framework_version) == ("lm_eval", "0.4")
    assert full.started_at == "2026-01-02T03:04:05+00:00"
    assert full.completed_at == "2026-01-02T04:00:00+00:00"
    assert full.oci_artifact_ref == "h/r:t@sha256:1"
    assert full.aggregate_results == {"acc": 0.5}
    assert full.confidence_intervals == {"acc": [0.4, 0.6]}
    assert full.generated_by == f"eval-hub-sdk {__version__}"
    assert card == EnvironmentCard(model_id="granite-3-8b")


def test_cards_for_other_places_hold_the_captured_one(monkeypatch):
    monkeypatch.setattr(cards, "captured_card", lambda: EnvironmentCard(os_info="os"))
    stored: Any = cards.cards_to_store(results(eval_card=EvalCardMetadata(languages=["en"])))

    assert stored["evalhub.env_card"]["os_info"] == "os"
    assert stored["evalhub.env_card"]["model_id"] == "granite"
    assert stored["evalhub.eval_card"]["languages"] == ["en"]
    monkeypatch.setattr(cards, "captured_card", lambda: None)
    assert cards.cards_to_store(results()) == cards_of(results()) == {}


class TestCapture:
    def test_is_made_once_and_copied(self):
        made: list[EnvironmentCard] = []

        def make() -> EnvironmentCard:
            made.append(EnvironmentCard(os_info="os"))
            return made[-1]

        capture = Capture(make)
        first, second = capture.card(), capture.card()

        assert first == second == made[0]
        assert first is not second is not made[0]
        assert len(made) == 1

    def test_that_fails_is_no_card(self, caplog):
        def fail() -> EnvironmentCard:
            raise OSError("no machine")

        assert Capture(fail).card() is None
        assert "no environment card: the machine could not be described" in caplog.text

    def test_that_hangs_is_no_card_after_a_bounded_wait(self, caplog):
        until = Event()

        def hang() -> EnvironmentCard:
            until.wait()
            return EnvironmentCard()

        capture = Capture(hang, timeout=0.05)
        try:
            assert capture.card() is None
        finally:
            until.set()
        assert "the machine was not described within 0.05 s" in caplog.text

    def test_does_not_hold_up_the_first_report(self, recorder, monkeypatch):
        until, begun = Event(), Event()

        def hang(**_: Any) -> EnvironmentCard:
            begun.set()
            until.wait()
            return EnvironmentCard(os_info="late")

        monkeypatch.setattr(EnvironmentCardMetadata, "capture", hang)
        cards.start_capture.cache_clear()
        callbacks = DefaultCallbacks("job-1", "arc", "field", 0, recorder.url)
        callbacks.report_status(
            JobStatusUpdate(status=JobStatus.RUNNING, phase=JobPhase.INITIALIZING)
        )
        assert begun.wait(5)
        until.set()
        callbacks.report_results(results())
        cards.start_capture.cache_clear()

        shown = recorder.last["artifacts"]["evalhub.env_card"]
        assert shown["os_info"] == "late"
        assert shown["started_at"]

    def test_does_not_begin_before_the_first_report(self, recorder):
        cards.start_capture.cache_clear()
        callbacks = DefaultCallbacks("job-1", "arc", "field", 0, recorder.url)

        assert cards.start_capture.cache_info().currsize == 0
        callbacks.report_results(results())
        assert cards.start_capture.cache_info().currsize == 1

    def test_happens_without_being_asked_for(self, recorder):
        callbacks = DefaultCallbacks("job-1", "arc", "field", 0, recorder.url)
        callbacks.report_results(results())

        shown = recorder.last["artifacts"]["evalhub.env_card"]
        assert shown["python_version"]
        assert shown["model_id"] == "granite"
        assert shown["capture_completeness"] > 0.2

    def test_that_cannot_be_completed_costs_no_report(self, recorder, monkeypatch, caplog):
        def broken(*_: Any, **__: Any) -> EnvironmentCard:
            raise RuntimeError("broken")

        monkeypatch.setattr(cards, "completed_card", broken)
        DefaultCallbacks("job-1", "arc", "field", 0, recorder.url).report_results(results())

        assert recorder.last["status"] == "completed"
        assert "the environment card could not be completed" in caplog.text


def test_a_card_too_large_is_reduced_by_its_largest_parts():
    card = EnvironmentCard(os_info="os", per_task_results={"t": "x" * 50_000})
    artifact = OCIArtifactResult(digest="sha256:1", reference="h/r:t@sha256:1")
    whole = Report(result_event(WHO, results(env_card=card, oci_artifact=artifact)))

    report, dropped = fit(whole, limit=20_000)
    assert dropped == ["evalhub.env_card.per_task_results"]
    assert len(report.body) <= 20_000
    assert (report.event.artifacts or {})["oci_reference"] == "h/r:t@sha256:1"
    assert (report.event.artifacts or {})["evalhub.env_card"]["os_info"] == "os"
    assert (whole.event.artifacts or {})["evalhub.env_card"]["per_task_results"]


def test_a_report_with_nothing_to_leave_out_stays_as_it_is():
    artifact = OCIArtifactResult(digest="sha256:1", reference="h/r:t@sha256:1")
    event = result_event(WHO, results(oci_artifact=artifact))
    whole = Report(event.model_copy(update={"additional_info": None}))

    assert fit(whole, limit=10) == (whole, [])


class TestArtifact:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "results"
        folder.mkdir()
        (folder / "report.txt").write_text("fine")
        return folder

    @pytest.mark.parametrize("pack", [False, True])
    def test_holds_the_cards_beside_the_files(self, tmp_path, folder, pack):
        persister = OCIArtifactPersister(
            f"oci:{tmp_path}/layout", env_card=lambda: EnvironmentCard(os_info="os")
        )
        spec = OCIArtifactSpec(
            files_path=folder, pack=pack, eval_card=EvalCardMetadata(languages=["en"])
        )

        first, second = persister.persist(spec), persister.persist(spec)
        pull(first.reference, tmp_path / "pulled")

        assert first.digest == second.digest
        names = sorted(path.name for path in (tmp_path / "pulled").iterdir())
        assert names == ["env_card.json", "eval_card.json", "report.txt"]
        shown = json.loads((tmp_path / "pulled/env_card.json").read_text())
        assert shown["os_info"] == "os"
        assert shown["capture_completeness"] == 0.04
        assert sorted(path.name for path in folder.iterdir()) == ["report.txt"]

    def test_keeps_its_own_file_of_a_card_s_name(self, tmp_path, folder):
        (folder / "env_card.json").write_text("mine")
        persister = OCIArtifactPersister(f"oci:{tmp_path}/layout", env_card=EnvironmentCard)

        stored = persister.persist(OCIArtifactSpec(files_path=folder))
        pull(stored.reference, tmp_path / "pulled")

        assert (tmp_path / "pulled/env_card.json").read_text() == "mine"

    def test_goes_without_a_card_that_there_is_not(self, tmp_path, folder):
        persister = OCIArtifactPersister(f"oci:{tmp_path}/layout", env_card=lambda: None)

        stored = persister.persist(OCIArtifactSpec(files_path=folder))

        assert [file.path for file in stored.files] == ["report.txt"]

    def test_goes_without_a_card_that_cannot_be_written(self, tmp_path, folder, caplog):
        card = EnvironmentCard(custom={"text": "\ud800"})
        persister = OCIArtifactPersister(f"oci:{tmp_path}/layout")

        stored = persister.persist(OCIArtifactSpec(files_path=folder, env_card=card))

        assert [file.path for file in stored.files] == ["report.txt"]
        assert "the artifact goes without env_card.json" in caplog.text

    def test_of_callbacks_has_a_card_of_the_machine(self, tmp_path, folder, monkeypatch):
        monkeypatch.setenv("EVALHUB_ARTIFACTS_DIR", str(tmp_path / "layout"))
        monkeypatch.setenv("EVALHUB_MODE", "local")
        callbacks = DefaultCallbacks("job-1", "arc", "field", 0)

        stored = callbacks.create_oci_artifact(OCIArtifactSpec(files_path=folder))

        assert [file.path for file in stored.files] == ["env_card.json", "report.txt"]


def test_a_card_is_shown_without_what_is_not_known():
    assert card_json(EvalCardMetadata(languages=["en"])) == {
        "modalities_input": [],
        "modalities_output": [],
        "languages": ["en"],
        "capability_evaluations": [],
        "safety_evaluations": [],
    }
