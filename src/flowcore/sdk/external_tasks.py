"""What a sensor asks about runs and tasks of another Dag, in both colours, and what it concludes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

import attrs

from flowcore.domain.dag_outlines import DagOutline
from flowcore.domain.dag_runs import PastTaskInstance, RunFilter, TaskInstanceFilter
from flowcore.sdk.comms.questions import Question, ask, awaiting, blocking
from flowcore.sdk.comms.run_messages import CountDagRuns, GetDagOutline, ListTaskInstances


@attrs.frozen(kw_only=True)
class Watched:
    """What is waited for: runs of these dates, or `task_ids` or the tasks of a group in each of them.

    States are names.
    """

    dag_id: str
    logical_dates: tuple[datetime, ...]
    task_ids: tuple[str, ...] | None = None
    group_id: str | None = None
    allowed: frozenset[str]
    skipped: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()


@attrs.frozen
class Sight:
    """What a look found: whether something has failed, or was skipped, or all of it is as it should be."""

    failed: bool
    skipped: bool
    done: bool


def _look(watched: Watched) -> Question[Sight]:
    if watched.group_id is not None:
        outline = (yield from ask(GetDagOutline(watched.dag_id))).dag
        inside = () if outline is None else outline.tasks_in(watched.group_id) or ()
        return (yield from _look_at_tasks(watched, inside))
    if watched.task_ids is not None:
        return (yield from _look_at_tasks(watched, watched.task_ids))
    return (yield from _look_at_runs(watched))


def _look_at_runs(watched: Watched) -> Question[Sight]:
    failed = yield from _count(watched, watched.failed)
    skipped = yield from _count(watched, watched.skipped)
    allowed = yield from _count(watched, watched.allowed)
    return Sight(failed > 0, skipped > 0, allowed == len(watched.logical_dates))


def _count(watched: Watched, states: Collection[str]) -> Question[int]:
    if not states:
        return 0
    selection = RunFilter(
        dag_id=watched.dag_id, logical_dates=watched.logical_dates, states=tuple(sorted(states))
    )
    return (yield from ask(CountDagRuns(selection))).count


def _look_at_tasks(watched: Watched, task_ids: Sequence[str]) -> Question[Sight]:
    selection = TaskInstanceFilter(
        dag_id=watched.dag_id, logical_dates=watched.logical_dates, task_ids=tuple(task_ids)
    )
    found = (yield from ask(ListTaskInstances(selection))).task_instances
    return sight_of(watched, task_ids, found)


def sight_of(watched: Watched, task_ids: Sequence[str], found: Sequence[PastTaskInstance]) -> Sight:
    """What task instances say: each task must be there for each date, all of its instances allowed."""
    states: defaultdict[tuple[str, datetime | None], set[str]] = defaultdict(set)
    for one in found:
        states[one.task_id, one.logical_date].add("none" if one.state is None else one.state.value)
    seen = set().union(*states.values())
    wanted = [(task_id, date) for task_id in task_ids for date in watched.logical_dates]
    return Sight(
        failed=bool(seen & watched.failed),
        skipped=bool(seen & watched.skipped),
        done=bool(wanted) and all(states.get(key, {""}) <= watched.allowed for key in wanted),
    )


def _outline(dag_id: str) -> Question[DagOutline | None]:
    return (yield from ask(GetDagOutline(dag_id))).dag


look = blocking(_look, face="ExternalTaskSensor.poke")
alook = awaiting(_look)
outline = blocking(_outline, face="ExternalTaskSensor.poke")
aoutline = awaiting(_outline)
