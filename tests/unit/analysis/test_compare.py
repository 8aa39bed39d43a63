from __future__ import annotations

import gzip
import json
import math
import random
import sys
from typing import TYPE_CHECKING

import pytest
from support.jobs import benchmark, job, rows

from evalhub.analysis import Policy, Verdict, compare
from evalhub.errors import ConfigurationError, MissingExtraError
from evalhub.models.result import EvaluationResult, JobResults
from evalhub.models.sample import Sample

if TYPE_CHECKING:
    from evalhub.models.job import EvaluationJob, EvaluationJobResults


def only(*arguments, **options):
    comparison = compare(*arguments, **options)
    assert len(comparison.benchmarks) == 1
    return comparison.benchmarks[0]


def pair(before, after, **options):
    return only(job(benchmark(before, **options)), job(benchmark(after, **options), id="job-2"))


# --- verdicts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "verdict", "words"),
    [
        (0.750, 0.650, Verdict.REGRESSED, "Worse: accuracy fell from 0.750 to 0.650"),
        (0.650, 0.750, Verdict.IMPROVED, "Better: accuracy rose from 0.650 to 0.750"),
        (0.750, 0.740, Verdict.INCONCLUSIVE, "Cannot tell from 1,000 samples"),
    ],
)
def test_shares_of_unrelated_samples(before, after, verdict, words):
    one = pair(before, after)

    assert one.verdict is verdict
    assert one.sentence.startswith(words)
    assert one.method == "two shares (Miettinen-Nurminen score interval)"
    assert one.difference == pytest.approx(after - before)


def test_where_one_cannot_tell_the_sentence_says_what_is_excluded_and_what_it_takes():
    one = pair(0.750, 0.740)

    assert one.sentence == (
        "Cannot tell from 1,000 samples: accuracy fell from 0.750 to 0.740, and chance alone "
        "could do that. The true difference lies between -0.048 and 0.028 (95% confidence). "
        "A drop of up to 0.048 cannot be excluded. About 30,000 samples would do."
    )
    assert one.smallest_effect == pytest.approx(0.0546, abs=1e-3)


def test_no_worse_than_allowed_is_unchanged():
    policy = {"defaults": {"max_drop": 0.05}}
    one = only(job(benchmark(0.75)), job(benchmark(0.75)), policy=policy)

    assert one.verdict is Verdict.UNCHANGED
    assert one.sentence.startswith("No worse than allowed: accuracy is 0.750 on both sides.")


def test_worse_within_the_margin_is_not_regressed():
    policy = {"defaults": {"max_drop": 0.2}}
    one = only(job(benchmark(0.75)), job(benchmark(0.65)), policy=policy)

    assert one.verdict is Verdict.UNCHANGED


@pytest.mark.parametrize(("after", "verdict"), [(0.3, "regressed"), (0.1, "improved")])
def test_where_lower_is_better(after, verdict):
    assert pair(0.2, after, metric="error_rate", lower=True).verdict == verdict


def test_max_rise_says_that_lower_is_better():
    policy = Policy.read({"require": {"mmlu": {"max_rise": 0.02}}})
    one = only(job(benchmark(0.2, lower=None)), job(benchmark(0.3, lower=None)), policy=policy)

    assert one.lower_is_better is True
    assert one.verdict is Verdict.REGRESSED
    assert "where 0.020 is allowed" in one.sentence


def test_an_unknown_direction_is_shown_and_never_judged():
    one = pair(0.2, 0.9, lower=None)

    assert one.verdict is None
    assert one.difference == pytest.approx(0.7)
    assert one.interval is not None
    assert one.sentence == (
        "Not judged: nothing says whether a higher accuracy is better; "
        "name it under lower_is_better or higher_is_better in the policy."
    )


