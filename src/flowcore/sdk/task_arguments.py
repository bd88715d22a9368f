"""The arguments that every task takes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from flowcore.backends import Backend
from flowcore.domain.assets import Asset, AssetAlias, AssetExpression, AssetRef
from flowcore.domain.priority_weights import PriorityWeightStrategy, WeightRule
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import RunsIn
from flowcore.sdk.argument_rules import (
    FLAG,
    MAPPING,
    NAME,
    TEXT,
    WHOLE,
    Rule,
    duration,
    require,
    whole_number_from,
)
from flowcore.sdk.notifiers import CALLBACKS, Callback
from flowcore.sdk.weight_strategies import weight_rule

if TYPE_CHECKING:
    from flowcore.sdk.retry_policies import RetryPolicy


class TaskArguments(TypedDict, total=False):
    """Arguments of `@task` and of every operator; names and meanings are Airflow's, None is the default.

    Durations are timedeltas or seconds. `retry_exponential_backoff` is the factor by which the delay
    grows with each retry (False or 0 is off, True is 2). With `multiple_outputs` each item of a returned
    dict becomes an XCom of its own. `runs_in` (flowcore's own) is "process", "worker" or "in-process"; by
    default functions run in a process each, and coroutines side by side in a worker. `backend` (also
    flowcore's own) is the event loop that a coroutine needs, "asyncio" or "trio". `params` are added to
    those of the Dag for this task. `pre_execute` is called with the context right before the work of each
    try, `post_execute` with the context and the result right after it; both are functions. The callbacks are
    called with the context when a try begins, or when it has ended in that way.

    With `depends_on_past` a task waits until it has succeeded or was skipped in the run before;
    `wait_for_downstream` asks the same of the tasks right after it. A task that no run had before does not
    wait, unless `ignore_first_depends_on_past` is False. A task that is to be skipped does not wait either,
    unless `wait_for_past_depends_before_skipping` is True.

    `map_index_template` is rendered when the code of a mapped task's instance is over, and is how people see
    it.

    `retry_policy` looks at what a failed try raised, and decides whether and when it is tried again.

    `outlets` are the assets that the task updates when it succeeds, `inlets` those that it reads.
    """

    owner: str | None
    retries: int | None
    retry_delay: timedelta | float | None
    retry_exponential_backoff: bool | float | None
    max_retry_delay: timedelta | float | None
    retry_policy: RetryPolicy | None
    execution_timeout: timedelta | float | None
    trigger_rule: TriggerRule | str | None
    depends_on_past: bool | None
    wait_for_downstream: bool | None
    ignore_first_depends_on_past: bool | None
    wait_for_past_depends_before_skipping: bool | None
    priority_weight: int | None
    weight_rule: WeightRule | PriorityWeightStrategy | type[PriorityWeightStrategy] | str | None
    pool: str | None
    pool_slots: int | None
    queue: str | None
    executor: str | None
    runs_in: RunsIn | str | None
    backend: Backend | str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    do_xcom_push: bool | None
    multiple_outputs: bool | None
    task_display_name: str | None
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    params: Mapping[str, Any] | None
    render_template_as_native_obj: bool | None
    pre_execute: Callable[[Any], object] | None
    post_execute: Callable[[Any, Any], object] | None
    on_execute_callback: Callback | Sequence[Callback] | None
    on_success_callback: Callback | Sequence[Callback] | None
    on_failure_callback: Callback | Sequence[Callback] | None
    on_retry_callback: Callback | Sequence[Callback] | None
    on_skipped_callback: Callback | Sequence[Callback] | None
    inlets: AssetExpression | Iterable[AssetExpression] | None
    outlets: AssetExpression | Iterable[AssetExpression] | None


#: Arguments that are called around the work.
HOOKS = frozenset({"pre_execute", "post_execute"})


def _assets(value: Any) -> tuple[Asset | AssetAlias | AssetRef, ...]:
    several = [value] if isinstance(value, AssetExpression) else value
    require(isinstance(several, list | tuple | set | frozenset))
    require(all(isinstance(one, AssetExpression) for one in several))
    # Each once: twice in the list it is still updated once.
    return tuple({part: None for one in several for part in one.parts()})


_ASSETS = Rule("an asset or a list of assets", _assets)


def _backoff(value: Any) -> float:
    require(isinstance(value, int | float) and 0 <= value < math.inf)
    if isinstance(value, bool):
        return 2.0 if value else 0.0
    return float(value)


def _policy(value: Any) -> Any:
    require(not isinstance(value, type) and callable(getattr(value, "evaluate", None)))
    return value


def _hook(value: Any) -> Any:
    require(callable(value) and not inspect.iscoroutinefunction(value))
    return value


_HOOK = Rule("a function that is no coroutine function; it may block", _hook)

TASK_RULES: Mapping[str, Rule] = {
    "owner": TEXT,
    "retries": whole_number_from(0),
    "retry_delay": duration(positive=False),
    "retry_exponential_backoff": Rule("True, False, or a factor of at least 0", _backoff),
    "max_retry_delay": duration(positive=False),
    "retry_policy": Rule("a RetryPolicy, such as an ExceptionRetryPolicy", _policy),
    "execution_timeout": duration(positive=True),
    "depends_on_past": FLAG,
    "wait_for_downstream": FLAG,
    "ignore_first_depends_on_past": FLAG,
    "wait_for_past_depends_before_skipping": FLAG,
    "trigger_rule": Rule(f"one of {', '.join(TriggerRule)}", TriggerRule),
    "priority_weight": WHOLE,
    "weight_rule": Rule(
        f"one of {', '.join(WeightRule)}, a PriorityWeightStrategy, its path, or the name of a plug-in",
        weight_rule,
    ),
    "pool": NAME,
    "pool_slots": whole_number_from(1),
    "queue": NAME,
    "executor": NAME,
    "runs_in": Rule(f"one of {', '.join(RunsIn)}", RunsIn),
    "backend": Rule(f"one of {', '.join(Backend)}", Backend),
    "map_index_template": TEXT,
    "max_active_tis_per_dag": whole_number_from(1),
    "max_active_tis_per_dagrun": whole_number_from(1),
    "do_xcom_push": FLAG,
    "multiple_outputs": FLAG,
    "task_display_name": TEXT,
    "doc": TEXT,
    "doc_md": TEXT,
    "doc_json": TEXT,
    "doc_yaml": TEXT,
    "doc_rst": TEXT,
    "params": MAPPING,
    "render_template_as_native_obj": FLAG,
    "pre_execute": _HOOK,
    "post_execute": _HOOK,
    "on_execute_callback": CALLBACKS,
    "on_success_callback": CALLBACKS,
    "on_failure_callback": CALLBACKS,
    "on_retry_callback": CALLBACKS,
    "on_skipped_callback": CALLBACKS,
    "inlets": _ASSETS,
    "outlets": _ASSETS,
}
