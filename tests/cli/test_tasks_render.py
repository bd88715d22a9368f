from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of

REPORT = """
from flowcore.sdk import DAG, task

with DAG("report", params={"table": "sales"}):
    @task
    def export(query, day=None):
        return query

    @task
    def plain():
        pass

    export("select '{{ ds }}' from {{ params.table }} -- {{ run_id }}", day={"at": ["{{ var.value.hour }}"]})
    plain()
"""


@pytest.fixture(autouse=True)
def _report(flowcore: Flowcore, folder: Path) -> None:
    (folder / "dags" / "report.py").write_text(REPORT)
    flowcore("db", "migrate")
    flowcore("variables", "set", "hour", "6")


def test_a_template_is_rendered_for_a_made_up_run(flowcore: Flowcore) -> None:
    shown = flowcore("tasks", "render", "report", "export", "2026-03-01", "-c", '{"table": "costs"}')
    assert shown.stdout == (
        "# op_args\n"
        "[\n"
        """  "select '2026-03-01' from costs -- manual__2026-03-01T00:00:00+00:00"\n"""
        "]\n"
        '# op_kwargs\n{\n  "day": {\n    "at": [\n      "6"\n    ]\n  }\n}\n'
    )


def test_a_template_is_rendered_for_a_run_that_exists(flowcore: Flowcore) -> None:
    flowcore("dags", "trigger", "report", "--run-id", "first", "--logical-date", "2026-01-01")
    shown = flowcore("tasks", "render", "report", "export", "first", "-o", "json")
    assert json.loads(shown.stdout)["op_args"] == ["select '2026-01-01' from sales -- first"]


def test_what_was_rendered_in_a_run_is_shown(flowcore: Flowcore) -> None:
    flowcore("dags", "trigger", "report", "--run-id", "first", "--logical-date", "2026-01-01")
    flowcore("scheduler", "--until-idle")
    shown = flowcore("tasks", "rendered", "report", "first", "export", "-o", "json")
    assert json.loads(shown.stdout)["op_args"] == ["select '2026-01-01' from sales -- first"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("render", "report", "plain"), "has no field with a template"),
        (("render", "report", "none"), "Dag 'report' has no task 'none'"),
        (("render", "none", "plain"), "there is no Dag 'none'; known: report"),
        (("rendered", "report", "none", "export"), "Dag 'report' has no run 'none'"),
    ],
)
def test_what_cannot_be_rendered_is_an_error(flowcore: Flowcore, arguments, message) -> None:
    assert message in error_of(flowcore("tasks", *arguments))


def test_a_failing_template_is_an_error_that_says_where(flowcore: Flowcore) -> None:
    flowcore("variables", "delete", "hour")
    shown = flowcore("tasks", "render", "report", "export").stderr
    place = "op_kwargs['day']['at'][0] of task 'export' of Dag 'report', line 1"
    assert shown.startswith(f"error: VariableNotFound in the template {place}: there is no variable 'hour'")
