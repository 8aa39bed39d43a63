from __future__ import annotations

import ast

import pytest

from evalhub.adapter._template import write_template
from evalhub.errors import ConfigurationError


def test_a_project_is_called_after_its_directory(tmp_path):
    files = write_template(tmp_path / "My_Great eval2")

    names = {str(file.relative_to(tmp_path / "My_Great eval2")) for file in files}
    assert names == {
        "Containerfile",
        "README.md",
        "adapter.py",
        "provider.yaml",
        "pyproject.toml",
        "tests/test_adapter.py",
        "tests/test_contract.py",
    }
    for file in files:
        text = file.read_text()
        assert "@NAME@" not in text
        assert "@CLASS@" not in text
        if file.suffix == ".py":
            ast.parse(text)
    assert "class MyGreatEval2Adapter(" in (files[2].parent / "adapter.py").read_text()


def test_what_is_there_is_not_written_over(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "adapter.py").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"adapter\.py is there already"):
        write_template(folder)

    assert [path.name for path in folder.iterdir()] == ["adapter.py"]


@pytest.mark.parametrize("name", ["...", "2nd"])
def test_a_name_that_no_class_can_have_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match="begins with no letter"):
        write_template(tmp_path / name)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot write"):
        write_template(tmp_path / "file" / "mine")
