"""What kinds of old things have in common: how they are counted, read and deleted, a batch at a time.

A batch is found and read in one unit of work and deleted in another, so that it can be archived between the
two; what has changed meanwhile is left alone. So each unit is short, and locks nothing but the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import names
from flowcore.database.rows import dump_rows
from flowcore.domain.retention import Retention

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
Counts = Mapping[str, int]


@attrs.frozen
class Old:
    """Something old, as it was found: it is deleted only while `life` is the same. Runs have names."""

    id: int
    life: tuple[object, ...] = ()
    dag_id: str = ""
    run_id: str = ""


@attrs.frozen(kw_only=True)
class OldKind:
    """How one kind is found and deleted, and which rows belong to it.

    Args:
        find: The next things by id after `after`, with about `limit` rows together; none: that was all.
        bind: The parameters that say which things are meant.
        rows: Which rows belong to the things that `bind` says.
        delete: Delete those that nobody has touched since; which they are, and the rows by table.
    """

    find: Callable[[sa.Connection, Retention, int, int], Sequence[Old]]
    bind: Callable[[Iterable[Old]], dict[str, Any]]
    rows: Mapping[sa.Table, sa.ColumnElement[bool]]
    delete: Callable[[sa.Connection, Sequence[Old]], tuple[Sequence[Old], Counts]]

    def count(self, connection: sa.Connection, found: Sequence[Old]) -> Counts:
        """How many rows of each table belong to these."""
        keys = self.bind(found)
        counts = {t.name: sa.select(sa.func.count()).select_from(t).where(of) for t, of in self.rows.items()}
        return {name: connection.execute(count, keys).scalar_one() for name, count in counts.items()}

    def read(self, connection: sa.Connection, found: Sequence[Old]) -> Rows:
        """All rows, by table, that belong to these."""
        keys = self.bind(found)
        return {
            table.name: [row._asdict() for row in connection.execute(sa.select(table).where(of), keys)]
            for table, of in self.rows.items()
        }


def bind_ids(name: str, found: Iterable[Old]) -> dict[str, Any]:
    """The ids of these as a bind parameter for `ids(name)`."""
    return {name: dump_rows((old.id,) for old in found)}


def of_dags(
    statement: sa.Select[Any], dag_id: sa.ColumnElement[str], retention: Retention
) -> tuple[sa.Select[Any], dict[str, Any]]:
    """Limit a statement to the Dags that are meant, with the parameters for that."""
    parameters: dict[str, Any] = {"before": retention.before}
    if retention.dag_ids is not None:
        statement = statement.where(dag_id.in_(names("dags")))
        parameters["dags"] = dump_rows((name,) for name in sorted(retention.dag_ids))
    if retention.spared_dag_ids:
        statement = statement.where(dag_id.not_in(names("spared")))
        parameters["spared"] = dump_rows((name,) for name in sorted(retention.spared_dag_ids))
    return statement, parameters
