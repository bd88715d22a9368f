"""Which tasks after it a task may skip."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

from flowcore.domain.setups import downstream_of

if TYPE_CHECKING:
    from flowcore.domain.dags import Dag, Task


class SkipReach(StrEnum):
    """How far it may skip; teardowns are spared always."""

    NOTHING = "nothing"
    DIRECT = "direct"  # what comes right after it, as a branch does
    ALL = "all"  # whatever comes after it


def tasks_it_may_skip(dag: Dag, task: Task) -> Iterable[int]:
    """The positions of the tasks that a task may skip, ascending."""
    match task.may_skip:
        case SkipReach.NOTHING:
            return ()
        case SkipReach.DIRECT:
            after: Iterable[int] = task.downstream
        case SkipReach.ALL:
            after = sorted(downstream_of(dag, [task.position]))
    return [position for position in after if not dag.tasks[position].is_teardown]
