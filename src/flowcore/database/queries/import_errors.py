"""Keep which Dag files could not be imported, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from flowcore.database.tables import import_error


@attrs.frozen
class ImportFailure:
    """A file, and the one line that says what is wrong with it."""

    fileloc: str
    message: str


def replace_import_errors(
    connection: sa.Connection, failures: Sequence[ImportFailure], *, now: datetime
) -> None:
    """Forget the failures known so far and keep these."""
    connection.execute(import_error.delete())
    if failures:
        rows = [{"fileloc": f.fileloc, "message": f.message, "seen_at": now} for f in failures]
        connection.execute(import_error.insert(), rows)
