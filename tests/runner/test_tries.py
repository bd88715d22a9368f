from __future__ import annotations

import threading

import anyio.lowlevel
import attrs
import pytest

from flowcore.domain.workloads import TryOutcome
from flowcore.errors import DatabaseUnavailable
from flowcore.runner.endings import GIVEN_BACK, failed
from flowcore.sdk import DAG, AirflowSkipException, BaseOperator, TaskFailed, get_current_context, task
from tests.runner.tries import DATED_RUN, MOMENT, RUN, Runs, Secrets, XComs, past_run, try_of

BOTH_KINDS = pytest.mark.parametrize("kind", ["function", "coroutine function"])


@pytest.fixture
def dag():
    with DAG("d", params={"size": 3}) as dag:
        yield dag


def task_of(kind, function):
    """A task of a function, or of a coroutine function that calls it."""

    async def awaiting(*args):
        await anyio.lowlevel.checkpoint()
        return function(*args)

    return task(task_id="t")(function if kind == "function" else awaiting)


def fail_with(error):
    raise error


@BOTH_KINDS
async def test_result_of_the_author_is_pushed(dag, kind):
    ending = await try_of(task_of(kind, lambda x: [x])(1)).run()
    assert (ending.outcome, ending.xcoms, ending.error) == (TryOutcome.SUCCESS, {"return_value": "[1]"}, None)


@BOTH_KINDS
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("bug"), TryOutcome.FAILED),
        (AirflowSkipException(), TryOutcome.SKIPPED),
        (TaskFailed(), TryOutcome.FAILED_FOR_GOOD),
        (SystemExit(0), TryOutcome.FAILED),
        (BaseExceptionGroup("", [GeneratorExit()]), TryOutcome.FAILED),
    ],
)
async def test_whatever_the_author_raises_is_an_ending(dag, kind, error, outcome):
    ending = await try_of(task_of(kind, fail_with)(error)).run()
    assert ending.outcome is outcome


@BOTH_KINDS
async def test_outputs_and_params_become_values(dag, kind):
    source = task(task_id="source")(list)()
    out = task_of(kind, lambda *args: args)({"k": [source, source["other"]]}, dag.param("size"))
    xcoms = XComs({("source", -1, "return_value"): 5, ("source", -1, "other"): 6})
    ending = await try_of(out, xcoms=xcoms, run=DATED_RUN).run()
    assert ending.xcoms == {"return_value": '[{"k": [5, 6]}, 3]'}
    assert xcoms.pulls == 1


async def test_missing_output_fails_the_try_before_it_begins(dag):
    source = task(task_id="source")(list)()
    ending = await try_of(task_of("function", print)(source["k"])).run()
    assert ending.outcome is TryOutcome.FAILED
    assert ending.error.startswith("flowcore.sdk.exceptions.XComNotFound: task 'source' pushed no XCom 'k'")


async def test_losing_the_database_before_the_beginning_gives_the_try_back(dag):
    source = task(task_id="source")(list)()
    xcoms = XComs(error=DatabaseUnavailable("gone; wait"))
    assert await try_of(task_of("function", print)(source), xcoms=xcoms).run() is GIVEN_BACK


async def test_losing_the_database_inside_the_task_fails_the_try(dag):
    async def pull(ti):
        await ti.axcom_pull("source")

    xcoms = XComs(error=DatabaseUnavailable("gone; wait"))
    ending = await try_of(task(pull)(), xcoms=xcoms).run()
    assert ending.outcome is TryOutcome.FAILED


@BOTH_KINDS
async def test_context_is_current_in_the_authors_code(dag, kind):
    ending = await try_of(task_of(kind, lambda: get_current_context()["ds"])(), run=DATED_RUN).run()
    assert ending.xcoms == {"return_value": '"2024-01-02"'}


@BOTH_KINDS
async def test_pushed_xcoms_are_part_of_the_ending(dag, kind):
    def push():
        get_current_context()["ti"].xcom_push("k", 1)
        raise ValueError

    ending = await try_of(task_of(kind, push)()).run()
    assert (ending.outcome, ending.xcoms) == (TryOutcome.FAILED, {"k": "1"})


async def test_function_pulls_through_the_loop(dag):
    def pull(ti):
        return ti.xcom_pull("other")

    ending = await try_of(task(pull)(), xcoms=XComs({("other", -1, "return_value"): 5})).run()
    assert ending.xcoms == {"return_value": "5"}


async def test_coroutine_is_stopped_at_its_timeout(dag):
    ending = await try_of(task(task_id="t")(anyio.sleep_forever)(), timeout_s=0.01).run()
    assert ending.outcome is TryOutcome.FAILED
    assert ending.error == "the try exceeded its execution_timeout of 0.01 s"


