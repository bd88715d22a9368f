from __future__ import annotations

import contextvars
import threading

import anyio
import pytest

from flowcore.concurrency.thread_calls import ThreadCall

VARIABLE = contextvars.ContextVar("variable", default=0)


async def test_result_comes_back():
    assert await ThreadCall(divmod, 7, 2).run() == (3, 1)


async def test_context_variables_are_copied_into_the_thread():
    VARIABLE.set(5)
    assert await ThreadCall(VARIABLE.get).run() == 5
    await ThreadCall(VARIABLE.set, 6).run()
    assert VARIABLE.get() == 5


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit])
async def test_errors_come_back_as_they_are(error):
    def fail():
        raise error("why")

    with pytest.raises(error, match="why"):
        await ThreadCall(fail).run()


async def test_stop_iteration_comes_back_as_from_any_coroutine():
    with pytest.raises(RuntimeError, match="coroutine raised StopIteration"):
        await ThreadCall(next, iter([])).run()


async def test_cancelled_call_goes_on_until_its_function_returns():
    begun, may_end = threading.Event(), threading.Event()

    def hang():
        begun.set()
        may_end.wait(60)

    call = ThreadCall(hang)
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(call.run)
        await anyio.to_thread.run_sync(begun.wait, 60)
        nursery.cancel_scope.cancel()
    assert call.goes_on()
    may_end.set()
    await anyio.to_thread.run_sync(call._over.wait, 60)
    assert not call.goes_on()


async def test_call_cancelled_before_it_began_never_begins():
    calls = []
    call = ThreadCall(calls.append, 1)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await call.run()
    assert (call.goes_on(), call.goes_on()) == (False, False)
    call._run()
    assert calls == []


async def test_call_that_is_over_does_not_go_on():
    call = ThreadCall(int)
    await call.run()
    assert not call.goes_on()
