"""What happens in a try before the author's code runs: values are found, templates are rendered.

The same for functions and coroutines; who drives it decides where it waits.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import attrs

from flowcore.clock import SystemClock
from flowcore.domain.dag_runs import DagRun
from flowcore.domain.states import DagRunState
from flowcore.domain.workloads import Workload
from flowcore.runner.contexts import LATER_KEYS, context_of
from flowcore.runner.run_questions import previous_dag_run
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.sdk.comms.messages import PullXComs
from flowcore.sdk.comms.questions import Comms, Question, ask
from flowcore.sdk.context import Context
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.references import Lookup
from flowcore.sdk.xcom_args import XComArg


@attrs.frozen(eq=False)
class PreparedTask:
    """A task, ready to be executed once `render` was called if it `has_templates`.

    `task` is the copy on which the try works.
    """

    task: BaseOperator
    ti: RunningTaskInstance
    context: Context
    _found: BaseOperator
    _lookup: Lookup

    @property
    def has_templates(self) -> bool:
        """Whether there is anything to render."""
        return bool(self._found.templated_fields)

    def render(self, length_max: int) -> dict[str, Any]:
        """Put what the templates become into the task, and return by field what may be shown of it.

        Runs expressions of the author, which may wait: call it where the author's code is the current one,
        and on no event loop.

        Raises:
            Exception: See `flowcore.sdk.templates.rendering.rendered_fields`.
        """
        # Imported here because most tasks have no template; the fork server has it already.
        from flowcore.sdk.templates.display import shown_fields
        from flowcore.sdk.templates.rendering import rendered_fields

        fields = rendered_fields(self._found, self._lookup, self.context)
        for name, value in fields.items():
            setattr(self.task, name, value)
        return shown_fields(fields, length_max=length_max)


def prepared(
    found: BaseOperator, workload: Workload, *, comms: Comms, pushed: dict[str, str]
) -> Question[PreparedTask]:
    """Make a task ready for a try; what it pushes is put into `pushed`.

    Raises:
        XComNotFound, ParamError: A value that the task needs is not there.
    """
    lookup = yield from _looked_up(found, workload)
    task = found.for_one_try(lookup)
    now = SystemClock().now()
    ti = RunningTaskInstance(workload, task, comms=comms, pushed=pushed, start_date=now)
    previous: Callable[[], DagRun | None] = cache(partial(ti.get_previous_dagrun, DagRunState.SUCCESS))
    if task.is_async and LATER_KEYS & task.named_context_keys:
        # Its call would look it up, and block the event loop.
        run = yield from previous_dag_run(workload.run, DagRunState.SUCCESS)
        previous = lambda: run  # noqa: E731
    ti.context = context_of(ti, task, previous_success=previous)
    return PreparedTask(task, ti, ti.context, found, lookup)


def _looked_up(task: BaseOperator, workload: Workload) -> Question[Lookup]:
    run = workload.run
    keys = tuple({item.xcom_key: None for item in task.references if isinstance(item, XComArg)})
    texts = (yield from ask(PullXComs(run.dag_run_id, keys))).texts if keys else ()
    found = {key: json.loads(text) for key, text in zip(keys, texts, strict=True) if text is not None}
    return Lookup(found, run.params)