async def test_function_is_abandoned_at_its_timeout(dag):
    may_end = threading.Event()
    # The thread has to begin within that time.
    attempted = try_of(task(task_id="t")(may_end.wait)(60), timeout_s=1.0)
    ending = await attempted.run()
    assert "goes on in its thread" in ending.error
    assert attempted.is_abandoned()
    may_end.set()


async def test_timeout_that_the_author_turns_into_another_error_is_a_timeout(dag):
    async def hide():
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("hidden")

    ending = await try_of(task(hide)(), timeout_s=0.01).run()
    assert ending.error == "the try exceeded its execution_timeout of 0.01 s"


async def test_waiting_for_a_thread_does_not_count_as_execution(dag):
    attempted = try_of(task(task_id="t")(list)(), timeout_s=0.01)
    blocker = object()
    async with anyio.create_task_group() as nursery:
        attempted._threads.total_tokens = 1
        await attempted._threads.acquire_on_behalf_of(blocker)
        nursery.start_soon(attempted.run)
        await anyio.wait_all_tasks_blocked()
        assert attempted._scope.deadline == float("inf")
        attempted._threads.release_on_behalf_of(blocker)


async def test_cancelled_try_fails_with_the_reason(dag):
    attempted = try_of(task(task_id="t")(anyio.sleep_forever)())
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(cancel_when_blocked, attempted)
        ending = await attempted.run()
    assert (ending.outcome, ending.error) == (TryOutcome.FAILED, "marked failed by a user")


async def cancel_when_blocked(attempted):
    await anyio.wait_all_tasks_blocked()
    attempted.cancel("marked failed by a user")


async def test_try_cancelled_before_it_runs_never_begins(dag):
    calls = []

    async def work():
        calls.append(1)

    attempted = try_of(task(work)())
    attempted.cancel("too late")
    ending = await attempted.run()
    assert (ending.error, calls) == ("too late", [])


async def test_cancellation_from_outside_passes_through(dag):
    attempted = try_of(task(task_id="t")(anyio.sleep_forever)())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await attempted.run()
    assert scope.cancelled_caught
    assert not attempted.is_abandoned()


async def test_error_in_place_of_an_outside_cancellation_gives_the_try_back(dag):
    async def hide():
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("hidden")

    endings = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        endings.append(await try_of(task(hide)()).run())
    assert endings == [GIVEN_BACK]


async def test_scope_of_the_author_does_not_confuse_the_ending(dag):
    async def work():
        with anyio.move_on_after(0):
            await anyio.sleep_forever()
        return "moved on"

    ending = await try_of(task(work)()).run()
    assert ending.xcoms == {"return_value": '"moved on"'}


async def test_cancellation_that_escapes_its_scope_fails_the_try(dag):
    async def work():
        with anyio.CancelScope() as scope:
            scope.cancel()
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class() as error:
                escaped = error
                raise
        raise escaped

    ending = await try_of(task(work)()).run()
    assert ending.outcome is TryOutcome.FAILED
    assert "in work" in ending.error


class Killable(BaseOperator):
    """Waits for ever; says on which thread `on_kill` was called."""

    killed_on: list[int]

    async def aexecute(self, context):
        self.job = "job 1"
        await anyio.sleep_forever()

    def on_kill(self):
        self.killed_on.append((self.job, threading.get_ident()))
        raise ValueError("on_kill may fail")


async def test_on_kill_is_called_on_the_trys_copy_in_a_thread(dag, caplog):
    operator = Killable("t")
    operator.killed_on = []
    await try_of(operator, timeout_s=0.01).run()
    [(job, thread)] = operator.killed_on
    assert (job, thread != threading.get_ident()) == ("job 1", True)
    assert not hasattr(operator, "job")
    assert "on_kill of d/manual__1/t try 1 failed" in caplog.text


async def test_on_kill_is_called_at_a_shutdown(dag):
    operator = Killable("t")
    operator.killed_on = []
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(try_of(operator).run)
        await anyio.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert len(operator.killed_on) == 1


async def test_tries_do_not_see_each_others_context(dag):
    seen = {}

    async def work(ti):
        await anyio.lowlevel.checkpoint()
        seen[ti.task_id] = get_current_context()["ti"].task_id

    outs = [task(task_id=f"t{number}")(work)() for number in range(5)]
    async with anyio.create_task_group() as nursery:
        for out in outs:
            nursery.start_soon(try_of(out).run)
    assert seen == {f"t{number}": f"t{number}" for number in range(5)}