@pytest.mark.parametrize(
    ("threshold", "passed", "lower"), [(0.5, True, False), (0.9, True, True), (0.9, False, False)]
)
def test_the_services_verdict_shows_the_direction(threshold, passed, lower):
    before = job(benchmark(0.75, lower=None, threshold=threshold, passed=passed))

    assert only(before, job(benchmark(0.75, lower=None))).lower_is_better is lower


def test_the_policy_may_say_the_direction():
    policy = {"higher_is_better": ["acc*"]}
    one = only(job(benchmark(0.9, lower=None)), job(benchmark(0.5, lower=None)), policy=policy)

    assert one.verdict is Verdict.REGRESSED


# --- uncertainty from whatever is known --------------------------------------------------------


def test_two_intervals_make_one():
    one = only(
        job(benchmark(12.0, n=None, interval=(11.0, 13.5), metric="bleu")),
        job(benchmark(20.0, n=None, interval=(19.0, 21.0), metric="bleu")),
    )

    assert one.method == "two intervals (MOVER)"
    assert one.interval == pytest.approx(
        (8 - math.hypot(1.0, 1.5), 8 + math.hypot(1.0, 1.0)), rel=1e-6
    )
    assert one.verdict is Verdict.IMPROVED


@pytest.mark.parametrize(
    ("metric", "error"),
    [("acc", "acc_stderr"), ("acc,none", "acc_stderr,none"), ("acc", "acc,stderr")],
)
def test_standard_errors_of_the_harnesses_are_read(metric, error):
    before = benchmark(0.7512345, n=None, metric=metric, metrics={error: 0.01})
    after = benchmark(0.6512345, n=None, metric=metric, metrics={error: 0.01})
    one = only(job(before), job(after))

    assert one.method == "two means (Welch)"
    assert one.verdict is Verdict.REGRESSED


def test_without_any_uncertainty_one_cannot_tell():
    one = pair(0.7512345, 0.1512345, n=None)

    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.interval is None
    assert "No uncertainty is known" in one.sentence


@pytest.mark.parametrize(("after", "verdict"), [(0.73, "regressed"), (0.745, "unchanged")])
def test_without_any_uncertainty_the_policys_margin_decides(after, verdict):
    policy = {"require": {"mmlu": {"max_drop": 0.01}}}
    before, after = benchmark(0.7512345, n=None), benchmark(after, n=None)
    one = only(job(before), job(after), policy=policy)

    assert one.verdict == verdict
    assert "No uncertainty is known" in one.sentence


def test_zero_and_one_may_be_counts():
    one = pair(0, 1, metric="refusals", n=84, lower=True)

    assert one.interval is None
    assert one.verdict is Verdict.INCONCLUSIVE


def test_all_right_and_all_wrong_are_shares_where_an_interval_says_so():
    before = benchmark(1.0, n=84, interval=(0.956, 1.0))
    after = benchmark(0.0, n=84, interval=(0.0, 0.044))

    assert only(job(before), job(after)).verdict is Verdict.REGRESSED
    assert only(job(before), job(before)).verdict is Verdict.INCONCLUSIVE


def test_an_interval_that_does_not_hold_its_value_is_not_believed():
    one = pair(0.7512345, 0.6512345, n=None, interval=(0.1, 0.2))

    assert one.interval is None


# --- several runs ------------------------------------------------------------------------------


def test_several_runs_count_by_their_mean():
    before = [job(benchmark(value), id=f"b{value}") for value in (0.7, 0.8)]
    one = only(before, job(benchmark(0.6)))

    assert one.baseline == pytest.approx(0.75)
    assert one.verdict is Verdict.REGRESSED


def test_several_runs_must_be_alike_among_themselves():
    runs = [job(benchmark(parameters={"seed": seed})) for seed in (1, 2)]

    assert "parameter seed 1 against 2" in only(runs, runs[0]).sentence


def test_an_empty_list_of_runs_is_refused():
    with pytest.raises(ConfigurationError, match="candidate is empty: give at least one job"):
        compare(job(benchmark()), [])


