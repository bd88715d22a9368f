"""What a Dag file may import: `from flowcore.sdk import DAG, task`.

Names and meanings are those of `airflow.sdk`, so that changing the import is the whole migration of a
Dag file. Each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowcore.domain.assets import Asset as Asset
    from flowcore.domain.assets import AssetAlias as AssetAlias
    from flowcore.domain.assets import AssetAll as AssetAll
    from flowcore.domain.assets import AssetAny as AssetAny
    from flowcore.domain.partitions.base import PartitionMapper as PartitionMapper
    from flowcore.domain.partitions.base import Window as Window
    from flowcore.domain.partitions.mappers import AllowedKeyMapper as AllowedKeyMapper
    from flowcore.domain.partitions.mappers import ChainMapper as ChainMapper
    from flowcore.domain.partitions.mappers import FixedKeyMapper as FixedKeyMapper
    from flowcore.domain.partitions.mappers import IdentityMapper as IdentityMapper
    from flowcore.domain.partitions.mappers import ProductMapper as ProductMapper
    from flowcore.domain.partitions.rollup import FanOutMapper as FanOutMapper
    from flowcore.domain.partitions.rollup import MinimumCount as MinimumCount
    from flowcore.domain.partitions.rollup import RollupMapper as RollupMapper
    from flowcore.domain.partitions.rollup import WaitForAll as WaitForAll
    from flowcore.domain.partitions.temporal import StartOfDayMapper as StartOfDayMapper
    from flowcore.domain.partitions.temporal import StartOfHourMapper as StartOfHourMapper
    from flowcore.domain.partitions.temporal import StartOfMonthMapper as StartOfMonthMapper
    from flowcore.domain.partitions.temporal import StartOfQuarterMapper as StartOfQuarterMapper
    from flowcore.domain.partitions.temporal import StartOfWeekMapper as StartOfWeekMapper
    from flowcore.domain.partitions.temporal import StartOfYearMapper as StartOfYearMapper
    from flowcore.domain.partitions.windows import DayWindow as DayWindow
    from flowcore.domain.partitions.windows import HourWindow as HourWindow
    from flowcore.domain.partitions.windows import MonthWindow as MonthWindow
    from flowcore.domain.partitions.windows import QuarterWindow as QuarterWindow
    from flowcore.domain.partitions.windows import SegmentWindow as SegmentWindow
    from flowcore.domain.partitions.windows import WeekWindow as WeekWindow
    from flowcore.domain.partitions.windows import YearWindow as YearWindow
    from flowcore.domain.priority_weights import WeightRule as WeightRule
    from flowcore.domain.state_owners import NEVER_EXPIRE as NEVER_EXPIRE
    from flowcore.domain.states import DagRunState as DagRunState
    from flowcore.domain.states import TaskInstanceState as TaskInstanceState
    from flowcore.domain.timetables.assets import AssetOrTimeSchedule as AssetOrTimeSchedule
    from flowcore.domain.timetables.cron import CronDataIntervalTimetable as CronDataIntervalTimetable
    from flowcore.domain.timetables.cron import CronTriggerTimetable as CronTriggerTimetable
    from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable as DeltaDataIntervalTimetable
    from flowcore.domain.timetables.delta import DeltaTriggerTimetable as DeltaTriggerTimetable
    from flowcore.domain.timetables.events import EventsTimetable as EventsTimetable
    from flowcore.domain.timetables.multiple_cron import (
        MultipleCronTriggerTimetable as MultipleCronTriggerTimetable,
    )
    from flowcore.domain.timetables.partitioned_assets import (
        PartitionedAssetTimetable as PartitionedAssetTimetable,
    )
    from flowcore.domain.timetables.partitioned_times import CronPartitionTimetable as CronPartitionTimetable
    from flowcore.domain.timetables.partitioned_times import PartitionedAtRuntime as PartitionedAtRuntime
    from flowcore.domain.trigger_rules import TriggerRule as TriggerRule
    from flowcore.sdk.assets.events import Metadata as Metadata
    from flowcore.sdk.assets.functions import asset as asset
    from flowcore.sdk.base_xcom import BaseXCom as BaseXCom
    from flowcore.sdk.branching import BaseBranchOperator as BaseBranchOperator
    from flowcore.sdk.branching import BranchMixIn as BranchMixIn
    from flowcore.sdk.configuration import conf as conf
    from flowcore.sdk.connections import Connection as Connection
    from flowcore.sdk.context import Context as Context
    from flowcore.sdk.context import get_current_context as get_current_context
    from flowcore.sdk.dags import DAG as DAG
    from flowcore.sdk.decorators.dag_functions import dag as dag
    from flowcore.sdk.decorators.group_functions import task_group as task_group
    from flowcore.sdk.decorators.setup_functions import setup as setup
    from flowcore.sdk.decorators.setup_functions import teardown as teardown
    from flowcore.sdk.decorators.task_decorators import task as task
    from flowcore.sdk.edges import EdgeModifier as EdgeModifier
    from flowcore.sdk.edges import Label as Label
    from flowcore.sdk.exceptions import AirflowFailException as AirflowFailException
    from flowcore.sdk.exceptions import AirflowRescheduleException as AirflowRescheduleException
    from flowcore.sdk.exceptions import AirflowSkipException as AirflowSkipException
    from flowcore.sdk.exceptions import AirflowTaskTerminated as AirflowTaskTerminated
    from flowcore.sdk.exceptions import AirflowTaskTimeout as AirflowTaskTimeout
    from flowcore.sdk.exceptions import DownstreamTasksSkipped as DownstreamTasksSkipped
    from flowcore.sdk.exceptions import TaskCancelled as TaskCancelled
    from flowcore.sdk.exceptions import TaskFailed as TaskFailed
    from flowcore.sdk.exceptions import TaskSkipped as TaskSkipped
    from flowcore.sdk.exceptions import TaskTimedOut as TaskTimedOut
    from flowcore.sdk.exceptions import XComNotFound as XComNotFound
    from flowcore.sdk.hooks import BaseHook as BaseHook
    from flowcore.sdk.nodes import chain as chain
    from flowcore.sdk.nodes import chain_linear as chain_linear
    from flowcore.sdk.nodes import cross_downstream as cross_downstream
    from flowcore.sdk.notifiers import BaseNotifier as BaseNotifier
    from flowcore.sdk.object_storage import ObjectStoragePath as ObjectStoragePath
    from flowcore.sdk.operators import BaseOperator as BaseOperator
    from flowcore.sdk.params import Param as Param
    from flowcore.sdk.parsing_context import get_parsing_context as get_parsing_context
    from flowcore.sdk.resumable_jobs import ResumableJobMixin as ResumableJobMixin
    from flowcore.sdk.retry_policies import ExceptionRetryPolicy as ExceptionRetryPolicy
    from flowcore.sdk.retry_policies import RetryAction as RetryAction
    from flowcore.sdk.retry_policies import RetryDecision as RetryDecision
    from flowcore.sdk.retry_policies import RetryPolicy as RetryPolicy
    from flowcore.sdk.retry_policies import RetryRule as RetryRule
    from flowcore.sdk.sensors import BaseSensorOperator as BaseSensorOperator
    from flowcore.sdk.sensors import PokeReturnValue as PokeReturnValue
    from flowcore.sdk.skipping import SkipMixin as SkipMixin
    from flowcore.sdk.task_groups import TaskGroup as TaskGroup
    from flowcore.sdk.task_instances import TaskInstance as TaskInstance
    from flowcore.sdk.templates import macros as macros
    from flowcore.sdk.templates.literals import literal as literal
    from flowcore.sdk.variables import Variable as Variable
    from flowcore.sdk.xcom_args import XComArg as XComArg

#: Where each public name comes from.
_SOURCES = {
    "DAG": "flowcore.sdk.dags",
    "NEVER_EXPIRE": "flowcore.domain.state_owners",
    "AirflowFailException": "flowcore.sdk.exceptions",
    "AirflowRescheduleException": "flowcore.sdk.exceptions",
    "AirflowSkipException": "flowcore.sdk.exceptions",
    "AirflowTaskTerminated": "flowcore.sdk.exceptions",
    "AirflowTaskTimeout": "flowcore.sdk.exceptions",
    "Asset": "flowcore.domain.assets",
    "AssetAlias": "flowcore.domain.assets",
    "AssetAll": "flowcore.domain.assets",
    "AssetAny": "flowcore.domain.assets",
    "AssetOrTimeSchedule": "flowcore.domain.timetables.assets",
    "BaseBranchOperator": "flowcore.sdk.branching",
    "BaseHook": "flowcore.sdk.hooks",
    "BaseNotifier": "flowcore.sdk.notifiers",
    "BaseOperator": "flowcore.sdk.operators",
    "BaseXCom": "flowcore.sdk.base_xcom",
    "BranchMixIn": "flowcore.sdk.branching",
    "BaseSensorOperator": "flowcore.sdk.sensors",
    "Connection": "flowcore.sdk.connections",
    "Context": "flowcore.sdk.context",
    "CronDataIntervalTimetable": "flowcore.domain.timetables.cron",
    "CronTriggerTimetable": "flowcore.domain.timetables.cron",
    "DagRunState": "flowcore.domain.states",
    "DeltaDataIntervalTimetable": "flowcore.domain.timetables.delta",
    "DeltaTriggerTimetable": "flowcore.domain.timetables.delta",
    "DownstreamTasksSkipped": "flowcore.sdk.exceptions",
    "EdgeModifier": "flowcore.sdk.edges",
    "EventsTimetable": "flowcore.domain.timetables.events",
    "ExceptionRetryPolicy": "flowcore.sdk.retry_policies",
    "Label": "flowcore.sdk.edges",
    "Metadata": "flowcore.sdk.assets.events",
    "MultipleCronTriggerTimetable": "flowcore.domain.timetables.multiple_cron",
    "ObjectStoragePath": "flowcore.sdk.object_storage",
    "PartitionMapper": "flowcore.domain.partitions.base",
    "Window": "flowcore.domain.partitions.base",
    "AllowedKeyMapper": "flowcore.domain.partitions.mappers",
    "ChainMapper": "flowcore.domain.partitions.mappers",
    "FixedKeyMapper": "flowcore.domain.partitions.mappers",
    "IdentityMapper": "flowcore.domain.partitions.mappers",
    "ProductMapper": "flowcore.domain.partitions.mappers",
    "FanOutMapper": "flowcore.domain.partitions.rollup",
    "MinimumCount": "flowcore.domain.partitions.rollup",
    "RollupMapper": "flowcore.domain.partitions.rollup",
    "WaitForAll": "flowcore.domain.partitions.rollup",
    "StartOfDayMapper": "flowcore.domain.partitions.temporal",
    "StartOfHourMapper": "flowcore.domain.partitions.temporal",
    "StartOfMonthMapper": "flowcore.domain.partitions.temporal",
    "StartOfQuarterMapper": "flowcore.domain.partitions.temporal",
    "StartOfWeekMapper": "flowcore.domain.partitions.temporal",
    "StartOfYearMapper": "flowcore.domain.partitions.temporal",
    "DayWindow": "flowcore.domain.partitions.windows",
    "HourWindow": "flowcore.domain.partitions.windows",
    "MonthWindow": "flowcore.domain.partitions.windows",
    "QuarterWindow": "flowcore.domain.partitions.windows",
    "SegmentWindow": "flowcore.domain.partitions.windows",
    "WeekWindow": "flowcore.domain.partitions.windows",
    "YearWindow": "flowcore.domain.partitions.windows",
    "PartitionedAssetTimetable": "flowcore.domain.timetables.partitioned_assets",
    "CronPartitionTimetable": "flowcore.domain.timetables.partitioned_times",
    "PartitionedAtRuntime": "flowcore.domain.timetables.partitioned_times",
    "Param": "flowcore.sdk.params",
    "ResumableJobMixin": "flowcore.sdk.resumable_jobs",
    "TaskCancelled": "flowcore.sdk.exceptions",
    "RetryAction": "flowcore.sdk.retry_policies",
    "RetryDecision": "flowcore.sdk.retry_policies",
    "RetryPolicy": "flowcore.sdk.retry_policies",
    "RetryRule": "flowcore.sdk.retry_policies",
    "SkipMixin": "flowcore.sdk.skipping",
    "PokeReturnValue": "flowcore.sdk.sensors",
    "TaskFailed": "flowcore.sdk.exceptions",
    "TaskGroup": "flowcore.sdk.task_groups",
    "TaskInstance": "flowcore.sdk.task_instances",
    "TaskInstanceState": "flowcore.domain.states",
    "TaskSkipped": "flowcore.sdk.exceptions",
    "TaskTimedOut": "flowcore.sdk.exceptions",
    "TriggerRule": "flowcore.domain.trigger_rules",
    "Variable": "flowcore.sdk.variables",
    "WeightRule": "flowcore.domain.priority_weights",
    "XComArg": "flowcore.sdk.xcom_args",
    "XComNotFound": "flowcore.sdk.exceptions",
    "asset": "flowcore.sdk.assets.functions",
    "chain": "flowcore.sdk.nodes",
    "chain_linear": "flowcore.sdk.nodes",
    "conf": "flowcore.sdk.configuration",
    "cross_downstream": "flowcore.sdk.nodes",
    "dag": "flowcore.sdk.decorators.dag_functions",
    "get_current_context": "flowcore.sdk.context",
    "get_parsing_context": "flowcore.sdk.parsing_context",
    "literal": "flowcore.sdk.templates.literals",
    "macros": "flowcore.sdk.templates.macros",
    "setup": "flowcore.sdk.decorators.setup_functions",
    "task": "flowcore.sdk.decorators.task_decorators",
    "task_group": "flowcore.sdk.decorators.group_functions",
    "teardown": "flowcore.sdk.decorators.setup_functions",
}

__all__ = list(_SOURCES)


def __getattr__(name: str) -> Any:
    source = _SOURCES.get(name)
    if source is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    module = import_module(source)
    value = module if source.endswith(f".{name}") else getattr(module, name)
    # Kept as a global, so that this function is not called for the name again.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
