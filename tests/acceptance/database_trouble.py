"""Work that goes on while its PostgreSQL is in trouble, and the troubles."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import urlsplit

import anyio
import attrs
import psycopg
import sqlalchemy as sa
from anyio import to_thread

import flowcore
from flowcore import Flowcore
from flowcore.app.options import Options
from flowcore.database.tables import task_instance
from flowcore.sdk import DAG, get_current_context, task

RUNS = 4
#: Rows of the lease and the patience of tests; machines are busy.
PATIENCE_S = 45.0


@attrs.define
class Work:
    """Runs of `before >> after`; each `before` ends once the gate is open. `executed` counts tries."""

    gate: anyio.Event = attrs.field(factory=anyio.Event)
    executed: Counter[tuple[str, str]] = attrs.field(factory=Counter)

    def dag(self) -> DAG:
        @task
        async def before() -> int:
            self._note("before")
            await self.gate.wait()
            return 1

        @task
        async def after(value: int) -> int:
            self._note("after")
            return value

        with DAG("work") as dag:
            after(before())
        return dag

    def _note(self, name: str) -> None:
        self.executed[get_current_context()["run_id"], name] += 1

    async def wait_begun(self) -> None:
        """Return when every run executes its first task."""
        await until(lambda: len(self.executed) == RUNS)


@asynccontextmanager
async def working(url: str, **options: object) -> AsyncIterator[tuple[Flowcore, Work]]:
    """Work that has begun; at the end of the block all of it has to succeed, each task executed once."""
    work = Work()
    # Rare polls: what is asked in trouble is asked because of it.
    chosen = Options(safety_poll_s=30.0, grace_s=5.0, **options)  # type: ignore[arg-type]
    async with flowcore.open(url, dags=[work.dag()], options=chosen) as fc:
        runs = [await fc.trigger("work") for _ in range(RUNS)]
        await work.wait_begun()
        yield fc, work
        work.gate.set()
        with anyio.fail_after(PATIENCE_S):
            assert [await run.wait() for run in runs] == ["success"] * RUNS
    assert set(work.executed.values()) == {1}
    assert len(work.executed) == 2 * RUNS


async def until(happened: Callable[[], bool]) -> None:
    """Look until it has happened."""
    with anyio.fail_after(PATIENCE_S):
        while not happened():  # noqa: ASYNC110
            await anyio.sleep(0.01)


def failures(fc: Flowcore, routine: str) -> int:
    """How often a routine has failed."""
    return fc.statistics().scheduler.routines[routine].failures


async def execute(url: str, *statements: str) -> None:
    """Change the database as its administrator."""

    def change() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    await to_thread.run_sync(change)


async def refuse_writes(url: str, sqlstate: str) -> None:
    """Let every change of a task instance fail with this error from now on."""
    await execute(
        url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{sqlstate}'; END $$",
        "CREATE TRIGGER refuse BEFORE UPDATE ON task_instance EXECUTE FUNCTION refuse()",
    )


async def take_writes(url: str) -> None:
    """End that."""
    await execute(url, "DROP TRIGGER refuse ON task_instance", "DROP FUNCTION refuse")


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[psycopg.Connection]:
    """Somebody else's long transaction has locked all of a table; yields another session, to look around."""
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as another:
        await to_thread.run_sync(holder.execute, f"LOCK TABLE {table}".encode())
        yield another


def waiting_for_locks(session: psycopg.Connection) -> int:
    """How many of the database's sessions wait for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    [(count,)] = session.execute(query).fetchall()
    return int(count)


def count_task_instances(connection: sa.Connection) -> int:
    """A unit of work that waits for whoever has locked them."""
    return connection.scalar(sa.select(sa.func.count()).select_from(task_instance)) or 0


def lease_end(session: psycopg.Connection) -> datetime:
    """Until when the scheduler's lease goes."""
    [(end,)] = session.execute("SELECT expires_at FROM lease").fetchall()
    return end


def limited_role(url: str, name: str, connections: int) -> list[str]:
    """Statements that make a role which may have so many connections, and owns the database."""
    database = urlsplit(url).path[1:]
    return [
        f"CREATE ROLE {name} LOGIN CONNECTION LIMIT {connections}",
        f"ALTER DATABASE {database} OWNER TO {name}",
        f"GRANT ALL ON SCHEMA public TO {name}",
    ]
