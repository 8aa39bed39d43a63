"""Ask an endpoint a file of questions: what is asked, what is written, what goes wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from unittest.mock import MagicMock

import httpx
import pytest
from pydantic import ValidationError

from evalhub import adapter
from evalhub.adapter import collector
from evalhub.adapter._collecting.asking import Asker
from evalhub.adapter.collector import (
    CollectionManifest,
    CollectorConfig,
    CollectorError,
    CollectorProtocol,
    LiveQuestion,
    collect_responses,
    collect_responses_from_parameters,
    extract_by_path,
    is_configured,
    load_questions,
    substitute_template,
)
from evalhub.adapter.credentials import ModelCredentials
from evalhub.errors import ConfigurationError
from evalhub.testing import FakeModel
from evalhub.testing.faults import Answer

KEY = "sk-very-secret-0123"


@pytest.fixture(autouse=True)
def no_job(monkeypatch, tmp_path):
    monkeypatch.setenv("EVALHUB_MODE", "local")
    monkeypatch.delenv("EVALHUB_JOB_SPEC_PATH", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model():
    with FakeModel(lambda request: f"answer to {request.prompt}") as model:
        yield model


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.csv"
    path.write_text("id,question,topic\na,one?,x\nb,two?,y\nc,three?,z\n")
    return path


@pytest.fixture
def config(model, questions, tmp_path):
    def config(**options):
        given = {
            "questions_path": questions,
            "output_dir": tmp_path / "out",
            "endpoint_url": model.url,
            "model": model.name,
            "retry_backoff_seconds": 0.0,
        }
        return CollectorConfig.model_validate(given | options)

    return config


def rows(config):
    text = (config.output_dir / "responses.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def manifest_of(config):
    return json.loads((config.output_dir / "manifest.json").read_text())


def refused():
    return Answer(400, b'{"error": {"message": "too long"}}', {"Content-Type": "application/json"})


def test_answers_are_written_in_the_order_of_the_questions(config, model):
    seen: list[float] = []

    manifest = collect_responses(
        config(system_prompt="Be brief.", extra_body={"temperature": 0, "model": "ignored"}),
        progress_callback=seen.append,
    )

    written = rows(config())
    assert [list(row) for row in written] == 3 * [
        ["id", "question", "topic", "response", "raw_response", "error", "latency_ms"]
    ]
    assert [row["response"] for row in written] == [
        "answer to one?",
        "answer to two?",
        "answer to three?",
    ]
    assert written[0]["raw_response"]["choices"][0]["message"]["content"] == "answer to one?"
    assert [row["error"] for row in written] == [None] * 3
    assert seen == pytest.approx([1 / 3, 2 / 3, 1])
    body = model.requests[0].body
    assert (body["temperature"], body["model"]) == (0, model.name)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert manifest_of(config()) == json.loads(manifest.model_dump_json())
    assert (manifest.total, manifest.completed, manifest.failed) == (3, 3, 0)
    assert names_in(config().output_dir) == ["manifest.json", "responses.jsonl"]


def test_questions_are_asked_at_the_same_time(config):
    together = threading.Barrier(3, timeout=20)

    def handle(_):
        together.wait()  # broken unless three requests are under way
        return httpx.Response(200, json={"choices": [{"message": {"content": "met"}}]})

    with httpx.Client(transport=httpx.MockTransport(handle)) as client:
        manifest = collect_responses(config(concurrency=3), client=client)

    assert manifest.completed == 3


def test_a_generic_endpoint_gets_the_template_and_is_read_by_path(tmp_path, questions):
    asked = []

    def handle(request):
        asked.append(json.loads(request.content))
        return httpx.Response(200, json={"out": [{"text": "yes", "n": 3}], "used": {"in": 5}})

    config = CollectorConfig(
        questions_path=questions,
        output_dir=tmp_path / "out",
        endpoint_url="https://rag.example/ask?version=2",
        protocol=CollectorProtocol.GENERIC_HTTP,
        request_template={"q": "{question}", "meta": ["{question_id}", 1]},
        response_path="out.0.text",
        extra_response_paths={"tokens": "used.in", "absent": "used.out"},
    )
    with httpx.Client(transport=httpx.MockTransport(handle)) as client:
        collect_responses(config, client=client)

    assert asked[0] == {"q": "one?", "meta": ["a", 1]}
    assert {k: rows(config)[0][k] for k in ("tokens", "absent", "response", "error")} == {
        "tokens": 5,
        "absent": None,
        "response": "yes",
        "error": None,
    }


def test_a_borrowed_client_is_asked_as_1_0_did(config):
    client = MagicMock()
    client.post.return_value.status_code = 200
    client.post.return_value.json.return_value = {"choices": [{"message": {"content": "hi"}}]}

    collect_responses(config(endpoint_url="https://host/v1/?a=b"), client=client)

    first = client.post.call_args_list[0]
    assert first.args == ("https://host/v1/chat/completions?a=b",)
    assert first.kwargs["json"]["messages"] == [{"role": "user", "content": "one?"}]
    assert first.kwargs["timeout"] == 30.0
    client.close.assert_not_called()


def test_a_borrowed_client_that_fails_is_asked_again(config):
    said = httpx.Response(200, json={"choices": [{"message": {"content": "hi"}}]})
    client = MagicMock()
    client.post.side_effect = [httpx.ConnectError("down"), said, said, said]

    manifest = collect_responses(config(max_retries=1), client=client)

    assert (manifest.completed, client.post.call_count) == (3, 4)


def test_transient_errors_are_tried_again_and_others_are_not(config, model):
    model.faults.script(Answer(503), Answer(500), Answer(429, headers={"Retry-After": "0"}))

    manifest = collect_responses(config(max_retries=3, concurrency=1))

    assert (manifest.completed, len(model.requests)) == (3, 3)
    model.faults.script(refused())
    again = config(max_retries=3, concurrency=1, resume=False)
    assert collect_responses(again).failed == 1
    assert len(model.requests) == 5


def test_retry_after_is_complied_with(config, model):
    pauses: list[float] = []
    asker = Asker(config(max_retries=1), pause=pauses.append)
    model.faults.script(Answer(429, headers={"Retry-After": "7"}))

    record = asker.ask(LiveQuestion(question="q"))

    asker.close()
    assert (record.error, pauses) == (None, [7.0])


def test_a_question_that_fails_is_told_and_asked_again_by_the_next_run(config, model, caplog):
    model.faults.script(refused())

    manifest = collect_responses(config(concurrency=1))

    first, second, _ = rows(config())
    assert (manifest.completed, manifest.failed) == (2, 1)
    assert "too long" in first["error"]
    assert (first["response"], second["error"]) == (None, None)
    assert "1 of 3: question 'a' was not answered: " in caplog.text
    asked = len(model.requests)
    fractions: list[float] = []
    again = collect_responses(config(), progress_callback=fractions.append)
    assert (again.completed, again.failed, again.reused) == (3, 0, 2)
    assert len(model.requests) == asked + 1
    assert fractions == pytest.approx([2 / 3, 1])
    assert [row["id"] for row in rows(config())] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "other"},
        {"system_prompt": "Shout."},
        {"extra_body": {"seed": 1}},
        {"extra_response_paths": {"id": "id"}},
        {"resume": False},
    ],
)
def test_answers_to_another_request_are_not_reused(config, model, changed):
    collect_responses(config())

    assert collect_responses(config(**changed)).reused == 0
    assert len(model.requests) == 6


def test_a_question_that_changed_is_asked_again(config, model, questions):
    collect_responses(config())
    questions.write_text(questions.read_text().replace("two?", "what?") + "d,four?,w\n")

    manifest = collect_responses(config())

    assert (manifest.reused, manifest.completed) == (2, 4)
    assert {one.prompt for one in model.requests[3:]} == {"what?", "four?"}
    assert rows(config())[1]["response"] == "answer to what?"


CRASHING = """
import json, os, signal, sys
from evalhub.adapter.collector import CollectorConfig, collect_responses

