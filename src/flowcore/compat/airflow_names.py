"""Which module and name of Airflow stands for which of ours, the spellings of older releases included.

Names are spelled out one by one: what is not listed is not available, and says so. Those of the standard
provider are in `airflow_standard.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flowcore.compat.airflow_standard import SKIPPING, STANDARD_NAMES
from flowcore.compat.airflow_targets import SDK, Names
from flowcore.compat.airflow_targets import of as _of
from flowcore.compat.airflow_targets import sdk as _sdk


def _inside(package: str, modules: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    return {f"{package}.{name}": names for name, names in modules.items()}


#: Everything that `flowcore.sdk` has is had by these under the same name.
WHOLE_SDK = ("airflow.sdk", "airflow.providers.common.compat.sdk")

_DAG = _sdk("DAG", "dag")
_OPERATOR = _sdk("BaseOperator", "chain", "chain_linear", "cross_downstream")
_DECORATORS = _sdk("dag", "setup", "task", "task_group", "teardown")
_EDGES = _sdk("EdgeModifier", "Label")
_PARAM = _sdk("Param")
_CONF = _sdk("conf")
_MASKING = _of(f"{SDK}.log", "mask_secret")
_STATES = {
    **_sdk("DagRunState", "TaskInstanceState"),
    "State": "flowcore.compat.airflow_state:State",
}
_CRON_AND_DELTA = _sdk(
    "CronTriggerTimetable",
    "DeltaTriggerTimetable",
    "MultipleCronTriggerTimetable",
)
_INTERVALS = _sdk("CronDataIntervalTimetable", "DeltaDataIntervalTimetable")
_TIMETABLE = {
    **_of("flowcore.domain.timetables.base", "DagRunInfo", "DataInterval", "TimeRestriction"),
    **_of("flowcore.compat.airflow_timetable", "Timetable"),
}
_EXCEPTIONS = {
    **_sdk("AirflowFailException", "AirflowRescheduleException", "AirflowSkipException"),
    **_sdk("AirflowTaskTerminated", "AirflowTaskTimeout", "DownstreamTasksSkipped", "XComNotFound"),
    "AirflowConfigException": "flowcore.errors:SettingsError",
    "AirflowException": "flowcore.errors:FlowcoreError",
    "AirflowNotFoundException": "flowcore.errors:ConnectionNotFound",
    "AirflowSecretsBackendAccessDenied": "builtins:PermissionError",
    "ParamValidationError": "flowcore.errors:ParamError",
    "TaskNotFound": "flowcore.errors:TaskNotFound",
    "DagNotFound": "flowcore.errors:DagNotFound",
    "DagRunNotFound": "flowcore.errors:DagRunNotFound",
}
_PLUGINS = _of("flowcore.plug_ins.airflow_plugins", "AirflowPlugin", "AirflowPluginException")
_RETRIES = _sdk("ExceptionRetryPolicy", "RetryAction", "RetryDecision", "RetryPolicy", "RetryRule")
_WEIGHTS = _of("flowcore.abc", "PriorityWeightStrategy")
_SECRETS = _of("flowcore.compat.airflow_secrets", "BaseSecretsBackend")
_SENSOR = _sdk("BaseSensorOperator", "PokeReturnValue")
_BRANCH = _sdk("BaseBranchOperator")
_TIMEZONE = _of(
    "flowcore.compat.airflow_timezone",
    "convert_to_utc",
    "datetime",
    "is_localized",
    "make_aware",
    "make_naive",
    "parse",
    "utc",
    "utcnow",
)

_ASSETS = {
    **_sdk("Asset", "AssetAlias", "AssetAll", "AssetAny"),
    **_of("flowcore.domain.assets", "AssetRef", "Model"),
    "Dataset": f"{SDK}:Asset",
}
_DATASETS = {
    "Dataset": f"{SDK}:Asset",
    "DatasetAlias": f"{SDK}:AssetAlias",
    "DatasetAll": f"{SDK}:AssetAll",
    "DatasetAny": f"{SDK}:AssetAny",
}
_ASSET_OR_TIME = _sdk("AssetOrTimeSchedule")
_PARTITION_MODULES = {
    "base": _sdk("PartitionMapper", "RollupMapper"),
    "chain": _sdk("ChainMapper"),
    "allowed_key": _sdk("AllowedKeyMapper"),
    "fixed_key": _sdk("FixedKeyMapper"),
    "identity": _sdk("IdentityMapper"),
    "product": _sdk("ProductMapper"),
    "temporal": _sdk(
        *("FanOutMapper", "StartOfDayMapper", "StartOfHourMapper", "StartOfMonthMapper"),
        *("StartOfQuarterMapper", "StartOfWeekMapper", "StartOfYearMapper"),
    ),
    "wait_policy": _sdk("MinimumCount", "WaitForAll"),
    "window": _sdk(
        *("DayWindow", "HourWindow", "MonthWindow", "QuarterWindow", "SegmentWindow", "WeekWindow"),
        *("Window", "YearWindow"),
    ),
}

#: By module of Airflow. A module that holds only other modules is not listed.
NAMES: Mapping[str, Names] = {
    **STANDARD_NAMES,
    "airflow": {**_DAG, **_sdk("XComArg"), "__version__": "flowcore.compat.airflow_version:VERSION"},
    "airflow.assets": _ASSETS,
    "airflow.configuration": _CONF,
    "airflow.datasets": _DATASETS,
    "airflow.datasets.metadata": _sdk("Metadata"),
    "airflow.decorators": _DECORATORS,
    "airflow.exceptions": _EXCEPTIONS,
    "airflow.hooks.base": _sdk("BaseHook"),
    "airflow.notifications.basenotifier": _sdk("BaseNotifier"),
    "airflow.listeners": _of("flowcore.plug_ins.listeners", "hookimpl"),
    "airflow.models": {
        **_sdk("DAG", "BaseOperator", "Connection", "Param", "TaskInstance", "Variable", "XComArg"),
    },
    "airflow.models.baseoperator": _OPERATOR,
    "airflow.models.connection": _sdk("Connection"),
    "airflow.models.dag": _DAG,
    "airflow.models.param": _PARAM,
    "airflow.models.dagrun": {"DagRun": "flowcore.domain.dag_runs:DagRun"},
    "airflow.models.taskinstance": _of("flowcore.compat.airflow_task_instances", "TaskInstance"),
    "airflow.models.variable": _sdk("Variable"),
    "airflow.models.skipmixin": SKIPPING,
    "airflow.models.xcom_arg": _sdk("XComArg"),
    "airflow.plugins_manager": _PLUGINS,
    "airflow.providers.common.compat.sdk": {
        **_EXCEPTIONS,
        "timezone": "flowcore.compat.airflow_timezone",
    },
    "airflow.sdk": {},
    "airflow.sdk.bases.branch": _BRANCH,
    "airflow.sdk.bases.secrets_backend": _SECRETS,
    "airflow.sdk.configuration": _CONF,
    "airflow.sdk.bases.resumablejobmixin": _sdk("ResumableJobMixin"),
    "airflow.sdk.bases.sensor": _SENSOR,
    "airflow.sdk.bases.skipmixin": SKIPPING,
    "airflow.sdk.bases.hook": _sdk("BaseHook"),
    "airflow.sdk.bases.notifier": _sdk("BaseNotifier"),
    "airflow.sdk.bases.operator": _OPERATOR,
    "airflow.sdk.definitions.asset": _ASSETS,
    "airflow.sdk.definitions.asset.decorators": _sdk("asset"),
    "airflow.sdk.definitions.asset.metadata": _sdk("Metadata"),
    "airflow.sdk.definitions.connection": _sdk("Connection"),
    "airflow.sdk.definitions.context": _sdk("Context", "get_current_context"),
    "airflow.sdk.definitions.dag": _DAG,
    "airflow.sdk.definitions.edges": _EDGES,
    "airflow.sdk.definitions.param": _PARAM,
    **_inside("airflow.sdk.definitions.partition_mappers", _PARTITION_MODULES),
    **_inside("airflow.partition_mappers", _PARTITION_MODULES),
    "airflow.sdk.definitions.timetables.assets": _sdk(
        "AssetOrTimeSchedule", "PartitionedAssetTimetable", "PartitionedAtRuntime"
    ),
    "airflow.sdk.definitions.retry_policy": _RETRIES,
    "airflow.sdk.definitions.taskgroup": _sdk("TaskGroup"),
    "airflow.sdk.definitions.variable": _sdk("Variable"),
    "airflow.sdk.definitions.xcom_arg": _sdk("XComArg"),
    "airflow.sdk.exceptions": _EXCEPTIONS,
    "airflow.sdk.io": _sdk("ObjectStoragePath"),
    "airflow.sdk.io.path": _sdk("ObjectStoragePath"),
    "airflow.io.path": _sdk("ObjectStoragePath"),
    "airflow.sdk.execution_time.context": _sdk("NEVER_EXPIRE"),
    "airflow.sdk.execution_time.secrets_masker": _MASKING,
    "airflow.sdk.log": _of(f"{SDK}.log", "mask_secret", "amask_secret"),
    "airflow.sdk.plugins_manager": _PLUGINS,
    "airflow.sdk.timezone": _TIMEZONE,
    "airflow.secrets": _SECRETS,
    "airflow.secrets.base_secrets": _SECRETS,
    "airflow.task.priority_strategy": _WEIGHTS,
    "airflow.task.weight_rule": _sdk("WeightRule"),
    "airflow.timetables.assets": _ASSET_OR_TIME,
    "airflow.timetables.base": _TIMETABLE,
    "airflow.timetables.datasets": {"DatasetOrTimeSchedule": f"{SDK}:AssetOrTimeSchedule"},
    "airflow.timetables.events": _sdk("EventsTimetable"),
    "airflow.timetables.simple": _sdk("PartitionedAssetTimetable", "PartitionedAtRuntime"),
    "airflow.timetables.interval": _INTERVALS,
    "airflow.timetables.trigger": {**_CRON_AND_DELTA, **_sdk("CronPartitionTimetable")},
    "airflow.utils.context": _sdk("Context"),
    "airflow.utils.dates": _of("flowcore.compat.airflow_dates", "days_ago"),
    "airflow.utils.edgemodifier": _EDGES,
    "airflow.utils.helpers": _sdk("chain", "cross_downstream"),
    "airflow.utils.log.secrets_masker": _MASKING,
    "airflow.utils.log.logging_mixin": {"LoggingMixin": f"{SDK}.loggers:HasLog"},
    "airflow.utils.state": _STATES,
    "airflow.utils.task_group": _sdk("TaskGroup"),
    "airflow.utils.timezone": _TIMEZONE,
    "airflow.utils.trigger_rule": _sdk("TriggerRule"),
    "airflow.utils.weight_rule": _sdk("WeightRule"),
}


def _packages(modules: Iterable[str]) -> frozenset[str]:
    parts = [module.split(".") for module in modules]
    return frozenset(".".join(names[:length]) for names in parts for length in range(1, len(names)))


#: Modules that others are in. Providers are looked into one by one, so that each is missed by its own name.
PACKAGES = _packages(NAMES) | {"airflow.providers"}
#: Every module of Airflow that can be imported.
MODULES = PACKAGES | NAMES.keys()
