"""An operator with template fields, in a Dag of its own."""

from __future__ import annotations

from typing import Any

from flowcore.sdk import DAG, BaseOperator
from flowcore.sdk.references import Lookup
from flowcore.sdk.templates.rendering import rendered_fields


class Query(BaseOperator):
    template_fields = ("sql", "options")
    template_ext = (".sql",)

    def __init__(self, sql: Any = None, *, options: Any = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.sql, self.options = sql, options

    def execute(self, context: Any) -> Any:
        return self.sql, self.options


def query(sql: Any = None, *, options: Any = None, dag: DAG | None = None, **arguments: Any) -> Query:
    """A task called `q`, by default in a Dag called `d`."""
    return Query(sql, options=options, task_id="q", dag=dag or DAG("d"), **arguments)


def rendered(sql: Any, *, dag: DAG | None = None, lookup: Lookup | None = None, **context: Any) -> Any:
    """What becomes of the field `sql`."""
    task = query(sql, dag=dag)
    return rendered_fields(task, lookup or Lookup({}, {}), context)["sql"]
