from __future__ import annotations

import pytest

from flowcore.domain.workloads import TryOutcome
from flowcore.errors import DagError
from flowcore.runner.executing import aexecuted, executed
from flowcore.sdk import DAG, BaseOperator, TaskSkipped, Variable, get_current_context
from tests.runner.tries import Secrets, try_of

SUCCESS, FAILED, SKIPPED = TryOutcome.SUCCESS, TryOutcome.FAILED, TryOutcome.SKIPPED


class Work(BaseOperator):
    """Notes in `calls` what is called."""

    def __init__(self, task_id, **arguments):
        super().__init__(task_id, **arguments)
        self.calls = []

    def pre_execute(self, context):
        self.calls.append(("pre_execute", context["ti"].task_id))

    def execute(self, context):
        self.calls.append("execute")
        return 7

    def post_execute(self, context, result=None):
        self.calls.append(("post_execute", context["ti"].task_id, result))


class AsyncWork(Work):
    async def aexecute(self, context):
        return self.execute(context)


@pytest.fixture(params=[Work, AsyncWork], ids=["function", "coroutine"])
def operator(request):
    return request.param


async def ending_of(operator, **arguments):
    with DAG("d"):
        task = operator("t", **arguments)
    return task, await try_of(task, secrets=Secrets({"colour": "red"})).run()


async def test_hooks_of_the_class_and_of_the_file_surround_the_work(operator):
    seen = []
    task, ending = await ending_of(
        operator,
        pre_execute=lambda context: seen.append(context["ti"].task_id),
        post_execute=lambda context, result: seen.append(result),
    )
    assert (ending.outcome, ending.xcoms) == (SUCCESS, {"return_value": "7"})
    assert task.calls == [("pre_execute", "t"), "execute", ("post_execute", "t", 7)]
    assert seen == ["t", 7]


async def test_hooks_may_block_and_know_their_try(operator):
    found = []

    def look(context):
        found.append((Variable.get("colour"), get_current_context()["run_id"]))

    await ending_of(operator, pre_execute=look, post_execute=lambda context, result: look(context))
    assert found == [("red", "manual__1")] * 2


def fail_with(error):
    def fail(*args):
        raise error

    return fail


async def test_skip_before_the_work_skips_the_task(operator):
    task, ending = await ending_of(operator, pre_execute=fail_with(TaskSkipped("not today")))
    assert (ending.outcome, ending.error, task.calls) == (SKIPPED, "not today", [])


async def test_failure_after_the_work_is_one_of_the_try(operator):
    _, ending = await ending_of(operator, post_execute=fail_with(ValueError("no good result")))
    assert (ending.outcome, ending.xcoms) == (FAILED, {})
    assert "ValueError: no good result" in ending.error


async def acoroutine(context): ...


@pytest.mark.parametrize("name", ["pre_execute", "post_execute"])
@pytest.mark.parametrize("given", [acoroutine, 7])
def test_hook_that_cannot_be_called_is_refused(name, given):
    with pytest.raises(DagError, match="a function that is no coroutine function; it may block"):
        BaseOperator("t", **{name: given})


class Unawaited(BaseOperator):
    async def pre_execute(self, context): ...

    def execute(self, context): ...


async def test_hook_of_a_class_that_is_a_coroutine_function_is_refused():
    with pytest.raises(DagError, match="pre_execute of task 't' is a coroutine function; make it a function"):
        executed(Unawaited("t"), {})
    with pytest.raises(DagError, match="pre_execute of task 't' is a coroutine function; make it a function"):
        await aexecuted(Unawaited("t"), {})
