from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Flowcore, error_of

BOOM = """
from flowcore.sdk import dag, task


@dag
def boom():
    @task
    def fail():
        raise ValueError("no way")

    @task
    def after(value): ...

    after(fail())


boom()
"""

WHERE = """
import os
from flowcore.sdk import DAG, task

with DAG("where"):
    @task
    def function():
        return os.getpid()

    @task
    async def coroutine():
        return os.getpid()

    function() >> coroutine()
"""

GREET = """
from flowcore.sdk import DAG, Param, task, get_current_context

with DAG("greet", params={"name": "world", "times": Param(1, type="integer", minimum=1)}):
    @task
    def greet():
        params = get_current_context()["params"]
        print("printed by a task")
        return [f"hello {params['name']}"] * params["times"]

    greet()
"""


@pytest.fixture
def greet(folder: Path) -> str:
    (folder / "greet.py").write_text(GREET)
    return "greet.py"


def outcome_of(result: Result) -> dict[str, object]:
    document: dict[str, object] = json.loads(result.stdout)
    return document


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_run_succeeds_on_either_loop(backend: str, flowcore: Flowcore, etl_file: Path) -> None:
    result = flowcore("run", str(etl_file), "--backend", backend)
    assert result.exit_code == 0
    assert [line.split()[:3] for line in result.stdout.splitlines()[2:4]] == [
        ["extract", "1", "success"],
        ["load", "1", "success"],
    ]
    assert "success in " in result.stdout


def test_the_outcome_is_one_json_object(flowcore: Flowcore, etl_file: Path) -> None:
    document = outcome_of(flowcore("run", str(etl_file), "--json"))
    assert list(document) == ["dag_id", "run_id", "state", "start_date", "end_date", "task_instances"]
    assert (document["dag_id"], document["state"]) == ("etl", "success")
    extract, load = document["task_instances"]  # type: ignore[misc]
    assert list(extract) == [
        "task_id",
        "map_index",
        "try_number",
        "state",
        "start_date",
        "end_date",
        "error",
        "xcom",
        "rendered_map_index",
    ]
    assert (extract["xcom"], load["xcom"]) == ([1, 2, 3], 3)
    assert extract["error"] is None


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["local", "in-process"])
def test_the_json_outcome_shows_values_that_a_backend_keeps(
    flowcore, etl_file, monkeypatch, folder, executor
):
    monkeypatch.setenv("FLOWCORE_XCOM_BACKEND", "objects")
    monkeypatch.setenv(
        "FLOWCORE_XCOM_BACKEND_KWARGS", json.dumps({"path": str(folder / "kept"), "threshold": 0})
    )
    result = flowcore("run", str(etl_file), "--json", "--executor", executor)
    assert [item["xcom"] for item in outcome_of(result)["task_instances"]] == [[1, 2, 3], 3]
    assert len(list((folder / "kept").rglob("*.json"))) == 2


class Vanishing:
    """An XCom backend whose storage is gone when the run is over."""

    waits = False

    def serialize(self, value, place):
        return {"kept": str(value)}

    def deserialize(self, stored):
        raise OSError("the disk is gone")

    def purge(self, place): ...


def test_values_that_cannot_be_read_any_more_are_shown_as_stored(flowcore, greet, monkeypatch, caplog):
    monkeypatch.setenv("FLOWCORE_XCOM_BACKEND", f"{__name__}.Vanishing")
    result = flowcore("run", greet, "--json")
    [instance] = outcome_of(result)["task_instances"]
    assert instance["xcom"]["kept"].startswith("['hello")
    assert "shows an XCom as it is stored: OSError: the disk is gone" in caplog.text


def test_what_tasks_print_does_not_disturb_the_outcome(flowcore: Flowcore, greet: str) -> None:
    result = flowcore("run", greet, "--json")
    assert outcome_of(result)["state"] == "success"
    assert "printed by a task" in result.stderr


@pytest.mark.slow
def test_tries_can_run_in_processes_of_their_own(flowcore: Flowcore, folder: Path) -> None:
    (folder / "where.py").write_text(WHERE)
    document = outcome_of(flowcore("run", "where.py", "--executor", "local", "--json"))
    assert document["state"] == "success"
    pids = {instance["xcom"] for instance in document["task_instances"]}  # type: ignore[attr-defined]
    assert len(pids | {os.getpid()}) == 3


MAPPED = """
from flowcore.sdk import DAG, task
with DAG("mapped") as dag:
    @task
    def numbers():
        return [1, 2]
    @task(map_index_template="number {{ task.op_kwargs['x'] }}")
    def double(x):
        return 2 * x
    @task
    async def one_more(x):
        return x + 1
    @task
    def total(xs):
        return sum(xs) + xs[-1]
    total(one_more.expand(x=double.expand(x=numbers())))
"""


@pytest.mark.slow
def test_tasks_in_processes_of_their_own_are_mapped(flowcore: Flowcore, folder: Path) -> None:
    (folder / "mapped.py").write_text(MAPPED)
    document = outcome_of(flowcore("run", "mapped.py", "--executor", "local", "--json"))
    instances = [
        (one["map_index"], one["xcom"], one["rendered_map_index"])
        for one in document["task_instances"]  # type: ignore[attr-defined]
    ]
    doubled = [(0, 2, "number 1"), (1, 4, "number 2")]
    assert instances == [(-1, [1, 2], None), *doubled, (0, 3, None), (1, 5, None), (-1, 13, None)]