# --- several benchmarks ------------------------------------------------------------------------


def test_holm_keeps_one_of_many_from_counting_by_chance():
    alone = job(benchmark(0.750)), job(benchmark(0.710))
    many = [benchmark(0.75, id=f"b{n}") for n in range(9)]
    crowd = job(*many, benchmark(0.750)), job(*many, benchmark(0.710))

    assert compare(*alone).verdict is Verdict.REGRESSED
    among = compare(*crowd)
    assert among.verdict is Verdict.INCONCLUSIVE
    assert "Alone it would count as worse" in among.benchmarks[-1].sentence
    assert compare(*crowd, policy={"defaults": {"correction": "none"}}).verdict == "regressed"


def test_benchmarks_match_by_provider_id_and_which_of_equals():
    before = job(benchmark(0.9), benchmark(0.2), benchmark(0.5, provider="other"))
    comparison = compare(before, before)

    assert [(one.name, one.baseline) for one in comparison.benchmarks] == [
        ("harness/mmlu", 0.9),
        ("harness/mmlu#1", 0.2),
        ("other/mmlu", 0.5),
    ]


def test_a_required_benchmark_that_is_missing_fails():
    comparison = compare(job(benchmark(), benchmark(id="gsm8k")), job(benchmark()))

    missing = comparison.benchmarks[1]
    assert (missing.missing, missing.verdict) == (True, None)
    assert missing.sentence == "Not judged: the candidate does not have it."
    assert comparison.passed is False
    assert "1 required benchmark(s) are missing" in comparison.sentence


def test_what_the_baseline_lacks_is_shown():
    comparison = compare(job(benchmark()), job(benchmark(), benchmark(id="gsm8k")))

    assert comparison.benchmarks[1].required is False
    assert comparison.benchmarks[1].sentence == "Not judged: the baseline does not have it."


def test_what_the_policy_requires_and_neither_side_has_fails():
    comparison = compare(job(benchmark()), job(benchmark()), policy={"require": ["gsm8k"]})

    assert comparison.passed is False
    assert "the policy requires it, and neither side has it" in comparison.benchmarks[-1].sentence


def test_a_benchmark_that_failed_is_missing():
    comparison = compare(
        job(benchmark()), job(benchmark(status="failed"), state="partially_failed")
    )

    assert comparison.passed is False
    assert "it has no result in the candidate (failed)" in comparison.benchmarks[0].sentence
    assert comparison.warnings == ["the candidate nightly (job-1) is partially_failed"]


def test_watched_metrics_are_shown_and_never_required():
    before = benchmark(metrics={"latency_p50": 1.0, "refusals": 3})
    policy = {"watch": ["latency_*"], "lower_is_better": ["latency_*"]}
    comparison = compare(job(before), job(before), policy=policy)

    watched = comparison.benchmarks[1]
    assert (watched.metric, watched.required, watched.lower_is_better) == (
        "latency_p50",
        False,
        True,
    )


def test_half_a_second_is_no_share():
    info = {"metric_details": {"latency_p50": {"num_samples": 84}}}
    sides = [
        job(benchmark(0.75, metrics={"latency_p50": seconds}, info=info)) for seconds in (0.5, 0.75)
    ]
    policy = {"watch": ["latency_*"], "lower_is_better": ["latency_*"]}

    assert compare(*sides, policy=policy).benchmarks[1].interval is None


def test_a_watched_benchmark_never_fails():
    comparison = compare(
        job(benchmark(0.9)), job(benchmark(0.1)), policy={"watch": ["harness/mmlu"]}
    )

    assert comparison.benchmarks[0].verdict is Verdict.REGRESSED
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert comparison.passed is None