def progress(fraction):
    if fraction > 0.6:
        os.kill(os.getpid(), signal.SIGKILL)

config = CollectorConfig.model_validate(json.loads(sys.argv[1]))
collect_responses(config, progress_callback=progress)
"""


def test_a_process_that_is_killed_loses_no_answer(config, model):
    given = config(concurrency=1)
    done = subprocess.run([sys.executable, "-c", CRASHING, given.model_dump_json()], check=False)
    assert done.returncode == -signal.SIGKILL
    assert names_in(given.output_dir) == ["responses.partial.jsonl"]
    partial = given.output_dir / "responses.partial.jsonl"
    before = len(model.requests)
    kept = len(partial.read_text().splitlines()) - 1
    with partial.open("a") as file:
        file.write('{"id": "c", "question": "thr')  # as a disk that was full leaves it

    manifest = collect_responses(given)

    assert kept >= 2
    assert (manifest.reused, manifest.completed) == (kept, 3)
    assert len(model.requests) == before + 3 - kept
    assert len(rows(given)) == 3
    assert not partial.exists()


def test_the_first_failure_ends_the_collection_where_that_is_wanted(config, model):
    model.faults.script(refused())

    with pytest.raises(
        CollectorError, match=r"question 'a' was not answered: .*too long"
    ) as caught:
        collect_responses(config(fail_fast=True, concurrency=1))

    assert caught.value.question_id == "a"
    assert caught.value.__cause__ is not None
    assert not caught.value.retryable
    written = rows(config())
    told = manifest_of(config())
    assert written[0]["error"] is not None
    assert told["failed"] == 1
    assert told["completed"] + told["failed"] == len(written)


def test_an_exception_of_the_callback_ends_the_collection_and_keeps_the_answers(config, model):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect_responses(config(concurrency=1), progress_callback=stop)

    kept = len((config().output_dir / "responses.partial.jsonl").read_text().splitlines()) - 1
    assert kept >= 1
    assert collect_responses(config()).reused == kept


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"not json", "does not answer with JSON"),
        (b"{}", "does not answer as an OpenAI-compatible chat endpoint does"),
        (b'{"choices": [{"message": {"content": null}}]}', "the model said nothing"),
        (b'{"error": {"message": "overloaded"}}', "answered with an error: overloaded"),
    ],
)
def test_an_answer_that_is_not_found_is_a_failure(config, model, answer, error):
    model.faults.script(*[Answer(200, answer)] * 3)

    assert collect_responses(config()).failed == 3
    assert error in rows(config())[0]["error"]


@pytest.mark.parametrize(
    ("body", "response", "error"),
    [
        ({"out": None}, None, "the response has nothing at 'out'"),
        ([1], None, "the response has nothing at 'out'"),
        ({"out": [1, "é"]}, '[1, "é"]', None),
        ({"out": 0}, "0", None),
    ],
)
def test_what_a_generic_endpoint_answers(config, model, body, response, error):
    model.faults.script(*[Answer(200, json.dumps(body).encode())] * 3)
    given = config(
        protocol="generic_http", request_template={"q": "{question}"}, response_path="out"
    )

    collect_responses(given)

    assert (rows(given)[0]["response"], rows(given)[0]["error"]) == (response, error)


def test_parts_and_refusals_are_answers_and_so_is_an_empty_text(config, model):
    contents = [[{"type": "text", "text": "in parts"}], "", "<think>a</think>b"]
    bodies = [{"choices": [{"message": {"content": content}}]} for content in contents]
    model.faults.script(*(Answer(200, json.dumps(body).encode()) for body in bodies))

    collect_responses(config(concurrency=1))

    assert {row["response"] for row in rows(config())} == {"in parts", "", "<think>a</think>b"}


def test_a_nan_in_an_answer_is_null_in_the_file(config, model):
    answer = b'{"score": NaN, "choices": [{"message": {"content": "x"}}]}'
    model.faults.script(*[Answer(200, answer)] * 3)

    collect_responses(config())

    assert "NaN" not in (config().output_dir / "responses.jsonl").read_text()
    assert rows(config())[0]["raw_response"]["score"] is None


def test_redirects_are_refused(config, model):
    model.faults.script(*[Answer(302, headers={"Location": "http://elsewhere/login"})] * 3)

    assert collect_responses(config(max_retries=2)).failed == 3
    assert "redirect" in rows(config())[0]["error"].lower()


def test_no_secret_is_written_even_if_the_endpoint_repeats_it(config, model, monkeypatch, caplog):
    monkeypatch.setenv("MY_KEY", KEY)
    body = {
        "choices": [{"message": {"content": f"your key is {KEY}, your password hunter22"}}],
        "echo": {"token": "query-token"},
    }
    bad = Answer(401, json.dumps({"error": {"message": f"{KEY} is wrong"}}).encode())
    model.faults.script(Answer(200, json.dumps(body).encode()), bad, bad)
    url = model.url.replace("http://", "http://user:hunter22@") + "?token=query-token"
    given = config(endpoint_url=url, api_key_env="MY_KEY", concurrency=1)

    manifest = collect_responses(given)

    everything = "".join(path.read_text() for path in given.output_dir.iterdir())
    for secret in (KEY, "hunter22", "query-token"):
        assert secret not in everything + repr(given) + caplog.text
    assert manifest.endpoint_url == model.url
    assert "your key is ***" in everything


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"use_model_credentials": False}, None),
        ({}, f"Bearer {KEY}"),
        ({"api_key_env": "MY_KEY"}, "Bearer of-variable"),
        ({"api_key_env": "MY_KEY", "request_headers": {"authorization": "Own x"}}, "Own x"),
    ],
)
def test_the_later_of_two_keys_wins(config, model, monkeypatch, options, expected):
    monkeypatch.setenv("MY_KEY", "of-variable")
    credentials = ModelCredentials(api_key=KEY)
    given = credentials if options != {"use_model_credentials": False} else None
    collect_responses(config(**options), credentials=given)

    assert {request.headers.get("authorization") for request in model.requests} == {expected}


def test_a_key_of_a_variable_that_is_not_set_is_asked_for(config):
    with pytest.raises(ConfigurationError, match="environment variable NO_KEY, which is not set"):
        collect_responses(config(api_key_env="NO_KEY"))


def test_a_header_with_a_line_break_is_refused_by_its_name(config):
    with pytest.raises(ConfigurationError, match="the header 'X-Key' contains characters") as error:
        collect_responses(config(request_headers={"X-Key": f"{KEY}\n"}))
    assert KEY not in str(error.value)


def test_in_a_cluster_the_key_of_the_model_is_not_used(config, model, monkeypatch, caplog):
    monkeypatch.setenv("EVALHUB_MODE", "k8s")

    assert collect_responses(config()).completed == 3
    assert "give api_key_env or request_headers" in caplog.text


def test_columns_named_as_the_collectors_own_get_another_name(config, questions):
    questions.write_text("question,response\none?,reference\n")

    collect_responses(config())

    [row] = rows(config())
    assert (row["response"], row["source_response"]) == ("answer to one?", "reference")
    assert row["id"] == "1"


FULL = """
import json, resource, sys
from evalhub.adapter.collector import CollectorConfig, collect_responses

