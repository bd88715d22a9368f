"""What a try needs, small enough for tests: tasks from a dict, XComs from a dict, reports in a list."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import anyio.lowlevel
import attrs

from flowcore.app.state_stores import UnstoredStates
from flowcore.domain.assets import Asset, AssetEvent
from flowcore.domain.dag_outlines import DagOutline
from flowcore.domain.dag_runs import DagRun, PastTaskInstance, RunFilter, TaskInstanceFilter
from flowcore.domain.requested_runs import RequestedRun, RunRequest
from flowcore.domain.states import DagRunState
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Report, RunFacts, TryEnded, TryOutcome, TryStarted, Workload
from flowcore.errors import ConnectionNotFound, DagError, DagNotFound, VariableNotFound
from flowcore.runner.answers import Answers
from flowcore.runner.loop_comms import LoopComms
from flowcore.runner.sources import SecretsSource, TrySources
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.runner.tries import Try
from flowcore.runner.xcoms.try_xcoms import TryXComs
from flowcore.sdk import DAG, BaseOperator, XComArg

MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = RunFacts(
    dag_run_id=7, dag_id="d", run_id="manual__1", run_type="manual", dag_version_id=1, run_after=MOMENT
)
DATED_RUN = attrs.evolve(
    RUN, logical_date=MOMENT, data_interval_start=MOMENT, data_interval_end=MOMENT, params={"size": 3}
)


def workload_of(
    task_id: str, number: int = 1, *, run: RunFacts = RUN, timeout_s: float | None = None, token: int = 1
) -> Workload:
    """The first try of a task, with `number` as id of the task instance."""
    return Workload(
        task_instance_id=number,
        token=token,
        task_id=task_id,
        position=0,
        run=run,
        execution_timeout_s=timeout_s,
        max_tries=2,
    )


@attrs.define
class Tasks:
    """The tasks of one Dag."""

    dag: DAG

    def has_dag(self, dag_id: str) -> bool:
        return dag_id == self.dag.dag_id

    async def task(self, workload: Workload) -> BaseOperator:
        if workload.run.dag_id != self.dag.dag_id:
            raise DagError(f"Dag {workload.run.dag_id!r} is not registered; register it")
        return self.dag.get_task(workload.task_id)


@attrs.define
class XComs:
    """The values of XComs by key, and how often they were read."""

    values: dict[tuple[str, int, str], Any] = attrs.field(factory=dict)
    error: Exception | None = None
    pulls: int = 0
    searches: list[Any] = attrs.field(factory=list)
    slices: list[tuple[int, int]] = attrs.field(factory=list)

    async def pull(self, dag_run_id: int, keys: Any) -> dict[tuple[str, int, str], str]:
        assert dag_run_id == RUN.dag_run_id
        self.pulls += 1
        await anyio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        return {key: json.dumps(self.values[key]) for key in keys if key in self.values}

    async def find(self, dag_run_id: int, task_ids: Any, key: str) -> dict[str, list[tuple[int, str]]]:
        assert dag_run_id == RUN.dag_run_id
        return await self._by_task(task_ids, key)

    async def count(self, dag_run_id: int, task_id: str, key: str) -> int:
        return len((await self._by_task([task_id], key))[task_id])

    async def slice(
        self, dag_run_id: int, task_id: str, key: str, *, start: int, limit: int
    ) -> list[tuple[int, str]]:
        self.slices.append((start, limit))
        return (await self._by_task([task_id], key))[task_id][start : start + limit]

    async def search(
        self, dag_id: str, run_id: str, task_ids: Any, **others: Any
    ) -> dict[str, list[tuple[int, str]]]:
        self.searches.append((dag_id, run_id, others["until"]))
        return await self._by_task(task_ids, others["key"])

    async def _by_task(self, task_ids: Any, key: str) -> dict[str, list[tuple[int, str]]]:
        await anyio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        found: dict[str, list[tuple[int, str]]] = {task_id: [] for task_id in task_ids}
        for (task_id, index, pushed), value in sorted(self.values.items(), key=lambda item: item[0]):
            if task_id in found and pushed == key:
                found[task_id].append((index, json.dumps(value)))
        return found


@attrs.define
class Reports:
    """Keeps reports, and lets tests wait for the ends among them."""

    reports: list[Report] = attrs.field(factory=list)
    _news: anyio.Event = attrs.field(factory=anyio.Event)

    def report(self, report: Report) -> None:
        self.reports.append(report)
        news, self._news = self._news, anyio.Event()
        news.set()

    async def wait_started(self, count: int = 1) -> None:
        """Return once so many tries have started in all."""
        with anyio.fail_after(20):
            while sum(isinstance(report, TryStarted) for report in self.reports) < count:
                await self._news.wait()

    @property
    def ends(self) -> list[TryEnded]:
        return [report for report in self.reports if isinstance(report, TryEnded)]

    @property
    def outcomes(self) -> dict[int, TryOutcome]:
        return {end.workload.task_instance_id: end.outcome for end in self.ends}


@attrs.define
class Secrets:
    """Has no connection, and these variables."""

    variables: dict[str, str] = attrs.field(factory=dict)

    async def connection(self, conn_id: str) -> Any:
        raise ConnectionNotFound(conn_id, ())

    async def variable(self, key: str) -> str:
        await anyio.lowlevel.checkpoint()
        if key not in self.variables:
            raise VariableNotFound(key, ())
        return self.variables[key]

    async def set_variable(self, key: str, value: str, description: str | None) -> None: ...
    async def delete_variable(self, key: str) -> None: ...
    async def variable_keys(self, prefix: str) -> list[str]:
        return []


def past_run(run_id: str, **fields: Any) -> DagRun:
    """A run of the Dag `d` that succeeded."""
    return DagRun(
        dag_id="d", run_id=run_id, run_type="manual", state=DagRunState.SUCCESS, run_after=MOMENT, **fields
    )


@attrs.define
class Runs:
    """Runs by name, in order of their dates, and how often they were asked for."""

    runs: list[DagRun] = attrs.field(factory=list)
    past: list[PastTaskInstance] = attrs.field(factory=list)
    questions: list[Any] = attrs.field(factory=list)
    outlines: list[DagOutline] = attrs.field(factory=list)

    async def dag_outline(self, dag_id: str) -> DagOutline | None:
        self.questions.append(dag_id)
        return next((one for one in self.outlines if one.dag_id == dag_id), None)

    async def dag_run(self, dag_id: str, run_id: str) -> DagRun | None:
        self.questions.append((dag_id, run_id))
        return next((run for run in self.runs if (run.dag_id, run.run_id) == (dag_id, run_id)), None)

    async def previous_dag_run(self, dag_id: str, before: datetime, state: str | None) -> DagRun | None:
        self.questions.append((dag_id, before, state))
        await anyio.lowlevel.checkpoint()
        return next((run for run in self.runs if state in (None, run.state)), None)

    async def previous_task_instance(
        self, dag_id: str, task_id: str, **others: Any
    ) -> PastTaskInstance | None:
        self.questions.append((dag_id, task_id, others))
        return next(iter(self.past), None)

    async def count_dag_runs(self, selection: RunFilter) -> int:
        self.questions.append(selection)
        return len(self.runs)

    async def count_task_instances(self, selection: TaskInstanceFilter) -> int:
        self.questions.append(selection)
        return len(self.past)

    async def task_instances(self, selection: TaskInstanceFilter) -> list[PastTaskInstance]:
        self.questions.append(selection)
        return self.past

    async def consumed_asset_events(self, dag_run_id: int) -> list[AssetEvent]:
        self.questions.append(dag_run_id)
        return []

    async def asset(self, name: str) -> Asset | None:
        self.questions.append(name)
        return None

    async def asset_events(self, **wanted: Any) -> list[AssetEvent]:
        self.questions.append(wanted)
        return []


class NoTriggers:
    """Has no Dag of which a run could be made."""

    async def trigger(self, request: RunRequest) -> RequestedRun:
        raise DagNotFound(request.dag_id)


def sources_of(
    xcoms: XComs | None = None, secrets: SecretsSource | None = None, runs: Runs | None = None
) -> TrySources:
    """What tries in this process ask; by default there is nothing in it."""
    return TrySources(
        xcoms=xcoms or XComs(),
        runs=runs or Runs(),
        trigger=NoTriggers(),
        secrets=secrets or Secrets(),
        states=UnstoredStates(),
    )


def ti_of(
    task: BaseOperator,
    *,
    run: RunFacts = RUN,
    xcoms: XComs | None = None,
    runs: Runs | None = None,
    pushed: dict[str, str] | None = None,
    settings: TrySettings = TrySettings(),
) -> RunningTaskInstance:
    """`ti` of a try in this process."""
    workload = workload_of(task.task_id, run=run)
    comms = LoopComms(Answers(workload, sources_of(xcoms, runs=runs)))
    of_the_try = TryXComs(workload, settings, pushed={} if pushed is None else pushed, is_async=task.is_async)
    return RunningTaskInstance(workload, task, comms=comms, xcoms=of_the_try, start_date=MOMENT)


def try_of(
    out: XComArg | BaseOperator,
    *,
    xcoms: XComs | None = None,
    secrets: Secrets | None = None,
    runs: Runs | None = None,
    settings: TrySettings = TrySettings(),
    **workload: Any,
) -> Try:
    """A try of a task that was defined in a Dag."""
    task = out.operator if isinstance(out, XComArg) else out
    assert task.dag is not None
    of_the_task = workload_of(task.task_id, **workload)
    return Try(
        of_the_task,
        tasks=Tasks(task.dag),
        comms=LoopComms(Answers(of_the_task, sources_of(xcoms, secrets, runs))),
        threads=anyio.CapacityLimiter(2),
        on_start=lambda: None,
        settings=settings,
    )
