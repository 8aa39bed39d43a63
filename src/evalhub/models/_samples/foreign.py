"""Turn the records of other frameworks into samples. Pure: no file is opened, nothing imported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from evalhub.models.sample import Sample, SampleTokens, score_of

__all__ = ["garak_samples", "guidellm_samples", "inspect_samples", "lm_eval_samples"]

_WORTH = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""inspect's grades: correct, partially correct, incorrect, no answer."""

_COMPLETED = 2
"""garak's status of an attempt that was answered and judged."""

Json = Mapping[str, Any]


def lm_eval_samples(
    rows: Iterable[Json], *, task: str | None = None, metric: str | None = None
) -> Iterator[Sample]:
    """Yield the samples of lm-eval: lines of `samples_*.jsonl`, or `results["samples"][task]`.

    Where several filters judged each answer, the first filter's rows are taken.

    Args:
        rows: One object for each answer.
        task: The task they are of, which the rows do not say; part of the ids, and the group.
        metric: Which of the metrics counts; the first one by default.
    """
    chosen: Any = None
    for index, row in enumerate(rows):
        chosen = row.get("filter") if index == 0 else chosen
        if row.get("filter") != chosen:
            continue
        names = [name for name in row.get("metrics") or () if name in row]
        name = metric if metric in names else next(iter(names), metric)
        arguments = _first(row.get("arguments"))
        yield Sample(
            sample_id=_joined(task, row.get("doc_id", index)),
            prediction=_worth(row.get(name or "")),
            metric=name,
            group=task,
            input=arguments,
            expected=row.get("target"),
            output=_single(row.get("filtered_resps") or row.get("resps")),
            scores={other: row[other] for other in names if other != name},
            metadata={"doc_hash": row["doc_hash"]} if "doc_hash" in row else {},
        )


def inspect_samples(log: Any, *, scorer: str | None = None) -> Iterator[Sample]:
    """Yield the samples of an inspect log: an `EvalLog`, or the JSON of a log file.

    A sample that ended with an error counts as 0 and says why.

    Args:
        log: The log, samples included.
        scorer: Which of several scores counts; the first one by default.
    """
    whole = _plain(log)
    task: Json = whole.get("eval") or {}
    for row in whole.get("samples") or ():
        yield _inspect_sample(row, task, scorer)


def _inspect_sample(row: Json, task: Json, scorer: str | None) -> Sample:
    scores: Json = row.get("scores") or {}
    name = scorer if scorer in scores else next(iter(scores), scorer)
    output: Json = row.get("output") or {}
    error: Json = row.get("error") or {}
    metadata: Json = row.get("metadata") or {}
    messages: list[Any] = row.get("messages") or []
    return Sample(
        sample_id=str(row["id"]),
        prediction=_worth(_value(scores.get(name or ""))),
        metric=name,
        group=metadata.get("category") or task.get("task"),
        repeat=max(int(row.get("epoch") or 1) - 1, 0),
        input=row.get("input"),
        expected=row.get("target"),
        output=output.get("completion"),
        tokens=_tokens(row.get("model_usage")),
        latency_seconds=row.get("total_time"),
        error=error.get("message"),
        # A question and its answer are in `input` and `output` already.
        messages=messages if len(messages) > 2 else [],  # noqa: PLR2004 - a pair
        scores={other: _value(one) for other, one in scores.items() if other != name},
    )


def garak_samples(lines: Iterable[Json], *, threshold: float = 0.5) -> Iterator[Sample]:
    """Yield the samples of a garak report: one for each output that a detector judged.

    `prediction` is 1 where the model resisted and 0 where the detector found a hit, so that its
    mean is the rate garak calls passed. Outputs that a detector could not judge are left out, as
    garak leaves them out.

    Args:
        lines: The objects of `*.report.jsonl`.
        threshold: The detector's score from which an output is a hit.
    """
    for line in lines:
        if line.get("entry_type") != "attempt" or line.get("status") != _COMPLETED:
            continue
        outputs = [_spoken(one) for one in line.get("outputs") or ()]
        judged: Mapping[str, Sequence[Any]] = line.get("detector_results") or {}
        for detector, scores in judged.items():
            for repeat, score in enumerate(scores):
                if score is None:
                    continue
                yield Sample(
                    sample_id=f"{line['probe_classname']}/{line.get('seq', 0)}/{detector}",
                    prediction=float(float(score) < threshold),
                    metric="resisted",
                    group=line["probe_classname"],
                    repeat=repeat,
                    input=_spoken(line.get("prompt")),
                    output=outputs[repeat] if repeat < len(outputs) else None,
                    metadata={"goal": line.get("goal"), "uuid": line.get("uuid")},
                )