# --- unlike measurements -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"parameters": {"num_few_shot": 0}}, {"parameters": {"num_few_shot": 5}},
         "parameter num_few_shot 0 against 5"),
        ({}, {"parameters": {"limit": 5}}, "parameter limit not set against 5"),
        ({"metadata": {"dataset_sha256": "aa"}}, {"metadata": {"dataset_sha256": "bb"}},
         "dataset sha256 aa against bb"),
        ({"metadata": {"num_few_shot": 0}}, {"metadata": {"num_few_shot": 5}},
         "num few shot 0 against 5"),
    ],
)  # fmt: skip
def test_what_was_not_measured_alike_is_not_judged(before, after, words):
    sides = job(benchmark(0.9, **before)), job(benchmark(0.1, **after))
    comparison = compare(*sides)

    assert comparison.passed is None
    assert f"not measured alike: {words} (allow_different" in comparison.benchmarks[0].sentence
    allowed = compare(*sides, policy={"allow_different": True}).benchmarks[0]
    assert allowed.verdict is Verdict.REGRESSED
    assert allowed.notes == [f"not measured alike: {words}"]


def test_parameters_that_do_not_matter_can_be_ignored():
    sides = [job(benchmark(0.9, parameters={"concurrency": n})) for n in (1, 8)]
    policy = {"ignore_parameters": ["concurrency"]}

    assert "not measured alike" in only(*sides).sentence
    assert only(*sides, policy=policy).interval is not None
    assert "not measured alike" not in only(*sides, policy=policy).sentence


def test_a_digest_that_one_side_does_not_know_proves_nothing():
    one = only(job(benchmark(metadata={"dataset_sha256": "aa"})), job(benchmark()))

    assert "not measured alike" not in one.sentence


def test_parameters_that_one_side_does_not_know_prove_nothing():
    side = job(benchmark(parameters={"num_few_shot": 5}))

    assert "not measured alike" not in only(side.results, side).sentence


def test_two_entries_of_a_policy_may_be_about_one_benchmark():
    policy = {"require": ["mmlu", "mm*"]}

    assert len(compare(job(benchmark()), job(benchmark()), policy=policy).benchmarks) == 1


def test_two_harnesses_can_be_compared_in_pairs_on_one_data_set():
    before = job(benchmark(0.75, id="arc_easy", provider="lm_evaluation_harness", metric="acc"))
    after = job(benchmark(0.70, id="inspect_evals/arc_easy", provider="inspect", metric="accuracy"))
    scores = right(0.75, 300)
    worse = [0.0 if place % 10 == 0 else score for place, score in enumerate(scores)]
    samples = (
        rows(scores, benchmark_id="arc_easy", metric="acc"),
        rows(worse, benchmark_id="inspect_evals/arc_easy", metric="accuracy"),
    )

    refused = compare(before, after, rows=samples)
    assert refused.passed is False
    (one,) = compare(before, after, rows=samples, policy={"allow_different": True}).benchmarks
    assert one.paired
    assert one.verdict is Verdict.REGRESSED
    assert one.notes[-1] == (
        "not measured alike: lm_evaluation_harness/arc_easy against inspect/inspect_evals/arc_easy"
    )


def test_jobs_of_different_collections_are_not_judged():
    before, after = (
        job(benchmark(0.9), collection={"id": name}) for name in ("school", "university")
    )

    assert "collection school against university" in only(before, after).sentence


def test_another_provider_is_not_alike():
    one = only(job(benchmark(0.9, provider="lm_eval")), job(benchmark(0.9, provider="inspect")))

    assert "lm_eval/mmlu against inspect/mmlu" in one.sentence


def test_different_metrics_are_named():
    one = only(job(benchmark(metric="acc")), job(benchmark(metric="f1")))

    assert one.sentence == "Not judged: in the candidate, there is no metric 'acc' (there are: f1)."


# --- samples in pairs --------------------------------------------------------------------------


def right(share, n, seed=1):
    draw = random.Random(seed)
    return [float(draw.random() < share) for _ in range(n)]


