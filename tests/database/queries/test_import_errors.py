from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.queries.import_errors import ImportFailure, replace_import_errors
from flowcore.database.tables import import_error
from tests.support.scheduling import NOW


def noted(connection: sa.Connection) -> list[tuple[str, str]]:
    columns = (import_error.c.fileloc, import_error.c.message)
    return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(import_error.c.fileloc))]


def test_the_failures_of_the_last_import_replace_those_before(connection: sa.Connection) -> None:
    replace_import_errors(
        connection, [ImportFailure("a.py", "old"), ImportFailure("b.py", "mended")], now=NOW
    )
    replace_import_errors(connection, [ImportFailure("a.py", "new")], now=NOW)
    assert noted(connection) == [("a.py", "new")]


def test_an_import_without_failures_leaves_none(connection: sa.Connection) -> None:
    replace_import_errors(connection, [ImportFailure("a.py", "old")], now=NOW)
    replace_import_errors(connection, [], now=NOW)
    assert noted(connection) == []
