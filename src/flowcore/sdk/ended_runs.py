"""How a run ended that `dag.test()` carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from flowcore.domain.states import DagRunState, TaskInstanceState


@attrs.frozen
class EndedTask:
    """How a task instance ended, what it returned, and what went wrong."""

    state: TaskInstanceState | None
    returned: Any
    error: str | None


@attrs.frozen
class EndedRun:
    """How a run ended; its task instances by task id, mapped ones by `task_id[index]`."""

    state: DagRunState
    tasks: Mapping[str, EndedTask]
