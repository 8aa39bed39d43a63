"""What goes wrong at a command line: an exit code, an error that says what to do, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.server import QuietHandler, serving

from evalhub.cli.root import run
from evalhub.cli.table import _widths

if TYPE_CHECKING:
    from pathlib import Path

AWAY = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("EVALHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EVALHUB_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def process(*words: str, shell: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evalhub.cli", *words]
    if shell:
        command = ["bash", "-c", f"{sys.executable} -m evalhub.cli {' '.join(words)} {shell}"]
    return subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=30
    )


class Answering(QuietHandler):
    status = 401
    body_text = "{}"

    def do_GET(self) -> None:  # noqa: N802 - the name the base calls
        self.reply(self.status, self.body_text.encode())


def answering(status: int, body: object) -> type[QuietHandler]:
    text = body if isinstance(body, str) else json.dumps(body)
    return type("Handler", (Answering,), {"status": status, "body_text": text})


def test_no_service(capsys):
    assert run(["--base-url", AWAY, "health"]) == 5
    text = capsys.readouterr().err
    assert text.startswith("error: ")
    assert "hint: evalhub doctor" in text


def test_https_for_http(capsys):
    with serving(answering(200, {"status": "healthy"})) as url:
        assert run(["--base-url", url.replace("http:", "https:"), "health"]) == 5
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("url", ["nonsense", "ftp://host", "http://"])
def test_an_address_that_is_none(capsys, url):
    assert run(["--base-url", url, "health"]) == 2
    assert url in capsys.readouterr().err


def test_a_wrong_token(capsys):
    body = {"message": "token expired", "message_code": "unauthorized", "trace": "t-1"}
    with serving(answering(401, body)) as url:
        assert run(["--base-url", url, "--token", "abc", "jobs", "list"]) == 4
    text = capsys.readouterr().err.splitlines()
    assert text[0] == "error: token expired (401)"
    assert text[1] == "code: unauthorized, trace: t-1"
    assert text[2].startswith("hint: give a token")


def test_no_tenant(capsys):
    body = {"message": "no tenant", "message_code": "missing_tenant_header"}
    with serving(answering(400, body)) as url:
        assert run(["--base-url", url, "jobs", "list"]) == 4
    assert "missing_tenant_header" in capsys.readouterr().err


def test_an_answer_that_is_html(capsys):
    with serving(answering(200, "<html>")) as url:
        assert run(["--base-url", url, "jobs", "list"]) == 4
    assert capsys.readouterr().out == ""


def test_an_unhealthy_service(capsys):
    with serving(answering(200, {"status": "degraded"})) as url:
        assert run(["--base-url", url, "health"]) == 1
    assert capsys.readouterr().out.startswith("EvalHub service: degraded (")


def test_an_empty_list(capsys):
    with serving(answering(200, {"items": [], "total_count": 0})) as url:
        assert run(["--base-url", url, "jobs", "list", "-o", "json"]) == 0
        assert run(["--base-url", url, "jobs", "list", "-o", "table"]) == 0
    assert capsys.readouterr().out == "[]\n(no data)\n"


FILES = {
    "tab.yaml": ("name: x\n\tmodel: y\n", "line 2"),
    "twice.yaml": ("name: x\nname: y\n", "the key 'name' twice: lines 1 and 2"),
    "twice.json": ('{"name": 1, "name": 2}', "the key 'name' twice"),
    "empty.yaml": (" \n", "is empty"),
    "list.yaml": ("- a\n", "must hold a mapping, not a list"),
    "broken.json": ("{", "is not JSON"),
    "latin.yaml": (b"name: caf\xe9\n", "is not UTF-8"),
}


@pytest.mark.parametrize(("name", "content", "text"), [(key, *FILES[key]) for key in FILES])
@pytest.mark.parametrize(
    "words",
    [("run",), ("eval", "run", "--config"), ("validate",), ("providers", "create", "--file")],
)
def test_a_file_that_cannot_be_used(home, capsys, name, content, text, words):
    (home / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    assert run([*words, name]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(("name", "text"), [(".", "Is a directory"), ("none.yaml", "No such file")])
def test_a_file_that_is_none(capsys, name, text):
    assert run(["run", name]) == 2
    assert text in capsys.readouterr().err


def test_a_job_in_the_wrong_shape(home, capsys):
    (home / "job.yaml").write_text(
        "name: x\nmodel:\n  name: m\n  url: http://m\n"
        "benchmarks:\n  - id: a\n    provider_id: p\n    wieght: 2\n"
    )

    assert run(["validate", "job.yaml", "--kind", "job"]) == 2
    text = capsys.readouterr().err
    assert "line 8" in text
    assert "weight" in text


def test_stdin_can_be_a_file():
    job = {"name": "n", "model": {"name": "m", "url": "http://m"}, "collection": {"id": "c"}}
    command = [sys.executable, "-m", "evalhub.cli", "validate", "-"]

    done = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "-: a job, and well-formed\n")


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "x"])
@pytest.mark.parametrize("option", ["--timeout", "--poll-interval"])
def test_seconds_that_are_none(capsys, option, value):
    assert run(["--base-url", AWAY, "jobs", "wait", "j", option, value]) == 2
    assert option in capsys.readouterr().err


@pytest.mark.parametrize("given", ["=1", "novalue", "x=NaN", "x=@none.json"])
def test_parameters_that_are_none(capsys, given):
    assert run(["run", "-m", "http://m", "-n", "n", "-b", "a@p", "--dry-run", "-p", given]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("- a\n", "must be a mapping"),
        ("profiles: [1]\n", "`profiles` must be a mapping"),
        ("profiles: {default: 3}\n", "must be a mapping of settings"),
        ("profiles: {default: {timeout: abc}}\n", "timeout 'abc'"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_a_configuration_that_cannot_be_used(home, capsys, content, text):
    (home / "config.yaml").write_text(content)

    assert run(["health"]) == 2
    assert text in capsys.readouterr().err


def test_profiles_that_are_null_are_none(home, capsys):
    (home / "config.yaml").write_text("profiles: null\n")

    assert run(["config", "list"]) == 0
    assert "Missing: base_url, token, tenant" in capsys.readouterr().out


def test_an_unknown_profile_offers_the_nearest(capsys):
    run(["config", "create", "staging"])

    assert run(["--profile", "stagin", "jobs", "list"]) == 2
    assert "did you mean 'staging'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../x", ".hidden", "a/b", ""])
def test_a_profile_that_cannot_be_named_so(capsys, name):
    assert run(["config", "create", name]) == 2
    assert "cannot name a profile" in capsys.readouterr().err


def test_two_that_set_at_once_lose_nothing(home):
    keys = [f"key{number}" for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: process("config", "set", key, "x"), keys))

    stored = yaml.safe_load((home / "config.yaml").read_text())
    assert set(stored["profiles"]["default"]) == set(keys)


def test_the_token_of_a_profile_goes_to_its_address_alone(home, capsys):
    (home / "config.yaml").write_text(
        "profiles: {default: {base_url: 'http://other:8080', token: secret-secret}}\n"
    )
    (home / "config.yaml").chmod(0o600)

    assert run(["--base-url", AWAY, "info", "--json", "token"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"token": "none"}
    assert "is not sent elsewhere" in captured.err
    assert "secret" not in captured.out + captured.err


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://evalhub.example.com", "pod"),
        ("http://evalhub.team-a.svc:8080", "pod"),
        ("http://evalhub.example.com", "none"),
    ],
)
def test_the_token_of_a_pod_is_the_last_resort(home, capsys, monkeypatch, url, source):
    (home / "token").write_text("of-the-pod")
    monkeypatch.setattr("evalhub.wire.identity.TOKEN_FILE", home / "token")

    assert run(["--base-url", url, "info", "--json", "token"]) == 0
    assert json.loads(capsys.readouterr().out) == {"token": source}
    run(["--base-url", url, "--token", "mine", "info", "--json", "token"])
    assert json.loads(capsys.readouterr().out) == {"token": "option"}


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("insecure", "maybe", "insecure is true or false, not 'maybe'"),
        ("timeout", "abc", "timeout 'abc' must be a number of seconds"),
    ],
)
def test_a_value_that_its_key_does_not_take(home, capsys, key, value, text):
    assert run(["config", "set", key, value]) == 2
    assert text in capsys.readouterr().err
    assert not (home / "config.yaml").exists()


def test_a_word_for_insecure_that_is_neither_is_not_taken_for_no(home, capsys):
    (home / "config.yaml").write_text("profiles: {default: {insecure: maybe}}\n")

    assert run(["health"]) == 2
    assert "insecure is true or false" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["pull", "verify"])
@pytest.mark.parametrize("reference", ["quay.io", "::", "quay.io/a/b@sha256:short"])
def test_a_reference_that_is_none(capsys, command, reference):
    assert run(["artifacts", command, reference]) == 2
    assert "illegal" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["adapter", "run"], ["server", "start", "--adapter"]])
def test_an_adapter_file_named_like_another_module(home, capsys, words):
    (home / "json.py").write_text("class X: pass\n")
    more = ["-b", "b", "-m", "http://m", "-n", "n"] if words[0] == "adapter" else []

    assert run([*words, "json.py:X", *more]) == 2
    assert "'json' is the name of another module: rename json.py" in capsys.readouterr().err


def test_a_token_others_can_read_is_warned_about(home, capsys):
    (home / "config.yaml").write_text("profiles: {default: {token: secret-secret}}\n")
    (home / "config.yaml").chmod(0o644)

    run(["info"])
    assert "chmod 600" in capsys.readouterr().err


def test_a_token_with_a_line_break_is_not_shown(capsys):
    assert run(["--base-url", AWAY, "--token", "top\nsecret", "health"]) == 2
    assert "secret" not in capsys.readouterr().err


def test_a_token_command_is_run_once(home, capsys):
    (home / "config.yaml").write_text(
        "profiles: {default: {token_command: [sh, -c, 'echo x >> ran; echo the-token']}}\n"
    )
    run(["info"])
    run(["info"])

    assert (home / "ran").read_text() == "x\n"
    assert "the-token" not in capsys.readouterr().out


def test_a_token_command_that_fails_says_why(home, capsys):
    (home / "config.yaml").write_text(
        "profiles: {default: {token_command: [sh, -c, 'echo log in first >&2; exit 1']}}\n"
    )

    assert run(["info"]) == 2
    assert "log in first" in capsys.readouterr().err


JOBS: list[dict[str, Any]] = [
    {
        "resource": {
            "id": f"{number:08}-0000-4000-8000-000000000000",
            "created_at": "2026-01-01T00:00:00Z",
        },
        "status": {"state": "completed", "benchmarks": None},
        "name": name,
        "model": {"name": "m", "url": "http://m"},
        "benchmarks": [{"id": "b", "provider_id": "p"}],
    }
    for number, name in enumerate(
        ["[/x]", "\x1b[31mred\x07", "日本語のジョブ", "e\u0301 \U0001f600", "two\nlines\ttab"]
    )
]


@pytest.mark.parametrize("form", ["table", "tsv", "csv", "json", "yaml", "ndjson", "name"])
def test_names_of_every_kind(capsys, form):
    with serving(answering(200, {"items": JOBS, "total_count": len(JOBS)})) as url:
        assert run(["--base-url", url, "jobs", "list", "-o", form]) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.parametrize("columns", ["20", "40", "80", "200"])
def test_ids_are_whole_however_narrow_the_terminal(columns):
    with serving(answering(200, {"items": JOBS, "total_count": len(JOBS)})) as url:
        done = process("--base-url", url, "jobs", "list", "-o", "table", COLUMNS=columns)
    assert all(job["resource"]["id"] in done.stdout for job in JOBS)


LONGEST = {
    "benchmark": 12,
    "metric": 37,
    "value": 9,
    "verdict": 7,
    "threshold": 9,
    "interval": 16,
    "n": 4,
    "provider": 21,
}


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (40, ["benchmark", "metric", "value"]),
        (60, ["benchmark", "metric", "value"]),
        (80, ["benchmark", "metric", "value", "verdict", "n"]),
        (120, [*LONGEST]),
    ],
)
def test_a_narrow_terminal_leaves_out_what_matters_least(columns, shown):
    widths = _widths([*LONGEST], [*LONGEST.values()], columns)
    assert [*widths] == shown
    assert sum(widths.values()) + 2 * (len(widths) - 1) <= columns
    assert {widths[head] for head in ("value", "interval") if head in widths} <= {9, 16}


def test_a_locale_of_c():
    with serving(answering(200, {"items": JOBS, "total_count": len(JOBS)})) as url:
        done = process(
            "--base-url", url, "jobs", "list", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_ten_thousand_jobs_and_head():
    many = [
        {**JOBS[0], "resource": {**JOBS[0]["resource"], "id": f"job-{n}"}} for n in range(10_000)
    ]
    with serving(answering(200, {"items": many, "total_count": len(many)})) as url:
        done = process("--base-url", url, "jobs", "list", shell="| head -2; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")  # noqa: PTH110
def test_a_full_disk():
    with serving(answering(200, {"items": JOBS, "total_count": len(JOBS)})) as url:
        done = process("--base-url", url, "jobs", "list", shell="> /dev/full")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["jobs", "--help"], ["run", "--help"]]
)
def test_help_loads_nothing_heavy(words):
    code = (
        "import sys\nfrom evalhub.cli.root import run\n"
        f"run({words!r})\n"
        "heavy = {'pydantic', 'httpx', 'rich', 'yaml', 'jq', 'oras', 'scipy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
