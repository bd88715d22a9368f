"""What the tries of a run share, read once per run: it does not change while the run lives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
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


class RunFactsCache:
    """Facts by run id, the least recently used of `size` making room."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._cached: OrderedDict[int, RunFacts] = OrderedDict()

    def get(self, connection: sa.Connection, run_ids: Iterable[int]) -> Mapping[int, RunFacts]:
        """Return the facts of these runs, reading those not seen before in one statement."""
        wanted = set(run_ids)
        missing = wanted - self._cached.keys()
        found = {run_id: self._cached[run_id] for run_id in wanted - missing}
        if missing:
            rows = connection.execute(_SELECT, {"runs": dump_rows((r,) for r in sorted(missing))})
            found.update((row.dag_run_id, _facts(row)) for row in rows)
        self._remember(found)
        return found

    def _remember(self, found: Mapping[int, RunFacts]) -> None:
        for run_id, facts in found.items():
            self._cached[run_id] = facts
            self._cached.move_to_end(run_id)
        while len(self._cached) > self._size:
            self._cached.popitem(last=False)


def _facts(row: sa.Row[Any]) -> RunFacts:
    return RunFacts(**row._mapping)