@pytest.mark.slow
def test_what_tries_elsewhere_print_is_shown(flowcore: Flowcore, greet: str) -> None:
    result = flowcore("run", greet, "--executor", "local", "--json")
    assert outcome_of(result)["state"] == "success"
    assert "printed by a task" in result.stderr


def test_progress_is_told_on_standard_error(flowcore: Flowcore, etl_file: Path) -> None:
    lines = [line.partition(" ")[2] for line in flowcore("run", str(etl_file)).stderr.splitlines()]
    assert lines[-1] == "Dag run: success"
    assert "load: success" in lines


def test_a_failed_run_has_exit_status_1_and_says_why(flowcore: Flowcore, folder: Path) -> None:
    (folder / "boom.py").write_text(BOOM)
    result = flowcore("run", "boom.py")
    assert result.exit_code == 1
    assert "failed in " in result.stdout
    assert "ValueError: no way" in result.stderr


def test_a_failed_run_has_an_outcome_too(flowcore: Flowcore, folder: Path) -> None:
    (folder / "boom.py").write_text(BOOM)
    document = outcome_of(flowcore("run", "boom.py", "--json"))
    assert document["state"] == "failed"
    failed, after = document["task_instances"]  # type: ignore[misc]
    assert (failed["state"], after["state"], after["error"]) == ("failed", "upstream_failed", None)
    assert failed["error"].endswith("ValueError: no way")


def test_conf_and_params_reach_the_tasks(flowcore: Flowcore, greet: str) -> None:
    result = flowcore("run", greet, "--json", "--conf", '{"name": "conf"}', "--param", "times=2")
    [instance] = outcome_of(result)["task_instances"]  # type: ignore[misc]
    assert instance["xcom"] == ["hello conf", "hello conf"]


def test_a_run_leaves_no_file_behind(flowcore: Flowcore, greet: str, folder: Path) -> None:
    flowcore("run", greet)
    assert sorted(path.name for path in folder.iterdir()) == ["dags", "greet.py"]


def test_a_run_on_a_given_database_is_kept(flowcore: Flowcore, greet: str, database_url: str) -> None:
    document = outcome_of(flowcore("run", greet, "--json", "--database-url", database_url))
    listed = flowcore("dags", "list-runs", "greet", "--database-url", database_url, "-o", "json")
    [run] = json.loads(listed.stdout)
    assert (run["run_id"], run["state"]) == (document["run_id"], "success")


def test_a_database_set_in_the_environment_counts_as_given(
    flowcore: Flowcore, greet: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWCORE_DATABASE_URL", "sqlite:///mine.db")
    flowcore("run", greet)
    assert (folder / "mine.db").exists()


def test_a_dag_that_begins_paused_runs(flowcore: Flowcore, folder: Path) -> None:
    (folder / "paused.py").write_text(GREET.replace('"greet", ', '"greet", is_paused_upon_creation=True, '))
    assert flowcore("run", "paused.py").exit_code == 0


def test_only_the_triggered_run_is_run(flowcore: Flowcore, folder: Path) -> None:
    schedule = 'schedule="@daily", start_date=datetime(2020, 1, 1), catchup=True, max_active_runs=1, '
    program = "from datetime import datetime\n" + GREET.replace('"greet", ', f'"greet", {schedule}')
    (folder / "daily.py").write_text(program)
    result = flowcore("run", "daily.py")
    assert result.exit_code == 0
    assert result.stderr.count("greet: success") == 1


def test_a_dag_paused_in_the_database_is_refused(flowcore: Flowcore, greet: str) -> None:
    flowcore("run", greet, "--database-url", "sqlite:///kept.db")
    flowcore("dags", "pause", "greet", "--database-url", "sqlite:///kept.db")
    shown = error_of(flowcore("run", greet, "--database-url", "sqlite:///kept.db"))
    assert shown.endswith(
        "is paused in this database and would not run; `flowcore dags unpause greet` lets it"
    )


def test_one_of_several_dags_is_chosen(flowcore: Flowcore, folder: Path) -> None:
    (folder / "two.py").write_text(GREET + GREET.replace('"greet"', '"other"'))
    assert outcome_of(flowcore("run", "two.py", "other", "--json"))["dag_id"] == "other"
    shown = error_of(flowcore("run", "two.py"))
    assert shown == "error: two.py makes several Dags; name one of them: flowcore run two.py greet|other"


def test_a_param_that_the_dag_lacks_is_named(flowcore: Flowcore, greet: str) -> None:
    shown = error_of(flowcore("run", greet, "--param", "nickname=you"))
    assert shown == "error: Dag 'greet' has no param 'nickname'; it has name, times"


def test_a_param_that_breaks_its_schema_is_named(flowcore: Flowcore, greet: str) -> None:
    assert "times" in error_of(flowcore("run", greet, "--param", "times=0"))


def test_a_conf_that_breaks_the_schema_is_named(flowcore: Flowcore, greet: str) -> None:
    assert "times" in error_of(flowcore("run", greet, "--conf", '{"times": "many"}'))
