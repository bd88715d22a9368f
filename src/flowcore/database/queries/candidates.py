"""Read those of the scheduled task instances that might be queued now, and no others.

Whatever waits for something that is full must cost nothing, however many they are. On PostgreSQL a walk
through the index of what is scheduled visits one *head* for each run and priority: a run without room is
passed over in one step, and of another as many are read as could be taken. What is behind a head that is
blocked is reached in any case. SQLite, which has one scheduler, reads all that is scheduled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.rows import dump_rows
from flowcore.database.types import UtcDateTime

Row = sa.Row[*tuple[Any, ...]]

_COLUMNS = {
    "id": sa.BigInteger,
    "dag_run_id": sa.BigInteger,
    "dag_id": sa.Text,
    "position": sa.Integer,
    "map_index": sa.Integer,
    "try_number": sa.Integer,
    "max_tries": sa.Integer,
    "pool": sa.Text,
    "pool_slots": sa.Integer,
    "priority_weight": sa.Integer,
    "executor": sa.Text,
    "run_date": UtcDateTime,
    "scheduled_at": UtcDateTime,
}
_RUN_COLUMNS = {"active_in_run": sa.Integer, "clear_number": sa.Integer}
_T_COLUMNS = ", ".join(f"t.{name}" for name in _COLUMNS)

#: What holds a place of its run: nothing is counted where there is no limit.
_ACTIVE_IN_RUN = """CASE WHEN r.max_active_tasks > 0 THEN (
    SELECT count(*) FROM task_instance a
    WHERE a.dag_id = r.dag_id AND a.dag_run_id = r.id
        AND a.lease_id IS NOT NULL
) END"""
#: In words that no partial index has, for the run is found by its key.
_RUN_IS_OPEN = """coalesce(r.state, '') = 'running'
    AND NOT coalesce((SELECT d.is_paused FROM dag d WHERE d.dag_id = r.dag_id), false)
    AND r.dag_id NOT IN ({absent_dags})
    AND r.id NOT IN ({full_runs})"""
_MIGHT_FIT = """t.id NOT IN ({seen})
    AND (t.dag_id, t.task_id) NOT IN ({full_tasks})
    AND (t.dag_run_id, t.task_id) NOT IN ({full_run_tasks})
    AND (coalesce(t.executor, :default_executor), coalesce(t.runs_in, '')) NOT IN ({full_places})
    AND (
        {pool}.free IS NULL OR t.pool_slots <= {pool}.free OR t.pool_slots > {pool}.slots
        OR t.scheduled_at <= :patient_since
    )"""

_ON_POSTGRESQL = f"""
WITH RECURSIVE pools AS MATERIALIZED (
    SELECT e.value ->> 0 AS pool, CAST(e.value ->> 1 AS integer) AS picks,
        CAST(e.value ->> 2 AS integer) AS free, CAST(e.value ->> 3 AS integer) AS slots
    -- By way of an array, which the planner takes for ten rows and not for a hundred: a plan that seems dear
    -- enough is compiled, which takes longer than anything it does.
    FROM unnest(ARRAY(SELECT jsonb_array_elements(CAST(:pools AS jsonb)))) AS e(value)
), head AS (
    SELECT pools.*, first.* FROM pools, LATERAL (
        SELECT t.priority_weight, t.run_date, t.dag_run_id FROM task_instance t
        WHERE t.state = 'scheduled' AND t.pool = pools.pool
        ORDER BY t.priority_weight DESC, t.run_date, t.dag_run_id LIMIT 1
    ) first
    UNION ALL
    SELECT head.pool, head.picks, head.free, head.slots, next.* FROM head, LATERAL (
        (SELECT t.priority_weight, t.run_date, t.dag_run_id FROM task_instance t
        WHERE t.state = 'scheduled' AND t.pool = head.pool AND t.priority_weight = head.priority_weight
            AND (t.run_date, t.dag_run_id) > (head.run_date, head.dag_run_id)
        ORDER BY t.run_date, t.dag_run_id LIMIT 1)
        UNION ALL
        (SELECT t.priority_weight, t.run_date, t.dag_run_id FROM task_instance t
        WHERE t.state = 'scheduled' AND t.pool = head.pool AND t.priority_weight < head.priority_weight
        ORDER BY t.priority_weight DESC, t.run_date, t.dag_run_id LIMIT 1)
        LIMIT 1
    ) next
), open_head AS (
    SELECT head.*, run.active_in_run, run.clear_number FROM head, LATERAL (
        SELECT {_ACTIVE_IN_RUN} AS active_in_run, r.max_active_tasks, r.clear_number FROM dag_run r
        WHERE r.id = head.dag_run_id AND {_RUN_IS_OPEN} LIMIT 1
    ) run
    WHERE run.active_in_run IS NULL OR run.active_in_run < run.max_active_tasks
)
SELECT candidate.* FROM open_head, LATERAL (
    SELECT {_T_COLUMNS}, open_head.active_in_run, open_head.clear_number FROM task_instance t
    WHERE t.state = 'scheduled' AND t.pool = open_head.pool AND t.priority_weight = open_head.priority_weight
        AND t.run_date = open_head.run_date AND t.dag_run_id = open_head.dag_run_id
        AND {_MIGHT_FIT.replace("{pool}", "open_head")}
    ORDER BY t.position, t.map_index LIMIT open_head.picks
) candidate
-- A subquery, so that the planner does not take the number for a reason to plan anew each time.
LIMIT (SELECT CAST(:rows AS bigint))
"""
_ON_SQLITE = f"""
WITH pools AS (
    SELECT json_extract(e.value, '$[0]') AS pool, json_extract(e.value, '$[1]') AS picks,
        json_extract(e.value, '$[2]') AS free, json_extract(e.value, '$[3]') AS slots
    FROM json_each(:pools) AS e
), open_run AS (
    SELECT r.id, {_ACTIVE_IN_RUN} AS active_in_run, r.max_active_tasks, r.clear_number
    FROM dag_run r WHERE {_RUN_IS_OPEN}
), candidate AS (
    SELECT {_T_COLUMNS}, open_run.active_in_run, open_run.clear_number, pools.picks,
        row_number() OVER (
            PARTITION BY t.pool, t.priority_weight, t.dag_run_id ORDER BY t.position, t.map_index
        ) AS place
    FROM pools JOIN task_instance t ON t.pool = pools.pool JOIN open_run ON open_run.id = t.dag_run_id
    WHERE t.state = 'scheduled'
        AND (open_run.active_in_run IS NULL OR open_run.active_in_run < open_run.max_active_tasks)
        AND {_MIGHT_FIT.replace("{pool}", "pools")}
)
SELECT {", ".join(_COLUMNS)}, active_in_run, clear_number FROM candidate WHERE place <= picks
ORDER BY priority_weight DESC, run_date, dag_run_id, position, map_index LIMIT :rows
"""
#: What is left out, as lists of keys.
_LEFT_OUT = {
    "absent_dags": ("text",),
    "full_runs": ("bigint",),
    "seen": ("bigint",),
    "full_tasks": ("text", "text"),
    "full_run_tasks": ("bigint", "text"),
    "full_places": ("text", "text"),
}


def _list_on_postgresql(name: str, types: Sequence[str]) -> str:
    fields = ", ".join(f"CAST(k.value ->> {n} AS {kind})" for n, kind in enumerate(types))
    return f"SELECT {fields} FROM jsonb_array_elements(CAST(:{name} AS jsonb)) AS k"


def _list_on_sqlite(name: str, types: Sequence[str]) -> str:
    fields = ", ".join(f"json_extract(k.value, '$[{n}]')" for n, _ in enumerate(types))
    return f"SELECT {fields} FROM json_each(:{name}) AS k"


def _statement(text: str, as_list: Callable[[str, Sequence[str]], str]) -> sa.TextualSelect:
    lists = {name: as_list(name, types) for name, types in _LEFT_OUT.items()}
    parameters: list[sa.BindParameter[Any]] = [
        *(sa.bindparam(name, type_=sa.Text) for name in (*lists, "pools", "default_executor")),
        sa.bindparam("patient_since", type_=UtcDateTime),
        sa.bindparam("rows", type_=sa.Integer),
    ]
    return sa.text(text.format(**lists)).bindparams(*parameters).columns(**_COLUMNS, **_RUN_COLUMNS)


_STATEMENTS = {
    "postgresql": _statement(_ON_POSTGRESQL, _list_on_postgresql),
    "sqlite": _statement(_ON_SQLITE, _list_on_sqlite),
}


@attrs.frozen
class OpenPool:
    """A pool with slots to give: at most `picks` task instances at a time; no `free` means no limit."""

    name: str
    picks: int
    free: int | None
    slots: int | None


@attrs.frozen(kw_only=True)
class LeftOut:
    """Who need not be read: for what is full or not here, or because it was seen in this pass."""

    absent_dags: Collection[str] = ()
    seen: Collection[int] = ()
    full_runs: Collection[int] = ()
    full_tasks: Collection[tuple[str, str]] = ()
    full_run_tasks: Collection[tuple[int, str]] = ()
    full_places: Collection[tuple[str, str]] = ()

    def parameters(self) -> dict[str, str]:
        """Return them as the statement wants them."""
        single = {
            name: dump_rows((key,) for key in getattr(self, name))
            for name in ("absent_dags", "seen", "full_runs")
        }
        pairs = {
            name: dump_rows(getattr(self, name)) for name in ("full_tasks", "full_run_tasks", "full_places")
        }
        return {**single, **pairs}


def read_candidates(
    connection: sa.Connection,
    pools: Iterable[OpenPool],
    left_out: LeftOut,
    *,
    default_executor: str,
    patient_since: datetime,
    rows: int,
) -> Sequence[Row]:
    """Read at most `rows` candidates: of each run and priority the first that its pool could take.

    Those too wide for what is free are not read before they were scheduled at `patient_since`. The rows
    have the columns of the task instance that `_COLUMNS` names, the run's `clear_number`, and how many are
    `active_in_run`, which is null where the run is not known to have a limit.
    """
    parameters = {
        **left_out.parameters(),
        "pools": dump_rows(attrs.astuple(pool) for pool in pools),
        "default_executor": default_executor,
        "patient_since": patient_since,
        "rows": rows,
    }
    return connection.execute(_STATEMENTS[connection.dialect.name], parameters).all()
