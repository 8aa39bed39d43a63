from __future__ import annotations

import pytest

from evalhub.adapter.examples.grading import Outcome, grade
from evalhub.adapter.examples.questions import Dataset, Kind, Question

CORRECT, WRONG, REFUSED, UNPARSED = (
    Outcome.CORRECT,
    Outcome.WRONG,
    Outcome.REFUSED,
    Outcome.UNPARSED,
)

CAPITAL = Question(
    id="c",
    kind=Kind.MULTIPLE_CHOICE,
    question="What is the capital of Australia?",
    choices=("Sydney", "Melbourne", "Canberra", "Perth"),
    answer="Canberra",
)
SUM = Question(id="s", kind=Kind.SHORT_ANSWER, question="What is 1000 + 234?", answer="1234")
LEGS = Question(
    id="l", kind=Kind.SHORT_ANSWER, question="Legs of a spider?", answer="8", accept=("eight",)
)
RIVER = Question(
    id="r", kind=Kind.SHORT_ANSWER, question="The river of Paris?", answer="Seine", accept=("Sena",)
)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("C", CORRECT),
        ("c", CORRECT),
        (" C) Canberra", CORRECT),
        ("**C**", CORRECT),
        ("(C)", CORRECT),
        ("Answer: C", CORRECT),
        ("The answer is: (C).", CORRECT),
        ("Canberra", CORRECT),
        ("It is Canberra, of course.", CORRECT),
        ("I think the right choice is C", CORRECT),
        ("Sure!\nC. Canberra", CORRECT),
        ("I'm sorry to be slow. Answer: C", CORRECT),
        ("First I thought the answer is A, but the answer is C", CORRECT),
        ("<think>A) Sydney is larger. Answer: A</think>\nC", CORRECT),
        ("A", WRONG),
        ("Sydney", WRONG),
        ("Answer: B", WRONG),
        ("E", UNPARSED),
        ("A) or C)\nC)\nA)", UNPARSED),
        ("Either Sydney or Canberra", UNPARSED),
        ("", UNPARSED),
        ("Hm.", UNPARSED),
        ("Answer:", UNPARSED),
        ("<think>It must be C, but", UNPARSED),
        ("A city " + "which many people know and like " * 5 + "is Canberra", UNPARSED),
        ("I cannot answer that.", REFUSED),
        ("I\N{RIGHT SINGLE QUOTATION MARK}m sorry, but no.", REFUSED),
        ("As an AI, I have no capital.", REFUSED),
        ("I don't know", REFUSED),
    ],
)
def test_multiple_choice(reply, outcome) -> None:
    assert grade(CAPITAL, reply).outcome is outcome


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("1234", CORRECT),
        ("1,234", CORRECT),
        ("1234.0", CORRECT),
        ("1000 + 234 = 1234.", CORRECT),
        ("It is 1234 (that is, 1000 and 234 more).", CORRECT),
        ("(1234)", CORRECT),
        ("The answer is 1234", CORRECT),
        ("1233", WRONG),
        ("-1234", WRONG),
        ("12.34", WRONG),
        ("1234 is not it; 1235", WRONG),
        ("a lot", UNPARSED),
        ("I cannot add 1000 and 234.", REFUSED),
    ],
)
def test_numbers(reply, outcome) -> None:
    assert grade(SUM, reply).outcome is outcome


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("8", CORRECT), ("Eight legs", CORRECT), ("eighty", UNPARSED), ("6", WRONG)],
)
def test_numbers_in_words(reply, outcome) -> None:
    assert grade(LEGS, reply).outcome is outcome


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("Seine", CORRECT),
        ("The river Seine.", CORRECT),
        ("la SENA", CORRECT),
        ("Seinetown", WRONG),
        ("Thames", WRONG),
        ("...", UNPARSED),
        ("The Seine, " + "which is a river of note " * 6, UNPARSED),
    ],
)
def test_words(reply, outcome) -> None:
    assert grade(RIVER, reply).outcome is outcome


def test_negative_choices_keep_their_sign() -> None:
    question = next(q for q in Dataset.load().questions if q.choices[:2] == ("-5", "5"))
    assert grade(question, "\N{MINUS SIGN}5").outcome is CORRECT
    assert grade(question, "5").outcome is WRONG


def test_subscripts_are_digits() -> None:
    question = next(q for q in Dataset.load().questions if q.answer == "H2O")
    assert grade(question, "H\N{SUBSCRIPT TWO}O").outcome is CORRECT


def test_the_answer_read_out_of_a_reply_is_kept() -> None:
    assert grade(CAPITAL, "b)").answer == "Melbourne"
    assert grade(SUM, "that makes 7").answer == "7"
    assert grade(CAPITAL, "I cannot").answer is None


def test_every_bundled_question_takes_its_right_answer_in_every_form() -> None:
    for question in Dataset.load().questions:
        forms = [question.answer, f"The answer is {question.answer}.", *question.accept]
        if question.kind is Kind.MULTIPLE_CHOICE:
            letter = question.letter
            forms += [letter, f"{letter}) {question.answer}", f"The correct option is {letter}."]
        for form in forms:
            assert grade(question, form).outcome is CORRECT, (question, form)


def test_every_bundled_question_refuses_every_wrong_choice() -> None:
    for question in Dataset.load().questions:
        for letter, choice in zip("ABCD", question.choices, strict=False):
            if choice != question.answer:
                for form in (letter, choice, f"{letter}) {choice}"):
                    assert grade(question, form).outcome is WRONG, (question, form)
