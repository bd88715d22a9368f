"""Follow the marks of tasks that are cleared to what depends on them in other Dags.

Runs of other Dags are locked when they are reached, so not all in one order: of two who clear towards each
other the server undoes one, and its unit runs again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.claims import ids
from flowcore.database.queries.selected import (
    SelectedRun,
    lock_runs,
    lock_task_instances,
    require_tasks,
)
from flowcore.database.rows import dump_rows
from flowcore.database.tables import rendered_fields, task_instance
from flowcore.domain.dags import Dag
from flowcore.domain.external_marks import ExternalMark, MarkedTask
from flowcore.domain.selections import RunSelection, TaskSelection, tasks_to_clear
from flowcore.domain.states import TaskInstanceState
from flowcore.errors import UsageError
from flowcore.scheduler.decisions.change_task_instances import FoundInstance

_t, _f = task_instance.c, rendered_fields.c
_RENDERED = sa.select(_t.id, _f.fields).where(
    _t.id.in_(ids("marks")), _f.task_instance_id == _t.id, _f.token == _t.token
)


@attrs.frozen(kw_only=True)
class Cleared:
    """What is cleared in one Dag; all of it is locked."""

    dag_id: str
    runs: Sequence[SelectedRun]
    found: Sequence[FoundInstance]
    dags: Mapping[int, Dag]

    def has(self, target: MarkedTask) -> bool:
        """Whether the task is cleared in it."""
        runs = {run.id for run in self.runs if run.logical_date == target.logical_date}
        return self.dag_id == target.dag_id and any(
            one.dag_run_id in runs and one.task_id == target.task_id for one in self.found
        )


def marked_elsewhere(
    connection: sa.Connection, cleared: Cleared, *, only: Collection[TaskInstanceState] | None
) -> Sequence[Cleared]:
    """What depends on it in other Dags, with what comes after it there, and what depends on that.

    Raises:
        DagNotFound: a mark names a Dag that was never registered.
        UsageError: a mark names a task that is none, marks go in a circle, or too many follow each other.
    """
    seen = {one.id for one in cleared.found}
    return list(_Following(connection, only, seen).after(cleared, path=(), above=(cleared,), depth=None))


@attrs.frozen
class _Following:
    connection: sa.Connection
    only: Collection[TaskInstanceState] | None
    seen: set[int]

    def after(
        self, cleared: Cleared, *, path: tuple[MarkedTask, ...], above: tuple[Cleared, ...], depth: int | None
    ) -> Iterator[Cleared]:
        for mark, target in self._targets(cleared):
            way = (*path, target)
            if any(other.has(target) for other in above):
                raise UsageError(
                    f"marks of tasks in other Dags go in a circle: {_drawn(way)}; remove one of them"
                )
            limit = mark.recursion_depth if depth is None else depth
            if len(way) > limit:
                raise UsageError(
                    f"more than {limit} marks of tasks in other Dags follow each other: {_drawn(way)}; raise"
                    " the recursion_depth of the first one"
                )
            reached = self._reached(target)
            yield attrs.evolve(reached, found=[one for one in reached.found if one.id not in self.seen])
            self.seen.update(one.id for one in reached.found)
            yield from self.after(reached, path=way, above=(*above, reached), depth=limit)

    def _targets(self, cleared: Cleared) -> Sequence[tuple[ExternalMark, MarkedTask]]:
        runs = {run.id: run for run in cleared.runs}
        marks: list[tuple[FoundInstance, ExternalMark]] = []
        for one in cleared.found:
            mark = cleared.dags[runs[one.dag_run_id].dag_version_id].tasks[one.position].mark
            if mark is not None:
                marks.append((one, mark))
        rendered = self._rendered([one.id for one, _ in marks])
        found = (
            (mark, mark.target(runs[one.dag_run_id].logical_date, rendered.get(one.id, {})))
            for one, mark in marks
        )
        return [(mark, target) for mark, target in found if target is not None]

    def _rendered(self, marks: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        if not marks:
            return {}
        rows = self.connection.execute(_RENDERED, {"marks": dump_rows((key,) for key in sorted(marks))})
        return {row.id: row.fields for row in rows}

    def _reached(self, target: MarkedTask) -> Cleared:
        date = target.logical_date
        selection = RunSelection(dag_id=target.dag_id, start_date=date, end_date=date)
        tasks = TaskSelection(task_ids=frozenset({target.task_id}), downstream=True)
        runs = lock_runs(self.connection, selection)
        dags = DagVersions().get(self.connection, {run.dag_version_id for run in runs})
        positions = {version: tasks_to_clear(of, tasks) for version, of in dags.items()}
        require_tasks(target.dag_id, tasks, positions)
        found = [
            one
            for one in lock_task_instances(self.connection, runs, positions, dags)
            if self.only is None or one.state in self.only
        ]
        return Cleared(dag_id=target.dag_id, runs=runs, found=found, dags=dags)


def _drawn(way: Sequence[MarkedTask]) -> str:
    return " → ".join(map(str, way))
