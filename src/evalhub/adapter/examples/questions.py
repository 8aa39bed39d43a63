"""The questions an evaluation asks: one JSON object a line, bundled or the user's own."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["BUNDLED", "LETTERS", "Dataset", "Kind", "Question"]

BUNDLED = Path(__file__).with_name("questions.jsonl")
"""84 questions in six categories, written for this package, and 12 worked examples."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_PROBLEMS_SHOWN = 10


class Kind(StrEnum):
    """How a question is answered."""

    MULTIPLE_CHOICE = "multiple_choice"
    SHORT_ANSWER = "short_answer"


class Question(BaseModel):
    """One question and its right answer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = Field(min_length=1)
    category: str = Field(default="uncategorized", min_length=1)
    kind: Kind
    question: str = Field(min_length=1)
    choices: tuple[str, ...] = ()
    answer: str = Field(min_length=1)
    """The right answer; of a multiple-choice question, the text of the right choice."""

    accept: tuple[str, ...] = ()
    """Other wordings of a short answer that are right as well."""

    few_shot: bool = False
    """Whether this is a worked example to show the model, which is never scored."""

    @property
    def letter(self) -> str:
        """The letter in front of the right choice."""
        return LETTERS[self.choices.index(self.answer)]

    @model_validator(mode="after")
    def _fit_the_kind(self) -> Self:
        if self.kind is Kind.SHORT_ANSWER:
            if self.choices:
                raise ValueError("a short_answer question has no choices")
        elif not 2 <= len(self.choices) <= len(LETTERS):  # noqa: PLR2004 - one is no choice
            raise ValueError(f"a multiple_choice question has 2 to {len(LETTERS)} choices")
        elif len(set(self.choices)) < len(self.choices):
            raise ValueError("two choices are the same")
        elif self.answer not in self.choices:
            raise ValueError("the answer is not one of the choices")
        return self


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions to score, and worked examples to show before them.

    Attributes:
        source: The file or directory they came from.
        digest: SHA-256 of the files' bytes, which tells two evaluations' questions apart.
        questions: Questions to score, in the order of the files.
        examples: Worked examples, likewise.
    """

    source: Path
    digest: str
    questions: tuple[Question, ...]
    examples: tuple[Question, ...]

    @classmethod
    def load(cls, source: Path = BUNDLED) -> Self:
        """Read a `.jsonl` file, or every one in a directory.

        Raises:
            ConfigurationError: It cannot be read, holds no question to score, or holds a line
                that is not a question; the first ten such lines are named.
        """
        files = _files(source)
        contents = [(path, _read(path)) for path in files]
        problems: list[str] = []
        read = list(chain.from_iterable(_questions(*item, problems) for item in contents))
        problems += _repeated(read)
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise ConfigurationError(
                f"the dataset cannot be used: {problems[0]}{more}",
                details=problems[1:_PROBLEMS_SHOWN],
            )
        questions = tuple(question for question in read if not question.few_shot)
        if not questions:
            raise ConfigurationError(f"dataset {source} is empty: it holds no question to score")
        return cls(
            source=source,
            digest=hashlib.sha256(b"".join(content for _, content in contents)).hexdigest(),
            questions=questions,
            examples=tuple(question for question in read if question.few_shot),
        )

    def select(self, benchmark_id: str, limit: int | None = None) -> list[Question]:
        """Return the questions a benchmark asks.

        A benchmark whose id is a category asks that category; any other asks everything.

        Args:
            benchmark_id: Id of the benchmark.
            limit: How many questions at most, taken from each category in turn so that a short
                run covers them all; `None` means all.

        Raises:
            ConfigurationError: The limit is below one.
        """
        if limit is not None and limit < 1:
            raise ConfigurationError(f"num_examples is {limit}: there is nothing to evaluate")
        chosen = [question for question in self.questions if question.category == benchmark_id]
        chosen = chosen or list(self.questions)
        return chosen if limit is None or limit >= len(chosen) else _spread(chosen)[:limit]

    def shots(self, category: str, count: int) -> list[Question]:
        """Return worked examples to show before a question, its own category's first.

        Raises:
            ConfigurationError: The dataset has fewer.
        """
        if count > len(self.examples):
            raise ConfigurationError(
                f"num_few_shot is {count} and dataset {self.source} has {len(self.examples)} "
                'worked examples; mark more lines with "few_shot": true'
            )
        return sorted(self.examples, key=lambda example: example.category != category)[:count]


def _files(source: Path) -> list[Path]:
    if not source.exists():
        raise ConfigurationError(f"dataset {source} does not exist")
    if not source.is_dir():
        return [source]
    files = sorted(source.glob("*.jsonl"))
    if not files:
        raise ConfigurationError(f"dataset {source} is empty: it holds no .jsonl file")
    return files


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"dataset {path} cannot be read: {error.strerror}") from error


def _questions(path: Path, content: bytes, problems: list[str]) -> Iterator[Question]:
    """Yield the questions of a file; say what is wrong with the lines that are none."""
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield Question.model_validate(json.loads(line.decode()))
        except UnicodeDecodeError:
            problems.append(f"{path}, line {number}: not UTF-8 text")
        except json.JSONDecodeError as error:
            problems.append(f"{path}, line {number}: not JSON: {error.msg} (column {error.colno})")
        except RecursionError:
            problems.append(f"{path}, line {number}: lists too deep to be read")
        except ValidationError as error:
            problems.append(f"{path}, line {number}: {_why_not(error)}")


def _why_not(error: ValidationError) -> str:
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"])))
        for problem in error.errors(include_url=False, include_input=False)
    )


def _repeated(questions: Iterable[Question]) -> list[str]:
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for question in questions:
        if question.id in seen:
            repeated[question.id] = None
        seen.add(question.id)
    return [f"two questions have the id {name!r}" for name in repeated]


def _spread(questions: Sequence[Question]) -> list[Question]:
    """Order questions so that each category comes in turn."""
    by_category: defaultdict[str, list[Question]] = defaultdict(list)
    for question in questions:
        by_category[question.category].append(question)
    rounds = zip_longest(*by_category.values())
    return [question for question in chain.from_iterable(rounds) if question is not None]
