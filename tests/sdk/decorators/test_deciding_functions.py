from __future__ import annotations

import pytest

from flowcore.domain.skips import SkipReach
from flowcore.errors import DagError
from flowcore.sdk import DAG, task


def decide():
    return None


async def adecide():
    return None


@pytest.mark.parametrize("function", [decide, adecide])
@pytest.mark.parametrize(
    ("decorator", "kind", "reach"),
    [
        (task.branch, "@task.branch", SkipReach.DIRECT),
        (task.short_circuit, "@task.short_circuit", SkipReach.ALL),
        (
            task.short_circuit(ignore_downstream_trigger_rules=False),
            "@task.short_circuit",
            SkipReach.DIRECT,
        ),
    ],
)
def test_function_decides_what_runs(decorator, kind, reach, function):
    with DAG("d") as dag:
        decorator(function)()
    compiled = dag.compile().tasks[0]
    assert (compiled.operator, compiled.may_skip) == (kind, reach)
    assert compiled.is_async == (function is adecide)


def test_arguments_of_tasks_are_taken():
    with DAG("d"):
        operator = task.branch(task_id="b", retries=2)(decide).override(pool="p")().operator
    assert (operator.task_id, operator.retries, operator.pool, operator.kind) == ("b", 2, "p", "@task.branch")


def test_argument_of_another_decorator_is_refused():
    with DAG("d"), pytest.raises(DagError, match="ignore_downstream_trigger_rules"):
        task.branch(ignore_downstream_trigger_rules=True)(decide)()


def test_decorator_wants_a_function():
    with pytest.raises(DagError, match=r"@task\.branch was given 'b'; use @task\.branch, or name"):
        task.branch("b")
