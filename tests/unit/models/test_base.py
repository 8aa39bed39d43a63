from __future__ import annotations

import copy
import pickle
from typing import Annotated, Any

import pytest
from pydantic import AliasChoices, Field, ValidationError

from evalhub.errors import ConfigurationError
from evalhub.models._base import ListOf, Model, OpenEnum, ServiceModel, is_reading, on_build


class Colour(OpenEnum):
    RED = "red"


def _check_even(number: int) -> None:
    if number % 2:
        raise ValueError("must be even")


class Leaf(Model):
    colour: Colour = Colour.RED
    number: Annotated[int, on_build(_check_even)] = 0
    job_id: str = Field(
        default="", validation_alias=AliasChoices("job_id", "id"), serialization_alias="id"
    )
    passed: bool = Field(default=False, alias="pass")
    leaves: ListOf[str] = Field(default_factory=list)


class Tree(Model):
    leaf: Leaf = Field(default_factory=Leaf)
    by_name: dict[str, Leaf] = Field(default_factory=dict)


class Answer(ServiceModel):
    tree: Tree = Field(default_factory=Tree)


def problems(error: ValidationError) -> dict[str, str]:
    return {".".join(map(str, one["loc"])): one["msg"] for one in error.errors()}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("nmber", "Leaf has no field 'nmber'; did you mean 'number'?"),
        ("jobid", "Leaf has no field 'jobid'; did you mean 'job_id'?"),
        ("pas", "Leaf has no field 'pas'; did you mean 'pass'?"),
        (
            "zzzzzz",
            "Leaf has no field 'zzzzzz'; its fields are colour, number, job_id, passed, leaves",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(key, message):
    with pytest.raises(ValidationError) as caught:
        Leaf(**{key: 1})

    assert problems(caught.value) == {key: message}


def test_unknown_keys_are_refused_all_at_once_wherever_they_are():
    with pytest.raises(ValidationError) as caught:
        Tree.model_validate({"leaf": {"nmber": 1}, "by_name": {"a": {"colr": 1}}, "left": 1})

    assert problems(caught.value) == {
        "leaf.nmber": "Leaf has no field 'nmber'; did you mean 'number'?",
        "by_name.a.colr": "Leaf has no field 'colr'; did you mean 'colour'?",
        "left": "Tree has no field 'left'; did you mean 'leaf'?",
    }


def test_a_value_that_was_refused_is_not_shown():
    with pytest.raises(ValidationError) as caught:
        Leaf.model_validate({"number": "hunter2", "secrt": "hunter2"})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "read", [Answer.model_validate, lambda d: Answer.model_validate_json(_json(d))]
)
def test_what_the_service_sends_is_kept_and_not_checked(read):
    answer = read({"tree": {"leaf": {"colour": "blue", "number": 1, "new": {"a": 1}}}, "x": 1})

    assert answer.tree.leaf.number == 1
    assert answer.tree.leaf.colour == "blue"
    assert answer.model_dump(mode="json", exclude_unset=True) == {
        "tree": {"leaf": {"colour": "blue", "number": 1, "new": {"a": 1}}},
        "x": 1,
    }


def test_reading_ends_with_the_document_even_if_it_was_refused():
    with pytest.raises(ValidationError):
        Answer.model_validate({"tree": 1})

    assert not is_reading()
    with pytest.raises(ValidationError):
        Leaf(nmber=1)


def test_a_root_built_by_hand_keeps_its_own_unknown_keys_and_checks_what_is_in_it():
    assert Answer(news=1).model_extra == {"news": 1}
    with pytest.raises(ValidationError, match="no field 'nmber'"):
        Answer(tree={"leaf": {"nmber": 1}})


def test_a_check_names_the_field():
    with pytest.raises(ValidationError) as caught:
        Tree.model_validate({"leaf": {"number": 3}})

    assert problems(caught.value) == {"leaf.number": "Value error, must be even"}


def test_an_unknown_name_is_refused_where_a_person_gives_it():
    with pytest.raises(ValidationError, match="'red'"):
        Leaf(colour="blue")
    with pytest.raises(ValueError, match="blue"):
        Colour("blue")


def test_an_unknown_name_that_was_read_is_a_member_and_a_string():
    colour = Answer.model_validate({"tree": {"leaf": {"colour": "blue"}}}).tree.leaf.colour

    assert isinstance(colour, Colour)
    assert (colour.value, colour.name, str(colour), colour) == ("blue",) * 4
    assert colour != Colour.RED
    assert copy.deepcopy(colour) is colour
    assert pickle.loads(pickle.dumps(colour)) == colour
    assert pickle.loads(pickle.dumps(Colour.RED)) is Colour.RED
    assert list(Colour) == [Colour.RED]


def test_null_is_an_empty_list():
    assert Leaf.model_validate({"leaves": None}).leaves == []


def test_a_name_given_as_a_number_is_refused_on_read_too():
    with pytest.raises(ValidationError, match="colour"):
        Answer.model_validate({"tree": {"leaf": {"colour": 3}}})


def test_to_wire_speaks_the_service_s_names_and_leaves_out_what_is_absent():
    class Request(Model):
        job_id: str = Field(serialization_alias="id")
        note: str | None = None
        parameters: dict[str, Any] = Field(default_factory=dict)

    assert Request(job_id="7", parameters={"limit": None}).to_wire() == {
        "id": "7",
        "parameters": {"limit": None},
    }


def test_what_json_has_no_form_for_cannot_be_sent():
    class Request(Model):
        parameters: dict[str, Any]

    with pytest.raises(
        ConfigurationError,
        match=r"a value of Request cannot be represented in JSON: .*type: <class 'object'>",
    ):
        Request(parameters={"x": object()}).to_wire()


def test_models_can_be_copied_and_pickled():
    tree = Tree(leaf=Leaf(number=2))

    assert copy.deepcopy(tree) == tree
    assert pickle.loads(pickle.dumps(tree)) == tree


def test_a_subclass_may_take_unknown_keys_otherwise():
    class Lenient(Leaf, extra="ignore"):
        pass

    assert Lenient(nmber=1) == Lenient()


def _json(value: Any) -> str:
    import json

    return json.dumps(value)
