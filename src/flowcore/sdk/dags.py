"""`DAG`: what an author builds task by task, and compiles into what the scheduler works from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import import_module
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Unpack

import attrs

from flowcore.backends import Backend
from flowcore.domain import dags as domain
from flowcore.domain.timetables.registry import Schedule, timetable_for
from flowcore.errors import DagError, DuplicateTaskId, TaskNotFound
from flowcore.sdk import nesting
from flowcore.sdk.argument_rules import kept_arguments
from flowcore.sdk.compilation import compile_dag
from flowcore.sdk.dag_arguments import DAG_RULES, DagArguments
from flowcore.sdk.ids import check_id
from flowcore.sdk.notifiers import Callback
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.params import DagParam, Param, checked_param
from flowcore.sdk.task_groups import TaskGroup

if TYPE_CHECKING:
    from flowcore.sdk.ended_runs import EndedRun
    from flowcore.sdk.templates.environments import Templates


class DAG:
    """Use it as a context manager: tasks and groups that are defined inside belong to it.

    Args:
        dag_id: Letters, digits, `_`, `-` and `.`; unique among all Dags.
        arguments: See `DagArguments`.

    Raises:
        DagError: An argument is unknown or not allowed.
    """

    description: str | None = None
    schedule: Schedule = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    max_active_tasks: int = 16
    max_active_runs: int = 16
    max_consecutive_failed_dag_runs: int = 0
    allowed_run_types: tuple[str, ...] | None = None
    dagrun_timeout: timedelta | None = None
    catchup: bool = False
    fail_fast: bool = False
    on_success_callback: tuple[Callback, ...] = ()
    on_failure_callback: tuple[Callback, ...] = ()
    doc_md: str | None = None
    is_paused_upon_creation: bool | None = None
    tags: tuple[str, ...] = ()
    owner_links: Mapping[str, str] = MappingProxyType({})
    dag_display_name: str = ""
    fileloc: str | None = None
    template_searchpath: tuple[str, ...] = ()
    template_undefined: type[Any] | None = None
    user_defined_macros: Mapping[str, Any] | None = None
    user_defined_filters: Mapping[str, Any] | None = None
    jinja_environment_kwargs: Mapping[str, Any] | None = None
    render_template_as_native_obj: bool = False

    def __init__(self, dag_id: str, **arguments: Unpack[DagArguments]) -> None:
        check_id("a dag_id", dag_id)
        self.dag_id = dag_id
        given = {name: value for name, value in arguments.items() if value is not None}
        kept = kept_arguments(f"Dag {dag_id!r}", DAG_RULES, {**_dates_in_default_args(arguments), **given})
        self.default_args: Mapping[str, Any] = kept.pop("default_args", {})
        self.params: dict[str, Param] = {
            name: checked_param(dag_id, name, value) for name, value in kept.pop("params", {}).items()
        }
        for name, value in kept.items():
            setattr(self, name, value)
        self._set_times()
        self.task_dict: dict[str, BaseOperator] = {}
        self.taken_ids: set[str] = set()
        #: Labels by (upstream, downstream) task.
        self.edge_labels: dict[tuple[str, str], str] = {}
        self.task_group = TaskGroup.root_of(self)
        #: Filled by `templates/rendering.py`: those that make strings, and those that make Python values.
        self.templates: dict[bool, Templates] = {}

    def _set_times(self) -> None:
        self.timezone: tzinfo = (self.start_date and self.start_date.tzinfo) or UTC
        self.start_date = self.start_date and _in_zone(self.start_date, self.timezone)
        self.end_date = self.end_date and _in_zone(self.end_date, self.timezone)
        try:
            self.timetable = timetable_for(self.schedule, self.timezone)
        except DagError as error:
            raise DagError(f"Dag {self.dag_id!r} has schedule={self.schedule!r}: {error}") from error

    def __enter__(self) -> DAG:
        nesting.note_dag(self)
        nesting.enter(self.task_group)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        nesting.leave()

    def __repr__(self) -> str:
        return f"<DAG {self.dag_id}>"

    @property
    def tasks(self) -> list[BaseOperator]:
        """Its tasks in order of definition."""
        return list(self.task_dict.values())

    def get_task(self, task_id: str) -> BaseOperator:
        """The task of that id.

        Raises:
            TaskNotFound: There is none.
        """
        if task_id not in self.task_dict:
            raise TaskNotFound(self.dag_id, task_id)
        return self.task_dict[task_id]

    def param(self, name: str, default: Any = attrs.NOTHING) -> DagParam:
        """The value that a run will have for a param, for the arguments of tasks.

        With a `default` the param is declared here, unless `params` has it already.
        """
        if default is not attrs.NOTHING and name not in self.params:
            self.params[name] = checked_param(self.dag_id, name, default)
        return DagParam(name)

    def take_id(self, node_id: str) -> None:
        """Reserve the id of a new task or group; called by them.

        Raises:
            DuplicateTaskId: A task or group has it already.
        """
        if node_id in self.taken_ids:
            raise DuplicateTaskId(self.dag_id, node_id)
        self.taken_ids.add(node_id)

    def compile(self) -> domain.Dag:
        """The Dag as the scheduler sees it.

        Raises:
            DagError: The tasks, the dates or the params do not fit together.
            DagCycle: Tasks wait for each other in a circle.
        """
        return compile_dag(self)

    def test(
        self,
        *,
        logical_date: datetime | None = None,
        run_conf: Mapping[str, Any] | None = None,
        backend: Backend | str = Backend.ASYNCIO,
    ) -> EndedRun:
        """Run the Dag to its end in this process, blocking, on a database in memory; retries follow at once.

        Functions run in threads, coroutines on an event loop that lives for the run: debuggers and captured
        output work. `run_conf` is what the run is triggered with; `logical_date` is by default the present.

        Raises:
            UsageError: An event loop is running here already.
            ParamError: `run_conf` breaks the Dag's params.
        """
        # The application is above the SDK, and a Dag file must not load it.
        run_to_end = import_module("flowcore.app.dag_tests").run_to_end
        ended: EndedRun = run_to_end(self, run_conf, logical_date, Backend(backend))
        return ended


def _dates_in_default_args(arguments: DagArguments) -> dict[str, Any]:
    # Airflow's authors write the dates of a Dag into `default_args` as often as not.
    default_args = arguments.get("default_args") or {}
    return {name: default_args.get(name) for name in ("start_date", "end_date")}


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
