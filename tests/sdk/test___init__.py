from __future__ import annotations

import importlib.resources
import pkgutil
import subprocess
import sys

import pytest

import flowcore.sdk

#: Of the standard library and of packages; they were 171. A package more is dozens.
MODULES_MAX = 220


def test_no_module_hides_a_public_name():
    modules = {module.name for module in pkgutil.iter_modules(flowcore.sdk.__path__)}
    assert modules.isdisjoint(flowcore.sdk.__all__)


def test_airflows_names_of_exceptions_are_the_same_classes():
    assert flowcore.sdk.AirflowSkipException is flowcore.sdk.TaskSkipped
    assert flowcore.sdk.AirflowFailException is flowcore.sdk.TaskFailed
    assert flowcore.sdk.AirflowTaskTerminated is flowcore.sdk.TaskCancelled
    assert flowcore.sdk.AirflowTaskTimeout is flowcore.sdk.TaskTimedOut


def test_unknown_name_is_refused_with_what_there_is():
    with pytest.raises(AttributeError, match=r"no attribute 'Dagg'; it has .*DAG"):
        flowcore.sdk.Dagg  # type: ignore[attr-defined]


def test_lazy_names_match_what_type_checkers_see():
    text = importlib.resources.files("flowcore.sdk").joinpath("__init__.py").read_text()
    block = text.split("if TYPE_CHECKING:")[1].split("#:")[0]
    seen = {line.split()[-1].rstrip(",") for line in block.splitlines() if " as " in line}
    assert seen == set(flowcore.sdk.__all__)


@pytest.mark.slow
def test_a_dag_file_without_templates_needs_no_jinja():
    program = (
        "import sys; from flowcore.sdk import DAG, BaseOperator, task\n"
        "with DAG('d') as dag: task(task_id='t')(lambda x: x)('no template')\n"
        "dag.compile(); assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
def test_a_dag_file_pays_little_for_its_imports():
    program = (
        "import sys; before = set(sys.modules); from flowcore.sdk import DAG, task;"
        "print(*sorted(set(sys.modules) - before))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert len(shown.split()) < MODULES_MAX, shown
