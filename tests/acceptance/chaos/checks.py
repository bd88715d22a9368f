"""What must be true after a chaos, of the rows and of what the tasks noted."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import attrs
import psycopg
from psycopg.rows import namedtuple_row

from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.testing.oracle import expect_run
from flowcore.testing.scripts import Script

_ENDED_BY_ITSELF = {TaskInstanceState.SUCCESS, TaskInstanceState.FAILED}
_TASK_INSTANCES = (
    "SELECT t.id, dag_run_id, position, map_index, state, token, lease_id, error, value, reason"
    " FROM task_instance t LEFT JOIN xcom x"
    " ON x.task_instance_id = t.id AND x.try_number = t.try_number AND key = 'return_value'"
)


@attrs.frozen
class Execution:
    """One try that a task noted: when it began and ended (None: it never did), in whose process."""

    number: str
    whose: str
    began: float
    ended: float | None = None


Executions = Mapping[tuple[int, int], Sequence[Execution]]
"""By task instance and token, in the order in which they began."""


def read_notes(path: Path) -> Executions:
    """What the tasks noted."""
    found: dict[tuple[int, int], dict[str, Execution]] = defaultdict(dict)
    for line in path.read_text().splitlines():
        word, task_instance_id, token, number, whose, at = line.split()
        of_token = found[int(task_instance_id), int(token)]
        if word == "begin":
            of_token[number] = Execution(number, whose, float(at))
        else:
            of_token[number] = attrs.evolve(of_token[number], ended=float(at))
    return {key: list(executions.values()) for key, executions in found.items()}


@attrs.frozen
class Outcome:
    """All rows at the end, and all executions."""

    runs: Sequence[tuple[int, str, str, str]]
    task_instances: Sequence[tuple[object, ...]]
    tries: Mapping[tuple[int, int], str]
    executions: Executions

    @classmethod
    def read(cls, url: str, notes: Path) -> Outcome:
        with psycopg.connect(url, row_factory=namedtuple_row) as connection:
            runs = connection.execute("SELECT id, dag_id, run_id, state FROM dag_run").fetchall()
            task_instances = connection.execute(_TASK_INSTANCES).fetchall()
            tries = connection.execute("SELECT task_instance_id, token, state FROM task_try").fetchall()
        return cls(runs, task_instances, {row[:2]: row[2] for row in tries}, read_notes(notes))

    def check_states(self, dags: Mapping[str, Dag], script: Script) -> None:
        """All runs ended as the oracle says, which knows of no fault."""
        states: dict[int, dict[tuple[int, int], str | None]] = {run[0]: {} for run in self.runs}
        for row in self.task_instances:
            states[row.dag_run_id][row.position, row.map_index] = row.state
        expected = {dag_id: expect_run(dag, script) for dag_id, dag in dags.items()}
        for run in self.runs:
            of_dag = expected[run.dag_id]
            assert states[run.id] == of_dag.states, f"{run}: {states[run.id]}, expected {of_dag.states}"
            assert DagRunState(run.state) is of_dag.run_state, f"{run}, expected {of_dag.run_state}"

    def check_nothing_is_held(self) -> None:
        """Nobody has a try any more."""
        held = [row for row in self.task_instances if row.lease_id is not None]
        assert not held, f"these are still held: {held}"

    def check_claims_are_executed_once(self) -> None:
        """A claim is executed by one scheduler, and once to its end: again only if its process was killed."""
        for key, executions in self.executions.items():
            *killed, last = executions
            is_once = all(one.ended is None and one.whose == last.whose for one in killed)
            assert is_once, f"(task instance, token) {key} was executed twice: {executions}"

    def check_fenced_tries_left_nothing(self) -> None:
        """A task instance is what its last claim made of it: its end and XCom are of no other execution."""
        for row in self.task_instances:
            if row.state not in _ENDED_BY_ITSELF:
                continue
            *_, execution = self.executions.get((row.id, row.token), [None])
            assert execution is not None, f"{row} has ended, but was not executed"
            assert execution.ended is not None, f"{row} has ended, but {execution} has not"
            if row.state == TaskInstanceState.SUCCESS:
                returned = json.loads(row.value)
                numbers = set(returned) if isinstance(returned, list) else {returned}
                assert numbers <= {execution.number}, f"{row} has what another returned: {execution}"

    def overlaps(self) -> int:
        """How many executions went on when the next one of the task instance began.

        Raises:
            AssertionError: one of them was not lost by then.
        """
        by_instance: dict[int, list[tuple[int, Execution]]] = defaultdict(list)
        for (task_instance_id, token), executions in sorted(self.executions.items()):
            by_instance[task_instance_id].append((token, executions[-1]))
        count = 0
        for task_instance_id, in_turn in by_instance.items():
            for (token, one), (_, other) in pairwise(in_turn):
                if one.ended is not None and one.ended > other.began:
                    count += 1
                    state = self.tries.get((task_instance_id, token), "lost")
                    assert state == "lost", f"{one} had {state} and went on while {other} began"
        return count


def states_of(rows: Iterable[tuple[object, ...]]) -> Counter[str]:
    """How many task instances are in each state."""
    return Counter(str(row.state) for row in rows)  # type: ignore[attr-defined]
