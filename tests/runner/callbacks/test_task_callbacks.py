from __future__ import annotations

import threading
from datetime import UTC, datetime

import anyio
import anyio.lowlevel
import pytest

from flowcore.app.dag_tests import arun_to_end
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import TryOutcome
from flowcore.runner.callbacks.task_callbacks import acall_back, call_back, state_after
from flowcore.sdk import DAG, BaseNotifier, TaskFailed, TaskSkipped, task
from flowcore.sdk.exceptions import TaskRescheduled
from tests.runner.tries import workload_of
from tests.support.dag_runs import run_task

OCCASIONS = ("on_execute", "on_success", "on_failure", "on_retry", "on_skipped")


class Said(list):
    """What callbacks were told."""

    def all(self):
        """Arguments of a task: every callback there is."""
        return {f"{name}_callback": self.hears(name) for name in OCCASIONS}

    def hears(self, name):
        def callback(context):
            self.append((name, str(context["ti"].state), context.get("exception")))

        return callback


def dag_of(function, **arguments):
    with DAG("d") as dag:
        task(task_id="t", **arguments)(function)()
    return dag


def raising(error):
    def function():
        raise error

    return function


async def nothing():
    return None


def echo(value):
    return value


def empty():
    return {}


BUG = ValueError("bug")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (print, [("on_success", "success", None)]),
        (nothing, [("on_success", "success", None)]),
        (raising(BUG), [("on_failure", "failed", BUG)]),
        (raising(error := TaskFailed("no")), [("on_failure", "failed", error)]),
        (raising(error := TaskSkipped("no")), [("on_skipped", "skipped", error)]),
    ],
)
async def test_callbacks_hear_how_the_try_began_and_ended(function, expected):
    said = Said()
    await run_task(dag_of(function, **said.all()))
    assert said == [("on_execute", "running", None), *expected]


async def test_a_retry_is_no_failure_yet():
    said = Said()
    await run_task(dag_of(raising(BUG), retries=1, retry_delay=0, **said.all()))
    occasions = [name for name, *_ in said]
    assert occasions == ["on_execute", "on_retry", "on_execute", "on_failure"]


async def test_a_look_that_is_put_off_calls_nobody_and_later_ones_begin_nothing():
    said, dates = Said(), [datetime.now(UTC)]

    def look():
        if dates:
            raise TaskRescheduled(dates.pop())

    await run_task(dag_of(look, **said.all()))
    assert [name for name, *_ in said] == ["on_execute", "on_success"]


async def test_a_try_that_has_no_values_fails_for_its_callbacks_as_well():
    said = Said()
    with DAG("d") as dag:
        wanting = task(task_id="t", multiple_outputs=True)(empty)()
        task(task_id="next", on_failure_callback=said.hears("on_failure"))(echo)(wanting["absent"])
    await arun_to_end(dag)
    [(name, state, error)] = said
    assert (name, state, "absent" in str(error)) == ("on_failure", "failed", True)


async def test_callbacks_come_from_default_args_and_in_their_order():
    order = []
    with DAG(
        "d", default_args={"on_success_callback": [lambda _: order.append(1), lambda _: order.append(2)]}
    ):
        operator = task(task_id="t")(print)().operator
    await run_task(operator.dag)
    assert order == [1, 2]


async def broken(context):
    raise SystemExit(3)


def broken_too(context):
    raise StopIteration


async def test_what_callbacks_raise_is_logged_and_keeps_no_other_from_being_called(caplog):
    said = Said()
    ended = await run_task(dag_of(print, on_success_callback=[broken, broken_too, said.hears("on_success")]))
    assert (ended.state, len(said)) == ("success", 1)
    assert caplog.text.count("failed") >= 2


async def hang(context):
    await anyio.sleep_forever()


async def test_callbacks_that_hang_are_left_behind(caplog):
    await acall_back([hang], {}, limit_s=0.05)
    assert "took longer than 0.05 s and are left behind" in caplog.text


class Greeter(BaseNotifier):
    template_fields = ("text",)

    def __init__(self, text, told):
        self.text, self.told = text, told

    def notify(self, context):
        self.told.append(self.text)


class AsyncGreeter(BaseNotifier):
    def __init__(self, told):
        self.told = told

    async def async_notify(self, context):
        await anyio.lowlevel.checkpoint()
        self.told.append(context["run_id"])


@pytest.mark.parametrize("function", [print, nothing])
async def test_notifiers_are_rendered_and_called(function):
    told = []
    greeter = Greeter("{{ ti.task_id }} is {{ ti.state }}", told)
    await run_task(dag_of(function, on_success_callback=[greeter, AsyncGreeter(told)]))
    assert told[0] == "t is success"
    assert len(told) == 2
    assert greeter.text.startswith("{{")


async def test_a_notifier_that_says_nothing_is_told_so(caplog):
    await acall_back([BaseNotifier()], {})
    assert "give it a `notify` or an `async_notify`" in caplog.text


def test_a_process_without_a_loop_calls_coroutines_too(caplog):
    told = []

    async def tell(context):
        await anyio.lowlevel.checkpoint()
        told.append(context["k"])

    call_back([broken, tell, lambda context: told.append("plain")], {"k": "async"}, backend=None)
    assert told == ["async", "plain"]
    assert "SystemExit: 3" in caplog.text


def test_a_process_without_a_loop_leaves_hanging_callbacks_behind(caplog):
    released = threading.Event()
    call_back([lambda _: released.wait(20)], {}, backend=None, limit_s=0.05)
    released.set()
    assert "took longer than 0.05 s and are left behind" in caplog.text


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (TryOutcome.SUCCESS, TaskInstanceState.SUCCESS),
        (TryOutcome.FAILED, TaskInstanceState.UP_FOR_RETRY),
        (TryOutcome.FAILED_FOR_GOOD, TaskInstanceState.FAILED),
        (TryOutcome.SKIPPED, TaskInstanceState.SKIPPED),
        (TryOutcome.RESCHEDULED, None),
        (TryOutcome.GIVEN_BACK, None),
    ],
)
def test_state_follows_from_how_the_try_ended(outcome, state):
    assert state_after(outcome, workload_of("t")) is state
