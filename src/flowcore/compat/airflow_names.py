"""Which module and name of Airflow stands for which of ours, the spellings of older releases included.

Targets are texts, `module:name` or `module`, and loaded when a Dag file imports them, so that nothing is
paid for what is not used. Names are spelled out one by one: what is not listed is not available, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SDK = "flowcore.sdk"
_STANDARD = "flowcore.providers.standard"

#: Everything that `flowcore.sdk` has is had by these under the same name.
WHOLE_SDK = ("airflow.sdk", "airflow.providers.common.compat.sdk")

Names = Mapping[str, str]


def _of(source: str, *names: str) -> Names:
    return {name: f"{source}:{name}" for name in names}


def _sdk(*names: str) -> Names:
    return _of(SDK, *names)


_DAG = _sdk("DAG", "dag")
_OPERATOR = _sdk("BaseOperator", "chain", "chain_linear", "cross_downstream")
_DECORATORS = _sdk("dag", "setup", "task", "task_group", "teardown")
_EDGES = _sdk("EdgeModifier", "Label")
_SKIPPING = _sdk("BranchMixIn", "SkipMixin")
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
_TIMETABLE = _of(
    "flowcore.domain.timetables.base", "DagRunInfo", "DataInterval", "TimeRestriction", "Timetable"
)
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
_SECRETS = _of("flowcore.compat.airflow_secrets", "BaseSecretsBackend")
_SENSOR = _sdk("BaseSensorOperator", "PokeReturnValue")
_BASH = _of(f"{_STANDARD}.bash", "BashOperator")
_EMPTY = _of(f"{_STANDARD}.empty", "EmptyOperator")
_BRANCH = _sdk("BaseBranchOperator")
_BRANCH_DATETIME = _of(f"{_STANDARD}.branch_times", "BranchDateTimeOperator")
_BRANCH_WEEKDAY = _of(f"{_STANDARD}.branch_times", "BranchDayOfWeekOperator")
_LATEST_ONLY = _of(f"{_STANDARD}.latest_only", "LatestOnlyOperator")
_PYTHON = {
    **_sdk("get_current_context"),
    **_of(f"{_STANDARD}.branch_python", "BranchPythonOperator"),
    **_of(f"{_STANDARD}.external_python", "ExternalPythonOperator"),
    **_of(f"{_STANDARD}.python", "PythonOperator"),
    **_of(f"{_STANDARD}.short_circuit", "ShortCircuitOperator"),
}
_BASH_SENSOR = _of(f"{_STANDARD}.bash_sensor", "BashSensor")
_DATE_TIME_SENSOR = {
    **_of(f"{_STANDARD}.time_sensors", "DateTimeSensor"),
    "DateTimeSensorAsync": f"{_STANDARD}.time_sensors:DateTimeSensor",
}
_FILE_SENSOR = _of(f"{_STANDARD}.file_sensor", "FileSensor")
_PYTHON_SENSOR = _of(f"{_STANDARD}.python_sensor", "PythonSensor")
_TIME_SENSOR = {
    **_of(f"{_STANDARD}.time_sensors", "TimeSensor"),
    "TimeSensorAsync": f"{_STANDARD}.time_sensors:TimeSensor",
}
_TIME_DELTA_SENSOR = {
    **_of(f"{_STANDARD}.time_sensors", "TimeDeltaSensor", "WaitSensor"),
    "TimeDeltaSensorAsync": f"{_STANDARD}.time_sensors:TimeDeltaSensor",
}
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
_WEEKDAY = _of("flowcore.compat.airflow_weekday", "WeekDay")
_WEEKDAY_SENSOR = _of(f"{_STANDARD}.time_sensors", "DayOfWeekSensor")

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

#: By module of Airflow. A module that holds only other modules is not listed.
NAMES: Mapping[str, Names] = {
    "airflow": {**_DAG, **_sdk("XComArg"), "__version__": "flowcore.compat.airflow_version:VERSION"},
    "airflow.assets": _ASSETS,
    "airflow.configuration": _CONF,
    "airflow.datasets": _DATASETS,
    "airflow.datasets.metadata": _sdk("Metadata"),
    "airflow.decorators": _DECORATORS,
    "airflow.exceptions": _EXCEPTIONS,
    "airflow.hooks.base": _sdk("BaseHook"),
    "airflow.notifications.basenotifier": _sdk("BaseNotifier"),
    "airflow.models": {
        **_sdk("DAG", "BaseOperator", "Connection", "Param", "TaskInstance", "Variable", "XComArg"),
    },
    "airflow.models.baseoperator": _OPERATOR,
    "airflow.models.connection": _sdk("Connection"),
    "airflow.models.dag": _DAG,
    "airflow.models.param": _PARAM,
    "airflow.models.taskinstance": _sdk("TaskInstance"),
    "airflow.models.variable": _sdk("Variable"),
    "airflow.models.skipmixin": _SKIPPING,
    "airflow.models.xcom_arg": _sdk("XComArg"),
    "airflow.operators.bash": _BASH,
    "airflow.operators.branch": _BRANCH,
    "airflow.operators.datetime": _BRANCH_DATETIME,
    "airflow.operators.dummy": {"DummyOperator": f"{_STANDARD}.empty:EmptyOperator"},
    "airflow.operators.empty": _EMPTY,
    "airflow.operators.latest_only": _LATEST_ONLY,
    "airflow.operators.python": _PYTHON,
    "airflow.operators.weekday": _BRANCH_WEEKDAY,
    "airflow.providers.common.compat.sdk": {
        **_EXCEPTIONS,
        "timezone": "flowcore.compat.airflow_timezone",
    },
    "airflow.providers.standard.operators.bash": _BASH,
    "airflow.providers.standard.operators.branch": _BRANCH,
    "airflow.providers.standard.operators.datetime": _BRANCH_DATETIME,
    "airflow.providers.standard.operators.empty": _EMPTY,
    "airflow.providers.standard.operators.latest_only": _LATEST_ONLY,
    "airflow.providers.standard.operators.python": _PYTHON,
    "airflow.providers.standard.operators.weekday": _BRANCH_WEEKDAY,
    "airflow.providers.standard.sensors.bash": _BASH_SENSOR,
    "airflow.providers.standard.sensors.date_time": _DATE_TIME_SENSOR,
    "airflow.providers.standard.sensors.filesystem": _FILE_SENSOR,
    "airflow.providers.standard.sensors.python": _PYTHON_SENSOR,
    "airflow.providers.standard.sensors.time": _TIME_SENSOR,
    "airflow.providers.standard.sensors.time_delta": _TIME_DELTA_SENSOR,
    "airflow.providers.standard.sensors.weekday": _WEEKDAY_SENSOR,
    "airflow.providers.standard.utils.skipmixin": _SKIPPING,
    "airflow.providers.standard.utils.weekday": _WEEKDAY,
    "airflow.sdk": {},
    "airflow.sdk.bases.branch": _BRANCH,
    "airflow.sdk.bases.secrets_backend": _SECRETS,
    "airflow.sdk.configuration": _CONF,
    "airflow.sdk.bases.sensor": _SENSOR,
    "airflow.sdk.bases.skipmixin": _SKIPPING,
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
    "airflow.sdk.definitions.taskgroup": _sdk("TaskGroup"),
    "airflow.sdk.definitions.variable": _sdk("Variable"),
    "airflow.sdk.definitions.xcom_arg": _sdk("XComArg"),
    "airflow.sdk.exceptions": _EXCEPTIONS,
    "airflow.sdk.execution_time.secrets_masker": _MASKING,
    "airflow.sdk.log": _of(f"{SDK}.log", "mask_secret", "amask_secret"),
    "airflow.sdk.timezone": _TIMEZONE,
    "airflow.secrets": _SECRETS,
    "airflow.secrets.base_secrets": _SECRETS,
    "airflow.sensors.base": _SENSOR,
    "airflow.sensors.bash": _BASH_SENSOR,
    "airflow.sensors.date_time": _DATE_TIME_SENSOR,
    "airflow.sensors.filesystem": _FILE_SENSOR,
    "airflow.sensors.python": _PYTHON_SENSOR,
    "airflow.sensors.time_delta": _TIME_DELTA_SENSOR,
    "airflow.sensors.time_sensor": _TIME_SENSOR,
    "airflow.sensors.weekday": _WEEKDAY_SENSOR,
    "airflow.timetables.assets": _ASSET_OR_TIME,
    "airflow.timetables.base": _TIMETABLE,
    "airflow.timetables.datasets": {"DatasetOrTimeSchedule": f"{SDK}:AssetOrTimeSchedule"},
    "airflow.timetables.events": _sdk("EventsTimetable"),
    "airflow.timetables.interval": _INTERVALS,
    "airflow.timetables.trigger": _CRON_AND_DELTA,
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
    "airflow.utils.weekday": _WEEKDAY,
    "airflow.utils.weight_rule": _sdk("WeightRule"),
}


def _packages(modules: Iterable[str]) -> frozenset[str]:
    parts = [module.split(".") for module in modules]
    return frozenset(".".join(names[:length]) for names in parts for length in range(1, len(names)))


#: Modules that others are in. Providers are looked into one by one, so that each is missed by its own name.
PACKAGES = _packages(NAMES) | {"airflow.providers"}
#: Every module of Airflow that can be imported.
MODULES = PACKAGES | NAMES.keys()
