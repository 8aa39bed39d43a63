"""Which benchmarks of two sides belong together, and whether they were measured alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.analysis._measured import circumstances

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evalhub.analysis._sources import Key, Run
    from evalhub.analysis.policy import Policy

__all__ = ["Match", "matches_of", "unlike"]

_SHOWN = 40
_PARAMETER = "parameter "


@dataclass(frozen=True, slots=True)
class Match:
    """One benchmark by its key on each side; `None` where a side lacks it."""

    key: Key | None
    other: Key | None
    before: Sequence[Run]
    after: Sequence[Run]
    is_only: bool
    """Whether there is no other benchmark."""

    @property
    def name(self) -> Key:
        """The key by which it is called."""
        key = self.key or self.other
        assert key is not None  # noqa: S101 - a match is of at least one
        return key

    def sides(self) -> Iterator[tuple[Key, Sequence[Run]]]:
        """Yield key and runs of each side that has it."""
        if self.key is not None:
            yield self.key, self.before
        if self.other is not None:
            yield self.other, self.after


def matches_of(
    before: Sequence[Run], after: Sequence[Run], policy: Policy
) -> list[tuple[Key | None, Key | None]]:
    """Return the keys of benchmarks that belong together; `None` where a side lacks one."""
    mine, theirs = _keys(before), _keys(after)
    pairs: list[tuple[Key | None, Key | None]] = [(key, key) for key in mine if key in theirs]
    alone = [key for key in mine if key not in theirs]
    others = [key for key in theirs if key not in mine]
    for key in alone:
        # The same benchmark by another provider: shown, and judged if the policy allows.
        found = next((other for other in others if other[1:] == key[1:]), None)
        if found is None and policy.allow_different and len(mine) == len(theirs) == 1:
            found = others[0]
        if found is not None:
            others.remove(found)
        pairs.append((key, found))
    return [*pairs, *((None, other) for other in others)]


def _keys(runs: Sequence[Run]) -> list[Key]:
    return list(dict.fromkeys(key for run in runs for key in run.keys))


def unlike(match: Match, policy: Policy) -> Iterator[str]:
    """Yield what was not the same where a benchmark was measured."""
    assert match.key is not None  # noqa: S101 - of both sides
    assert match.other is not None  # noqa: S101
    if match.key[:2] != match.other[:2]:
        yield f"{'/'.join(match.key[:2])} against {'/'.join(match.other[:2])}"
    first, *more = match.before
    rest = [(match.key, run) for run in more] + [(match.other, run) for run in match.after]
    for key, run in rest:
        before, after = circumstances(match.key, first), circumstances(key, run)
        knows_parameters = match.key in first.configs and key in run.configs
        for name in {**before, **after}:
            if name.removeprefix(_PARAMETER) in policy.ignore_parameters:
                continue
            if before.get(name) == after.get(name):
                continue
            # A digest that one side does not know proves nothing; a parameter not set does.
            is_known = name in before and name in after
            if is_known or (name.startswith(_PARAMETER) and knows_parameters):
                yield f"{name} {_short(before, name)} against {_short(after, name)}"


def _short(how: Mapping[str, Any], name: str) -> str:
    if name not in how:
        return "not set"
    text = str(how[name])
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
