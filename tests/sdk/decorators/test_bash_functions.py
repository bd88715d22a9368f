from __future__ import annotations

import pytest

from flowcore.app.dag_tests import arun_to_end
from flowcore.sdk import DAG, task
from tests.support.dag_runs import run_task


def say(word, run_id=None):
    return f"echo {word} $NAME {{{{ params.p }}}} {run_id is not None}"


async def asay(word, run_id=None):
    return say(word, run_id)


def leave():
    return "exit 99"


def nothing():
    return " "


def dag_of(function, *args, **arguments):
    with DAG("d", params={"p": 7}) as dag:
        task.bash(task_id="t", **arguments)(function)(*args)
    return dag


@pytest.mark.parametrize("function", [say, asay])
async def test_what_the_function_returns_is_rendered_and_run(function):
    ended = await run_task(dag_of(function, "{{ ds | length }}", env={"NAME": "{{ task.task_id }}"}))
    assert ended.returned == "10 t 7 True"


async def test_a_script_is_a_template_file(tmp_path):
    (tmp_path / "hello.sh").write_text("echo hello {{ params.p }}")
    dag = dag_of(lambda: "hello.sh")
    dag.template_searchpath = [str(tmp_path)]
    assert (await run_task(dag)).returned == "hello 7"


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (leave, {}, ("skipped", "exit status 99")),
        (leave, {"skip_on_exit_code": None}, ("failed", "exit status 99")),
        (nothing, {}, ("failed", "returned ' '; return a command")),
    ],
)
async def test_ends_as_bash_operator_does(function, arguments, expected):
    ended = await run_task(dag_of(function, **arguments))
    assert (str(ended.state), expected[1] in ended.error) == (expected[0], True)


async def test_each_instance_of_a_mapped_task_has_its_own_command():
    with DAG("d", params={"p": 7}) as dag:
        task.bash(task_id="t")(say).expand(word=["a", "b"])
    ended = await arun_to_end(dag)
    assert [one.returned for one in ended.tasks.values()] == ["a 7 True", "b 7 True"]