def test_pairs_find_what_scores_alone_do_not():
    before = right(0.75, 1000)
    after = [0.0 if place % 25 == 0 else score for place, score in enumerate(before)]
    sides = [job(benchmark(sum(of) / 1000)) for of in (before, after)]

    assert only(*sides).verdict is Verdict.INCONCLUSIVE
    one = only(*sides, rows=(rows(before), rows(after)))
    assert one.verdict is Verdict.REGRESSED
    assert one.paired
    assert (len(one.gained), len(one.lost)) == (0, 32)
    assert one.lost[0] == "q0"
    assert "of the same 1,000 samples 0 score higher and 32 lower than before" in one.sentence
    assert one.p_value == pytest.approx(2 * 0.5**32)


def test_the_same_answers_are_unchanged():
    scores = right(0.75, 84)
    side = job(benchmark(sum(scores) / 84, n=84))
    one = only(side, side, rows=(rows(scores), rows(scores)))

    assert one.verdict is Verdict.UNCHANGED
    assert one.sentence.startswith("The same: accuracy is")
    assert one.p_value == 1.0


def test_rows_may_bear_the_name_of_a_scorer_if_their_mean_is_the_score():
    before, after = right(0.75, 100), right(0.6, 100, seed=2)
    sides = [job(benchmark(sum(of) / 100)) for of in (before, after)]

    one = only(*sides, rows=(rows(before, metric="match"), rows(after, metric="match")))
    assert one.paired

    # These are of another metric, whatever it is.
    one = only(*sides, rows=(rows(after, metric="f1"), rows(after, metric="match")))
    assert not one.paired


def test_rows_of_the_metric_come_before_all_others():
    before, after = right(0.75, 100), right(0.75, 100, seed=2)
    sides = [job(benchmark(sum(of) / 100)) for of in (before, after)]
    mine = [*rows(before, metric="match"), *rows(after, metric="accuracy")]

    one = only(*sides, rows=(mine, rows(after, metric="accuracy")))
    assert (one.gained, one.lost) == ([], [])


def test_repeats_are_averaged_first():
    before = rows([0, 1] * 50) + [{**row, "repeat": 1} for row in rows([1, 1] * 50)]
    one = only(job(benchmark()), job(benchmark()), rows=(before, rows([1, 1] * 50)))

    assert one.baseline == pytest.approx(0.75)
    assert one.method == "paired mean (Student's t)"
    assert one.verdict is Verdict.IMPROVED


def test_many_groups_are_clusters_and_few_are_categories():
    def grouped(scores, groups):
        return [{**row, "group": f"g{place % groups}"} for place, row in enumerate(rows(scores))]

    before, after = right(0.7, 300), right(0.7, 300, seed=2)
    side = job(benchmark(0.7))
    many = only(side, side, rows=(grouped(before, 60), grouped(after, 60)))
    few = only(side, side, rows=(grouped(before, 6), grouped(after, 6)))

    assert many.method == "paired mean (t, 60 clusters)"
    assert few.method == "paired shares (Tango score interval)"


def test_few_samples_on_both_sides_prevent_a_verdict():
    side = job(benchmark())
    before, after = rows(right(0.9, 100)), rows(right(0.1, 100))[20:]
    one = only(side, side, rows=(before, after))

    assert one.verdict is Verdict.INCONCLUSIVE
    assert "only 80% of the samples are on both sides; 95% are needed" in one.sentence
    assert one.notes[0] == "20 samples are on one side only and were left out"


def test_ids_that_do_not_overlap():
    side = job(benchmark())
    one = only(side, side, rows=(rows([1] * 50), rows([1] * 50, prefix="other")))

    assert "no sample is on both sides: their ids do not overlap" in one.sentence
    assert one.verdict in (None, Verdict.INCONCLUSIVE)


def test_samples_on_one_side_alone_fall_back_to_the_scores():
    side = job(benchmark())

    assert only(side, side, rows=(rows([1] * 50), None)).paired is False


