"""How a question is put to a chat model."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from evalhub.adapter.examples.questions import LETTERS, Kind, Question

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["VERSION", "Message", "messages"]

VERSION = 1
"""Raised with every change of a wording below: scores compare only within one version."""

Message: TypeAlias = dict[str, str]

_INSTRUCTION = "Answer the question. Give only the answer, without an explanation."
_CHOOSE = "Answer with the letter of the right choice."


def messages(question: Question, shots: Sequence[Question] = ()) -> list[Message]:
    """Return the conversation that ends with a question.

    Args:
        question: What to ask.
        shots: Worked examples, shown as earlier turns of the conversation.
    """
    conversation = [_message("system", _INSTRUCTION)]
    for shot in shots:
        conversation += [_message("user", _asked(shot)), _message("assistant", _answered(shot))]
    return [*conversation, _message("user", _asked(question))]


def _asked(question: Question) -> str:
    if question.kind is Kind.SHORT_ANSWER:
        return question.question
    choices = [f"{letter}) {text}" for letter, text in zip(LETTERS, question.choices, strict=False)]
    return "\n".join([question.question, *choices, _CHOOSE])


def _answered(question: Question) -> str:
    return question.answer if question.kind is Kind.SHORT_ANSWER else question.letter


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}
