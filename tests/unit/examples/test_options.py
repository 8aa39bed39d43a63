from __future__ import annotations

from pathlib import Path

import pytest

from evalhub.adapter.examples.options import Options
from evalhub.errors import ConfigurationError


def test_nothing_needs_to_be_said() -> None:
    options = Options.of({})
    assert (options.num_few_shot, options.concurrency, options.dataset_path) == (0, 4, None)


def test_what_is_said_counts() -> None:
    options = Options.of({"num_few_shot": "2", "dataset_path": "own.jsonl", "other": 1})
    assert (options.num_few_shot, options.dataset_path) == (2, Path("own.jsonl"))


def test_every_wrong_value_is_named_and_none_is_shown() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Options.of({"num_few_shot": -1, "concurrency": 0, "timeout_seconds": "s3cret"})
    assert raised.value.message.startswith("benchmark_config cannot be used: num_few_shot: ")
    assert [detail.partition(":")[0] for detail in raised.value.details] == [
        "concurrency",
        "timeout_seconds",
    ]
    assert "s3cret" not in str(raised.value)


def test_an_option_without_effect_is_remarked_on() -> None:
    assert Options.unknown({"num_fewshot": 2, "concurrency": 1, "zzz": 0}) == [
        "benchmark_config has no option 'num_fewshot'; did you mean 'num_few_shot'?",
        "benchmark_config has no option 'zzz'",
    ]
