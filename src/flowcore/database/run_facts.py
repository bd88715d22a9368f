"""What the tries of a run share, read once per run and after each time that the run was cleared."""

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
            "partition_key",
            "partition_date",
        )
    ),
).where(dag_run.c.id.in_(ids("runs")))


#: A run, and how often it was cleared.
RunKey = tuple[int, int]


class RunFactsCache(RowCache[RunKey, RunFacts]):
    """Reads facts by run id and the number of clears: between two of those they do not change."""

    def __init__(self, size: int = 2_000) -> None:
        super().__init__(size)

    def _read(self, connection: sa.Connection, keys: Collection[RunKey]) -> Mapping[RunKey, RunFacts]:
        facts = read_run_facts(connection, {dag_run_id for dag_run_id, _ in keys})
        return {key: facts[key[0]] for key in keys}


def read_run_facts(connection: sa.Connection, dag_run_ids: Collection[int]) -> Mapping[int, RunFacts]:
    """Read the facts of these runs as they are now."""
    rows = connection.execute(_SELECT, {"runs": dump_rows((key,) for key in sorted(dag_run_ids))})
    return {row.dag_run_id: RunFacts(**row._mapping) for row in rows}
