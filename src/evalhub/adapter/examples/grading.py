"""What a reply says, and whether it is right.

A reply is judged by its last "answer: ..." where it has one, else as a whole. It is right, wrong,
a refusal, or something no answer can be read out of; the last two score nothing and are counted,
because a score that hides them says little about the model.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING

from evalhub.adapter.examples.questions import LETTERS, Kind, Question

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Grade", "Outcome", "grade"]

_MINUS = "\N{MINUS SIGN}"
_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_LONGEST_SENTENCE = 25
"""A reply of more words than this is an essay: that it mentions the answer proves nothing."""

_MARK = re.compile(r"\banswer\b(?:\s+is\b\s*:?|\s*[:=])", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\b(?:i (?:cannot|can't|can not|could not|couldn't|won't|will not|do not know|don't know)"
    r"|i(?: am|'m) (?:sorry|unable|not able)|sorry|as an ai)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"^\W*([A-Z])(?:\s*[).:\]*,]|\s*$)", re.IGNORECASE | re.MULTILINE)
_CHOSEN = re.compile(r"\(([A-Z])\)|\b(?:[Oo]ption|[Cc]hoice|[Ll]etter)\s+(?:is\s+)?([A-Z])\b")
_NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_WORD = re.compile(r"(?<!\d)-?\d+(?:[.,]\d+)*|[^\W_]+")
_ASIDE = re.compile(r"\([^()]*\)")


class Outcome(StrEnum):
    """What a reply is worth."""

    CORRECT = "correct"
    WRONG = "wrong"
    REFUSED = "refused"
    UNPARSED = "unparsed"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Grade:
    """The judgement on one reply.

    Attributes:
        outcome: What it is worth.
        answer: The answer read out of it, where there is one.
    """

    outcome: Outcome
    answer: str | None = None


def grade(question: Question, reply: str) -> Grade:
    """Judge a reply."""
    text = _spoken(reply)
    *_, last = _MARK.split(text)
    marked = last is not text and bool(last.strip())
    if not marked and _REFUSAL.search(text):
        return Grade(Outcome.REFUSED)
    answer = _read(question, last if marked else text)
    if answer is None:
        return Grade(Outcome.UNPARSED)
    return Grade(Outcome.CORRECT if _is_right(question, answer) else Outcome.WRONG, answer)


def _spoken(reply: str) -> str:
    """Return what a reply says aloud: no reasoning, one form for each character."""
    before, closed, after = reply.rpartition("</think>")
    text = after if closed else before + after.partition("<think>")[0]
    text = text.replace(_MINUS, "-").replace(_APOSTROPHE, "'")
    return unicodedata.normalize("NFKC", text).strip()


def _read(question: Question, text: str) -> str | None:
    if question.kind is Kind.MULTIPLE_CHOICE:
        return _choice(question.choices, text)
    if _number(question.answer) is not None:
        return _last_number(text) or _mentioned((question.answer, *question.accept), text)
    words = _words(text)
    return text if 0 < len(words) <= _LONGEST_SENTENCE else None


def _is_right(question: Question, answer: str) -> bool:
    if question.kind is Kind.MULTIPLE_CHOICE:
        return answer == question.answer
    right = _number(question.answer)
    if right is not None and (number := _number(answer)) is not None:
        return number == right
    return _mentioned((question.answer, *question.accept), answer) is not None


def _choice(choices: Sequence[str], text: str) -> str | None:
    """Return the choice a text names, by its letter or by its words; `None` if it is not clear."""
    for choice in choices:
        if _words(choice) == _words(text):
            return choice
    letters = _LETTER.findall(text) or [a or b for a, b in _CHOSEN.findall(text)]
    chosen = {choices[index] for index in map(_index, letters) if index < len(choices)}
    if not chosen and len(_words(text)) <= _LONGEST_SENTENCE:
        chosen = {choice for choice in choices if _mentioned((choice,), text)}
    return chosen.pop() if len(chosen) == 1 else None


def _index(letter: str) -> int:
    return LETTERS.index(letter.upper())


def _last_number(text: str) -> str | None:
    """Return the number a text ends up with; one in brackets is an aside."""
    numbers = _NUMBER.findall(_ASIDE.sub(" ", text)) or _NUMBER.findall(text)
    return numbers[-1] if numbers else None


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None


def _mentioned(phrases: Sequence[str], text: str) -> str | None:
    """Return the first phrase that stands in a text as whole words."""
    spaced = f" {' '.join(_words(text))} "
    found = (phrase for phrase in phrases if f" {' '.join(_words(phrase))} " in spaced)
    return next(found, None)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
