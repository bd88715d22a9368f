"""The Dag as the scheduler sees it: structure, rules and limits, and nothing of the author's code.

The SDK compiles a `flowcore.sdk.DAG` into this; `serialization.py` turns it into versioned JSON and
back; the scheduler works from it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import attrs

from flowcore.backends import Backend
from flowcore.domain.dependencies import Dependencies, dependencies_of
from flowcore.domain.external_marks import ExternalMark
from flowcore.domain.retries import RetryRule
from flowcore.domain.skips import SkipReach
from flowcore.domain.task_mapping import Length
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import RunsIn

DEFAULT_POOL = "default_pool"


@attrs.frozen(kw_only=True)
class Task:
    """One node of a Dag.

    `position` is the task's index in Dag order (the order of definition); upstream and downstream
    are positions of *direct* neighbours, ascending. `priority_weight` is the effective weight, after
    the weight rule. Durations are seconds. `docs` are texts by the names of their arguments (`doc_md`, ...);
    `group_id` is that of the innermost TaskGroup, empty where there is none. `mapping` is the index in
    `Dag.mappings` of what the task, or a group around it, is mapped over. `inlets` and `outlets` are the
    assets that it reads and updates (`asset_documents.py`). `mark` is what depends on it in another Dag.
    """

    task_id: str
    position: int
    upstream: tuple[int, ...] = ()
    downstream: tuple[int, ...] = ()
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    may_skip: SkipReach = SkipReach.NOTHING
    mapping: int | None = None
    depends_on_past: bool = False
    wait_for_downstream: bool = False
    ignore_first_depends_on_past: bool = True
    wait_for_past_depends_before_skipping: bool = False
    is_setup: bool = False
    is_teardown: bool = False
    on_failure_fail_dagrun: bool = False
    priority_weight: int = 1
    pool: str = DEFAULT_POOL
    pool_slots: int = 1
    queue: str = "default"
    executor: str | None = None
    runs_in: RunsIn = RunsIn.PROCESS
    backend: Backend | None = None
    retries: int = 0
    retry_rule: RetryRule = RetryRule()
    execution_timeout_s: float | None = None
    has_failure_callbacks: bool = False
    max_active_tis_per_dag: int | None = None
    max_active_tis_per_dagrun: int | None = None
    is_async: bool = False
    operator: str = ""
    owner: str = ""
    group_id: str = ""
    display_name: str = ""
    docs: Mapping[str, Any] = attrs.field(factory=dict)
    inlets: tuple[Mapping[str, Any], ...] = ()
    outlets: tuple[Mapping[str, Any], ...] = ()
    mark: ExternalMark | None = None


@attrs.frozen(kw_only=True)
class Group:
    """A TaskGroup, for those who draw it; `parent_id` is empty at the top."""

    group_id: str
    parent_id: str = ""
    display_name: str = ""
    tooltip: str = ""
    ui_color: str = ""
    ui_fgcolor: str = ""


@attrs.frozen(kw_only=True, slots=False)
class Dag:
    """A Dag without its code. Limits of 0 or less mean "none"; times are aware and in UTC.

    `allowed_run_types` None allows all. `groups` come each after the one around it. `edge_labels` are labels
    by upstream and downstream task id.
    `mappings` say how many instances mapped tasks have; tasks of a group that is mapped share one.
    """

    dag_id: str
    tasks: tuple[Task, ...] = ()
    mappings: tuple[Length, ...] = ()
    timetable: Mapping[str, Any] = attrs.field(factory=lambda: {"type": "null"})
    start_date: datetime | None = None
    end_date: datetime | None = None
    catchup: bool = False
    max_active_runs: int = 16
    max_active_tasks: int = 16
    max_consecutive_failed_dag_runs: int = 0
    allowed_run_types: tuple[str, ...] | None = None
    dagrun_timeout_s: float | None = None
    fail_fast: bool = False
    has_success_callbacks: bool = False
    has_failure_callbacks: bool = False
    params: Mapping[str, Any] = attrs.field(factory=dict)
    is_paused_upon_creation: bool | None = None
    description: str | None = None
    doc_md: str | None = None
    tags: tuple[str, ...] = ()
    owner: str = ""
    owner_links: Mapping[str, Any] = attrs.field(factory=dict)
    groups: tuple[Group, ...] = ()
    edge_labels: Mapping[str, Any] = attrs.field(factory=dict)
    fileloc: str | None = None
    display_name: str = ""

    @cached_property
    def position_of(self) -> Mapping[str, int]:
        """Position of each task by its id."""
        return {task.task_id: task.position for task in self.tasks}

    @cached_property
    def dependencies(self) -> Dependencies:
        """Who looks at whom."""
        return dependencies_of(self)

    @cached_property
    def mapped_together(self) -> tuple[tuple[int, ...], ...]:
        """By mapping the positions of the tasks that have it."""
        return tuple(
            tuple(task.position for task in self.tasks if task.mapping == mapping)
            for mapping in range(len(self.mappings))
        )

    @cached_property
    def pools(self) -> frozenset[str]:
        """The pools of its tasks."""
        return frozenset(task.pool for task in self.tasks)

    @cached_property
    def looks_back(self) -> bool:
        """Whether tasks of a run may wait for the run before."""
        return any(task.depends_on_past for task in self.tasks)

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """Positions of the tasks whose end decides the state of a run.

        Tasks without downstream; but a teardown is ignored unless it says `on_failure_fail_dagrun`, so
        that tasks with nothing but such teardowns right after them take its place. In a Dag that
        consists of such teardowns, those without downstream decide after all.
        """
        ignored = {t.position for t in self.tasks if t.is_teardown and not t.on_failure_fail_dagrun}
        leaves = [
            t.position for t in self.tasks if t.position not in ignored and ignored.issuperset(t.downstream)
        ]
        return tuple(leaves or [task.position for task in self.tasks if not task.downstream])