config = CollectorConfig.model_validate(json.loads(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    collect_responses(config)
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize(("bytes_left", "file"), [(200, "partial.jsonl"), (10, "partial.jsonl")])
def test_a_full_disk_is_told_and_the_next_run_goes_on(config, bytes_left, file):
    given = config(concurrency=1)
    told = subprocess.run(
        [sys.executable, "-c", FULL, given.model_dump_json(), str(bytes_left)],
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert told.startswith(f"cannot write {given.output_dir}/responses.{file}: ")
    assert collect_responses(given).completed == 3


def test_a_client_that_answers_what_is_no_answer_is_told(config):
    client = MagicMock()
    client.post.return_value = httpx.Response(401, json={"error": {"message": "no"}})

    assert collect_responses(config(), client=client).failed == 3
    assert "no" in rows(config())[0]["error"]


def test_a_folder_that_cannot_be_made_is_named(config, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ConfigurationError, match=r"cannot write .*out"):
        collect_responses(config())


# What is configured


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"endpoint_url": "ftp://host"}, "needs|must be a URL"),
        ({"endpoint_url": "https://user:pw@"}, "must be a URL"),
        ({"endpoint_url": "https://host:port/"}, "must be a URL"),
        ({"model": None}, "needs a model"),
        ({"protocol": "generic_http"}, "needs request_template and response_path"),
        ({"max_retrys": 3}, "did you mean 'max_retries'"),
        ({"timeout_seconds": 0}, "greater than 0"),
        ({"concurrency": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_work_is_refused(config, changed, said):
    with pytest.raises(ValidationError, match=said) as caught:
        config(**changed)
    assert "pw" not in str(caught.value)


def test_parameters_of_a_benchmark_configure_a_collection(config, model):
    given = json.loads(config().model_dump_json())

    manifest = collect_responses_from_parameters({"live_collection": given, "other": 1})

    assert isinstance(manifest, CollectionManifest)
    with pytest.raises(ConfigurationError, match="parameter 'live_collection' is missing"):
        collect_responses_from_parameters({})
    with pytest.raises(ConfigurationError, match="invalid live_collection"):
        collect_responses_from_parameters({"live_collection": {"model": "m"}})


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (None, False),
        ({}, False),
        ({"live_collection": None}, False),
        ({"live_collection": {}}, False),
        ({"live_collection": 5}, False),
        ({"live_collection": {"a": 1}}, True),
    ],
)
def test_is_configured(parameters, expected):
    assert is_configured(parameters) is expected
    assert adapter.is_collection_configured(parameters) is expected


def test_a_trailing_slash_and_the_whole_path_are_the_same(config):
    short, long = config(), config(endpoint_url=f"{config().endpoint_url}/chat/completions/")
    assert short.request_path == long.request_path == "/v1/chat/completions"


# Files of questions


FIRST = '"id": 1, "question": "two\\nlines, one"'


def load(tmp_path, name, content, **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_questions(path, **options)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("q.csv", '\ufeffid,question\r\n1,"two\nlines, one"\r\n,\r\n\r\n,again\r\n'),
        ("q.jsonl", f'{{{FIRST}}}\n{{"question": " "}}\n\n{{"question": "again"}}'),
        ("q.json", f'[{{{FIRST}}}, {{"question": null}}, {{"question": "again"}}]'),
        ("Q.JSON", f'{{"questions": [{{{FIRST}}}, {{"question": ""}}, {{"question": "again"}}]}}'),
    ],
)  # fmt: skip
def test_questions_are_read_from_every_kind_of_file(tmp_path, name, content):
    first, second = load(tmp_path, name, content)

    assert (first.question, first.question_id) == ("two\nlines, one", "1")
    assert (second.question, second.question_id) == ("again", "3")
    assert str(first.source_row["id"]) == "1"


