"""Hypothesis strategies for Dags, the ends of their tries, and loads of runs; small, but of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum, auto

import attrs
from hypothesis import strategies as st

from flowcore.domain.dags import DEFAULT_POOL, Dag, Task
from flowcore.domain.retries import RetryRule
from flowcore.domain.skips import SkipReach, tasks_it_may_skip
from flowcore.domain.task_mapping import Length, LengthKind, sources_of
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import NO_EFFECTS, TryEffects, TryOutcome
from flowcore.testing.clock import EPOCH
from flowcore.testing.loads import Load, RunRequest
from flowcore.testing.scripts import Script, ScriptedEnd

#: Slots by pool; tasks never want more than their pool has.
POOLS = {DEFAULT_POOL: 4, "narrow": 2}

_limits = st.none() | st.integers(1, 2)
_outcomes = st.sampled_from(
    [o for o in TryOutcome if o not in (TryOutcome.GIVEN_BACK, TryOutcome.RESCHEDULED)]
)
#: Tries that take so long look once more.
_LOOKS_AGAIN_S = 7
_EVERY = timedelta(seconds=20)


@st.composite
def dags(
    draw: st.DrawFn,
    dag_id: str = "dag",
    *,
    tasks_max: int = 6,
    timeouts: bool = False,
    schedules: bool = False,
    looks_back: bool = False,
) -> Dag:
    """Random acyclic Dags: every trigger rule, setups, teardowns, branches, mapping, retries, pools, weights.

    `timeouts` adds a dagrun_timeout now and then, `schedules` a timetable with three runs. Tasks of Dags that
    have one depend on the past now and then, or with `looks_back` those of all.
    """
    count = draw(st.integers(1, tasks_max))
    roles = draw(_roles(count))
    upstream = [draw(_upstream(position, roles)) for position in range(count)]
    fail_fast = draw(st.sampled_from([False, False, True]))
    is_scheduled = schedules and draw(st.booleans())
    tasks = [draw(_tasks(dag_id, position, upstream, roles)) for position in range(count)]
    if fail_fast:
        tasks = [_for_fail_fast(task) for task in tasks]
    # Of runs that somebody asks for it is not known in which order they begin.
    if looks_back or is_scheduled:
        tasks = [draw(_looking_back(task)) for task in tasks]
    tasks, mappings = draw(_mapped(tasks))
    dag = Dag(
        dag_id=dag_id,
        tasks=tuple(tasks),
        mappings=mappings,
        fail_fast=fail_fast,
        max_active_runs=draw(st.integers(1, 3)),
        max_active_tasks=draw(st.integers(1, 4)),
        dagrun_timeout_s=draw(st.none() | st.integers(1, 30).map(float)) if timeouts else None,
        has_success_callbacks=True,
        has_failure_callbacks=True,
    )
    return _scheduled(dag) if is_scheduled else dag


@st.composite
def scripts(draw: st.DrawFn, of: Sequence[Dag], *, fatal: bool = False) -> Script:
    """How each try of these Dags' tasks ends; at most one task is `fatal` for its process, once."""
    ends = {
        (task.task_id, try_number): _end(draw(_outcomes), draw(st.integers(0, 10)), draw(effects(dag, task)))
        for dag in of
        for task in dag.tasks
        for try_number in range(1, task.retries + 2)
    }
    if fatal and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(ends)))
        ends[key] = attrs.evolve(ends[key], fatal_tokens=1)
    return Script(ends, draw(_ends_of_instances(of)))


@st.composite
def _ends_of_instances(draw: st.DrawFn, of: Sequence[Dag]) -> dict[tuple[str, int, int], ScriptedEnd]:
    """How second instances of mapped tasks end, at their first tries."""
    return {
        (task.task_id, 1, 1): _end(draw(_outcomes), draw(st.integers(0, 10)), draw(effects(dag, task)))
        for dag in of
        for task in dag.tasks
        if task.mapping is not None
    }


def _end(outcome: TryOutcome, duration_s: int, of: TryEffects) -> ScriptedEnd:
    waits_s = float(duration_s) if duration_s == _LOOKS_AGAIN_S else 0.0
    return ScriptedEnd(outcome, float(duration_s), of, waits_s=waits_s)


def effects(dag: Dag, task: Task) -> st.SearchStrategy[TryEffects]:
    """What a try of a task may say about the rest of its run."""
    skippable = [dag.tasks[position].task_id for position in tasks_it_may_skip(dag, task)]
    lengths = _lengths(dag, task)
    if not (skippable or lengths):
        return st.just(NO_EFFECTS)
    skips = st.lists(st.sampled_from(skippable), unique=True).map(tuple) if skippable else st.just(())
    return st.builds(TryEffects, skips, st.sampled_from(lengths) if lengths else st.none())


def _lengths(dag: Dag, task: Task) -> Sequence[int | None]:
    """What a try may say about its output; nothing if nobody is mapped over that."""
    if all(task.position not in sources_of(mapping) for mapping in dag.mappings):
        return ()
    return (2, 1, 2, 0, None) if task.mapping is None else (1, 1, None)