def test_samples_can_be_required():
    side = job(benchmark())

    with pytest.raises(ConfigurationError, match="no samples of both sides for harness/mmlu"):
        compare(side, side, paired="require")


def test_samples_can_be_left_aside():
    side = job(benchmark())
    one = only(side, side, rows=(rows([1] * 50), rows([0] * 50)), paired="off")

    assert one.paired is False


def test_rows_of_another_benchmark_or_metric_are_left_alone():
    side = job(benchmark())
    for other in ({"benchmark_id": "gsm8k"}, {"metric": "f1"}, {"provider_id": "other"}):
        found = only(side, side, rows=(rows([1] * 50, **other), rows([0] * 50, **other)))
        assert found.paired is False


def test_rows_may_be_samples_or_a_file(tmp_path):
    file = tmp_path / "samples.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows([1.0] * 50)) + "\n\n")
    samples = [Sample.model_validate(row) for row in rows([0.0] * 50)]
    side = job(benchmark())

    assert only(side, side, rows=(file, samples)).verdict is Verdict.REGRESSED


def test_a_mean_that_the_samples_do_not_have_is_noted():
    side = job(benchmark(0.9))
    one = only(side, side, rows=(rows([1.0] * 50), rows([1.0] * 50)))

    assert "the samples of the baseline have another mean than it reports" in one.notes


def test_one_sample_is_never_judged():
    side = job(benchmark(1.0, n=1))
    one = only(side, side, rows=(rows([1.0]), rows([0.0])))

    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.sentence == "Cannot tell from 1 sample: fewer than the 30 that a judgement takes."


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_all_right_or_all_wrong(score):
    side = job(benchmark(score, n=50))
    one = only(side, side, rows=(rows([score] * 50), rows([score] * 50)))

    assert one.verdict is Verdict.UNCHANGED
    assert one.interval is not None
    assert one.interval[0] < 0 < one.interval[1]


def test_numbers_that_are_none_are_left_out_and_counted():
    before = rows([1.0] * 50 + [math.nan, None, math.inf])
    side = job(benchmark())
    one = only(side, side, rows=(before, rows([1.0] * 53)))

    assert "3 samples have no number and were left out" in one.notes


def test_a_hundred_thousand_rows():
    before, after = right(0.75, 100_000), right(0.73, 100_000, seed=2)
    side = job(benchmark())

    assert only(side, side, rows=(rows(before), rows(after))).verdict is Verdict.REGRESSED


# --- what cannot be compared -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "in the candidate, accuracy is not a number"),
        (math.nan, "in the candidate, accuracy is not a number"),
        ("good", "in the candidate, accuracy is text: 'good'"),
        (True, "in the candidate, accuracy is True, not a number"),
        ([0.5], "in the candidate, accuracy is a list, not a number"),
        (10**400, "in the candidate, accuracy is a int, not a number"),
    ],
)
def test_a_metric_that_is_no_number_is_named(value, words):
    one = only(job(benchmark()), job(benchmark(value)))

    assert one.verdict is None
    assert words in one.sentence


def test_what_was_nan_is_called_so():
    after = benchmark(None, info={"non_finite_metrics": {"accuracy": "NaN"}})

    assert "accuracy is NaN" in only(job(benchmark()), job(after)).sentence


def test_a_running_job_is_not_judged():
    running = job(benchmark(status="running"), state="running")
    comparison = compare(job(benchmark()), running)

    assert comparison.passed is None
    assert "the candidate is still running: wait for it" in comparison.benchmarks[0].sentence
    assert comparison.warnings == [
        "the candidate nightly (job-1) is running: its scores are not final"
    ]


def test_no_primary_score_and_several_metrics():
    side = job(benchmark(lower=None, metrics={"f1": 0.5}))

    assert "no primary score says which metric counts" in only(side, side).sentence


def test_the_policy_names_the_metric():
    side = job(benchmark(lower=None, metrics={"f1": 0.5}))
    policy = {"require": {"mmlu": {"metric": "f1", "lower_is_better": False}}}

    assert only(side, side, policy=policy).metric == "f1"


