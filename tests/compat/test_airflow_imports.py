from __future__ import annotations

import sys

import pytest

from flowcore import sdk
from flowcore.compat.airflow_imports import airflow_imports

FILE = """
import airflow.models, os
from airflow.decorators import task, nothing
from . import airflow_like

def late():
    from airflow.providers.sftp.hooks.sftp import SFTPHook
"""


def test_imports_are_found_wherever_they_stand():
    assert [(str(item), item.line) for item in airflow_imports(FILE)] == [
        ("airflow.models", 2),
        ("airflow.decorators.nothing", 3),
        ("airflow.decorators.task", 3),
        ("airflow.providers.sftp.hooks.sftp.SFTPHook", 7),
    ]


def test_only_what_is_missing_is_a_problem():
    problems = {str(item) for item in airflow_imports(FILE) if item.problem}
    assert problems == {"airflow.decorators.nothing", "airflow.providers.sftp.hooks.sftp.SFTPHook"}


def test_an_extra_that_is_missing_is_a_problem(monkeypatch):
    monkeypatch.setitem(sys.modules, "upath.extensions", None)
    monkeypatch.delitem(sys.modules, "flowcore.sdk.object_storage", raising=False)
    monkeypatch.delitem(vars(sdk), "ObjectStoragePath", raising=False)
    [found] = airflow_imports("from airflow.io.path import ObjectStoragePath")
    assert "run `pip install 'flowcore[object-storage]'`" in found.problem


def test_a_module_counts_as_a_name_of_its_package():
    (item,) = airflow_imports("from airflow.utils import timezone")
    assert item.problem is None


def test_text_that_is_no_python_is_refused():
    with pytest.raises(SyntaxError):
        list(airflow_imports("def"))
