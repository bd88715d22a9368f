"""`ti.xcom_pull`: which XComs are meant, and whether one value or a list comes of them.

A task that is not mapped has one value, a mapped one a list of the values of its instances; inside of a
mapped group each instance sees the one with its own index. Where Airflow ignores `default`, it is honoured
here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from flowcore.domain.workloads import Workload
from flowcore.runner.xcoms.try_xcoms import TryXComs
from flowcore.sdk.comms.questions import Question, ask
from flowcore.sdk.comms.xcom_messages import FindXComs, SearchXComs

#: Stands for all instances that a task has.
ALL: Any = object()

_NOT_MAPPED = -1

#: JSON texts of a task by map index.
_Texts = Mapping[int, str]


@attrs.frozen(kw_only=True)
class Pull:
    """The arguments of `ti.xcom_pull`, which `flowcore.sdk.TaskInstance` explains."""

    task_ids: str | Iterable[str] | None
    dag_id: str | None
    key: str
    include_prior_dates: bool
    map_indexes: int | Iterable[int] | None
    default: Any
    run_id: str | None


def pulled(
    pull: Pull, workload: Workload, xcoms: TryXComs, *, is_mapped_with: Callable[[str], bool]
) -> Question[Any]:
    """The value or the list of values that a try pulls.

    `is_mapped_with` tells the tasks of the same mapped group: of these the instance of the same index is
    meant.
    """
    task_ids = _several(workload.task_id if pull.task_ids is None else pull.task_ids, str)
    is_one_task = pull.task_ids is None or isinstance(pull.task_ids, str)
    texts = yield from _texts(pull, task_ids, workload, xcoms)
    # Without a task it is about this task instance, and not about others of the same task.
    indexes = workload.map_index if pull.task_ids is None and pull.map_indexes is ALL else pull.map_indexes
    if indexes is ALL:
        own = workload.map_index
        inside = {task_id for task_id in task_ids if pull.dag_id is None and is_mapped_with(task_id)}
        wanted = [
            text
            for task_id in task_ids
            for text in ([texts[task_id].get(own)] if task_id in inside else _all(texts[task_id]))
        ]
        is_one = is_one_task and (task_ids[0] in inside or texts[task_ids[0]].keys() <= {_NOT_MAPPED})
    else:
        chosen = _several(_NOT_MAPPED if indexes is None else indexes, int)
        wanted = [texts[task_id].get(index) for task_id in task_ids for index in chosen]
        is_one = is_one_task and (indexes is None or isinstance(indexes, int))
    values = yield from xcoms.values(wanted, default=pull.default)
    return values[0] if is_one else values


def _texts(
    pull: Pull, task_ids: tuple[str, ...], workload: Workload, xcoms: TryXComs
) -> Question[Mapping[str, _Texts]]:
    run = workload.run
    dag_id, run_id = pull.dag_id or run.dag_id, pull.run_id or run.run_id
    is_own_run = (dag_id, run_id) == (run.dag_id, run.run_id)
    request: FindXComs | SearchXComs = FindXComs(run.dag_run_id, task_ids, pull.key)
    if pull.include_prior_dates or not is_own_run:
        until = run.logical_date if pull.include_prior_dates else None
        request = SearchXComs(dag_id, run_id, task_ids, pull.key, until)
    texts: dict[str, dict[int, str]] = {task_id: {} for task_id in task_ids}
    for task_id, index, text in (yield from ask(request)).xcoms:
        texts[task_id][index] = text
    if is_own_run and workload.task_id in texts:
        # What this try pushed is not stored before it ends.
        yield from xcoms.settled()
        own = xcoms.own(pull.key)
        if own is not None:
            texts[workload.task_id][workload.map_index] = own
    return texts


def _several(one_or_more: Any, kind: type) -> tuple[Any, ...]:
    return (one_or_more,) if isinstance(one_or_more, kind) else tuple(one_or_more)


def _all(texts: _Texts) -> Sequence[str | None]:
    # A task that pushed nothing has a place in the list of several tasks.
    return [texts[index] for index in sorted(texts)] or [None]
