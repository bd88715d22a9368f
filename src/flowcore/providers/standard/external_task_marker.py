"""`ExternalTaskMarker`: says that a task of another Dag depends on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flowcore.domain.external_marks import OWN_DATE, ExternalMark
from flowcore.errors import DagError
from flowcore.providers.standard.empty import EmptyOperator


class ExternalTaskMarker(EmptyOperator):
    """Does nothing; when it is cleared, so is a task of another Dag with all that comes after it.

    Args:
        task_id: See `BaseOperator`.
        external_dag_id: The other Dag.
        external_task_id: The task of it, most likely an `ExternalTaskSensor` that waits for this Dag.
        logical_date: In which run of it; by default that of the own logical date.
        recursion_depth: How many markers may be followed one after another, beginning with this one.
        arguments: See `BaseOperator`.

    Raises:
        DagError: `logical_date` is no date, or `recursion_depth` is not above 0.
    """

    template_fields = ("external_dag_id", "external_task_id", "logical_date")

    def __init__(
        self,
        task_id: str,
        *,
        external_dag_id: str,
        external_task_id: str,
        logical_date: str | datetime = OWN_DATE,
        recursion_depth: int = 10,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        if not isinstance(logical_date, str | datetime):
            raise DagError(
                f"task {self.task_id!r} has logical_date={logical_date!r}; give a datetime or a text"
            )
        if recursion_depth <= 0:
            raise DagError(f"task {self.task_id!r} has recursion_depth={recursion_depth}; give one above 0")
        self.external_dag_id, self.external_task_id = external_dag_id, external_task_id
        self.logical_date = logical_date if isinstance(logical_date, str) else logical_date.isoformat()
        self.recursion_depth = recursion_depth

    @property
    def external_mark(self) -> ExternalMark:
        return ExternalMark(
            dag_id=_text(self.external_dag_id),
            task_id=_text(self.external_task_id),
            logical_date=_text(self.logical_date),
            recursion_depth=self.recursion_depth,
        )


def _text(given: Any) -> str:
    # The output of another task is known when the marker has run, as templates are.
    return given if isinstance(given, str) else "{{ output }}"
