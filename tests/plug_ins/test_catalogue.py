"""What installed distributions and a folder bring; the distributions are real ones, made of text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowcore.plug_ins.catalogue import catalogue
from flowcore.plug_ins.kinds import Kind
from tests.support.plug_ins import importable, write_distribution

FLOORS = """
from flowcore.abc import PriorityWeightStrategy

class GroundFloor(PriorityWeightStrategy):
    def get_weight(self, ti):
        return 0
"""
FOR_AIRFLOW = """
from airflow.plugins_manager import AirflowPlugin
from airflow.task.priority_strategy import PriorityWeightStrategy
from airflow.timetables.base import Timetable

loaded = []

class Attic(PriorityWeightStrategy):
    def get_weight(self, ti):
        return 9

class Never(Timetable):
    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        return None

def shout(text):
    return text.upper()

class Nameless(AirflowPlugin):
    pass

class House(AirflowPlugin):
    name = "house"
    priority_weight_strategies = [Attic]
    timetables = [Never]
    macros = [shout]
    flask_blueprints = [object()]

    @classmethod
    def on_load(cls, *args, **kwargs):
        loaded.append(cls)
"""
POINTS = {
    "flowcore.priority_weight_strategies": {"ground": "floors:GroundFloor"},
    "airflow.plugins": {
        "house": "for_airflow:House",
        "nameless": "for_airflow:Nameless",
        "broken": "absent:Absent",
        "function": "for_airflow:shout",
    },
}


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Path]:
    write_distribution(tmp_path, "floors", {"floors": FLOORS, "for_airflow": FOR_AIRFLOW}, POINTS)
    with importable(tmp_path):
        yield tmp_path


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of plug-ins."""
    folder = tmp_path / "my_plugins"
    folder.mkdir()
    monkeypatch.setenv("FLOWCORE_PLUGINS_FOLDER", str(folder))
    with importable(tmp_path):
        yield folder


@pytest.mark.usefixtures("installed")
def test_an_entry_point_names_a_plug_in() -> None:
    plug_in = catalogue().get(Kind.WEIGHT_STRATEGY, "ground")
    assert plug_in is not None
    assert (plug_in.path, plug_in.origin) == ("floors:GroundFloor", "floors 1")
    assert plug_in.load()().get_weight(None) == 0


@pytest.mark.usefixtures("installed")
def test_a_plug_in_written_for_airflow_brings_what_it_lists() -> None:
    found = {(one.kind, one.name, one.origin) for one in catalogue().all() if "for_airflow" in one.path}
    assert found == {
        (Kind.TIMETABLE, "for_airflow.Never", "floors 1"),
        (Kind.WEIGHT_STRATEGY, "for_airflow.Attic", "floors 1"),
        (Kind.MACROS, "house", "floors 1"),
    }
    macros = catalogue().get(Kind.MACROS, "house")
    assert macros is not None
    assert macros.load().shout("hey") == "HEY"


@pytest.mark.usefixtures("installed")
def test_it_is_told_once_that_it_is_loaded() -> None:
    catalogue()
    catalogue()
    import for_airflow  # type: ignore[import-not-found]

    assert for_airflow.loaded == [for_airflow.House]


@pytest.mark.usefixtures("installed")
def test_what_fails_or_has_no_effect_is_told_and_keeps_nobody_else_from_theirs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert {one.name: one.reason for one in catalogue().problems} == {
        "house.flask_blueprints": "flowcore serves no pages, so it is not used",
        "nameless": "AirflowPluginException: the plug-in Nameless has no name; set `name` in its class",
        "broken": "ModuleNotFoundError: No module named 'absent'",
    }
    assert "plug-in broken of floors 1: ModuleNotFoundError" in caplog.text


def test_of_two_with_one_name_the_first_counts(tmp_path: Path) -> None:
    write_distribution(tmp_path, "floors", {"floors": FLOORS, "for_airflow": FOR_AIRFLOW}, POINTS)
    write_distribution(tmp_path, "houses", {}, {"flowcore.macros": {"house": "for_airflow:shout"}})
    with importable(tmp_path):
        macros = catalogue().get(Kind.MACROS, "house")
        assert macros is not None
        assert macros.origin == "houses 1"
        assert any(
            "houses 1 brings macros of that name already" in one.reason for one in catalogue().problems
        )


def test_files_of_the_folder_bring_plug_ins(plugins: Path) -> None:
    (plugins / "own.py").write_text(FOR_AIRFLOW)
    (plugins / "harmless.py").write_text("raise SystemExit('not a plug-in')")
    (plugins / "inner").mkdir()
    (plugins / "inner" / "bad.py").write_text("1 / 0  # AirflowPlugin")
    (plugins / "string.py").write_text("# AirflowPlugin")
    names = {one.name: one.origin for one in catalogue().all()}
    assert names["own.Attic"] == str(plugins)
    reasons = {one.name: one.reason for one in catalogue().problems}
    assert reasons["inner/bad.py"] == "ZeroDivisionError: division by zero"
    assert "string.py is hidden by" in reasons["string.py"]
    assert "harmless.py" not in reasons


def test_dag_files_and_plug_ins_have_the_same_classes(plugins: Path) -> None:
    (plugins / "own.py").write_text(FOR_AIRFLOW)
    attic = catalogue().get(Kind.WEIGHT_STRATEGY, "own.Attic")
    assert attic is not None
    from own import Attic  # type: ignore[import-not-found]

    assert attic.load() is Attic
