"""`TaskAttributes`: what holds for a task to which nothing else is said.

Each attribute is an argument of every operator, which `task_arguments.py` describes and checks; a class may
set another default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flowcore.backends import Backend
from flowcore.domain.assets import Asset, AssetAlias, AssetRef
from flowcore.domain.dags import DEFAULT_POOL
from flowcore.domain.priority_weights import PriorityWeightStrategy, WeightRule
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import RunsIn
from flowcore.sdk.notifiers import Callback

if TYPE_CHECKING:
    from flowcore.sdk.retry_policies import RetryPolicy


class TaskAttributes:
    """The defaults of the arguments that all operators take."""

    owner: str = "airflow"
    retries: int = 0
    retry_delay: timedelta = timedelta(minutes=5)
    retry_exponential_backoff: float = 0.0
    max_retry_delay: timedelta | None = None
    retry_policy: RetryPolicy | None = None
    execution_timeout: timedelta | None = None
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    depends_on_past: bool = False
    wait_for_downstream: bool = False
    ignore_first_depends_on_past: bool = True
    wait_for_past_depends_before_skipping: bool = False
    priority_weight: int = 1
    weight_rule: WeightRule | PriorityWeightStrategy = WeightRule.DOWNSTREAM
    pool: str = DEFAULT_POOL
    pool_slots: int = 1
    queue: str = "default"
    executor: str | None = None
    runs_in: RunsIn | None = None
    backend: Backend | None = None
    max_active_tis_per_dag: int | None = None
    max_active_tis_per_dagrun: int | None = None
    do_xcom_push: bool = True
    multiple_outputs: bool = False
    task_display_name: str = ""
    doc: str | None = None
    doc_md: str | None = None
    doc_json: str | None = None
    doc_yaml: str | None = None
    doc_rst: str | None = None
    is_setup: bool = False
    is_teardown: bool = False
    on_failure_fail_dagrun: bool = False
    params: Mapping[str, Any] = MappingProxyType({})
    render_template_as_native_obj: bool | None = None
    on_execute_callback: Sequence[Callback] = ()
    on_success_callback: Sequence[Callback] = ()
    on_failure_callback: Sequence[Callback] = ()
    on_retry_callback: Sequence[Callback] = ()
    on_skipped_callback: Sequence[Callback] = ()
    inlets: Sequence[Asset | AssetAlias | AssetRef] = ()
    outlets: Sequence[Asset | AssetAlias | AssetRef] = ()
