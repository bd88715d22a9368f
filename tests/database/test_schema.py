from __future__ import annotations

import re
import threading
import warnings
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from flowcore.database import migrations, schema
from flowcore.database.schema import SchemaState
from flowcore.database.tables import metadata, pool
from flowcore.errors import DatabaseOutOfDate


def shape(connection: sa.Connection) -> set[str]:
    """Everything the database itself says about the schema."""
    if connection.dialect.name == "sqlite":
        texts = connection.scalars(sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
        # A table that was made anew is quoted, a column that was added shares a line with the one before.
        plain = [re.sub(r'CREATE TABLE "(\w+)"', r"CREATE TABLE \1", text) for text in texts]
        return {line.strip() for text in plain for line in re.split(r"[\n,]", text)}
    columns = sa.text(
        "SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, is_nullable, "
        "column_default, is_identity) FROM information_schema.columns WHERE table_schema = 'public'"
    )
    indexes = sa.text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
    constraints = sa.text(
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace"
    )
    return {text for query in (columns, indexes, constraints) for text in connection.scalars(query)}


def differences(connection: sa.Connection) -> Any:
    def is_comparable(item: object, name: str | None, kind: str, *_: object) -> bool:
        # SQLite does not tell Alembic about indexes over expressions; `shape` compares this one.
        return connection.dialect.name != "sqlite" or name != "ix_task_instance_scheduled"

    options = {"version_table": schema.VERSION_TABLE, "include_object": is_comparable}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*reflect these indexes|.*expression-based index", UserWarning)
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def set_revision(connection: sa.Connection, revision: str) -> None:
    connection.execute(sa.text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '{revision}'"))


def test_migrations_create_the_schema_that_the_tables_declare(connection: sa.Connection) -> None:
    migrations.migrate(connection)
    assert differences(connection) == []


def test_migrating_and_preparing_come_to_the_same(connection: sa.Connection) -> None:
    migrations.migrate(connection)
    migrated = shape(connection)
    schema.reset(connection)
    assert shape(connection) == migrated


def test_a_migrated_database_is_current(connection: sa.Connection) -> None:
    migrations.migrate(connection)
    assert schema.check(connection) == schema.SchemaStatus(SchemaState.CURRENT, schema.HEAD)


def test_the_newest_migration_is_the_one_that_the_schema_asks_for() -> None:
    scripts = ScriptDirectory(migrations.__path__[0])
    assert scripts.get_heads() == [schema.HEAD]


def test_migrations_are_numbered_in_order() -> None:
    revisions = [script.revision for script in ScriptDirectory(migrations.__path__[0]).walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)


def test_migrating_twice_changes_nothing(connection: sa.Connection) -> None:
    migrations.migrate(connection)
    before = shape(connection)
    migrations.migrate(connection)
    assert shape(connection) == before


def test_an_empty_database_is_said_to_be_empty(connection: sa.Connection) -> None:
    assert schema.check(connection).state is SchemaState.EMPTY
    with pytest.raises(DatabaseOutOfDate, match=r"no schema yet; run `flowcore db migrate`$"):
        schema.require_current(connection)


def test_preparing_fills_an_empty_database_and_creates_the_default_pool(connection: sa.Connection) -> None:
    schema.prepare(connection, default_pool_slots=7)
    assert connection.execute(sa.select(pool.c.name, pool.c.slots)).all() == [("default_pool", 7)]
    assert schema.check(connection).state is SchemaState.CURRENT


def test_migrating_creates_the_default_pool_once(connection: sa.Connection) -> None:
    migrations.migrate(connection, default_pool_slots=7)
    migrations.migrate(connection, default_pool_slots=9)
    assert connection.execute(sa.select(pool.c.name, pool.c.slots)).all() == [("default_pool", 7)]


def test_preparing_does_not_migrate_unasked(connection: sa.Connection) -> None:
    schema.prepare(connection)
    set_revision(connection, "0000")
    with pytest.raises(DatabaseOutOfDate, match=r"has schema 0000 and .* run `flowcore db migrate`$"):
        schema.prepare(connection)


@pytest.mark.parametrize("unit", [schema.prepare, schema.require_current, schema.reset, migrations.migrate])
def test_a_newer_schema_is_left_alone(unit: Any, connection: sa.Connection) -> None:
    schema.prepare(connection)
    set_revision(connection, "9999")
    with pytest.raises(DatabaseOutOfDate, match=r"made by a newer flowcore .* upgrade flowcore$"):
        unit(connection)


@pytest.mark.parametrize("unit", [schema.prepare, schema.require_current, schema.reset, migrations.migrate])
def test_tables_of_somebody_else_are_left_alone(unit: Any, connection: sa.Connection) -> None:
    connection.execute(sa.text("CREATE TABLE dag_run (precious INTEGER)"))
    with pytest.raises(DatabaseOutOfDate, match=r"did not create \(dag_run\); give flowcore a database"):
        unit(connection)
    assert sa.inspect(connection).get_table_names() == ["dag_run"]


def test_other_tables_may_live_beside_ours(connection: sa.Connection) -> None:
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num TEXT)"))
    schema.prepare(connection)
    assert schema.check(connection).state is SchemaState.CURRENT


def test_resetting_deletes_all_rows(connection: sa.Connection) -> None:
    schema.prepare(connection)
    connection.execute(pool.insert().values(name="mine", slots=1, include_deferred=False))
    schema.reset(connection)
    assert connection.scalars(sa.select(pool.c.name)).all() == ["default_pool"]


def test_a_migration_that_is_rolled_back_leaves_nothing_behind(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        migrations.migrate(connection)
        connection.rollback()
        assert schema.check(connection).state is SchemaState.EMPTY


@pytest.mark.postgres
@pytest.mark.parametrize("unit", [schema.prepare, migrations.migrate])
def test_processes_that_start_together_do_not_collide(unit: Any, postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def start() -> None:
        try:
            with engine.begin() as connection:
                together.wait(60)
                unit(connection)
        except sa.exc.SQLAlchemyError as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert failures == []
