"""Say why a task instance is not running: everything that holds it up at this moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flowcore.domain.reasons import Reason, ReasonCode
from flowcore.domain.states import FINISHED, FINISHED_RUN, DagRunState, TaskInstanceState
from flowcore.scheduler.decisions.situations import Situation

_S = TaskInstanceState
#: So many upstream tasks are named in a sentence.
_NAMED_MAX = 5


def explain(situation: Situation) -> tuple[Reason, ...]:
    """Give all reasons, the ones that have to go first before the others; at least one."""
    of = situation
    if of.state in FINISHED:
        return (_finished(of),)
    if of.state is _S.RUNNING:
        return (Reason(ReasonCode.RUNNING, f"it is running{_held_by(of)}"),)
    if of.run.state in FINISHED_RUN:
        return (Reason(ReasonCode.RUN_ENDED, f"its run has ended ({of.run.state}) without it"),)
    if of.run.state is DagRunState.QUEUED:
        return tuple(_run_waits(of))
    return tuple(_waits(of))


def _finished(of: Situation) -> Reason:
    sentence = f"it has ended: {of.state}"
    if of.retry_reason is None:
        return Reason(ReasonCode.FINISHED, sentence)
    return Reason(
        ReasonCode.FINISHED,
        f"{sentence}; its retry policy says: {of.retry_reason}",
        {"retry_reason": of.retry_reason},
    )


def _run_waits(of: Situation) -> Iterator[Reason]:
    run = of.run
    yield from _dag_waits(of)
    if run.run_after > of.now:
        yield Reason(
            ReasonCode.RUN_NOT_DUE,
            f"its run is not due before {run.run_after.isoformat(' ', 'seconds')}",
            {"run_after": run.run_after.isoformat()},
        )
    if 0 < run.max_active_runs <= run.running_runs:
        yield Reason(
            ReasonCode.MAX_ACTIVE_RUNS,
            f"its run waits: {run.running_runs} runs of the Dag are running, and max_active_runs is"
            f" {run.max_active_runs}",
            {"running": run.running_runs, "max_active_runs": run.max_active_runs},
        )
    elif run.run_after <= of.now and not run.is_paused and run.is_active:
        yield from _no_scheduler(of)
        yield Reason(ReasonCode.RUN_ABOUT_TO_START, "its run is about to start")


def _dag_waits(of: Situation) -> Iterator[Reason]:
    if not of.run.is_active:
        yield Reason(ReasonCode.DAG_INACTIVE, "no file makes its Dag any more; put the file back")
    if of.run.is_paused:
        yield Reason(ReasonCode.DAG_PAUSED, "its Dag is paused; unpause it with `flowcore dags unpause`")


def _waits(of: Situation) -> Iterator[Reason]:
    match of.state:
        case None:
            yield from _upstream(of)
        case _S.SCHEDULED:
            yield from _limits(of)
        case _S.UP_FOR_RETRY:
            yield _retry(of)
        case _S.UP_FOR_RESCHEDULE:
            yield _put_off(of)
        case _S.QUEUED:
            yield _with_executor(of)
        case _S.RESTARTING:
            yield Reason(ReasonCode.STOPPING, f"it was cleared, and its try has to stop first{_held_by(of)}")
        case other:
            yield Reason(ReasonCode.OTHER_STATE, f"it is {other}", {"state": other})


def _retry(of: Situation) -> Reason:
    said = "" if of.retry_reason is None else f" (its retry policy says: {of.retry_reason})"
    sentence, facts = _due(of, f"its last try failed{said}, and the next one is due")
    if of.retry_reason is not None:
        facts = {**facts, "retry_reason": of.retry_reason}
    return Reason(ReasonCode.RETRY_DELAY, sentence, facts)


def _put_off(of: Situation) -> Reason:
    sentence, facts = _due(of, "it has put itself off, as sensors do, and goes on")
    return Reason(ReasonCode.RESCHEDULED, sentence, facts)


def _due(of: Situation, sentence: str) -> tuple[str, Mapping[str, str]]:
    if of.due_at is None:
        return f"{sentence} soon", {}
    return f"{sentence} at {of.due_at.isoformat(' ', 'seconds')}", {"due_at": of.due_at.isoformat()}


def _upstream(of: Situation) -> Iterator[Reason]:
    if of.is_held_by_past:
        after = " and the tasks right after it have" if of.task.wait_for_downstream else ""
        yield Reason(
            ReasonCode.RUN_BEFORE,
            f"it depends on the past, and in the run before it has not succeeded or been skipped{after}",
            {"wait_for_downstream": of.task.wait_for_downstream},
        )
    elif not of.upstream:
        yield from _no_scheduler(of)
        yield Reason(
            ReasonCode.ABOUT_TO_BE_DECIDED, "all its upstream tasks are done; it is about to be decided"
        )
    else:
        yield _open_upstream(of)


def _open_upstream(of: Situation) -> Reason:
    named = [f"{task_id} ({state})" for task_id, state in list(of.upstream.items())[:_NAMED_MAX]]
    more = len(of.upstream) - len(named)
    listed = ", ".join(named) + (f" and {more} more" if more else "")
    return Reason(
        ReasonCode.UPSTREAM,
        f"it waits for upstream tasks, as {of.task.trigger_rule} says: {listed}",
        {"upstream": dict(of.upstream), "trigger_rule": of.task.trigger_rule},
    )


def _limits(of: Situation) -> Iterator[Reason]:
    found = [*_dag_waits(of), *_pool(of), *_run_limit(of), *_task_limits(of), *_no_scheduler(of)]
    yield from found
    if not found:
        yield Reason(
            ReasonCode.EXECUTOR_FULL,
            "nothing but an executor holds it up: none of the schedulers that have its Dag has a free place"
            " for it, or one is about to take it; see `parallelism` and `async_parallelism`",
            {"schedulers": of.schedulers},
        )


def _pool(of: Situation) -> Iterator[Reason]:
    facts = {"pool": of.pool, "wanted": of.pool_slots}
    if of.slots is None:
        sentence = f"there is no pool {of.pool!r}; create it with `flowcore pools set`"
        yield Reason(ReasonCode.POOL_MISSING, sentence, facts)
        return
    slots, used = of.slots.slots, of.slots.used
    facts |= {"slots": slots, "used": used}
    if 0 <= slots < of.pool_slots:
        sentence = f"it wants {of.pool_slots} slots of pool {of.pool!r}, which has {slots}; enlarge the pool"
        yield Reason(ReasonCode.POOL_TOO_SMALL, sentence, facts)
    elif 0 <= slots < used + of.pool_slots:
        sentence = (
            f"pool {of.pool!r} is full: {used} of {slots} slots are taken, and it wants {of.pool_slots}"
        )
        yield Reason(ReasonCode.POOL_FULL, sentence, facts)
    elif of.slots.is_kept:
        sentence = f"the slots of pool {of.pool!r} are kept for a task instance that wants several of them"
        yield Reason(ReasonCode.POOL_KEPT, sentence, facts)


def _run_limit(of: Situation) -> Iterator[Reason]:
    limit, active = of.run.max_active_tasks, of.run.active_tasks
    if 0 < limit <= active:
        yield Reason(
            ReasonCode.MAX_ACTIVE_TASKS,
            f"{active} task instances of its run are active, and max_active_tasks is {limit}",
            {"active": active, "max_active_tasks": limit},
        )


def _task_limits(of: Situation) -> Iterator[Reason]:
    per_dag, per_run = of.task.max_active_tis_per_dag, of.task.max_active_tis_per_dagrun
    if per_dag is not None and of.tries_in_dag >= per_dag:
        yield Reason(
            ReasonCode.MAX_ACTIVE_TIS_PER_DAG,
            f"{of.tries_in_dag} tries of the task are active, and max_active_tis_per_dag is {per_dag}",
            {"active": of.tries_in_dag, "max_active_tis_per_dag": per_dag},
        )
    if per_run is not None and of.tries_in_run >= per_run:
        yield Reason(
            ReasonCode.MAX_ACTIVE_TIS_PER_DAGRUN,
            f"{of.tries_in_run} tries of the task are active in its run, and max_active_tis_per_dagrun is"
            f" {per_run}",
            {"active": of.tries_in_run, "max_active_tis_per_dagrun": per_run},
        )


def _no_scheduler(of: Situation) -> Iterator[Reason]:
    if not of.schedulers:
        yield Reason(ReasonCode.NO_SCHEDULER, "no scheduler is alive; start one with `flowcore scheduler`")


def _with_executor(of: Situation) -> Reason:
    if of.holder is not None and not of.holder.is_alive:
        return Reason(
            ReasonCode.LEASE_LAPSED,
            f"the process that claimed it is late or dead{_held_by(of)}; others take it over in a moment",
        )
    return Reason(ReasonCode.WITH_EXECUTOR, f"it is claimed and about to be started{_held_by(of)}")


def _held_by(of: Situation) -> str:
    return "" if of.holder is None else f" (process {of.holder.pid} on {of.holder.hostname})"
