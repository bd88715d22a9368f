"""Tasks that others in another Dag depend on: what has to be cleared there when they are cleared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

#: Means the logical date of the marking task's own run.
OWN_DATE = "{{ logical_date.isoformat() }}"


@attrs.frozen(kw_only=True)
class ExternalMark:
    """A task of another Dag, in its run of a logical date; texts that may be templates.

    `recursion_depth` is how many marks may be followed one after another, beginning with this one.
    """

    dag_id: str
    task_id: str
    logical_date: str = OWN_DATE
    recursion_depth: int = 10

    def target(self, own_date: datetime | None, rendered: Mapping[str, Any]) -> MarkedTask | None:
        """The task that is meant, in the run of `own_date` in which the mark's templates became `rendered`.

        None when that cannot be told: the mark has templates, and has never run.
        """
        dag_id = _known(self.dag_id, rendered.get("external_dag_id"))
        task_id = _known(self.task_id, rendered.get("external_task_id"))
        date = _moment(self.logical_date, own_date, rendered.get("logical_date"))
        return None if None in (dag_id, task_id, date) else MarkedTask(str(dag_id), str(task_id), date)


@attrs.frozen
class MarkedTask:
    """A task of another Dag in the run of a logical date."""

    dag_id: str
    task_id: str
    logical_date: datetime | None

    def __str__(self) -> str:
        date = "" if self.logical_date is None else f" of {self.logical_date.isoformat()}"
        return f"{self.dag_id}.{self.task_id}{date}"


def _known(text: str, rendered: Any) -> str | None:
    return text if "{" not in text else rendered


def _moment(text: str, own_date: datetime | None, rendered: Any) -> datetime | None:
    if text == OWN_DATE:
        return own_date
    known = _known(text, rendered)
    try:
        moment = None if known is None else datetime.fromisoformat(known)
    except (TypeError, ValueError):
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
