"""Loads in few lines, for whoever reads what Hypothesis has shrunk: only what is not as usual is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from flowcore.domain.dags import Dag, Task
from flowcore.domain.task_mapping import Length
from flowcore.testing.loads import Load
from flowcore.testing.scripts import Script

#: Told in other words, or of no interest here.
_TOLD = {"task_id", "position", "upstream", "downstream", "dag_id", "tasks", "mappings", "mapping"}


def describe(load: Load) -> str:
    """Say what a load is: its Dags, the runs that are asked for, and the tries that do not simply succeed."""
    return "\n".join(
        [
            *(line for dag in load.dags for line in describe_dag(dag)),
            *(f"run of {asked.dag_id} at {asked.logical_date:%m-%d %H:%M:%S}" for asked in load.requests),
            *_describe_script(load.script),
        ]
    )


def describe_dag(dag: Dag) -> Iterator[str]:
    """Say what a Dag is, a line to each task: who is before it, over what it is mapped, its fields."""
    yield f"Dag {dag.dag_id}{_unusual(dag, Dag(dag_id=''))}"
    for task in dag.tasks:
        before = [dag.tasks[position].task_id for position in task.upstream]
        after = f" after {', '.join(before)}" if before else ""
        over = "" if task.mapping is None else f" mapped #{task.mapping} over {_length(dag, task.mapping)}"
        yield f"  {task.task_id}{after}{over}{_unusual(task, Task(task_id='', position=0))}"


def _describe_script(script: Script) -> Iterator[str]:
    for key, end in sorted([*script.ends.items(), *script.of_instances.items()]):
        name, try_number, *index = key
        instance = f"[{index[0]}]" if index else ""
        if told := _unusual(end, type(end)()):
            yield f"try {try_number} of {name}{instance}:{told}"


def _length(dag: Dag, mapping: int) -> str:
    def text(length: Length) -> str:
        if length.parts:
            return f"{length.kind}({', '.join(map(text, length.parts))})"
        name = dag.tasks[length.source].task_id
        return str(length.number) if length.kind == "literal" else name

    return text(dag.mappings[mapping])


def _unusual(value: Any, usual: Any) -> str:
    told = {
        field.name: getattr(value, field.name)
        for field in attrs.fields(type(value))
        if field.name not in _TOLD and getattr(value, field.name) != getattr(usual, field.name)
    }
    return "".join(f" {name}={told[name]}" for name in told)
