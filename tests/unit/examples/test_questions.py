from __future__ import annotations

import ast
import json
import operator
import re
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from evalhub.adapter.examples.questions import Dataset, Kind
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES = {"arithmetic", "computing", "geography", "language", "logic", "science"}


def line(**changes: Any) -> str:
    question = {
        "id": "q",
        "kind": "multiple_choice",
        "question": "Which?",
        "choices": ["this", "that"],
        "answer": "that",
    }
    content = {**question, **changes}
    return json.dumps({name: value for name, value in content.items() if value is not None})


def short(**changes: Any) -> str:
    return line(**{"kind": "short_answer", "choices": None, **changes})


def dataset(path: Path, *lines: str) -> Dataset:
    path.write_text("\n".join(lines), encoding="utf-8")
    return Dataset.load(path)


def test_the_bundled_set_is_what_it_says() -> None:
    bundled = Dataset.load()
    scored = Counter(question.category for question in bundled.questions)
    assert scored == {name: 24 if name == "arithmetic" else 12 for name in CATEGORIES}
    assert Counter(q.category for q in bundled.examples) == dict.fromkeys(CATEGORIES, 2)
    assert len({q.question for q in (*bundled.questions, *bundled.examples)}) == 96


def test_no_letter_is_a_good_guess_in_the_bundled_set() -> None:
    chosen = [q.letter for q in Dataset.load().questions if q.kind is Kind.MULTIPLE_CHOICE]
    assert set(chosen) == set("ABCD")
    assert max(Counter(chosen).values()) / len(chosen) < 0.3


def test_the_bundled_arithmetic_is_right() -> None:
    checked = 0
    for question in Dataset.load().questions:
        text = re.sub(r"^What is |\?$", "", question.question)
        text = text.replace("\N{MULTIPLICATION SIGN}", "*").replace("\N{DIVISION SIGN}", "/")
        if question.category == "arithmetic" and re.fullmatch(r"[\d\s.()+*/-]+", text):
            value = value_of(ast.parse(text, mode="eval").body)
            assert Fraction(question.answer) == value, question
            assert [c for c in question.choices if Fraction(c) == value] in ([], [question.answer])
            checked += 1
    assert checked == 20


def value_of(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant):
        return Fraction(str(node.value))
    assert isinstance(node, ast.BinOp)
    signs = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
    sign = signs.get(type(node.op), operator.truediv)
    value: Fraction = sign(value_of(node.left), value_of(node.right))
    return value


def test_a_category_selects_itself_and_any_other_id_selects_all() -> None:
    bundled = Dataset.load()
    assert {q.category for q in bundled.select("logic")} == {"logic"}
    assert bundled.select("mmlu") == list(bundled.questions)


def test_a_limit_takes_from_each_category_in_turn() -> None:
    bundled = Dataset.load()
    assert Counter(q.category for q in bundled.select("mmlu", 12)) == dict.fromkeys(CATEGORIES, 2)
    assert bundled.select("mmlu", 84) == bundled.select("mmlu", 1000) == bundled.select("mmlu")
    assert [q.id for q in bundled.select("science", 2)] == ["science-01", "science-02"]


def test_a_limit_below_one_leaves_nothing_to_evaluate() -> None:
    with pytest.raises(ConfigurationError, match="num_examples is 0: there is nothing"):
        Dataset.load().select("mmlu", 0)


def test_shots_come_from_the_own_category_first_and_are_never_scored() -> None:
    bundled = Dataset.load()
    shots = bundled.shots("logic", 3)
    assert [shot.category for shot in shots] == ["logic", "logic", "arithmetic"]
    assert not {shot.id for shot in shots} & {q.id for q in bundled.questions}
    assert bundled.shots("logic", 0) == []


def test_more_shots_than_there_are_is_an_error() -> None:
    with pytest.raises(
        ConfigurationError, match=r"num_few_shot is 13 and dataset .* has 12 worked"
    ):
        Dataset.load().shots("logic", 13)


def test_a_file_of_the_users_own(tmp_path) -> None:
    own = dataset(
        tmp_path / "own.jsonl",
        "\ufeff" + line(id="one", category="trees", source="a book"),
        "",
        short(id="two", few_shot=True),
    )
    assert [(q.id, q.category, q.letter) for q in own.questions] == [("one", "trees", "B")]
    assert [(q.id, q.category) for q in own.examples] == [("two", "uncategorized")]


def test_a_directory_is_read_file_by_file(tmp_path) -> None:
    (tmp_path / "b.jsonl").write_text(short(id="b"))
    (tmp_path / "a.jsonl").write_text(short(id="a"))
    (tmp_path / "notes.txt").write_text("not questions")
    assert [q.id for q in Dataset.load(tmp_path).questions] == ["a", "b"]


def test_the_digest_tells_questions_apart(tmp_path) -> None:
    one = dataset(tmp_path / "one.jsonl", short())
    same = dataset(tmp_path / "same.jsonl", short())
    other = dataset(tmp_path / "other.jsonl", short(answer="this"))
    assert one.digest == same.digest != other.digest


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("{", r"line 2: not JSON: Expecting property name .* \(column 2\)"),
        ("[" * 200_000, "line 2: lists too deep to be read"),
        ("[1]", r"line 2: Input should be a valid dictionary"),
        (line(answer=None), r"line 2: answer: Field required"),
        (line(answer="both"), r"line 2: Value error, the answer is not one of the choices"),
        (line(choices=["that"]), r"line 2: .*has 2 to 26 choices"),
        (line(choices=["that", "that"]), r"line 2: .*two choices are the same"),
        (short(choices=["this", "that"]), r"line 2: .*short_answer question has no choices"),
        (line(kind="essay"), r"line 2: kind: Input should be 'multiple_choice' or 'short_answer'"),
        (line(id="good"), "two questions have the id 'good'"),
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path, bad, problem) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        dataset(tmp_path / "own.jsonl", line(id="good"), bad)
    assert "\n" not in raised.value.message


def test_a_line_that_is_no_text_is_named(tmp_path) -> None:
    (tmp_path / "own.jsonl").write_bytes(short().encode() + b"\n\xff\xfe\n")
    with pytest.raises(ConfigurationError, match="line 2: not UTF-8 text"):
        Dataset.load(tmp_path / "own.jsonl")


def test_of_many_bad_lines_the_first_ten_are_named(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match=r"line 1: .* \(and 29 more\)") as raised:
        dataset(tmp_path / "own.jsonl", *["nonsense"] * 30)
    assert len(raised.value.details) == 9
    assert "line 10: not JSON" in raised.value.details[-1]


@pytest.mark.parametrize("content", ["", "\n\n", short(few_shot=True)])
def test_a_dataset_without_a_question_is_empty(tmp_path, content) -> None:
    with pytest.raises(ConfigurationError, match=r"own.jsonl is empty: it holds no question"):
        dataset(tmp_path / "own.jsonl", content)


def test_a_directory_without_a_file_is_empty(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match=r"is empty: it holds no \.jsonl file"):
        Dataset.load(tmp_path)


def test_a_dataset_that_is_not_there(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.jsonl does not exist"):
        Dataset.load(tmp_path / "nowhere.jsonl")


def test_a_dataset_that_cannot_be_read(tmp_path) -> None:
    # A directory by a file's name: unreadable for every user, root included.
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(ConfigurationError, match=r"a\.jsonl cannot be read: Is a directory"):
        Dataset.load(tmp_path)
