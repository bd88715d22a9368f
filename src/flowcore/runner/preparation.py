"""What happens in a try before the author's code runs: values are found, templates are rendered.

The same for functions and coroutines; who drives it decides where it waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, cast

import attrs

from flowcore.clock import SystemClock
from flowcore.domain.assets import AssetEvent
from flowcore.domain.dag_runs import DagRun
from flowcore.domain.run_types import DagRunType
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Workload
from flowcore.runner.contexts import LATER_KEYS, context_of
from flowcore.runner.lookups import unmapped
from flowcore.runner.run_questions import previous_dag_run
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.runner.xcoms.try_xcoms import TryXComs
from flowcore.sdk.comms.messages import RenderedFields
from flowcore.sdk.comms.questions import Comms, Question, call
from flowcore.sdk.context import Context
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.references import Lookup

log = logging.getLogger(__name__)


@attrs.frozen(eq=False)
class PreparedTask:
    """A task whose values are found; `task` is the copy on which the try works."""

    task: BaseOperator
    ti: RunningTaskInstance
    context: Context
    _found: BaseOperator
    _lookup: Lookup
    _settings: TrySettings

    def end(self, state: TaskInstanceState, error: BaseException | None) -> None:
        """Let the context say how the try ended, for the callbacks."""
        self.ti.state, self.ti.end_date = state, SystemClock().now()
        if error is not None:
            cast("dict[str, Any]", self.context)["exception"] = error

    def rendered(self) -> Question[dict[str, Any]]:
        """Render the task's templates, where the author's code is the current one.

        What may be shown of it is posted, and returned by field.

        Raises:
            Exception: See `flowcore.sdk.templates.rendering.rendered_fields`.
        """
        if not self._found.templated_fields:
            return {}
        shown = yield from call(self._render)
        self.ti.comms.post(RenderedFields(shown))
        return shown

    def _render(self) -> dict[str, Any]:
        # Imported here because most tasks have no template; the fork server has it already.
        from flowcore.sdk.templates.display import shown_fields
        from flowcore.sdk.templates.rendering import rendered_fields

        fields = rendered_fields(self._found, self._lookup, self.context)
        for name, value in fields.items():
            setattr(self.task, name, value)
        return shown_fields(fields, length_max=self._settings.max_templated_field_length)


def prepared(
    found: BaseOperator, workload: Workload, *, comms: Comms, pushed: dict[str, str], settings: TrySettings
) -> Question[PreparedTask]:
    """Make a task ready for a try; what it pushes is put into `pushed`.

    Raises:
        XComNotFound, ParamError, DagError: A value that the task needs is not there.
        SettingsError: The operator's XCom backend cannot be made.
    """
    xcoms = TryXComs(workload, settings, pushed=pushed, is_async=found.is_async)
    yield from xcoms.purged()
    found, lookup = yield from unmapped(found, workload, comms=comms, xcoms=xcoms)
    task = found.for_one_try(lookup)
    ti = _instance(workload, task, comms=comms, xcoms=xcoms)
    previous = _previous(ti)
    if task.is_async and LATER_KEYS & task.named_context_keys:
        # Its call would look it up, and block the event loop.
        run = yield from previous_dag_run(workload.run, DagRunState.SUCCESS)
        previous = lambda: run  # noqa: E731
    count: Callable[[], int] = cache(ti.expanded_count)
    if task.is_async and task.mapping is not None and "expanded_ti_count" in task.named_context_keys:
        instances = yield from ti.expanded()
        count = lambda: instances  # noqa: E731
    consumed = _consumed(ti)
    if task.is_async and workload.run.run_type == DagRunType.ASSET_TRIGGERED:
        events = yield from ti.consumed()
        consumed = lambda: events  # noqa: E731
    ti.context = context_of(ti, task, previous_success=previous, count=count, consumed=consumed)
    return PreparedTask(task, ti, ti.context, found, lookup, settings)


def unprepared(
    found: BaseOperator, workload: Workload, *, comms: Comms, settings: TrySettings
) -> PreparedTask | None:
    """A task whose values could not be found, for the callbacks that hear of that; None: not even that."""
    try:
        xcoms = TryXComs(workload, settings, pushed={}, is_async=found.is_async)
        ti = _instance(workload, found, comms=comms, xcoms=xcoms)
        ti.context = context_of(
            ti, found, previous_success=_previous(ti), count=ti.expanded_count, consumed=_consumed(ti)
        )
    except Exception:
        log.exception("the callbacks of %s are not called, for they have no context", workload)
        return None
    return PreparedTask(found, ti, ti.context, found, Lookup({}, workload.run.params), settings)


def _instance(
    workload: Workload, task: BaseOperator, *, comms: Comms, xcoms: TryXComs
) -> RunningTaskInstance:
    began_at = workload.start_date or SystemClock().now()
    return RunningTaskInstance(workload, task, comms=comms, xcoms=xcoms, start_date=began_at)


def _previous(ti: RunningTaskInstance) -> Callable[[], DagRun | None]:
    return cache(partial(ti.get_previous_dagrun, DagRunState.SUCCESS))


def _consumed(ti: RunningTaskInstance) -> Callable[[], Sequence[AssetEvent]]:
    is_for_assets = ti.workload.run.run_type == DagRunType.ASSET_TRIGGERED
    return ti.consumed_asset_events if is_for_assets else tuple
