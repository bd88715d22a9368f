"""Write what executors reported of their tries, unless a try was lost meanwhile.

A report applies only while its task instance is queued or running under the same token, so a try that
another process took over, or that was cleared, cannot write any more. The end, the XComs of the try, the
events of the assets that it updated, and the mark for the scheduling routine commit together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.asset_events import NewAssetEvent, record_asset_events
from flowcore.database.queries.claims import is_in, is_revoked, literal
from flowcore.database.queries.rendered_fields import keep_rendered_fields
from flowcore.database.queries.task_tries import keep_tries, remember_tries
from flowcore.database.queries.unsettled_marks import Mark, mark_unsettled, mark_whole_runs
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import task_instance, xcom
from flowcore.database.try_effects import dump_effects
from flowcore.database.types import Json, UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.states import FINISHED, TaskInstanceState
from flowcore.domain.workloads import TryEnded, TryStarted
from flowcore.scheduler.decisions.end_tries import TryEnd
from flowcore.scheduler.store import Applied
from flowcore.scheduler.wake_graph import Channel

_t = task_instance.c
_started = rows_of("started", id=sa.BigInteger, token=sa.BigInteger, start_date=UtcDateTime)
_START = (
    task_instance.update()
    .values(state="running", start_date=_started.c.start_date)
    .where(_t.id == _started.c.id, _t.token == _started.c.token, is_in(_t.state, "queued"))
)
_ended = rows_of(
    "ended",
    id=sa.BigInteger,
    token=sa.BigInteger,
    state=sa.Text,
    start_date=UtcDateTime,
    end_date=UtcDateTime,
    due_at=UtcDateTime,
    error=sa.Text,
    effects=Json,
    rendered_map_index=sa.Text,
    reason=sa.Text,
    priority_weight=sa.Integer,
)
_is_put_off = _ended.c.state == literal("up_for_reschedule")
_END = (
    task_instance.update()
    .values(
        state=_ended.c.state,
        start_date=_ended.c.start_date,
        end_date=_ended.c.end_date,
        due_at=_ended.c.due_at,
        error=_ended.c.error,
        reason=_ended.c.reason,
        priority_weight=sa.func.coalesce(_ended.c.priority_weight, _t.priority_weight),
        effects=_ended.c.effects,
        rendered_map_index=sa.func.coalesce(_ended.c.rendered_map_index, _t.rendered_map_index),
        lease_id=None,
        waiting_since=sa.case(
            (_is_put_off, sa.func.coalesce(_t.waiting_since, _ended.c.start_date)),
            # Nor does a retry wait anew.
            (_ended.c.state.in_([literal("scheduled"), literal("up_for_retry")]), _t.waiting_since),
        ),
        reschedules=_t.reschedules + sa.case((_is_put_off, 1), else_=0),
    )
    .where(
        _t.id == _ended.c.id,
        _t.token == _ended.c.token,
        is_in(_t.state, "queued", "running"),
    )
    .returning(_t.id, _t.token, _t.dag_run_id, _t.position, _t.map_index)
)
_over = rows_of("over", id=sa.BigInteger, token=sa.BigInteger)
#: What is left to do when a revoked try has ended: a task instance that was cleared may begin again.
_LET_GO = (
    task_instance.update()
    .values(
        lease_id=None,
        state=sa.case((_t.state != literal("restarting"), _t.state)),
        start_date=sa.case((_t.state != literal("restarting"), _t.start_date)),
    )
    .where(_t.id == _over.c.id, _t.token == _over.c.token, _t.lease_id.is_not(None), is_revoked(_t.state))
    .returning(_t.id, _t.token, _t.dag_run_id, _t.state)
)
_xcoms = rows_of(
    "xcoms",
    task_instance_id=sa.BigInteger,
    try_number=sa.Integer,
    key=sa.Text,
    value=sa.Text,
    pushed_at=UtcDateTime,
)
_PUSH = xcom.insert().from_select(list(_xcoms.c.keys()), sa.select(_xcoms), include_defaults=False)


def apply_reports(
    connection: sa.Connection,
    decide: Callable[[TryEnded], TryEnd],
    *,
    started: Sequence[TryStarted],
    ended: Sequence[TryEnded],
) -> Applied:
    """Write starts first, then ends; those that came too late are returned as refused or stopped."""
    if started:
        connection.execute(_START, {"started": dump_rows(_start_row(report) for report in started)})
        keep_rendered_fields(connection, started)
    if not ended:
        return Applied(moved=len(started))
    ends = {_key(report): (report, decide(report)) for report in ended}
    # In the order in which everybody else locks several of them.
    in_order = [_end_row(*ends[key]) for key in sorted(ends)]
    rows = connection.execute(_END, {"ended": dump_rows(in_order)}).all()
    accepted = {(row.id, row.token) for row in rows}
    _mark(connection, rows, ends)
    _push_xcoms(connection, [ends[key][0] for key in accepted])
    keep_rendered_fields(connection, [ends[key][0] for key in accepted])
    _record_asset_events(connection, (ends[key] for key in sorted(accepted)))
    remember_tries(connection, [ends[key] for key in accepted])
    late = [report for report in ended if _key(report) not in accepted]
    stopped = _let_go(connection, late) if late else frozenset()
    return Applied(
        moved=len(started) + len(rows) + len(stopped),
        refused=tuple(report for report in late if _key(report) not in stopped),
        stopped=tuple(report for report in late if _key(report) in stopped),
    )


def _let_go(connection: sa.Connection, late: Sequence[TryEnded]) -> frozenset[tuple[int, int]]:
    """Let go of those that were revoked; which they are."""
    rows = connection.execute(_LET_GO, {"over": dump_rows(_key(report) for report in late)}).all()
    again = [row for row in rows if row.state is None]
    if again:
        ends = {_key(report): report for report in late}
        keep_tries(connection, [ends[row.id, row.token] for row in again])
        mark_whole_runs(connection, (row.dag_run_id for row in again))
        wake(connection, Channel.SLOTS_FREED)
    return frozenset((row.id, row.token) for row in rows)


def _mark(
    connection: sa.Connection,
    rows: Sequence[sa.Row[Any]],
    ends: Mapping[tuple[int, int], tuple[TryEnded, TryEnd]],
) -> None:
    of_rows = [(row, *ends[row.id, row.token]) for row in rows]
    mark_unsettled(
        connection,
        (
            Mark(row.dag_run_id, row.position, row.map_index, end.state, report.effects)
            for row, report, end in of_rows
            if end.state in FINISHED
        ),
    )
    seen = {end.state for *_, end in of_rows}
    if seen & {TaskInstanceState.UP_FOR_RETRY, TaskInstanceState.UP_FOR_RESCHEDULE}:
        wake(connection, Channel.RETRIES)
    if TaskInstanceState.SCHEDULED in seen:
        wake(connection, Channel.SCHEDULED)
    if seen:
        wake(connection, Channel.SLOTS_FREED)


def _push_xcoms(connection: sa.Connection, accepted: Sequence[TryEnded]) -> None:
    rows = [
        (end.workload.task_instance_id, end.workload.try_number, key, value, end.end_date)
        for end in accepted
        for key, value in end.xcoms.items()
    ]
    if rows:
        connection.execute(unanswered(_PUSH), {"xcoms": dump_rows(rows)})


def _record_asset_events(connection: sa.Connection, accepted: Iterable[tuple[TryEnded, TryEnd]]) -> None:
    events = [
        NewAssetEvent(
            update=update,
            created_at=report.end_date,
            source_dag_id=report.workload.run.dag_id,
            source_run_id=report.workload.run.run_id,
            source_task_id=report.workload.task_id,
            source_map_index=report.workload.map_index,
        )
        for report, end in accepted
        if end.state is TaskInstanceState.SUCCESS
        for update in report.asset_updates
    ]
    record_asset_events(connection, events)


def _key(report: TryEnded) -> tuple[int, int]:
    return report.workload.task_instance_id, report.workload.token


def _start_row(report: TryStarted) -> tuple[object, ...]:
    return report.workload.task_instance_id, report.workload.token, report.start_date


def _end_row(report: TryEnded, end: TryEnd) -> tuple[object, ...]:
    given_back = end.state is TaskInstanceState.SCHEDULED
    return (
        report.workload.task_instance_id,
        report.workload.token,
        end.state,
        report.workload.start_date if given_back else report.start_date,
        None if given_back else report.end_date,
        end.due_at,
        report.error,
        dump_effects(report.effects),
        report.instance_name,
        report.advice.reason,
        report.advice.priority_weight,
    )
