"""The two paths of the models: the package, and `evalhub.models.api`."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

from evalhub import models
from evalhub.models import api

PRIVATE = {"api", "rules"}


def test_both_paths_give_the_same_things():
    assert dir(api) == sorted(name for name in dir(models) if name[0].isupper())
    assert all(getattr(api, name) is getattr(models, name) for name in dir(api))


def test_what_a_module_publishes_the_package_publishes():
    # exports.json pins the names themselves; type checkers read the modules.
    published = {
        name
        for module in pkgutil.iter_modules(models.__path__)
        if not module.name.startswith("_") and module.name not in PRIVATE
        for name in importlib.import_module(f"evalhub.models.{module.name}").__all__
    }

    assert published == set(dir(api))


@pytest.mark.parametrize("module", [models, api])
def test_a_name_that_is_not_there_is_an_attribute_error(module):
    with pytest.raises(
        AttributeError, match=f"module '{module.__name__}' has no attribute 'Modle'"
    ):
        _ = module.Modle


def test_importing_the_package_imports_no_model():
    code = "import sys, evalhub.models, evalhub.models.api; print('pydantic' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
