"""The service's rules for values, checked when a user builds a model.

The service applies them to requests (wire contract 1.4 to 1.9), but not all of them to what it
has stored, so they are not checked on read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from evalhub.models._base import ListOf, on_build

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

__all__ = [
    "MAX_BODY_BYTES",
    "DNSLabel",
    "Description",
    "NotBlank",
    "Tags",
    "at_least",
    "at_most",
    "check_url",
    "not_empty",
]

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Size limit of a request body, unless configured otherwise (wire contract 1.1)."""

TAG_LENGTH = 128
DESCRIPTION_LENGTH = 1024
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _check_tags(tags: list[str]) -> None:
    for tag in tags:
        if not 1 <= len(tag) <= TAG_LENGTH:
            raise ValueError(
                f"a tag must have 1 to {TAG_LENGTH} characters, {tag[:20]!r} has {len(tag)}"
            )
        if "," in tag or "|" in tag:
            raise ValueError(
                f"a tag must not contain ',' or '|', which join tags in a filter: {tag!r}"
            )


def _check_dns_label(name: str) -> None:
    if not _DNS_LABEL.fullmatch(name):
        raise ValueError(
            f"must be a DNS label (1 to 63 of a-z, 0-9 and '-', no '-' at either end), not {name!r}"
        )


def _check_not_blank(text: str) -> None:
    if not text.strip():
        raise ValueError("must not be blank")


def not_empty(value: Sized | None) -> None:
    """Refuse an empty list or string."""
    if value is not None and not len(value):
        raise ValueError("must not be empty")


def at_most(length: int) -> Callable[[Sized | None], None]:
    """Refuse more than `length` characters or entries."""

    def check(value: Sized | None) -> None:
        if value is not None and len(value) > length:
            raise ValueError(f"must have at most {length} characters or entries, not {len(value)}")

    return check


def at_least(minimum: float) -> Callable[[float | None], None]:
    """Refuse a number below `minimum`."""

    def check(value: float | None) -> None:
        if value is not None and not value >= minimum:
            raise ValueError(f"must be at least {minimum}, not {value}")

    return check


def check_url(url: str, *, schemes: tuple[str, ...] = ()) -> None:
    """Refuse a URL without a scheme, or with one that is not among `schemes`."""
    try:
        host = urlsplit(url).hostname
    except ValueError as error:
        raise ValueError(f"url is not a valid URL: {error}") from None
    scheme, separator, _ = url.partition("://")
    if not (scheme and separator) or (schemes and scheme.lower() not in schemes):
        wanted = " or ".join(f"{scheme}://" for scheme in schemes or ("http", "https"))
        raise ValueError(f"url must start with {wanted}")
    if scheme.lower() in ("http", "https") and not host:
        raise ValueError(f"url has no host: {url!r}")


Tags = Annotated[ListOf[str], on_build(_check_tags)]
Description = Annotated[str, on_build(at_most(DESCRIPTION_LENGTH))]
DNSLabel = Annotated[str, on_build(_check_dns_label)]
NotBlank = Annotated[str, on_build(_check_not_blank)]
