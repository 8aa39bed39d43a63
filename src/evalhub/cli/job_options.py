"""The options of `run` and `eval run` that say what a job is, and how long to wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from evalhub.cli.complete import benchmark_ids, collection_ids, provider_ids
from evalhub.cli.options import seconds

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["job_options"]

F = TypeVar("F", bound="Callable[..., Any]")

_JOB: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--model-auth-secret",), {"help": "Secret with the model's credentials."}),
    (
        ("--provider",),
        {"help": "Provider of benchmarks that name none.", "shell_complete": provider_ids},
    ),
    (
        ("-b", "--benchmark", "benchmarks"),
        {
            "multiple": True,
            "help": "Benchmark: ID or ID@PROVIDER.",
            "shell_complete": benchmark_ids,
        },
    ),
    (("--collection",), {"help": "Collection to run.", "shell_complete": collection_ids}),
    (
        ("-p", "--param", "params"),
        {"multiple": True, "metavar": "K=V", "help": "Parameter: text, JSON, or @FILE."},
    ),
    (("--limit",), {"type": click.IntRange(min=1), "help": "Examples of each benchmark."}),
    (("--dataset",), {"help": "Dataset parameter."}),
    (("--description",), {"help": "Description of the job."}),
    (("--tag", "tags"), {"multiple": True, "help": "Tag of the job."}),
    (("--threshold",), {"type": float, "help": "Score the job must reach."}),
    (("--experiment",), {"help": "MLflow experiment."}),
    (("--queue",), {"help": "Kueue queue."}),
    (("--hardware-profile",), {"help": "Hardware profile of the pods."}),
    (("--set",), {"multiple": True, "metavar": "PATH=V", "help": "Any field: `custom.team=red`."}),
    (("--oci-host",), {"help": "Registry for the results."}),
    (("--oci-repository",), {"help": "Repository in it."}),
    (("--oci-connection",), {"help": "Secret with the registry's credentials."}),
    *(
        ((f"--test-data-{source}",), {"help": f"Test data: {text}."})
        for source, text in (
            ("s3-bucket", "bucket"),
            ("s3-key", "prefix in the bucket"),
            ("s3-secret", "Secret of the bucket"),
            ("pvc-claim-name", "volume claim"),
            ("pvc-sub-path", "path in the volume"),
            ("git-url", "git repository"),
            ("git-ref", "branch, tag or commit"),
            ("git-sub-path", "path in the repository"),
            ("git-secret", "Secret of the repository"),
            ("hf-repo-id", "Hugging Face repository"),
            ("hf-revision", "branch, tag or commit"),
            ("hf-sub-path", "path in the repository"),
            ("hf-secret", "Secret with the token"),
        )
    ),
    (("--wait",), {"is_flag": True, "help": "Wait until the job has ended."}),
    (("--watch",), {"is_flag": True, "help": "Wait, and show what happens."}),
    (("--gate",), {"is_flag": True, "help": "Wait; exit 3 unless the job has passed."}),
    (
        ("--baseline",),
        {
            "metavar": "JOB|FILE|NAME",
            "help": "Wait, and compare; with --gate exit 3 if the job is worse.",
        },
    ),
    (("--report",), {"metavar": "FILE", "help": "Wait, and write a report: .html, .md, .json."}),
    (("--junit",), {"metavar": "FILE", "help": "Wait, and write the scores as tests: .xml."}),
    (("--dry-run",), {"is_flag": True, "help": "Show the job and send nothing."}),
    (("--timeout",), {"type": seconds(zero=True), "help": "Seconds to wait at most."}),
)


def job_options(command: F) -> F:
    """Give a command what can be said of a job, and of the wait for it."""
    for names, settings in reversed(_JOB):
        command = click.option(*names, **settings)(command)
    return command
