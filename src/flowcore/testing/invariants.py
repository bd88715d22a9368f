"""What must be true of every flowcore, whatever happens to it: one function each, named after it.

Each takes values (`snapshots.py`) and raises an `AssertionError` that says what was broken where. `I3`
and the like are the numbers by which the invariants are cited. Those of the critical section alone are in
`claim_invariants.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

import attrs

from flowcore.domain.dags import Dag
from flowcore.domain.states import (
    FINISHED,
    DagRunState,
    TaskInstanceState,
    check_dag_run_transition,
    check_task_instance_transition,
)
from flowcore.domain.timetables.base import TimeRestriction
from flowcore.domain.timetables.registry import load_timetable
from flowcore.domain.verdicts import Verdict
from flowcore.domain.workloads import TryEnded, Workload
from flowcore.errors import InvariantBroken
from flowcore.scheduler.decisions.create_dag_runs import due_dag_runs
from flowcore.testing.oracle import expect_run, stopped_in, verdict_of, waits_for_past
from flowcore.testing.scripts import Script
from flowcore.testing.snapshots import DagRunRow, Snapshot, TaskInstanceRow

Dags = Mapping[str, Dag]
K = TypeVar("K", bound=Hashable)

_MEANING = {
    TaskInstanceState.SCHEDULED: Verdict.RUN,
    TaskInstanceState.SKIPPED: Verdict.SKIP,
    TaskInstanceState.UPSTREAM_FAILED: Verdict.UPSTREAM_FAIL,
    TaskInstanceState.REMOVED: Verdict.REMOVE,
}


def check_one_run_per_logical_date(snapshot: Snapshot) -> None:
    """I1: a Dag has at most one run of each logical date."""
    dated = Counter((r.dag_id, r.logical_date) for r in snapshot.runs.values() if r.logical_date is not None)
    _at_most(dict.fromkeys(dated, 1), dated, "runs of (Dag, logical date)")


def check_runs_created(snapshot: Snapshot, dags: Iterable[Dag], *, now: datetime) -> None:
    """I2: every run that a timetable asked for until `now` was created; for Dags that catch up."""
    for dag in dags:
        due = due_dag_runs(
            load_timetable(dag.timetable),
            TimeRestriction(earliest=dag.start_date, latest=dag.end_date, catchup=dag.catchup),
            last_interval=None,
            now=now,
            limit=1_000,
        )
        found = {run.logical_date for run in snapshot.runs.values() if run.dag_id == dag.dag_id}
        missing = [run.logical_date for run in due.runs if run.logical_date not in found]
        assert not missing, f"runs of Dag {dag.dag_id} were never created: {missing}"


def check_limits(snapshot: Snapshot, dags: Dags) -> None:
    """I3: what is queued, running or being stopped exceeds no limit of a pool, run, task or Dag."""
    _check_pools(snapshot)
    _check_runs(snapshot, dags)
    _check_tasks(snapshot, dags)


def check_transitions(before: Snapshot, after: Snapshot) -> None:
    """I4: between two observations each state stayed, or took one step of the tables in `domain.states`."""
    try:
        for row in after.task_instances.values():
            was = before.task_instances.get(row.id)
            if was is not row and was is not None and was.state is not row.state:
                check_task_instance_transition(was.state, row.state, key=row)
        for run in after.runs.values():
            was_run = before.runs.get(run.id)
            if was_run is not None and was_run.state is not run.state:
                check_dag_run_transition(was_run.state, run.state, key=run)
    except InvariantBroken as error:
        raise AssertionError(str(error)) from error


def check_trigger_rules(before: Snapshot, after: Snapshot, dags: Dags) -> None:
    """I4: no task instance was decided before its trigger rule was settled on the recorded upstreams."""
    for row in after.task_instances.values():
        was = before.task_instances.get(row.id)
        if was is row:
            continue
        is_decided = row.state is not None and (was is None or was.state is None)
        if is_decided and after.runs[row.dag_run_id].reason != "timed_out":
            _check_verdict(row, after, dags[row.dag_id])


def check_one_live_holder(snapshot: Snapshot, executing: Mapping[int, Iterable[Workload]]) -> None:
    """I5: a task instance is executed by at most one process whose lease is live.

    `executing` says what runs under each lease.
    """
    holders = Counter(
        work.task_instance_id
        for lease_id, workloads in executing.items()
        if lease_id in snapshot.live_leases
        for work in workloads
    )
    _at_most(dict.fromkeys(holders, 1), holders, "live lease holders of task instance")


def check_late_reports_refused(before: Snapshot, after: Snapshot, ended: Iterable[TryEnded]) -> None:
    """I5: reports of tries that were lost before they came have changed nothing."""
    for report in ended:
        row = before.task_instances[report.workload.task_instance_id]
        if not row.is_active or row.token != report.workload.token:
            now = after.task_instances[row.id]
            # A row that was revoked lets go of its lease, and that is all.
            unchanged = attrs.evolve(now, lease_id=row.lease_id) == row
            assert unchanged, f"the late report of {report.workload} was accepted: {row} became {now.state}"


def check_all_runs_ended(snapshot: Snapshot, dags: Dags) -> None:
    """I6: every run has ended that could, and with it all its task instances."""
    open_runs = [str(run) for run in runs_that_should_end(snapshot, dags)]
    assert not open_runs, f"these runs never ended: {open_runs}"
    assert not snapshot.active, f"these still hold slots: {[str(row) for row in snapshot.active]}"


def runs_that_should_end(snapshot: Snapshot, dags: Dags) -> Iterable[DagRunRow]:
    """The runs that have not ended, but for those that wait for a run before which did not end well.

    And those that are queued while such runs take all the places.
    """
    held = [run for run in snapshot.runs.values() if _is_held(snapshot, run, dags[run.dag_id])]
    places = Counter(run.dag_id for run in held)
    for run in snapshot.runs.values():
        limit = snapshot.max_active_runs[run.dag_id]
        is_kept_out = run.state is DagRunState.QUEUED and 0 < limit <= places[run.dag_id]
        if not (run.is_finished or run in held or is_kept_out):
            yield run


def _is_held(snapshot: Snapshot, run: DagRunRow, dag: Dag) -> bool:
    """Whether a task of a running run can be decided and waits for the run before."""
    record, past = snapshot.record_of(run.id, dag), snapshot.past_of(run, dag)
    undecided = (key for key, state in record.states.items() if state is None)
    return run.state is DagRunState.RUNNING and any(
        waits_for_past(dag, dag.tasks[position], verdict_of(record, dag.tasks[position], index), past)
        for position, index in undecided
    )


def check_no_orphans(snapshot: Snapshot) -> None:
    """I10: each active task instance is under a lease that exists, so that somebody will end it."""
    orphans = [str(row) for row in snapshot.active if row.lease_id not in snapshot.leases]
    assert not orphans, f"active under a lease that is gone, nobody will ever recover them: {orphans}"


def check_nothing_left(snapshot: Snapshot, lease_id: int, executing: Iterable[Workload]) -> None:
    """I10: after a stop the lease is released, all tries were given back and none runs."""
    assert lease_id not in snapshot.leases, f"lease {lease_id} was not released"
    left = [str(row) for row in snapshot.active if row.lease_id == lease_id]
    assert not left, f"tries were not given back: {left}"
    running = [str(work) for work in executing]
    assert not running, f"tries still run: {running}"


def check_acknowledged_once(before: Snapshot, after: Snapshot) -> None:
    """I9: an item whose end is recorded is not worked on again, whoever dies: only those without one are.

    Items are the instances of mapped tasks, and any other task is one item.
    """
    for row in after.task_instances.values():
        was = before.task_instances.get(row.id)
        if was is row or was is None or was.state not in FINISHED:
            continue
        is_left_alone = row.state in (was.state, TaskInstanceState.REMOVED) and row.token == was.token
        assert is_left_alone, f"{row}[{row.map_index}] was {was.state} and is to be worked on again"


def check_confluence(
    snapshot: Snapshot, dags: Dags, script: Script, *, touched: Collection[int] = ()
) -> None:
    """I13: finished runs ended as the reference interpreter says, which knows the script alone.

    Which task instances a `dagrun_timeout` or a failure in a `fail_fast` Dag found unfinished depends on
    time; these are taken from the run, and the rest has to follow.

    The runs that somebody `touched` by hand are passed over, and those that may have waited for them.
    """
    touched_dags = {
        run.dag_id for run in snapshot.runs.values() if run.id in touched or run.backfill_id is not None
    }
    for run in snapshot.runs.values():
        dag, found = dags[run.dag_id], snapshot.states_by_run[run.id]
        is_passed_over = run.id in touched or (dag.looks_back and run.dag_id in touched_dags)
        if run.is_finished and not is_passed_over:
            has_timed_out = run.reason == "timed_out"
            past, stopped = snapshot.past_of(run, dag), stopped_in(dag, found, timed_out=has_timed_out)
            expected = expect_run(dag, script, past=past, stopped=stopped)
            run_state = DagRunState.FAILED if has_timed_out else expected.run_state
            assert found == expected.states, f"{run} ended as {found}, expected {expected.states}"
            assert run.state is run_state, f"{run} ended {run.state}, not {run_state}"


def _check_verdict(row: TaskInstanceRow, after: Snapshot, dag: Dag) -> None:
    assert row.state is not None
    task, record = dag.tasks[row.position], after.record_of(row.dag_run_id, dag)
    key = (row.position, row.map_index)
    if row.state is TaskInstanceState.SKIPPED and key in stopped_in(dag, record.states):
        return
    before = attrs.evolve(record, states={**record.states, key: None})
    verdict = verdict_of(before, task, row.map_index)
    past = after.past_of(after.runs[row.dag_run_id], dag)
    assert not waits_for_past(dag, task, verdict, past), f"{row} became {row.state} before its past allows"
    assert _MEANING.get(row.state) is verdict, (
        f"{row} became {row.state}, but {task.trigger_rule} says {verdict} on"
        f" {record.ends(task, row.map_index, task.upstream)}"
    )


def _check_pools(snapshot: Snapshot) -> None:
    slots: Counter[str] = Counter()
    for row in snapshot.holding:
        slots[row.pool] += row.pool_slots
    _at_most({name: n for name, n in snapshot.pools.items() if n >= 0}, slots, "slots of pool")


def _check_runs(snapshot: Snapshot, dags: Dags) -> None:
    per_run = Counter(row.dag_run_id for row in snapshot.holding)
    max_active_tasks = {run.id: dags[run.dag_id].max_active_tasks for run in snapshot.runs.values()}
    _at_most(_positive(max_active_tasks), per_run, "active task instances (max_active_tasks) of run")
    running = [run for run in snapshot.runs.values() if run.state is DagRunState.RUNNING]
    others = {None, *snapshot.done_backfills}
    of_dags = Counter(run.dag_id for run in running if run.backfill_id in others)
    _at_most(_positive(snapshot.max_active_runs), of_dags, "running runs (max_active_runs) of Dag")
    of_backfills = Counter(run.backfill_id for run in running if run.backfill_id is not None)
    _at_most(snapshot.backfills, of_backfills, "running runs (max_active_runs) of backfill")


def _check_tasks(snapshot: Snapshot, dags: Dags) -> None:
    per_dag = Counter((row.dag_id, row.position) for row in snapshot.holding)
    per_run = Counter((row.dag_id, row.position, row.dag_run_id) for row in snapshot.holding)
    for (dag_id, position), count in per_dag.items():
        _at_most_of_task(dags[dag_id].tasks[position].max_active_tis_per_dag, count, "max_active_tis_per_dag")
    for (dag_id, position, _), count in per_run.items():
        limit = dags[dag_id].tasks[position].max_active_tis_per_dagrun
        _at_most_of_task(limit, count, "max_active_tis_per_dagrun")


def _at_most_of_task(limit: int | None, count: int, what: str) -> None:
    assert limit is None or count <= limit, f"{count} active task instances, where {what} is {limit}"


def _positive(limits: Mapping[K, int]) -> Mapping[K, int]:
    return {key: limit for key, limit in limits.items() if limit > 0}


def _at_most(limits: Mapping[K, int], counts: Mapping[K, int], what: str) -> None:
    for key, limit in limits.items():
        assert counts.get(key, 0) <= limit, f"{counts[key]} {what} {key}, where {limit} is the limit"
