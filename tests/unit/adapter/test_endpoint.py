from __future__ import annotations

import pytest
from pydantic import SecretStr

from evalhub.adapter.endpoint import Endpoint, endpoint, read_chat
from evalhub.errors import BenchmarkError, ConfigurationError
from evalhub.testing import FakeModel, job_file, job_spec
from evalhub.testing.faults import Answer


def spec(url="http://host:8000", **parameters):
    return job_spec(model={"name": "tiny", "url": url}, parameters=parameters)


@pytest.mark.parametrize(
    ("given", "url", "server"),
    [
        ("http://host:8000", "http://host:8000/v1", "http://host:8000"),
        ("http://host:8000/v1/", "http://host:8000/v1", "http://host:8000"),
        ("http://host/v1/chat/completions", "http://host/v1", "http://host"),
        ("http://host/llm/v1/completions", "http://host/llm/v1", "http://host/llm"),
        ("https://host/v1beta/openai", "https://host/v1beta/openai", "https://host/v1beta/openai"),
    ],
)
def test_a_url_has_every_form_a_framework_wants(given, url, server):
    model = endpoint(spec(given))

    assert model.url == url
    assert model.server_url == server
    assert model.chat_url == f"{url}/chat/completions"
    assert model.completions_url == f"{url}/completions"


def test_a_job_has_it_as_a_method():
    job = spec(judge={"name": "wise", "url": "http://elsewhere"})

    assert job.endpoint() == endpoint(job)
    assert job.endpoint("judge") == endpoint(job, role="judge")
    assert job.endpoint(role="judge").url == "http://elsewhere/v1"
    with pytest.raises(ConfigurationError, match="the parameters name no attacker"):
        job.endpoint("attacker")


def test_a_query_is_kept_apart_from_the_url():
    model = endpoint(spec("https://host/v1?api-version=2"))

    assert model.url == "https://host/v1"
    assert model.query == {"api-version": "2"}


@pytest.mark.parametrize("url", ["host:8000", "ftp://host/v1", "not-a-url"])
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(ConfigurationError, match="needs a scheme and a host"):
        endpoint(spec(url))


def test_a_model_without_a_url_is_refused():
    with pytest.raises(ConfigurationError, match="model 'tiny' has no url"):
        endpoint(spec(None))


def test_a_framework_that_insists_on_a_key_gets_a_placeholder():
    model = endpoint(spec())

    assert model.key is None
    assert model.headers == {}
    assert model.env() == {
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": "http://host:8000/v1",
        "OPENAI_API_BASE": "http://host:8000/v1",
    }


@pytest.fixture
def secret(tmp_path, clean_environment):
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "api-key").write_text("k3y")
    (folder / "judge-api-key").write_text("judge-k3y")
    (folder / "ca_cert").write_text("")
    path = job_file(
        tmp_path,
        model={
            "name": "tiny",
            "url": "http://host/v1",
            "auth": {"secret_ref": f"file://{folder}"},
        },
        parameters={"judge": {"name": "wise", "url": "http://judge"}, "attacker_model": "mean"},
    )
    clean_environment(EVALHUB_MODE="local", EVALHUB_JOB_SPEC_PATH=str(path))
    from evalhub.models import JobSpec

    return JobSpec.from_file(path)


def test_the_key_and_certificates_of_the_secret_are_used(secret, tmp_path):
    model = endpoint(secret)

    assert model.headers == {"Authorization": "Bearer k3y"}
    assert model.env("X")["X_API_KEY"] == "k3y"
    assert model.env()["SSL_CERT_FILE"] == str(tmp_path / "secret" / "ca_cert")
    assert "k3y" not in repr(model)


def test_a_judge_has_its_own_name_url_and_key(secret):
    judge = endpoint(secret, "judge")

    assert (judge.name, judge.url, judge.api_key) == ("wise", "http://judge/v1", "judge-k3y")


def test_what_a_role_leaves_out_is_the_models(secret):
    attacker = endpoint(secret, "attacker")

    assert (attacker.name, attacker.url) == ("mean", "http://host/v1")
    assert attacker.api_key == "k3y"


def test_the_models_key_does_not_go_to_another_server():
    own = endpoint(spec(judge_model="wise", judge_base_url="http://elsewhere"), "judge")

    assert (own.name, own.url, own.key) == ("wise", "http://elsewhere/v1", None)


