"""What an author raises in a task to end its try in a certain way, and what the SDK raises at run time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flowcore.errors import DagError


class AirflowException(Exception):
    """What Airflow's authors raise when a task fails; the root of what ends a try in a certain way."""


class TaskSkipped(AirflowException):
    """Raise it to end the task instance as skipped."""


class TaskFailed(AirflowException):
    """Raise it to fail the task instance for good, without a retry."""


class TaskRescheduled(AirflowException):
    """Raise it to let go of the process and the slots, and go on at `reschedule_date`, as the same try.

    The task is then called again from its beginning; what it pushed before is dropped.

    Raises:
        DagError: the date has no zone.
    """

    def __init__(self, reschedule_date: datetime) -> None:
        if reschedule_date.tzinfo is None:
            raise DagError(
                f"a try cannot be put off until {reschedule_date!r}, which has no zone; give it one"
            )
        super().__init__(f"the try goes on at {reschedule_date.isoformat()}")
        self.reschedule_date = reschedule_date


class DownstreamTasksSkipped(Exception):
    """Raise it to end the try as a success that skips tasks after it.

    For operators whose class says that they do so (`SkipMixin`). `tasks` are ids, (id, map index) pairs, or
    tasks; teardowns among them are spared.
    """

    def __init__(self, *, tasks: Iterable[Any]) -> None:
        super().__init__("tasks after this one are skipped")
        self.tasks = tuple(tasks)


class TaskCancelled(BaseException):
    """Raised in a function whose try is to end; what `finally` does then has little time."""


class TaskTimedOut(BaseException):
    """Raised in a function that has run for longer than its execution_timeout."""


class TryDied(AirflowException):
    """What callbacks are told of a try whose process ended without a word; says how."""


class AirflowSensorTimeout(TaskFailed):
    """What a sensor waits for has not come in time."""


# What Airflow calls them.
AirflowSkipException = TaskSkipped
AirflowFailException = TaskFailed
AirflowRescheduleException = TaskRescheduled
AirflowTaskTerminated = TaskCancelled
AirflowTaskTimeout = TaskTimedOut


class TemplateInvalid(DagError):
    """A template cannot be read, or one of its expressions fails; says where."""


class XComNotJson(DagError, TypeError):
    """A task pushed something that is not JSON."""

    def __init__(self, task_id: str, key: str, value: object, *, reason: str) -> None:
        super().__init__(
            f"task {task_id!r} cannot push XCom {key!r} of type {type(value).__name__}: {reason};"
            " push strings, finite numbers, booleans, None, and lists and dicts of these, or store the data"
            " elsewhere and push where it is"
        )
        self.task_id, self.key = task_id, key


class XComUnreadable(DagError):
    """An XCom holds an object that cannot be made again here."""

    def __init__(self, name: str, reason: object) -> None:
        super().__init__(
            f"an XCom holds an object of {name}, which cannot be made again here: {reason}; install the same"
            " module here as where it was pushed, and let the operator's allowed_deserialization_classes name"
            " the class"
        )
        self.class_name = name


class XComHoldsSecret(DagError, ValueError):
    """A task pushed a value that a secret is in; the message does not say which."""

    def __init__(self, task_id: str, key: str) -> None:
        super().__init__(
            f"task {task_id!r} cannot push XCom {key!r}: a secret is in it, and XComs are for everybody; push"
            " the id of the connection or the key of the variable, and look it up where it is needed"
        )
        self.task_id, self.key = task_id, key


class XComTooLarge(DagError, ValueError):
    """A task pushed more than the database takes."""

    def __init__(self, task_id: str, key: str, *, size: int, size_max: int) -> None:
        super().__init__(
            f"task {task_id!r} pushes XCom {key!r} with {size:,} bytes of JSON, and max_xcom_bytes is"
            f" {size_max:,}; store the data elsewhere and push where it is, or let the operator keep large"
            " XComs out of the database with xcom_backend=objects"
        )
        self.task_id, self.key = task_id, key


class XComNotMappable(DagError, TypeError):
    """A task did not return what the tasks that are mapped over it need."""

    def __init__(self, task_id: str, what: str, remedy: str) -> None:
        super().__init__(f"task {task_id!r} {what}, and other tasks are mapped over it; {remedy}")
        self.task_id = task_id


class XComNotFound(DagError, LookupError):
    """A task needs a key that its upstream did not push."""

    def __init__(self, task_id: str, key: str) -> None:
        super().__init__(
            f"task {task_id!r} pushed no XCom {key!r}; push it with ti.xcom_push({key!r}, ...), or return"
            " a dict with that key and multiple_outputs=True"
        )
        self.task_id, self.key = task_id, key