def test_columns_may_have_other_names(tmp_path):
    [question] = load(
        tmp_path, "q.csv", "key,prompt\n7,hello\n", question_column="prompt", id_column="key"
    )
    assert (question.question, question.question_id) == ("hello", "7")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.txt", "x", "q.txt must end in .csv, .json or .jsonl"),
        ("q.csv", "", "q.csv is empty"),
        ("q.json", " \n", "q.json is empty"),
        ("q.jsonl", "\n\n", "q.jsonl is empty"),
        ("q.csv", "id,question\n", "q.csv has no questions"),
        ("q.csv", "id,question\n1,\n", "q.csv has no questions"),
        ("q.json", '{"questions": []}', "q.json has no questions"),
        ("q.csv", b"id,question\n1,\xff\n", "q.csv is not UTF-8 text"),
        (
            "q.csv",
            "id,text\n1,x\n",
            "line 2 has no column 'question'; its columns are 'id', 'text'",
        ),
        ("q.csv", "id,question\n1,x\n2,y,z\n", "line 3 has 3 columns and the header 2; put a text"),
        ("q.csv", 'id,question\n1,"a\nb"\n2,y,z\n', "line 4 has 3 columns"),
        ("q.csv", 'id,question\n1,"open\n', "line 2: unexpected end of data"),
        ("q.csv", "id,id\n1,x\n", "line 1 names a column twice"),
        ("q.csv", "id,question\n1,x\n1,y\n", "line 3 has the id '1' of line 2; each question"),
        ("q.csv", "id,question\n2,x\n,y\n", "line 3 has the id '2' of line 2"),
        ("q.jsonl", '{"question": "x"}\n{"question": \n', "line 2 is not JSON: Expecting value"),
        ("q.jsonl", '{"question": "x"}\n[1]\n', "line 2 must be an object"),
        ("q.jsonl", '{"question": 5}\n', "line 1: 'question' is int, not text"),
        ("q.jsonl", '{"q": "x"}\n', "line 1 has no column 'question'"),
        ("q.jsonl", "[" * 200_000, "line 1 is not JSON"),
        ("q.json", '[{"question": "x"},\n{', "q.json is not JSON: .* \\(line 2 column 2\\)"),
        ("q.json", "[" * 200_000, "q.json is not JSON"),
        ("q.json", '"x"', "must be a list of questions"),
        ("q.json", '[{"question": "x"}, 3]', "entry 2 must be an object"),
    ],
)
def test_a_bad_file_is_told_by_its_line(tmp_path, name, content, said):
    pattern = said if "\\" in said else re.escape(said)
    with pytest.raises(ConfigurationError, match=pattern):
        load(tmp_path, name, content)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"cannot read .*gone\.csv: No such file"):
        load_questions(tmp_path / "gone.csv")