def guidellm_samples(
    report: Json, *, metric: str = "request_latency", benchmark: int | None = None
) -> Iterator[Sample]:
    """Yield the samples of a guidellm report: one for each request that it measured.

    A request that failed has no measurement, and one outside the time that guidellm measured is
    not in its means: neither is among them.

    Args:
        report: The JSON of the report.
        metric: The field of a request that counts, in guidellm's unit: seconds for
            `request_latency`, milliseconds for `time_to_first_token_ms`.
        benchmark: Position of the benchmark to read; all by default.
    """
    benchmarks: Sequence[Json] = report.get("benchmarks") or ()
    for index, one in enumerate(benchmarks):
        if benchmark not in (None, index):
            continue
        requests: Json = one.get("requests") or {}
        successful: Sequence[Json] = requests.get("successful") or ()
        for number, request in enumerate(successful):
            if request.get(metric) is None or not _is_measured(request, one):
                continue
            yield Sample(
                sample_id=f"{index}/{number}",
                prediction=request[metric],
                metric=metric,
                group=_strategy(one, index),
                input=request.get("request_args"),
                output=request.get("output"),
                latency_seconds=request.get("request_latency"),
                tokens=SampleTokens(
                    input=request.get("prompt_tokens"), output=request.get("output_tokens")
                ),
                scores={
                    key: value
                    for key, value in request.items()
                    if key.endswith(("_ms", "_per_second")) and key != metric
                },
            )


def _is_measured(request: Json, benchmark: Json) -> bool:
    """Whether a request overlaps the time from the warm-up to the cool-down."""
    window: Json = benchmark.get("scheduler_metrics") or {}
    begin, end = window.get("measure_start_time"), window.get("measure_end_time")
    started, ended = request.get("request_start_time"), request.get("request_end_time")
    if begin is None or end is None or ended is None:
        return True
    return bool(ended >= begin and (started is None or started <= end))


def _strategy(benchmark: Json, index: int) -> str:
    config: Json = benchmark.get("config") or {}
    strategy: Json = config.get("strategy") or {}
    return str(strategy.get("type_") or strategy.get("kind") or index)


def _plain(log: Any) -> Json:
    """Return a log as JSON objects, whichever of inspect's forms it has."""
    if isinstance(log, Mapping):
        return cast("Json", log)
    return cast("Json", log.model_dump(mode="json", exclude={"samples": {"__all__": {"events"}}}))


def _value(score: Any) -> Any:
    return cast("Json", score).get("value") if isinstance(score, Mapping) else score


def _worth(value: Any) -> float:
    """Return a score as a number; a grade by its letter, a list by its mean, else 0."""
    if isinstance(value, str):
        return _WORTH.get(value, float(value.casefold() in ("true", "yes")))
    if isinstance(value, Mapping):
        return _worth(next(iter(cast("Json", value).values()), None))
    if isinstance(value, list | tuple) and value:
        several = [_worth(one) for one in cast("Sequence[Any]", value)]
        # lm-eval's likelihoods come as (value, is greedy) and the like: the value is the score.
        return several[0] if isinstance(value, tuple) else sum(several) / len(several)
    with suppress(ValueError):
        return score_of(value)
    return 0.0


def _tokens(usage: Json | None) -> SampleTokens | None:
    by_model: list[Json] = list((usage or {}).values())
    if not by_model:
        return None
    return SampleTokens(
        input=sum(one.get("input_tokens") or 0 for one in by_model),
        output=sum(one.get("output_tokens") or 0 for one in by_model),
    )


def _joined(task: str | None, identity: Any) -> str:
    return str(identity) if task is None else f"{task}/{identity}"


def _first(value: Any) -> Any:
    """Return what lies at the bottom of nested lists: lm-eval wraps its prompts."""
    match value:
        case {}:  # the form of its files: {"gen_args_0": {"arg_0": ...}}
            return _first(next(iter(cast("Json", value).values()), None))
        case [first, *_]:
            return _first(first)
        case _:
            return value


def _single(value: Any) -> Any:
    match value:
        case [only]:
            return _single(only)
        case _:
            return value


def _spoken(message: Any) -> Any:
    """Return the text of a garak message or of the last turn of a conversation."""
    match message:
        case {"text": str(text)}:
            return text
        case {"turns": [*_, last]}:
            return _spoken(cast("Json", last).get("content"))
        case _:
            return message
