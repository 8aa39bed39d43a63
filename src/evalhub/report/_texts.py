"""What models and people wrote, made fit to be shown: nothing in it acts, everything is seen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

__all__ = ["cut", "plain", "text_of", "xml_text"]

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_LONGEST = 1000


def plain(text: str) -> str:
    """Return text with every character seen that would act on the rest of the page.

    Escape sequences of terminals, marks that turn the direction of writing, half characters.
    """
    return _UNSEEN.sub(_seen, text.replace("\r\n", "\n"))


def _seen(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:  # noqa: PLR2004 - the control characters have pictures of their own
        return chr(0x2400 + code)
    return f"[U+{code:04X}]"


def xml_text(text: str) -> str:
    """Return text that is legal in XML 1.0."""
    return plain(text)


def cut(text: str, longest: int = _LONGEST) -> str:
    """Return the beginning of a text, and how much there is more."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({len(text) - longest:,} more characters)"


def text_of(value: Any, longest: int = _LONGEST) -> str:
    """Return whatever a sample holds as text: a conversation line by line, the rest as JSON."""
    match value:
        case None:
            return ""
        case str():
            text = value
        case [_, *_] if all(_is_message(part) for part in value):
            messages = cast("list[Mapping[str, Any]]", value)
            text = "\n".join(
                f"{message.get('role', '')}: {message.get('content', '')}" for message in messages
            )
        case _:
            text = json.dumps(value, ensure_ascii=False, default=str)
    # Cut first: what is left out need not be looked through.
    return plain(cut(text, longest))


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and "content" in value
