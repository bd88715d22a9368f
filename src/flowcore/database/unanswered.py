"""Statements whose answer nobody reads: they need no round trip of their own.

A unit that ends in writes without RETURNING waits for each of them only to hear that it worked. Marked
`unanswered`, they travel with the statement after them, or with COMMIT; if one fails, that fails, and
the unit is rolled back as ever. Lanes without a network in between execute them like any other.
"""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa

#: The execution option that the native lane looks for.
UNANSWERED = "flowcore_unanswered"


@cache
def unanswered(statement: sa.UpdateBase) -> sa.UpdateBase:
    """Mark a module-level statement; do not read the result's row count."""
    return statement.execution_options(**{UNANSWERED: True})