def test_a_huge_text_does_not_fill_the_sentence():
    one = only(job(benchmark()), job(benchmark("x" * 1_000_000)))

    assert len(one.sentence) < 200


@pytest.mark.parametrize(
    ("rows_of", "words"),
    [
        ([1], "row 1 of the baseline's samples must be a sample, not int"),
        ([{"prediction": 1}], "row 1 of the baseline's samples has no sample_id"),
        ([{"sample_id": "a", "prediction": "x"}], "prediction is 'x', not a number"),
    ],
)
def test_a_row_that_is_none_is_named(rows_of, words):
    side = job(benchmark())
    with pytest.raises(ConfigurationError, match=words):
        compare(side, side, rows=(rows_of, []))


@pytest.mark.parametrize(
    ("text", "words"), [("{", "line 1 is not JSON"), ("[]", "line 1 is not a sample")]
)
def test_a_line_that_is_no_row_is_named(tmp_path, text, words):
    (tmp_path / "s.jsonl").write_text(text)
    side = job(benchmark())
    with pytest.raises(ConfigurationError, match=words):
        compare(side, side, rows=(tmp_path / "s.jsonl", []))


def test_a_file_of_rows_that_is_not_there(tmp_path):
    side = job(benchmark())
    with pytest.raises(ConfigurationError, match="cannot be read"):
        compare(side, side, rows=(tmp_path / "none.jsonl", []))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (3, "baseline must be a job, its results, a file or a list of jobs, not int"),
        ({"x": 1}, "baseline is not a job: it needs resource, status and results"),
        ({"resource": {}}, "baseline is not a job: resource.id"),
    ],
)
def test_a_source_that_is_none_is_named(source, words):
    with pytest.raises(ConfigurationError, match=words):
        compare(source, job(benchmark()))


def test_rows_must_be_a_pair():
    side = job(benchmark())
    with pytest.raises(ConfigurationError, match="rows must be a pair"):
        compare(side, side, rows=[1, 2])  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="paired is auto, require or off, not 'yes'"):
        compare(side, side, paired="yes")  # type: ignore[arg-type]


# --- sources -----------------------------------------------------------------------------------


def test_jobs_may_be_dictionaries_files_and_results(tmp_path):
    side: EvaluationJob = job(benchmark(0.75, threshold=0.5))
    content = side.model_dump(mode="json", by_alias=True)
    plain, packed = tmp_path / "job.json", tmp_path / "job.json.gz"
    plain.write_text(json.dumps(content))
    packed.write_bytes(gzip.compress(json.dumps(content).encode()))
    results: EvaluationJobResults = side.results

    for source in (side, content, plain, str(packed), results, content["results"], [side]):
        assert only(source, side).baseline == 0.75


def test_results_of_an_adapter_can_be_compared():
    def results(value):
        return JobResults(
            job_id="j",
            benchmark_id="mmlu",
            model_name="m",
            results=[EvaluationResult(metric_name="accuracy", metric_value=value, num_samples=500)],
            num_examples_evaluated=500,
            duration_seconds=1.0,
        )

    policy = {"higher_is_better": ["accuracy"]}
    assert only(results(0.8), results(0.6), policy=policy).verdict is Verdict.REGRESSED


@pytest.mark.parametrize(
    ("content", "words"), [(b"{", "is not a job as JSON"), (None, "cannot be read")]
)
def test_files_that_are_no_jobs(tmp_path, content, words):
    path = tmp_path / "job.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words):
        compare(path, job(benchmark()))


# --- faces -------------------------------------------------------------------------------------


def test_rows_and_columns_hold_the_same():
    comparison = compare(job(benchmark(0.75)), job(benchmark(0.65)))
    (row,) = comparison.to_rows()

    assert row["verdict"] == "regressed"
    assert row["samples_baseline"] == 1000
    assert comparison.to_columns() == {name: [value] for name, value in row.items()}


