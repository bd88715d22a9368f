"""Where an XCom belongs."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class XComPlace:
    """The task instance and try that push an XCom, and its key.

    `map_index` is -1 when the task is not mapped; no two tries of a task instance have the same `token`.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    token: int
    key: str


def place_of_all(dag_id: str, run_id: str, task_id: str, map_index: int) -> XComPlace:
    """Where all tries of a task instance left theirs: no try has token 0."""
    return XComPlace(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index, token=0, key="")
