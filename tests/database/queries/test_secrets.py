from __future__ import annotations

import attrs
import pytest
import sqlalchemy as sa

from flowcore.database.queries.secrets import (
    ConnectionRow,
    VariableRow,
    add_connections,
    delete_connection,
    delete_variable,
    find_connection,
    find_variable,
    list_connections,
    list_variables,
    put_connections,
    put_variables,
    rewrite_secrets,
)
from flowcore.database.wakeups import take_channels

ROW = ConnectionRow("b", "http", "host", None, "token", "", None, "what for", 80, True)
OTHER = attrs.evolve(ROW, conn_id="a", password=None, is_encrypted=False)


def variables(*keys: str) -> list[VariableRow]:
    return [VariableRow(key, f"value of {key}", None, False) for key in keys]


def test_connections_are_kept_and_listed_by_id(connection: sa.Connection) -> None:
    put_connections(connection, [ROW, OTHER])
    assert list_connections(connection) == [OTHER, ROW]
    assert find_connection(connection, "b") == ROW
    assert find_connection(connection, "c") is None


def test_putting_a_connection_replaces_it(connection: sa.Connection) -> None:
    put_connections(connection, [ROW])
    put_connections(connection, [attrs.evolve(ROW, host="other", description=None)])
    assert list_connections(connection) == [attrs.evolve(ROW, host="other", description=None)]


def test_adding_replaces_nothing_unless_told_to(connection: sa.Connection) -> None:
    put_connections(connection, [ROW])
    new = [attrs.evolve(ROW, host="other"), OTHER]
    assert add_connections(connection, new, overwrite=False) == ["b"]
    assert list_connections(connection) == [ROW]
    assert add_connections(connection, new, overwrite=True) == ()
    assert list_connections(connection) == [OTHER, attrs.evolve(ROW, host="other")]


def test_deleting_says_whether_there_was_anything(connection: sa.Connection) -> None:
    put_connections(connection, [ROW])
    put_variables(connection, variables("k"))
    assert [delete_connection(connection, "b"), delete_connection(connection, "b")] == [True, False]
    assert [delete_variable(connection, "k"), delete_variable(connection, "k")] == [True, False]


def test_variables_are_listed_by_prefix_as_it_is_written(connection: sa.Connection) -> None:
    put_variables(connection, variables("a_1", "A_2", "ab3", "a_0", "%"))
    assert [row.key for row in list_variables(connection, "a_")] == ["a_0", "a_1"]
    assert [row.key for row in list_variables(connection, "%")] == ["%"]
    assert len(list_variables(connection)) == 5


def test_putting_a_variable_replaces_it(connection: sa.Connection) -> None:
    put_variables(connection, variables("k"))
    put_variables(connection, [VariableRow("k", "new", "what for", True)])
    assert find_variable(connection, "k") == VariableRow("k", "new", "what for", True)


def test_every_row_is_rewritten(connection: sa.Connection) -> None:
    put_connections(connection, [ROW, OTHER])
    put_variables(connection, variables("k"))
    count = rewrite_secrets(
        connection, lambda row: attrs.evolve(row, password="new"), lambda row: attrs.evolve(row, value="new")
    )
    assert count == 3
    assert {row.password for row in list_connections(connection)} == {"new"}
    assert [row.value for row in list_variables(connection)] == ["new"]


@pytest.mark.parametrize(
    "write",
    [
        lambda connection: put_connections(connection, [ROW]),
        lambda connection: put_variables(connection, variables("k")),
        lambda connection: delete_connection(connection, "b"),
        lambda connection: delete_variable(connection, "k"),
    ],
)
def test_writes_are_heard_of(connection: sa.Connection, write) -> None:
    write(connection)
    assert take_channels(connection) == ("secrets",)


def test_secrets_are_not_in_the_repr() -> None:
    assert "token" not in repr(ROW)
    assert "value of" not in repr(variables("k"))