@BOTH_KINDS
async def test_templates_are_rendered_and_may_ask_for_things(dag, kind):
    out = task_of(kind, lambda *args: args)("{{ var.json.limits.rows }}", {"k": ["{{ ds }}"]})
    ending = await try_of(out, secrets=Secrets({"limits": '{"rows": 3}'}), run=DATED_RUN).run()
    assert (ending.error, ending.xcoms) == (None, {"return_value": '["3", {"k": ["2024-01-02"]}]'})


@BOTH_KINDS
async def test_tries_do_not_see_each_others_templates(dag, kind):
    out = task_of(kind, lambda day: day)("{{ ti.try_number }} {{ run_id }}")
    endings = [await try_of(out, run=attrs.evolve(RUN, run_id=name)).run() for name in ("a", "b")]
    assert [ending.xcoms for ending in endings] == [{"return_value": f'"1 {name}"'} for name in ("a", "b")]


async def test_operators_find_rendered_values_in_their_attributes(dag):
    class Shell(BaseOperator):
        template_fields = ("command",)

        def __init__(self, command, **arguments):
            super().__init__(**arguments)
            self.command = command

        async def aexecute(self, context):
            return self.command

    ending = await try_of(
        Shell("echo {{ params.size }} {{ task.task_id }}", task_id="t"), run=DATED_RUN
    ).run()
    assert ending.xcoms == {"return_value": '"echo 3 t"'}


@BOTH_KINDS
async def test_a_template_that_fails_fails_the_try_with_its_place(dag, kind):
    ending = await try_of(task_of(kind, print)(["{{ nothing.there }}"])).run()
    assert ending.outcome is TryOutcome.FAILED
    assert ending.error.endswith(
        "op_args[0][0] of task 't' of Dag 'd', line 1: 'nothing' is undefined; mend the template"
    )


async def test_a_template_may_skip_the_task():
    def skip():
        raise AirflowSkipException("no rows")

    with DAG("d", user_defined_macros={"skip": skip}):
        ending = await try_of(task_of("function", print)("{{ skip() }}")).run()
    assert (ending.outcome, ending.error) == (TryOutcome.SKIPPED, "no rows")


async def test_losing_the_database_in_a_template_gives_the_try_back(dag):
    out = task_of("coroutine function", print)("{{ ti.xcom_pull('up') }}")
    assert await try_of(out, xcoms=XComs(error=DatabaseUnavailable("gone; wait"))).run() is GIVEN_BACK


async def test_a_coroutines_template_does_not_keep_the_loop_waiting(dag):
    released = threading.Event()
    dag.user_defined_macros = {"wait": released.wait}
    ending = None

    async def run():
        nonlocal ending
        ending = await try_of(task_of("coroutine function", str)("{{ wait() }}")).run()

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(run)
        await anyio.wait_all_tasks_blocked()
        released.set()
    assert ending.xcoms == {"return_value": '"True"'}


async def test_a_try_can_be_cancelled_while_a_template_waits(dag):
    released = threading.Event()
    dag.user_defined_macros = {"wait": released.wait}
    waiting = try_of(task_of("coroutine function", str)("{{ wait() }}"))
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(_cancel_when_blocked, waiting)
        ending = await waiting.run()
    released.set()
    assert ending == failed("cleared")


async def _cancel_when_blocked(waiting):
    await anyio.wait_all_tasks_blocked()
    waiting.cancel("cleared")


@BOTH_KINDS
async def test_the_run_before_is_found_by_whoever_names_it(dag, kind):
    def look(prev_start_date_success=None):
        return prev_start_date_success.isoformat()

    async def alook(prev_start_date_success=None):
        return look(prev_start_date_success)

    out = task(task_id="t")(look if kind == "function" else alook)()
    ending = await try_of(out, run=DATED_RUN, runs=Runs([past_run("before", start_date=MOMENT)])).run()
    assert (ending.error, ending.xcoms) == (None, {"return_value": f'"{MOMENT.isoformat()}"'})


@BOTH_KINDS
async def test_the_run_before_is_not_looked_up_for_those_who_take_everything(dag, kind):
    def take(**context):
        return sorted(context)

    async def atake(**context):
        return sorted(context)

    runs = Runs()
    await try_of(task(task_id="t")(take if kind == "function" else atake)(), run=DATED_RUN, runs=runs).run()
    assert runs.questions == []


async def test_ti_knows_its_context(dag):
    out = task(task_id="t")(lambda ti: ti.get_template_context() is get_current_context())()
    assert (await try_of(out).run()).xcoms == {"return_value": "true"}