def test_a_role_nobody_named_is_an_error_that_says_how():
    with pytest.raises(ConfigurationError, match="parameters name no judge; give judge:"):
        endpoint(spec(), "judge")


@pytest.fixture
def model():
    with FakeModel("4", name="tiny") as model:
        yield model


def test_a_model_that_is_served_passes_without_being_asked(model):
    endpoint(spec(model.url)).check()

    assert model.requests == []


def test_a_model_that_is_not_listed_and_answers_passes(model):
    Endpoint("another", model.url).check()

    assert len(model.requests) == 1


def test_a_server_without_a_list_is_asked(model):
    model.faults.script(Answer(404))
    endpoint(spec(model.url)).check()

    assert len(model.requests) == 1


def test_a_model_that_is_not_served_is_told_with_those_that_are(model):
    model.faults.script(
        Answer(200, b'{"data": [{"id": "a"}, {"id": "b"}]}'), Answer(404, b"no such model")
    )
    with pytest.raises(BenchmarkError, match="is not 'tiny'; it serves a, b") as raised:
        endpoint(spec(model.url)).check()

    assert raised.value.code == "model_not_served"


def test_an_unreachable_model_is_told_in_one_sentence(model):
    with (
        model.faults.down(),
        pytest.raises(BenchmarkError, match="cannot be reached: ") as raised,
    ):
        endpoint(spec(model.url)).check(timeout=2)

    assert "\n" not in raised.value.message
    assert raised.value.retryable is True


def test_a_refused_key_is_told_in_one_sentence():
    with FakeModel(api_key="right") as model:
        with pytest.raises(BenchmarkError, match="refuses a request without a key: 401"):
            Endpoint("fake-model", model.url).check()
        with pytest.raises(BenchmarkError, match="refuses the key it was given: 401") as raised:
            Endpoint("fake-model", model.url, SecretStr("wrong-key")).check()

    assert "wrong-key" not in raised.value.message


def test_a_server_that_fails_is_told_as_it_says(model):
    model.faults.always(Answer(500, b"out of memory"))
    with pytest.raises(BenchmarkError, match="answered 500: out of memory") as raised:
        endpoint(spec(model.url)).check()

    assert raised.value.retryable is True


def completion(message, **more):
    return {"choices": [{"message": message, "finish_reason": "stop"}], **more}


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": "4"}, "4", ""),
        ({"content": None}, "", ""),
        ({}, "", ""),
        ({"content": None, "refusal": "I cannot."}, "I cannot.", ""),
        ({"content": [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]}, "42", ""),
        ({"content": [{"type": "image_url"}]}, "", ""),
        ({"content": "4", "reasoning_content": "2 and 2"}, "4", "2 and 2"),
        ({"content": "4", "reasoning": "2 and 2"}, "4", "2 and 2"),
        ({"content": "<think>2 and 2</think>\n4"}, "4", "2 and 2"),
        ({"content": "2 and 2</think>4"}, "4", "2 and 2"),
        ({"content": "<think>2 and then"}, "", "2 and then"),
    ],
)
def test_what_a_model_says_is_read_in_every_form(message, text, reasoning):
    answer = read_chat(completion(message))

    assert (answer.text, answer.reasoning) == (text, reasoning)


def test_tokens_and_tool_calls_are_read():
    answer = read_chat(
        completion(
            {"content": None, "tool_calls": [{"id": "1"}]},
            usage={"prompt_tokens": 3, "completion_tokens": 4},
        )
    )

    assert (answer.input_tokens, answer.output_tokens) == (3, 4)
    assert answer.tool_calls == [{"id": "1"}]
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize("error", [{"message": "context too long"}, "context too long"])
def test_an_error_with_status_200_is_an_error(error):
    with pytest.raises(BenchmarkError, match="answered with an error: context too long"):
        read_chat({"error": error})


@pytest.mark.parametrize("body", [None, {}, {"choices": []}, [1], {"choices": [{"message": None}]}])
def test_what_is_no_completion_is_an_error(body):
    with pytest.raises(BenchmarkError, match="does not answer as an OpenAI-compatible"):
        read_chat(body)
