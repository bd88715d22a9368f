"""What the tries of a run share, read once per run: it does not change while the run lives."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.row_cache import RowCache
from flowcore.database.rows import dump_rows
from flowcore.database.tables import dag_run
from flowcore.domain.workloads import RunFacts

_SELECT = sa.select(
    dag_run.c.id.label("dag_run_id"),
    *(
        dag_run.c[name]
        for name in (
            "dag_id",
            "run_id",
            "run_type",
            "dag_version_id",
            "run_after",
            "logical_date",
            "data_interval_start",
            "data_interval_end",
            "start_date",
            "conf",
            "params",
        )
    ),
).where(dag_run.c.id.in_(ids("runs")))


class RunFactsCache(RowCache[int, RunFacts]):
    """Reads facts by run id."""

    def __init__(self, size: int = 10_000) -> None:
        super().__init__(size)

    def _read(self, connection: sa.Connection, keys: Collection[int]) -> Mapping[int, RunFacts]:
        rows = connection.execute(_SELECT, {"runs": dump_rows((key,) for key in keys)})
        return {row.dag_run_id: RunFacts(**row._mapping) for row in rows}
