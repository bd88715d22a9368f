"""What happens in a Dag run when task instances finish.

`RunProgress` remembers the states of one run and how those ended at whom each task looks, so that settling
a finished task instance costs those who look at it and no more. It is a deterministic state machine
without I/O: the same finished task instances lead to the same states in whatever order and batches they
arrive (invariant I13). `routines/schedule_task_instances.py` carries its changes out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from flowcore.domain.dags import Dag
from flowcore.domain.dependencies import NO_OTHERS, Look
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState
from flowcore.domain.task_mapping import INSTANCES_MAX, NOT_MAPPED, elements
from flowcore.domain.task_verdicts import counts_as_failure, task_verdict, waits_for_past
from flowcore.domain.verdicts import UpstreamCounts, Verdict
from flowcore.scheduler.decisions.run_changes import Instance, Key, RunChanges
from flowcore.scheduler.decisions.task_progress import NOBODY, Tally, TaskProgress

#: Task instances that are to be looked at: position and map index, None for all of the task.
_Touched = list[tuple[int, int | None]]

#: As what counts that a task is mapped over too much.
_CANNOT = UpstreamCounts(1, failed=1)
_FAILED_LEAF = frozenset({TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED})
_STATE_OF = {
    Verdict.RUN: TaskInstanceState.SCHEDULED,
    Verdict.SKIP: TaskInstanceState.SKIPPED,
    Verdict.UPSTREAM_FAIL: TaskInstanceState.UPSTREAM_FAILED,
    Verdict.REMOVE: TaskInstanceState.REMOVED,
}


class RunProgress:
    """The states of one run; `revision` says up to which change of the run they are true."""

    def __init__(self, dag: Dag, *, revision: int = 0) -> None:
        self.dag = dag
        self.revision = revision
        self._tasks = [TaskProgress(task) for task in dag.tasks]
        #: How many task instances it remembers.
        self.size = self._unfinished = len(dag.tasks)
        self._in_flight = 0
        self._has_failed_fast = False
        #: Tasks that would be decided if it were known that the run before lets them.
        self.held: set[int] = set()
        self._admitted: set[int] = set()
        #: How many elements there are, of the mappings of which that is known.
        self._lengths: dict[int, int] = {}
        self._too_long: dict[int, int] = {}

    @classmethod
    def of(cls, dag: Dag, instances: Iterable[Instance], *, revision: int) -> RunProgress:
        """Rebuild it from all task instances."""
        progress = cls(dag, revision=revision)
        by_position: dict[int, list[Instance]] = defaultdict(list)
        for instance in instances:
            by_position[instance.position].append(instance)
        for position, of_task in by_position.items():
            progress._tasks[position].begin_with(instance.map_index for instance in of_task)
            progress._count_more(len(of_task) - 1)
        for of_task in by_position.values():
            for instance in of_task:
                progress._take_in(instance)
        return progress

    def settle(self, finished: Iterable[Instance]) -> RunChanges:
        """Take in task instances that finished and decide what follows from them.

        Saying the same end twice changes nothing.
        """
        return self._follow([touched for instance in finished for touched in self._take_in(instance)])

    def settle_all(self) -> RunChanges:
        """Look at every task that was not decided yet: for a run that begins or was rebuilt."""
        return self._follow([(task.position, None) for task in self.dag.tasks])

    def admit(self, positions: Iterable[int]) -> RunChanges:
        """Decide on tasks that were held: the run before lets them."""
        admitted = list(positions)
        self.held.difference_update(admitted)
        self._admitted.update(admitted)
        return self._follow([(position, None) for position in admitted])

    def states(self) -> Mapping[Key, TaskInstanceState | None]:
        """The states of all task instances."""
        return {
            (position, map_index): state
            for position, task in enumerate(self._tasks)
            for map_index, state in task.states.items()
        }

    def _follow(self, touched: _Touched) -> RunChanges:
        changes: dict[Key, TaskInstanceState] = {}
        expansions: dict[int, range] = {}
        while touched:
            position, map_index = touched.pop()
            task = self._tasks[position]
            touched += self._expand_if_known(task, expansions)
            undecided = tuple(task.undecided) if map_index is None else {map_index} & task.undecided
            if not (undecided and self._may_begin(task)):
                continue
            # The same for all of them: who ends meanwhile is not looked at by this task.
            outside = self._outside(task)
            for index in undecided:
                if new := self._new_state(task, index, outside):
                    changes[position, index] = new
                    touched += self._set((position, index), new)
        stops = self._has_failed_fast and self._unfinished > 0
        errors = {key: error for key in changes if (error := self._why_unmapped(*key))}
        return RunChanges(dict(sorted(changes.items())), *self._end_of_run(), stops, expansions, errors)

    def _expand_if_known(self, task: TaskProgress, expansions: dict[int, range]) -> _Touched:
        """Give a mapped task its instances once it is known how many; all that is touched by that."""
        mapping = task.task.mapping
        if mapping is None or mapping in self._lengths or not self._are_sources_there(task):
            return []
        length = elements(self.dag.mappings[mapping], lambda source: self._tasks[source].pushed or 0)
        if length > INSTANCES_MAX:
            self._too_long[mapping] = length
            return []
        self._lengths[mapping] = length
        together = (self._tasks[position] for position in self.dag.mapped_together[mapping])
        mapped = [other for other in together if self._may_begin(other)]
        # What has ended stays as it is when its sources end anew.
        if not any(other.undecided for other in mapped):
            return []
        for other in mapped:
            before = len(other.states)
            if new := other.expand(length):
                expansions[other.task.position] = new
                self._expect(other, len(other.states) - before)
        return [(other.task.position, None) for other in mapped]

    def _are_sources_there(self, task: TaskProgress) -> bool:
        sources = self._counts(task, Look.SOURCE)
        return sources.success == sources.total

    def _expect(self, task: TaskProgress, more: int) -> None:
        """Count that a task has more instances."""
        self._count_more(more)
        for watcher in self.dag.dependencies.looked_at_by[task.task.position]:
            tally = self._tasks[watcher.position].tallies.get(watcher.look)
            if tally is not None and not watcher.is_inside:
                tally.expect(more)

    def _count_more(self, more: int) -> None:
        self.size += more
        self._unfinished += more

    def _new_state(
        self, task: TaskProgress, map_index: int, outside: Mapping[Look, UpstreamCounts]
    ) -> TaskInstanceState | None:
        counts = self._with_inside(task, map_index, outside)
        verdict = task_verdict(
            task.task,
            lambda look: counts.get(look, NOBODY),
            map_index=map_index,
            length=None if task.task.mapping is None else self._lengths.get(task.task.mapping),
            told_to_skip=task.is_told_to_skip(map_index),
        )
        if waits_for_past(task.task, verdict) and task.task.position not in self._admitted:
            self.held.add(task.task.position)
            return None
        return _STATE_OF.get(verdict)

    def _may_begin(self, task: TaskProgress) -> bool:
        return task.task.is_teardown or not self._has_failed_fast

    def _outside(self, task: TaskProgress) -> Mapping[Look, UpstreamCounts]:
        """How those ended at whom all instances of a task look."""
        return {look: self._counts(task, look) for look in self.dag.dependencies.looks_at[task.task.position]}

    def _counts(self, task: TaskProgress, look: Look) -> UpstreamCounts:
        if look is Look.SOURCE and task.task.mapping in self._lengths:
            return NOBODY
        if look is Look.SOURCE and task.task.mapping in self._too_long:
            return _CANNOT
        outside = self.dag.dependencies.looks_at[task.task.position].get(look, NO_OTHERS).outside
        tally = task.tallies.get(look)
        if tally is None:
            states = (state for other in outside for state in self._tasks[other].states.values())
            tally = task.tallies[look] = Tally(states)
        counts = tally.counts()
        if look is Look.SOURCE and not counts.remaining:
            return Tally(map(self._end_as_source, outside)).counts()
        return counts

    def _with_inside(
        self, task: TaskProgress, map_index: int, outside: Mapping[Look, UpstreamCounts]
    ) -> Mapping[Look, UpstreamCounts]:
        """The same with those at whom one instance looks."""
        if task.task.mapping is None:
            return outside
        counts = dict(outside)
        for look, others in self.dag.dependencies.looks_at[task.task.position].items():
            if others.inside:
                at = task.tallies_at.setdefault(map_index, {})
                if look not in at:
                    at[look] = Tally(self._tasks[other].state_at(map_index) for other in others.inside)
                counts[look] += at[look].counts()
        return counts

    def _why_unmapped(self, position: int, map_index: int) -> str | None:
        """Why a mapped task never got its instances, where its sources do not tell that themselves."""
        task = self._tasks[position]
        mapping = task.task.mapping
        if mapping is None or task.states[map_index] is not TaskInstanceState.UPSTREAM_FAILED:
            return None
        if mapping in self._too_long:
            return (
                f"the task is mapped over {self._too_long[mapping]:,} elements, and {INSTANCES_MAX:,}"
                " instances are the most that there can be; map it over lists of elements"
            )
        for source in self.dag.dependencies.looks_at[position].get(Look.SOURCE, NO_OTHERS).outside:
            if self._has_nothing(source):
                return (
                    f"the task is mapped over what {self.dag.tasks[source].task_id!r} returned, and that was"
                    " nothing: it was marked by hand, or skipped tasks; clear it to run it again"
                )
        return None

    def _has_nothing(self, position: int) -> bool:
        source = self._tasks[position]
        is_success = source.states.get(NOT_MAPPED) is TaskInstanceState.SUCCESS
        return is_success and source.task.mapping is None and source.pushed is None

    def _end_as_source(self, position: int) -> TaskInstanceState | None:
        """How a task that is over has ended for those that are mapped over its output.

        Of a mapped one counts what its instances have pushed, however many of them ended well.
        """
        source = self._tasks[position]
        state = source.states.get(NOT_MAPPED, TaskInstanceState.SUCCESS)
        return TaskInstanceState.FAILED if self._has_nothing(position) else state

    def _take_in(self, instance: Instance) -> _Touched:
        """Remember a task instance; those for which that may matter."""
        position, map_index, state, effects = instance
        task = self._tasks[position]
        if state is None or task.states[map_index] is state:
            return []
        if state is TaskInstanceState.SUCCESS:
            task.note_pushed(effects.length)
            for task_id in effects.skips:
                skipped = self._tasks[self.dag.position_of[task_id]]
                is_inside = task.task.mapping is not None and task.task.mapping == skipped.task.mapping
                skipped.told_to_skip.add(map_index if is_inside else None)
        if state is TaskInstanceState.FAILED and self.dag.fail_fast:
            self._has_failed_fast |= counts_as_failure(task.task)
        return self._set((position, map_index), state)

    def _set(self, key: Key, state: TaskInstanceState) -> _Touched:
        """Remember a state; those for which that may matter."""
        position, map_index = key
        task = self._tasks[position]
        old = task.states[map_index]
        task.set(map_index, state)
        if old is not None and old not in FINISHED:
            self._in_flight -= 1
        if position in self.held and not task.undecided:
            self.held.remove(position)
        if state not in FINISHED:
            self._in_flight += 1
            return []
        self._unfinished -= 1
        touched: _Touched = []
        for watcher in self.dag.dependencies.looked_at_by[position]:
            index = map_index if watcher.is_inside else None
            tally = self._tasks[watcher.position].tally(watcher.look, index)
            if tally is None or tally.add(state):
                touched.append((watcher.position, index))
        return touched

    def _end_of_run(self) -> tuple[DagRunState | None, str | None]:
        if self._in_flight or self.held:
            return None, None
        if self._unfinished:
            # Nothing runs and nothing can: some rule waits for what will never come.
            return DagRunState.FAILED, "all_tasks_deadlocked"
        if self._has_failed_fast:
            return DagRunState.FAILED, "task_failure"
        leaves = (state for position in self.dag.leaves for state in self._tasks[position].states.values())
        if any(state in _FAILED_LEAF for state in leaves):
            return DagRunState.FAILED, "task_failure"
        return DagRunState.SUCCESS, None
