from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from flowcore import sdk
from flowcore.compat.airflow_modules import NotAvailable, find_name, make_airflow_importable
from flowcore.compat.airflow_names import NAMES


@pytest.fixture(autouse=True)
def _importable():
    make_airflow_importable()


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in NAMES.items() for n in names])
def test_every_listed_name_is_there(module, name):
    assert find_name(module, name) is not None or (module, name) == ("airflow.utils.state", "NONE")


@pytest.mark.parametrize("name", sdk.__all__)
def test_airflow_sdk_has_what_our_sdk_has(name):
    assert find_name("airflow.sdk", name) is getattr(sdk, name)


def test_classic_spellings_are_the_same_objects():
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models.baseoperator import BaseOperator

    assert (DAG, task, BaseOperator) == (sdk.DAG, sdk.task, sdk.BaseOperator)


@pytest.mark.parametrize("module", ["airflow.sdk", "airflow.providers.common.compat.sdk"])
def test_time_zones_are_a_module_of_the_sdk(module):
    names: dict[str, Any] = {}
    exec(f"from {module} import timezone", names)
    assert names["timezone"].utcnow().tzinfo is not None


def test_the_compatibility_layer_of_providers_has_the_sdk():
    from airflow.providers.common.compat.sdk import AirflowFailException, TriggerRule

    assert (AirflowFailException, TriggerRule) == (sdk.AirflowFailException, sdk.TriggerRule)


def test_modules_can_be_walked_by_attribute():
    import airflow.utils.dates

    assert airflow.utils.dates.days_ago(1).tzinfo is not None


def test_star_import_brings_the_sdk():
    names: dict[str, object] = {}
    exec("from airflow.sdk import *", names)
    assert names["DAG"] is sdk.DAG


def test_missing_name_says_which_and_where_to_look():
    with pytest.raises(NotAvailable, match=r"flowcore does not have airflow\.sdk\.Nope; .*move-from-airflow"):
        exec("from airflow.sdk import Nope")


def test_missing_provider_says_what_to_do():
    with pytest.raises(NotAvailable, match=r"does not have airflow\.providers\.amazon; call the service"):
        exec("import airflow.providers.amazon.aws")


def test_files_can_ask_what_is_there():
    exec("try:\n from airflow.sdk import Nope\nexcept ImportError:\n Nope = None")
    assert not hasattr(sys.modules["airflow.sdk"], "__wrapped__")


@pytest.mark.slow
def test_installed_airflow_comes_first(tmp_path):
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "__init__.py").write_text("real = True")
    program = (
        "from flowcore.compat.airflow_modules import make_airflow_importable\n"
        "make_airflow_importable()\n"
        "import airflow; assert airflow.real\n"
        "try: import airflow.decorators\n"
        "except ModuleNotFoundError as error: assert 'flowcore' not in str(error), error\n"
    )
    environment = {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_nothing_of_ours_is_loaded_before_it_is_imported():
    program = (
        "import sys\n"
        "from flowcore.compat.airflow_modules import make_airflow_importable\n"
        "make_airflow_importable()\n"
        "import airflow.sdk\n"
        "assert 'flowcore.sdk' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
