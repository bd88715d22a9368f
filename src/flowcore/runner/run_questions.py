"""What `ti` can be asked about runs and task instances; each in both colours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from flowcore.domain.assets import AssetEvent
from flowcore.domain.dag_runs import DagRun, PastTaskInstance, RunFilter, TaskInstanceFilter
from flowcore.domain.workloads import RunFacts, Workload
from flowcore.errors import DagRunNotFound, UsageError
from flowcore.sdk.comms.asset_messages import GetTriggeringAssetEvents
from flowcore.sdk.comms.questions import Comms, Question, ask, awaiting_method, blocking_method
from flowcore.sdk.comms.run_messages import (
    CountDagRuns,
    CountTaskInstances,
    GetDagOutline,
    GetDagRun,
    GetPreviousDagRun,
    GetPreviousTaskInstance,
    ListTaskInstances,
)
from flowcore.sdk.operators import BaseOperator

#: How a task instance that has no state yet is named in `states`.
_NO_STATE = "none"


def previous_dag_run(run: RunFacts, state: str | None) -> Question[DagRun | None]:
    """The run with the logical date before; None if there is none, or `run` has no logical date."""
    if run.logical_date is None:
        return None
    return (yield from ask(GetPreviousDagRun(run.dag_id, run.logical_date, state))).run


class AsksAboutRuns:
    """A try that asks; `flowcore.sdk.TaskInstance` says what each method means."""

    def __init__(self, workload: Workload, task: BaseOperator, comms: Comms) -> None:
        self.workload, self.task, self.comms = workload, task, comms

    def _get_previous_dagrun(self, state: str | None = None) -> Question[DagRun | None]:
        return (yield from previous_dag_run(self.workload.run, state))

    def _get_previous_ti(
        self, state: str | None = None, logical_date: datetime | None = None, map_index: int = -1
    ) -> Question[PastTaskInstance | None]:
        run = self.workload.run
        before = run.logical_date if logical_date is None else _aware(logical_date)
        if before is None:
            return None
        request = GetPreviousTaskInstance(run.dag_id, self.workload.task_id, map_index, before, state)
        found = (yield from ask(request)).task_instances
        return found[0] if found else None

    def _get_dagrun_state(self, dag_id: str, run_id: str) -> Question[str]:
        run = (yield from ask(GetDagRun(dag_id, run_id))).run
        if run is None:
            raise DagRunNotFound(dag_id, run_id)
        return run.state.value

    def _get_dr_count(
        self,
        dag_id: str,
        logical_dates: Iterable[datetime] | None = None,
        run_ids: Iterable[str] | None = None,
        states: Iterable[str] | None = None,
    ) -> Question[int]:
        selection = RunFilter(
            dag_id=dag_id, run_ids=_texts(run_ids), logical_dates=_dates(logical_dates), states=_texts(states)
        )
        return (yield from ask(CountDagRuns(selection))).count

    def _get_ti_count(
        self,
        dag_id: str,
        map_index: int | None = None,
        task_ids: Iterable[str] | None = None,
        task_group_id: str | None = None,
        *,
        logical_dates: Iterable[datetime] | None = None,
        run_ids: Iterable[str] | None = None,
        states: Iterable[str | None] | None = None,
    ) -> Question[int]:
        selection = TaskInstanceFilter(
            dag_id=dag_id,
            run_ids=_texts(run_ids),
            logical_dates=_dates(logical_dates),
            task_ids=(yield from self._in_group(dag_id, _texts(task_ids), task_group_id)),
            map_index=map_index,
            states=_texts(None if states is None else [state or _NO_STATE for state in states]),
        )
        return (yield from ask(CountTaskInstances(selection))).count

    def _get_task_states(
        self,
        dag_id: str,
        map_index: int | None = None,
        task_ids: Iterable[str] | None = None,
        task_group_id: str | None = None,
        *,
        logical_dates: Iterable[datetime] | None = None,
        run_ids: Iterable[str] | None = None,
    ) -> Question[Mapping[str, Mapping[str, str | None]]]:
        selection = TaskInstanceFilter(
            dag_id=dag_id,
            run_ids=_texts(run_ids),
            logical_dates=_dates(logical_dates),
            task_ids=(yield from self._in_group(dag_id, _texts(task_ids), task_group_id)),
            map_index=map_index,
        )
        states: dict[str, dict[str, str | None]] = defaultdict(dict)
        for found in (yield from ask(ListTaskInstances(selection))).task_instances:
            name = found.task_id if found.map_index < 0 else f"{found.task_id}_{found.map_index}"
            states[found.run_id][name] = found.state and found.state.value
        return dict(states)

    def _in_group(
        self, dag_id: str, task_ids: tuple[str, ...] | None, task_group_id: str | None
    ) -> Question[tuple[str, ...] | None]:
        if task_group_id is None:
            return task_ids
        groups = yield from self._groups(dag_id)
        if task_group_id not in groups:
            raise UsageError(
                f"Dag {dag_id!r} has no task group {task_group_id!r}; it has {', '.join(groups) or 'none'}"
            )
        return tuple(name for name in groups[task_group_id] if task_ids is None or name in task_ids)

    def _groups(self, dag_id: str) -> Question[Mapping[str, Sequence[str]]]:
        """The tasks of each group: of the own Dag in the version that runs, of others in the latest."""
        dag = self.task.required_dag
        if dag_id == dag.dag_id:
            return {
                group.group_id: [task.task_id for task in group.tasks()] for group in dag.task_group.groups()
            }
        outline = (yield from ask(GetDagOutline(dag_id))).dag
        return {} if outline is None else {group.group_id: group.task_ids for group in outline.groups}

    def consumed(self) -> Question[Sequence[AssetEvent]]:
        """The events of assets that the run has consumed."""
        return (yield from ask(GetTriggeringAssetEvents(self.workload.run.dag_run_id))).events

    consumed_asset_events = blocking_method(consumed, face="ti.consumed_asset_events")
    get_previous_dagrun = blocking_method(_get_previous_dagrun, face="ti.get_previous_dagrun")
    aget_previous_dagrun = awaiting_method(_get_previous_dagrun)
    get_previous_ti = blocking_method(_get_previous_ti, face="ti.get_previous_ti")
    aget_previous_ti = awaiting_method(_get_previous_ti)
    get_dagrun_state = blocking_method(_get_dagrun_state, face="ti.get_dagrun_state")
    aget_dagrun_state = awaiting_method(_get_dagrun_state)
    get_dr_count = blocking_method(_get_dr_count, face="ti.get_dr_count")
    aget_dr_count = awaiting_method(_get_dr_count)
    get_ti_count = blocking_method(_get_ti_count, face="ti.get_ti_count")
    aget_ti_count = awaiting_method(_get_ti_count)
    get_task_states = blocking_method(_get_task_states, face="ti.get_task_states")
    aget_task_states = awaiting_method(_get_task_states)


def _texts(texts: Iterable[str] | None) -> tuple[str, ...] | None:
    if isinstance(texts, str):
        raise UsageError(f"{texts!r} is one name where several belong; put it into a list")
    # Members of enums of strings become what they stand for.
    return None if texts is None else tuple(str(text) for text in texts)


def _dates(moments: Iterable[datetime] | None) -> tuple[datetime, ...] | None:
    return None if moments is None else tuple(_aware(moment) for moment in moments)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise UsageError(f"{moment} has no time zone; give it one, such as datetime.UTC")
    return moment
