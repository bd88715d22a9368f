"""I6 and I10 over the real service in virtual time: every wake-up counts. For trio only, as the clock is."""

from __future__ import annotations

from functools import partial

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flowcore.database.queries.clearing import clear_task_instances
from flowcore.domain.retries import RetryRule
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.domain.workloads import TryOutcome
from flowcore.scheduler.wake_graph import Channel
from flowcore.testing import Script, ScriptedEnd, ServiceParts, run_in_virtual_time, serve_load
from flowcore.testing.clock import LoopClock
from flowcore.testing.strategies import loads
from tests.properties import planted
from tests.properties.examples import chain_of, dag_of, independent_tasks, load_of

CHAIN = load_of(dag_of(*chain_of("first", "second")))
QUEUE = load_of(dag_of(*independent_tasks(2, pool="narrow"), max_active_runs=1), runs=2, pools={"narrow": 1})
RETRY = load_of(
    dag_of(*independent_tasks(1, retries=1, retry_rule=RetryRule(60.0))),
    script=Script({("task0", 1): ScriptedEnd(TryOutcome.FAILED)}),
)
TIMEOUT = load_of(
    dag_of(*independent_tasks(1), dagrun_timeout_s=5.0),
    script=Script({("task0", 1): ScriptedEnd(duration_s=100_000.0)}),
)

#: A run that somebody clears while its first try goes on for ever.
CLEARED = load_of(
    dag_of(*independent_tasks(1)), script=Script({("task0", 1): ScriptedEnd(duration_s=100_000.0)})
)

#: For each channel a load that hangs when its wake-ups are lost.
NEEDED_BY = {
    Channel.RUNS_QUEUED: CHAIN,
    Channel.UNSETTLED: CHAIN,
    Channel.SCHEDULED: CHAIN,
    Channel.EXECUTOR_REPORTS: CHAIN,
    Channel.RUNS_ENDED: QUEUE,
    Channel.SLOTS_FREED: QUEUE,
    Channel.RETRIES: RETRY,
    Channel.RUNS_STARTED: TIMEOUT,
    Channel.REVOKED: CLEARED,
}


def clear(connection):
    now = LoopClock().now()
    clear_task_instances(connection, runs=RunSelection(dag_id="dag"), tasks=TaskSelection(), now=now)


def parts_for(load, **parts):
    return ServiceParts(changes=((10.0, clear),) if load is CLEARED else (), **parts)


@pytest.mark.slow
@settings(max_examples=15, phases=[Phase.explicit, Phase.generate])
@given(loads(fatal=False), st.none() | st.floats(0.1, 60.0), st.random_module())
def test_every_run_ends_and_every_stop_is_clean_without_polling(load, stop_after_s, order_of_tasks):
    del order_of_tasks  # drawn so that trio's order of tasks differs between examples
    served = run_in_virtual_time(partial(serve_load, load, stop_after_s=stop_after_s))
    assert not served.leases


@pytest.mark.parametrize("load", [CHAIN, QUEUE, RETRY, TIMEOUT, CLEARED])
def test_example_ends_as_long_as_no_wakeup_is_lost(load):
    served = run_in_virtual_time(partial(serve_load, load, parts_for(load)))
    assert all(run.is_finished for run in served.runs.values())


@pytest.mark.parametrize("channel", NEEDED_BY)
def test_lost_wakeup_is_noticed(channel):
    parts = parts_for(NEEDED_BY[channel], make_wakeups=partial(planted.DeafWakeups, channel))
    with pytest.raises(AssertionError, match="never ended"):
        run_in_virtual_time(partial(serve_load, NEEDED_BY[channel], parts))


def test_stop_that_leaves_its_lease_is_noticed():
    parts = ServiceParts(make_store=planted.KeepsItsLease)
    with pytest.raises(AssertionError, match="leases were not released"):
        run_in_virtual_time(partial(serve_load, CHAIN, parts))


def test_stop_in_the_middle_gives_tries_back():
    long = attrs.evolve(CHAIN, script=Script({("first", 1): ScriptedEnd(duration_s=1_000.0)}))
    served = run_in_virtual_time(partial(serve_load, long, stop_after_s=10.0))
    assert [row.state for row in served.task_instances.values()] == ["scheduled", None]
