"""SQLAlchemy over the native connection: the stock psycopg dialect, given another connection.

The native lane uses a few private names of psycopg and SQLAlchemy, so both are pinned to minor
versions, and `check_versions` says at once when others are installed.
"""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import capabilities, generators
from psycopg._preparing import PrepareManager
from sqlalchemy import event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.pool import NullPool
from sqlalchemy.util import concurrency

from flowcore.database.native_cursor import NativeCursor
from flowcore.database.native_transaction import NativeConnection
from flowcore.database.unanswered import UNANSWERED
from flowcore.database.urls import Target
from flowcore.errors import SettingsError

SUPPORTED = "psycopg 3.3 and SQLAlchemy 2.1"
#: `pg_xact_status` and its like under their present names.
OLDEST_SERVER = 130000

#: libpq's defaults wait for minutes for a server that is gone, and for hours for its answer.
CONNECTION_DEFAULTS = {
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",  # ms; for what was sent to a server that is gone, kept alive or not
    "fallback_application_name": "flowcore",
}

#: Executions of a statement on a connection before it is prepared there, and how many are kept.
PREPARE_AFTER = 1
PREPARED_MAX = 500

_PRIVATE_NAMES: tuple[tuple[object, tuple[str, ...]], ...] = (
    (
        psycopg.Connection,
        ("wait", "_connect_gen", "_cancel_gen", "_commit_gen", "_rollback_gen", "_start_query"),
    ),
    (
        psycopg.Cursor,
        ("_execute_gen", "_maybe_prepare_gen", "_get_prepared", "_check_results", "_set_results"),
    ),
    (PrepareManager, ("maybe_add_to_cache", "validate")),
    (generators, ("fetch_many", "send")),
    (concurrency, ("await_", "greenlet_spawn", "in_greenlet")),
)


def check_versions() -> None:
    """Refuse to start on versions of the libraries that lack what the native lane needs.

    Raises:
        SettingsError: with the versions to install.
    """
    missing = [name for owner, names in _PRIVATE_NAMES for name in names if not hasattr(owner, name)]
    if missing:
        raise SettingsError(
            f"psycopg {psycopg.__version__} or SQLAlchemy {sa.__version__} has no {', '.join(missing)};"
            f" install {SUPPORTED}"
        )
    if not capabilities.has_cancel_safe():
        raise SettingsError(
            f"libpq {psycopg.pq.version()} cannot cancel statements without blocking;"
            " run `pip install 'flowcore[postgres]'`, which brings a later one"
        )


def connection_parameters(target: Target) -> dict[str, Any]:
    """What libpq is to be told to connect, in its own words."""
    _, parameters = target.url.get_dialect()().create_connect_args(target.url)
    return {**CONNECTION_DEFAULTS, **parameters}


def native_engine(target: Target) -> sa.Engine:
    """An engine whose every `connect()` opens a connection that waits on the running loop.

    Use it inside `greenlet_spawn` only, for the first time alone.
    """
    engine = sa.create_engine(
        target.url, poolclass=NullPool, pool_reset_on_return=None, use_native_hstore=False
    )
    # One statement with many VALUES in place of many statements.
    engine.dialect.use_insertmanyvalues_wo_returning = True
    parameters = connection_parameters(target)

    @event.listens_for(engine, "do_connect")
    def open_connection(
        dialect: Any, record: object, args: object, options: dict[str, Any]
    ) -> NativeConnection:
        connection = concurrency.await_(NativeConnection.open(parameters, context=options["context"]))
        connection.cursor_factory = NativeCursor
        connection.prepare_threshold = PREPARE_AFTER
        connection.prepared_max = PREPARED_MAX
        return connection

    @event.listens_for(engine, "before_cursor_execute")
    def note_unanswered(
        connection: object, cursor: Any, statement: str, parameters: object, context: Any, many: bool
    ) -> None:
        cursor.is_unanswered = not many and context.execution_options.get(UNANSWERED, False)

    @event.listens_for(engine, "handle_error")
    def keep_connection(context: ExceptionContext) -> None:
        # SQLAlchemy discards a connection through which a cancellation passed. Ours is in a known
        # state then, or closed, which the lane sees for itself.
        if not isinstance(context.original_exception, Exception):
            context.is_disconnect = False

    return engine
