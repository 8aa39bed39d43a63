"""The command lines of 1.0, run by 1.0.6 and by this package against one real service.

`make side-by-side` writes what is the same, and what differs and why, to docs/migrating.md. A
difference that has no reason here, and a reason without a difference, fail
tests/e2e/cli/test_side_by_side.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

from evalhub.testing.service import RealEvalHub
from examples.demo.calculator import Calculator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "migrating.md"
_BEGIN, _END = "<!-- side by side -->", "<!-- end -->"
EARLIER = ROOT / "build" / "existing-sdk-cli" / "bin" / "evalhub"

TSV = "in a pipe a table is TSV: one record a line, never cut or folded"
SCORES = "interval, n, threshold and verdict follow the four columns of 1.0"
VERDICTS = "1.0 drops the service's verdicts"
MARK = "the mark by which a submission is repeated safely"
BOTH = f"{MARK}; {VERDICTS}"
OTHER_WORDS = "the same in other words"
NOTE = "remarks go to stderr"


class Case(NamedTuple):
    """A command line of 1.0; why its exit code or its output is another."""

    line: str
    why: str = ""


CASES = (
    Case("config set base_url {url}", "other words: what was set"),
    Case("config set tenant team-a", "other words: what was set"),
    Case("config get base_url"),
    Case("config get token", "a usage error is 2"),
    Case("config list", OTHER_WORDS),
    Case("config create ci --activate", OTHER_WORDS),
    Case("config list --all", OTHER_WORDS),
    Case("config use default", OTHER_WORDS),
    Case("config delete ci", OTHER_WORDS),
    Case("config unset tenant", OTHER_WORDS),
    Case("health"),
    Case("version", "the version"),
    Case("--version", "the version"),
    Case("providers list", TSV),
    Case("providers list --format json"),
    Case("providers list --format yaml"),
    Case("providers list --format csv"),
    Case("providers describe examples", TSV),
    Case("providers describe examples --format json"),
    Case("providers create --file provider.yaml", "1.0.6 ends in a traceback: it sends null"),
    Case("collections list", TSV),
    Case("collections list --format json"),
    Case("collections list --format csv"),
    Case(
        "collections describe sums --format json", "1.0 makes up a weight the service did not send"
    ),
    Case("collections create --file collection.yaml"),
    Case("collections create --file collection.yaml --format json", NOTE),
    Case("eval status", TSV),
    Case("eval status --format csv"),
    Case("eval status --format json"),
    Case("eval status {job}", "the verdict has a line"),
    Case("eval status {job} --format json", BOTH),
    Case("eval results {job}", TSV),
    Case("eval results {job} --format csv", SCORES),
    Case("eval results {job} --format json", VERDICTS),
    Case("eval logs {job} --tail 2", "the last line ends"),
    Case("eval run --config job.yaml"),
    Case("eval run --config job.yaml --format json", MARK),
    Case("eval run --config job.yaml --wait --poll-interval 0.2", "scores and verdict are shown"),
    Case(
        "eval run --name n --model-url {model} --model-name calc --provider examples"
        " -b arithmetic --param limit=4 --format json",
        MARK,
    ),
    Case(
        "collections run sums --model-url {model} --model-name calc --wait --format json"
        " --poll-interval 0.2",
        BOTH,
    ),
    Case("eval run --config failing.yaml --wait --poll-interval 0.2", "why it failed is shown"),
    Case("eval status nope", "the service's words in place of raw JSON; a refusal is 4"),
    Case("eval run --name n", "all that is missing is named at once"),
    Case("eval run --config broken.yaml", "a sentence with the line in place of a traceback"),
    Case("eval cancel {job} --yes --hard-delete"),
    Case("completion bash"),
)


class Ran(NamedTuple):
    """What a command line did."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Pair:
    """What both did with one command line."""

    case: Case
    theirs: Ran
    ours: Ran

    @property
    def differences(self) -> list[str]:
        """What differs, in words; nothing where scripts cannot tell the two apart."""
        found: list[str] = []
        if self.theirs.code != self.ours.code:
            found.append(f"exit {self.theirs.code} is {self.ours.code}")
        theirs, ours = self.theirs.out, self.ours.out
        if re.search("--format (json|yaml)", self.case.line):
            return [*found, *_of_json(theirs, ours)]
        return found if _plain(theirs) == _plain(ours) else [*found, "stdout"]


def _of_json(theirs: str, ours: str) -> list[str]:
    before, after = _paths(_json(theirs)), _paths(_json(ours))
    lost, new = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
    changed = sorted(path for path in before.keys() & after.keys() if before[path] != after[path])
    named = (("lost", lost), ("new", new), ("changed", changed))
    return [f"{word}: {', '.join(_shown(paths))}" for word, paths in named if paths]


def _shown(paths: list[str]) -> list[str]:
    """Return paths without the ones below them that begin alike."""
    return list(
        dict.fromkeys(
            path.rpartition(".test.")[0] + ".test" if ".test." in path else path for path in paths
        )
    )


def _json(text: str) -> Any:
    try:
        return yaml.safe_load(text)  # JSON is YAML
    except yaml.YAMLError:
        return {"text that is not JSON": True}


