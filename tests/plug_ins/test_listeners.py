from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowcore.plug_ins.listeners import Hook, has_listeners, hearings_of, hookimpl, listeners
from tests.support.plug_ins import importable, write_distribution

SOURCE = """
from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

@hookimpl
def on_dag_run_failed(dag_run, msg):
    return dag_run, msg

class Ear:
    @hookimpl(tryfirst=True)
    def on_dag_run_failed(self, msg):
        return msg

class Ears(AirflowPlugin):
    name = "ears"
    listeners = [Ear()]
"""
POINTS = {
    "flowcore.listeners": {"module": "ears", "class": "ears:Ear", "gone": "absent"},
    "airflow.plugins": {"ears": "ears:Ears"},
}


def test_nobody_listens_where_no_plug_in_is(tmp_path: Path) -> None:
    with importable(tmp_path):
        assert not has_listeners()
        assert listeners() == {}


def test_modules_classes_and_objects_listen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_distribution(tmp_path, "ears", {"ears": SOURCE}, POINTS)
    with importable(tmp_path):
        assert has_listeners()
        heard = [hearing(dag_run=1, msg="no") for hearing in listeners()[Hook.RUN_FAILED]]
    assert heard == ["no", "no", (1, "no")]
    assert "the listener 'gone' (absent) cannot be loaded" in caplog.text


class Ear:
    def __init__(self, name: str, **options: bool) -> None:
        self.on_starting = hookimpl(**options)(lambda component: (name, component))


def test_marks_say_who_comes_first() -> None:
    ears = [Ear("last", trylast=True), Ear("middle"), Ear("first", tryfirst=True)]
    heard = [hearing(component="here")[0] for hearing in hearings_of(ears)[Hook.STARTING]]
    assert heard == ["first", "middle", "last"]


def test_a_function_gets_the_arguments_that_it_takes() -> None:
    class Takes:
        def on_starting(self) -> Any:
            return "nothing"

        def before_stopping(self, **everything: Any) -> Any:
            return everything

    hearings = hearings_of([Takes()])
    assert hearings[Hook.STARTING][0](component=1) == "nothing"
    assert hearings[Hook.STOPPING][0](component=1) == {"component": 1}