# Templates and paths


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{question}", "Q"),
        ("a {{x}} {question}", "a {x} Q"),
        ('{"q": "{question}"}', '{"q": "Q"}'),
        ('{"a": {"b": "{question}"}}', '{"a": {"b": "Q"}}'),
        ("{question.__class__}", "{question.__class__}"),
        ("{question!r} {question}", "{question!r} Q"),
        ("100 % {", "100 % {"),
        ({"{question}": ["{question_id}", 3, None, ("{question}",)]},
         {"{question}": ["i", 3, None, ["Q"]]}),
    ],
)  # fmt: skip
def test_templates(template, filled):
    assert substitute_template(template, {"question": "Q", "question_id": "i"}) == filled


def test_a_variable_that_is_not_there_is_refused_before_anything_is_asked(config, model):
    with pytest.raises(ConfigurationError, match=r"the template has \{qestion\}; there are"):
        collect_responses(
            config(
                protocol="generic_http",
                request_template={"q": "{qestion}"},
                response_path="x",
            )
        )
    assert model.requests == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.0.b", 1), ("a.-1.b", 1), ("a.1.b", None), ("a.x", None), ("a.0.b.c", None),
        ("t.0", None), ("", None), ("gone", None),
    ],
)  # fmt: skip
def test_paths(path, found):
    assert extract_by_path({"a": [{"b": 1}], "t": "text"}, path) == found


def test_every_name_is_exported():
    names = set(collector.__all__) - {"is_configured"}
    assert names <= set(adapter.__all__)
