"""Dags as versioned JSON documents: `{"version": 1, "dag": {...}}`.

What has its default is left out, and so is what follows from the rest: a task's position is its place
in the list, and its downstreams are the tasks that name it as upstream. A new optional field of `Dag`
or `Task` needs no new version as long as its default means what its absence meant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from flowcore.domain.dags import Dag, Task
from flowcore.domain.records import dump_record, load_record
from flowcore.domain.task_mapping import sources_of
from flowcore.errors import DagError

VERSION = 1


def dump_dag(dag: Dag) -> dict[str, Any]:
    """The document of a Dag; `load_dag` makes an equal Dag of it.

    The params and the timetable of the Dag must consist of JSON values.
    """
    body = dump_record(dag, without={"tasks"})
    body["tasks"] = [dump_record(task, without={"position", "downstream"}) for task in dag.tasks]
    return {"version": VERSION, "dag": body}


def load_dag(document: Mapping[str, Any]) -> Dag:
    """The Dag of a document.

    Raises:
        DagError: The document has another version or is malformed.
    """
    version = document.get("version")
    if version != VERSION:
        raise DagError(
            f"a stored Dag has version {version!r} and this flowcore reads version {VERSION};"
            " register the Dag again with this flowcore, or upgrade flowcore"
        )
    try:
        body = dict(document["dag"])
        tasks = [
            load_record(Task, task, position=position, downstream=())
            for position, task in enumerate(body.pop("tasks"))
        ]
        dag: Dag = load_record(Dag, body, tasks=_linked(tasks))
        _check_mappings(dag)
        return dag
    except (KeyError, TypeError, ValueError) as error:
        raise DagError(f"a stored Dag is malformed: {error!r}; register the Dag again") from error


def _check_mappings(dag: Dag) -> None:
    sources = {source for mapping in dag.mappings for source in sources_of(mapping)}
    mappings = {task.mapping for task in dag.tasks if task.mapping is not None}
    if not (sources <= set(range(len(dag.tasks))) and mappings <= set(range(len(dag.mappings)))):
        raise ValueError("a task is mapped over what is not there")


def content_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the document; documents with equal content have equal hashes."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _linked(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks with the downstreams that follow from their upstreams."""
    downstream: list[list[int]] = [[] for _ in tasks]
    for task in tasks:
        for upstream in task.upstream:
            if not 0 <= upstream < len(tasks):
                raise ValueError(f"task {task.task_id!r} has an upstream at position {upstream}")
            downstream[upstream].append(task.position)
    return tuple(attrs.evolve(task, downstream=tuple(downstream[task.position])) for task in tasks)