def _paths(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {
            key: at
            for name in entries
            for key, at in _paths(entries[name], f"{path}.{name}").items()
        }
    if isinstance(value, list):
        every = [_paths(entry, path) for entry in value]
        return {key: at for paths in every for key, at in paths.items()}
    if value is None:
        return {}  # `jq` reads null and no field alike
    measured = "latency" in path or "seconds" in path
    return {path.lstrip("."): "" if measured else _plain(str(value))}


def _plain(text: str) -> str:
    """Return a text without what differs from run to run."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "ID", text)
    text = re.sub(r"[0-9a-f]{32}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,\d]*(Z|\+00:00)?", "TIME", text)
    text = re.sub(r"(?<=_seconds[\t,])[\d.]+", "SECONDS", text)
    text = re.sub(r"http://127\.0\.0\.1:\d+", "URL", text)
    return re.sub(r"\d+ms", "MS", text)


@dataclass
class _Side:
    """One release with a home of its own."""

    program: list[str]
    url: str
    model: str
    folder: Path
    job: str = ""
    env: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self.folder.mkdir()
        for name, content in _files(self.model).items():
            text = content if isinstance(content, str) else yaml.safe_dump(content)
            (self.folder / name).write_text(text)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("EVALHUB_")}
        if self.program[0] == str(EARLIER):
            kept.pop("PYTHONPATH", None)  # which may lead it to this package
        self.env = {**kept, "HOME": str(self.folder), "EVALHUB_BASE_URL": self.url}

    def run(self, line: str) -> Ran:
        words = line.format(url=self.url, model=self.model, job=self.job).split()
        done = subprocess.run(
            [*self.program, *words],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


def _files(model: str) -> dict[str, Any]:
    job = {
        "name": "from file",
        "model": {"url": model, "name": "calc"},
        "benchmarks": [{"id": "arithmetic", "provider_id": "examples"}],
    }
    return {
        "job.yaml": job,
        "failing.yaml": {**job, "model": {"url": "http://127.0.0.1:9/v1", "name": "away"}},
        "broken.yaml": "name: [\n",
        "provider.yaml": {
            "name": "made",
            "benchmarks": [{"id": "b", "name": "B"}],
            "runtime": {"local": {"command": "true"}},
        },
        "collection.yaml": {
            "name": "made",
            "category": "x",
            "benchmarks": [{"id": "arithmetic", "provider_id": "examples"}],
        },
    }


PROVIDER = {
    "id": "examples",
    "name": "examples",
    "benchmarks": [
        {
            "id": "arithmetic",
            "name": "Arithmetic",
            "category": "math",
            "metrics": ["accuracy"],
            "primary_score": {"metric": "accuracy"},
            "pass_criteria": {"threshold": 0.5},
        }
    ],
    "runtime": {
        "local": {
            "command": f"{sys.executable} -m evalhub.adapter"
            " evalhub.adapter.examples:ExampleAdapter"
        }
    },
}
COLLECTION = {
    "id": "sums",
    "name": "Sums",
    "category": "math",
    "benchmarks": [{"id": "arithmetic", "provider_id": "examples"}],
}


def pairs() -> list[Pair]:
    """Run every command line with both releases, each against a service of its own."""
    with tempfile.TemporaryDirectory() as name, Calculator() as model:
        programs = {"theirs": [str(EARLIER)], "ours": [sys.executable, "-m", "evalhub.cli"]}
        ran: dict[str, list[Ran]] = {}
        for which, program in programs.items():
            with RealEvalHub(providers=[PROVIDER], collections=[COLLECTION]) as hub:
                side = _Side(program, hub.url, model.url, Path(name) / which)
                side.job = side.run("eval run --config job.yaml --wait").out.split()[2]
                ran[which] = [side.run(case.line) for case in CASES]
        both = zip(CASES, ran["theirs"], ran["ours"], strict=True)
        return [Pair(case, theirs, ours) for case, theirs, ours in both]


def table(found: list[Pair]) -> str:
    """Return the comparison as a table in Markdown."""
    lines = ["| command line of 1.0 | same | what differs, and why |", "| --- | --- | --- |"]
    for pair in found:
        differences = "; ".join(pair.differences)
        text = f"{pair.case.why} ({differences})" if differences else ""
        line = pair.case.line.replace("|", "\\|").replace("{job}", "ID")
        line = line.replace("{model}", "URL").replace("{url}", "URL")
        lines.append(f"| `{line}` | {'no' if differences else 'yes'} | {text} |")
    return "\n".join(lines) + "\n"


def write(found: list[Pair]) -> None:
    """Put the table in its page."""
    head, begin, rest = PAGE.read_text().partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not (begin and end):
        sys.exit(f"{PAGE} has no place for the table")
    PAGE.write_text(f"{head}{begin}\n{table(found)}{end}{tail}")


if __name__ == "__main__":
    compared = pairs()
    if "-v" in sys.argv:
        for one in compared:
            if one.differences:
                print(f"== {one.case.line}\n-- 1.0.6 {one.theirs}\n-- here  {one.ours}\n")
    write(compared)
    print(table(compared))
