"""Find out which held tasks of runs are let by the run before. `decisions/look_back.py` decides.

Only running runs are held, and whoever changes a run marks the other ones of its Dag that run; so a change
that this does not see yet is followed by another look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import literal
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag_run, task_instance
from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState
from flowcore.scheduler.decisions.look_back import PastRun, PastTask, is_let, tasks_asked_about

Row = sa.Row[*tuple[Any, ...]]

_t, _r = task_instance.c, dag_run.c
_before, _previous, _earlier = (dag_run.alias(name) for name in ("before", "previous", "earlier"))
_asking = rows_of("asking", dag_run_id=sa.BigInteger, without_manual=sa.Integer)


def _last_before(date: str) -> sa.ScalarSelect[Any]:
    return (
        sa.select(_before.c.id)
        .where(
            _before.c.dag_id == _r.dag_id,
            _before.c[date] < _r[date],
            sa.or_(_asking.c.without_manual == 0, _before.c.run_type != literal("manual")),
        )
        .order_by(_before.c[date].desc())
        .limit(1)
        .correlate(dag_run, _asking)
        .scalar_subquery()
    )


_previous_id = sa.case(
    # A backfill begins anew.
    (_r.backfill_ordinal == 1, None),
    (_r.logical_date.is_not(None), _last_before("logical_date")),
    else_=_last_before("run_after"),
)
_PREVIOUS = (
    sa.select(
        _asking.c.dag_run_id,
        _previous.c.id,
        _previous.c.state,
        sa.exists().where(_t.dag_run_id == _previous.c.id).correlate(_previous).label("has_begun"),
    )
    .join(dag_run, _r.id == _asking.c.dag_run_id)
    .join(_previous, _previous.c.id == _previous_id)
)
_wanted = rows_of("wanted", dag_run_id=sa.BigInteger, task_id=sa.Text)
_is_removed = _t.state == literal("removed")
_is_good = _t.state.in_([literal("success"), literal("skipped")])
_PAST = (
    sa.select(
        _wanted.c.dag_run_id,
        _wanted.c.task_id,
        sa.func.count(),
        sa.func.sum(sa.case((sa.or_(_is_good, _is_removed), 0), else_=1)),
    )
    .join(task_instance, sa.and_(_t.dag_run_id == _wanted.c.dag_run_id, _t.task_id == _wanted.c.task_id))
    .group_by(_wanted.c.dag_run_id, _wanted.c.task_id)
)
_absent = rows_of("absent", dag_run_id=sa.BigInteger, task_id=sa.Text)
_WERE_THERE = (
    sa.select(_absent.c.dag_run_id, _absent.c.task_id)
    .join(dag_run, _r.id == _absent.c.dag_run_id)
    .where(
        sa.exists()
        .where(
            _earlier.c.dag_id == _r.dag_id,
            _earlier.c.logical_date < _r.logical_date,
            _t.dag_run_id == _earlier.c.id,
            _t.task_id == _absent.c.task_id,
        )
        .correlate(dag_run, _absent)
    )
)


@attrs.frozen
class HeldTasks:
    """The tasks of a run, by their positions, that wait for the run before."""

    dag_run_id: int
    dag: Dag
    positions: frozenset[int]


def let_by_past(connection: sa.Connection, held: Sequence[HeldTasks]) -> dict[int, set[int]]:
    """By run, which of the held tasks the run before lets; all of them where there is none before."""
    previous = _previous_runs(connection, held)
    past = _past_tasks(connection, held, previous)
    runs = {
        run_id: PastRun(DagRunState(row.state), bool(row.has_begun), past[row.id])
        for run_id, row in previous.items()
    }
    were_there = _were_there(connection, held, runs)
    let: dict[int, set[int]] = {}
    for of_run in held:
        run_id, before = of_run.dag_run_id, runs.get(of_run.dag_run_id)
        tasks = {position: of_run.dag.tasks[position] for position in of_run.positions}
        let[run_id] = {
            position
            for position, task in tasks.items()
            if before is None
            or is_let(of_run.dag, task, before, was_there_before=(run_id, task.task_id) in were_there)
        }
    return let


def runs_before(connection: sa.Connection, dag_run_ids: Sequence[int]) -> set[int]:
    """The runs before these, manual ones counted and not counted."""
    asking = dump_rows((run_id, without) for run_id in dag_run_ids for without in (0, 1))
    return {row.id for row in connection.execute(_PREVIOUS, {"asking": asking})} if dag_run_ids else set()


def _previous_runs(connection: sa.Connection, held: Iterable[HeldTasks]) -> Mapping[int, Row]:
    # A Dag that catches up has its runs in order; those by hand are no part of that.
    asking = dump_rows((of_run.dag_run_id, int(of_run.dag.catchup)) for of_run in held)
    return {row.dag_run_id: row for row in connection.execute(_PREVIOUS, {"asking": asking})}


def _past_tasks(
    connection: sa.Connection, held: Iterable[HeldTasks], previous: Mapping[int, Row]
) -> Mapping[int, Mapping[str, PastTask]]:
    wanted = {
        (previous[of_run.dag_run_id].id, task_id)
        for of_run in held
        if of_run.dag_run_id in previous
        for task_id in tasks_asked_about(of_run.dag, of_run.positions)
    }
    past: dict[int, dict[str, PastTask]] = defaultdict(dict)
    if wanted:
        for run_id, task_id, instances, bad in connection.execute(_PAST, {"wanted": dump_rows(wanted)}):
            past[run_id][task_id] = PastTask(instances, int(bad))
    return past


def _were_there(
    connection: sa.Connection, held: Iterable[HeldTasks], runs: Mapping[int, PastRun]
) -> set[tuple[int, str]]:
    """The (run, task) of which the run before has nothing, but an earlier one has."""
    absent = {
        (of_run.dag_run_id, task_id)
        for of_run in held
        if of_run.dag_run_id in runs
        for task_id in (of_run.dag.tasks[position].task_id for position in of_run.positions)
        if task_id not in runs[of_run.dag_run_id].tasks
    }
    if not absent:
        return set()
    rows = connection.execute(_WERE_THERE, {"absent": dump_rows(absent)})
    return {(row.dag_run_id, row.task_id) for row in rows}