@st.composite
def loads(
    draw: st.DrawFn,
    *,
    dags_min: int = 1,
    dags_max: int = 2,
    tasks_max: int = 6,
    requests_min: int = 1,
    requests_max: int = 4,
    timeouts: bool = False,
    fatal: bool = True,
) -> Load:
    """Some Dags and runs of them, some of which may be asked for twice."""
    of = tuple(
        draw(dags(f"dag{number}", tasks_max=tasks_max, timeouts=timeouts, schedules=True))
        for number in range(draw(st.integers(dags_min, dags_max)))
    )
    requests = st.builds(
        RunRequest,
        st.sampled_from([dag.dag_id for dag in of]),
        # In the past, where no timetable puts a run.
        st.integers(1, 3).map(lambda days: EPOCH - timedelta(days=days)),
    )
    asked = draw(st.lists(requests, min_size=requests_min, max_size=requests_max))
    return Load(of, tuple(asked), draw(scripts(of, fatal=fatal)), POOLS)


class Role(Enum):
    """What a task is there for."""

    WORK = auto()
    SETUP = auto()
    TEARDOWN = auto()


def _roles(count: int) -> st.SearchStrategy[list[Role]]:
    mixed = st.sampled_from([Role.WORK, *Role])
    return st.lists(mixed, min_size=count, max_size=count) | st.just([Role.WORK] * count)


@st.composite
def _upstream(draw: st.DrawFn, position: int, roles: Sequence[Role]) -> list[int]:
    size = min(position, draw(st.sampled_from([0, 1, 1, 2, 3])))
    earlier = st.integers(0, max(0, position - 1))
    upstream = set(draw(st.lists(earlier, unique=True, min_size=size, max_size=size)))
    setups = [before for before in range(position) if roles[before] is Role.SETUP]
    if roles[position] is Role.TEARDOWN and setups:
        upstream.add(draw(st.sampled_from(setups)))
    return sorted(upstream)


@st.composite
def _tasks(
    draw: st.DrawFn, dag_id: str, position: int, upstream: Sequence[Sequence[int]], roles: Sequence[Role]
) -> Task:
    pool = draw(st.sampled_from(sorted(POOLS)))
    follows_setup = any(roles[before] is Role.SETUP for before in upstream[position])
    return Task(
        task_id=f"{dag_id}_task{position}",
        position=position,
        upstream=tuple(upstream[position]),
        downstream=tuple(later for later, before in enumerate(upstream) if position in before),
        trigger_rule=draw(_trigger_rules(roles[position], follows_setup=follows_setup)),
        may_skip=draw(st.sampled_from([SkipReach.NOTHING, SkipReach.NOTHING, *SkipReach])),
        is_setup=roles[position] is Role.SETUP,
        is_teardown=roles[position] is Role.TEARDOWN,
        on_failure_fail_dagrun=roles[position] is Role.TEARDOWN and draw(st.booleans()),
        priority_weight=draw(st.integers(1, 3)),
        pool=pool,
        pool_slots=draw(st.integers(1, POOLS[pool])),
        retries=draw(st.integers(0, 2)),
        retry_rule=RetryRule(float(draw(st.integers(0, 15)))),
        max_active_tis_per_dag=draw(_limits),
        max_active_tis_per_dagrun=draw(_limits),
    )


def _for_fail_fast(task: Task) -> Task:
    """The SDK refuses other rules in such a Dag."""
    return task if task.is_teardown else attrs.evolve(task, trigger_rule=TriggerRule.ALL_SUCCESS)


@st.composite
def _mapped(draw: st.DrawFn, tasks: Sequence[Task]) -> tuple[list[Task], tuple[Length, ...]]:
    """Now and then a task is mapped, over what is right before it or over a literal; or two that follow."""
    mapped, mappings = list(tasks), list[Length]()
    for position in draw(st.sampled_from([[], [], [0], [len(tasks) // 2], [0, len(tasks) - 1]])):
        task = mapped[position]
        if task.mapping is not None:
            continue
        outputs = [Length(LengthKind.OUTPUT, source=source) for source in task.upstream[:2]]
        literal = Length(LengthKind.LITERAL, draw(st.integers(0, 2)))
        together = [position]
        if task.downstream and mapped[task.downstream[0]].mapping is None and draw(st.booleans()):
            together.append(task.downstream[0])
        for other in together:
            mapped[other] = attrs.evolve(mapped[other], mapping=len(mappings))
        kind = draw(st.sampled_from([LengthKind.SUM, LengthKind.PRODUCT, LengthKind.SHORTEST]))
        mappings.append(outputs[0] if len(outputs) == 1 else Length(kind, parts=tuple(outputs or [literal])))
    return mapped, tuple(mappings)


@st.composite
def _looking_back(draw: st.DrawFn, task: Task) -> Task:
    if not draw(st.booleans()):
        return task
    return attrs.evolve(
        task,
        depends_on_past=True,
        wait_for_downstream=draw(st.booleans()),
        wait_for_past_depends_before_skipping=draw(st.booleans()),
    )


def _trigger_rules(role: Role, *, follows_setup: bool) -> st.SearchStrategy[TriggerRule]:
    """What the SDK lets an author choose."""
    if role is Role.TEARDOWN:
        return st.just(TriggerRule.ALL_DONE_SETUP_SUCCESS)
    return st.just(TriggerRule.ALL_SUCCESS) if follows_setup else st.sampled_from(TriggerRule)


def _scheduled(dag: Dag) -> Dag:
    timetable = DeltaDataIntervalTimetable(_EVERY).serialize()
    return attrs.evolve(dag, timetable=timetable, start_date=EPOCH, end_date=EPOCH + 2 * _EVERY, catchup=True)
