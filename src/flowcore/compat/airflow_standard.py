"""What flowcore has of Airflow's standard provider, in its modules of release 3 and in the older ones."""

from __future__ import annotations

from collections.abc import Mapping

from flowcore.compat.airflow_targets import SDK, Names, of, sdk

_OURS = "flowcore.providers.standard"
_PROVIDER = "airflow.providers.standard"


def _ours(module: str, *names: str) -> Names:
    return of(f"{_OURS}.{module}", *names)


def _also_async(module: str, name: str) -> Names:
    return {**_ours(module, name), f"{name}Async": f"{_OURS}.{module}:{name}"}


SKIPPING = sdk("BranchMixIn", "SkipMixin")
WEEKDAY = of("flowcore.compat.airflow_weekday", "WeekDay")

_DECORATORS: Mapping[str, Names] = {
    "bash": {"bash_task": f"{SDK}:task.bash"},
    "branch_external_python": {"branch_external_python_task": f"{SDK}:task.branch_external_python"},
    "branch_python": {"branch_task": f"{SDK}:task.branch"},
    "branch_virtualenv": {"branch_virtualenv_task": f"{SDK}:task.branch_virtualenv"},
    "external_python": {"external_python_task": f"{SDK}:task.external_python"},
    "python": {"python_task": f"{SDK}:task"},
    "python_virtualenv": {"virtualenv_task": f"{SDK}:task.virtualenv"},
    "sensor": {"sensor_task": f"{SDK}:task.sensor"},
    "short_circuit": {"short_circuit_task": f"{SDK}:task.short_circuit"},
}
_OPERATORS: Mapping[str, Names] = {
    "bash": _ours("bash", "BashOperator"),
    "branch": sdk("BaseBranchOperator", "BranchMixIn"),
    "datetime": _ours("branch_times", "BranchDateTimeOperator"),
    "empty": _ours("empty", "EmptyOperator"),
    "latest_only": _ours("latest_only", "LatestOnlyOperator"),
    "python": {
        **sdk("get_current_context"),
        **_ours("branch_external_python", "BranchExternalPythonOperator"),
        **_ours("branch_python", "BranchPythonOperator"),
        **_ours("branch_virtualenv", "BranchPythonVirtualenvOperator"),
        **_ours("external_python", "ExternalPythonOperator"),
        **_ours("python_virtualenv", "PythonVirtualenvOperator"),
        **_ours("python", "PythonOperator"),
        **_ours("short_circuit", "ShortCircuitOperator"),
    },
    "trigger_dagrun": {
        **_ours("trigger_dagrun", "DagIsPaused", "TriggerDagRunOperator"),
        "XCOM_RUN_ID": f"{_OURS}.trigger_dagrun:TRIGGER_RUN_ID",
    },
    "weekday": _ours("branch_times", "BranchDayOfWeekOperator"),
}
_SENSORS: Mapping[str, Names] = {
    "bash": _ours("bash_sensor", "BashSensor"),
    "date_time": _also_async("time_sensors", "DateTimeSensor"),
    "external_task": {
        **_ours("external_task_marker", "ExternalTaskMarker"),
        **_ours("external_task_sensor", "ExternalTaskSensor"),
    },
    "filesystem": _ours("file_sensor", "FileSensor"),
    "python": _ours("python_sensor", "PythonSensor"),
    "time": _also_async("time_sensors", "TimeSensor"),
    "time_delta": {
        **_also_async("time_sensors", "TimeDeltaSensor"),
        **_ours("time_sensors", "WaitSensor"),
    },
    "weekday": _ours("time_sensors", "DayOfWeekSensor"),
}
#: Where release 2 called the module otherwise.
_OLDER_SENSORS = {"time": "time_sensor"}


def _in(package: str, modules: Mapping[str, Names]) -> Mapping[str, Names]:
    return {f"{package}.{module}": names for module, names in modules.items()}


_EXCEPTIONS: Names = {
    **_ours("external_errors", "AirflowExternalTaskSensorException", "ExternalDagDeletedError"),
    **_ours("external_errors", "ExternalDagFailedError", "ExternalDagNotFoundError"),
    **_ours("external_errors", "ExternalTaskFailedError", "ExternalTaskNotFoundError"),
    **_ours("external_errors", "ExternalTaskGroupFailedError", "ExternalTaskGroupNotFoundError"),
    "DuplicateStateError": "flowcore.errors:DagError",
}

STANDARD_NAMES: Mapping[str, Names] = {
    f"{_PROVIDER}.exceptions": _EXCEPTIONS,
    **_in(f"{_PROVIDER}.decorators", _DECORATORS),
    **_in(f"{_PROVIDER}.operators", _OPERATORS),
    **_in(f"{_PROVIDER}.sensors", _SENSORS),
    f"{_PROVIDER}.utils.skipmixin": SKIPPING,
    f"{_PROVIDER}.utils.weekday": WEEKDAY,
    **_in("airflow.operators", _OPERATORS),
    "airflow.operators.dummy": {"DummyOperator": f"{_OURS}.empty:EmptyOperator"},
    "airflow.sensors.base": sdk("BaseSensorOperator", "PokeReturnValue"),
    **{f"airflow.sensors.{_OLDER_SENSORS.get(module, module)}": names for module, names in _SENSORS.items()},
    "airflow.utils.weekday": WEEKDAY,
}
