"""What the supervisor answers to questions about XComs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowcore.runner.sources import XComSource
from flowcore.sdk.comms.messages import Answer, PullXComs, Request, XComTexts
from flowcore.sdk.comms.xcom_messages import (
    CountXComs,
    FindXComs,
    SearchXComs,
    SliceXComs,
    XComCount,
    XComsFound,
)


async def answer_about_xcoms(request: Request[Any], xcoms: XComSource) -> Answer | None:
    """The answer; None to a request that is about something else."""
    match request:
        case PullXComs(dag_run_id, keys):
            texts = await xcoms.pull(dag_run_id, keys)
            return XComTexts(tuple(texts.get(key) for key in keys))
        case FindXComs(dag_run_id, task_ids, key):
            return _found(task_ids, await xcoms.find(dag_run_id, task_ids, key))
        case SearchXComs(dag_id, run_id, task_ids, key, until):
            found = await xcoms.search(dag_id, run_id, task_ids, key=key, until=until)
            return _found(task_ids, found)
        case CountXComs(dag_run_id, task_id, key):
            return XComCount(await xcoms.count(dag_run_id, task_id, key))
        case SliceXComs(dag_run_id, task_id, key, start, limit):
            part = await xcoms.slice(dag_run_id, task_id, key, start=start, limit=limit)
            return _found([task_id], {task_id: part})
    return None


def _found(task_ids: Sequence[str], texts: Mapping[str, Sequence[tuple[int, str]]]) -> XComsFound:
    return XComsFound(
        tuple((task_id, index, text) for task_id in task_ids for index, text in texts.get(task_id, ()))
    )
