"""How sensors of other Dags fail; Airflow's names."""

from __future__ import annotations

from flowcore.sdk.exceptions import AirflowException


class AirflowExternalTaskSensorException(AirflowException):
    """Any of these."""


class ExternalDagNotFoundError(AirflowExternalTaskSensorException):
    """There is no such Dag."""


class ExternalDagDeletedError(AirflowExternalTaskSensorException):
    """No file makes the Dag any more."""


class ExternalDagFailedError(AirflowExternalTaskSensorException):
    """A run that was waited for is in a state that fails the sensor."""


class ExternalTaskNotFoundError(AirflowExternalTaskSensorException):
    """The Dag has no such task."""


class ExternalTaskFailedError(AirflowExternalTaskSensorException):
    """A task that was waited for is in a state that fails the sensor."""


class ExternalTaskGroupNotFoundError(AirflowExternalTaskSensorException):
    """The Dag has no such group."""


class ExternalTaskGroupFailedError(AirflowExternalTaskSensorException):
    """A task of a group that was waited for is in a state that fails the sensor."""