def test_pages_escape_what_others_wrote():
    evil = "<script>alert(1)</script>|@team\x1b[31m\u202e"
    comparison = compare(job(benchmark(id=evil)), job(benchmark(id=evil)))

    assert "<script>" not in comparison.to_html()
    assert comparison._repr_html_() == comparison.to_html()
    markdown = comparison.to_markdown()
    assert "<script>" not in markdown
    assert "@team" not in markdown
    assert "\x1b" not in markdown
    assert "\u202e" not in markdown


def test_a_comparison_prints_as_sentences():
    text = str(compare(job(benchmark(0.75)), job(benchmark(0.65))))

    assert text.splitlines()[0] == "The candidate is worse: 1 regressed."
    assert text.splitlines()[1].startswith("▼ harness/mmlu: Worse: accuracy fell")


def test_a_comparison_is_json():
    comparison = compare(job(benchmark(0.75)), job(benchmark(0.65)))
    content = json.loads(comparison.model_dump_json())

    assert content["benchmarks"][0]["verdict"] == "regressed"


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'eval-hub-sdk\[analysis\]'"):
        compare(job(benchmark(0.75)), job(benchmark(0.65)))


# --- corners ------------------------------------------------------------------------------------


def test_a_running_job_of_a_collection_may_lack_a_benchmark_yet():
    running = job(state="running")
    comparison = compare(job(benchmark()), running)

    assert comparison.passed is None
    assert "the candidate is still running" in comparison.benchmarks[0].sentence


def test_intervals_without_counts_name_no_number_of_samples():
    one = pair(12.0, 12.1, n=None, interval=(11.0, 13.5), metric="bleu")

    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.needed_samples is None
    assert one.sentence.startswith("Cannot tell: bleu rose from 12 to 12.1, and chance alone")


def test_rows_do_not_say_which_of_equals_they_are_of():
    side = job(benchmark(0.9), benchmark(0.2))
    samples = rows([1.0] * 50, benchmark_id="mmlu")
    comparison = compare(side, side, rows=(samples, samples))

    assert [one.paired for one in comparison.benchmarks] == [True, False]


def test_required_pairs_are_compared():
    side = job(benchmark())
    samples = rows([1.0] * 50)

    assert compare(side, side, rows=(samples, samples), paired="require").benchmarks[0].paired


def test_runs_of_which_one_has_no_number():
    runs = [job(benchmark(0.7)), job(benchmark("text"))]

    assert "in the baseline, accuracy is text" in only(runs, runs[0]).sentence


def test_runs_of_which_one_has_no_interval():
    runs = [job(benchmark(0.7512345, n=None)), job(benchmark(0.75))]

    assert only(runs, runs[1]).interval is None


def test_errors_of_zero_say_nothing():
    one = pair(0.7512345, 0.6512345, n=None, metrics={"accuracy_stderr": 0.0})

    assert one.method == "two intervals (MOVER)"
    assert one.verdict is Verdict.REGRESSED


def test_other_test_data_are_not_alike():
    def on(revision):
        side = benchmark()
        side["config"]["test_data_ref"] = {"hf": {"repo_id": "a/b", "revision": revision}}
        return job(side)

    assert "not measured alike: test data" in only(on("v1"), on("v2")).sentence


def test_results_of_an_adapter_may_be_a_file(tmp_path):
    results = {
        "job_id": "j",
        "benchmark_id": "mmlu",
        "model_name": "m",
        "results": [{"metric_name": "accuracy", "metric_value": 0.5}],
        "num_examples_evaluated": 100,
        "duration_seconds": 1.0,
    }
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))

    assert only(path, path).baseline == 0.5


def test_a_number_that_is_not_there_is_a_dash():
    comparison = compare(job(benchmark()), job(benchmark("text")))

    assert "| - | - | - | not judged |" in comparison.to_markdown()
