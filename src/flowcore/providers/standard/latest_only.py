"""`LatestOnlyOperator`: what follows runs in the latest scheduled run, and not in those being caught up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flowcore.domain.timetables.base import DataInterval, TimeRestriction, Timetable
from flowcore.sdk.branching import BaseBranchOperator
from flowcore.sdk.context import Context


class LatestOnlyOperator(BaseBranchOperator):
    """Skips the tasks right after it when a newer run of the schedule is due; never in manual runs."""

    def choose_branch(self, context: Context) -> Sequence[str]:
        run, dag = context["dag_run"], context["dag"]
        start, end = run.data_interval_start, run.data_interval_end
        is_latest = (
            run.run_type == "manual"
            or start is None
            or end is None
            or is_latest_interval(dag.timetable, DataInterval(start, end), now=datetime.now(UTC))
        )
        return sorted(context["task"].downstream_task_ids) if is_latest else []


def is_latest_interval(timetable: Timetable, interval: DataInterval, *, now: datetime) -> bool:
    """Whether the run of an interval is the latest one at `now`: the next one's interval is not over."""
    coming = timetable.next_dagrun_info(
        last_automated_data_interval=interval, restriction=TimeRestriction(catchup=True), now=now
    )
    if coming is None:
        return True
    over_at = coming.data_interval.end if coming.data_interval else coming.run_after
    return interval.start < now <= over_at
