from __future__ import annotations

import copy

import pytest

from flowcore.errors import ConnectionNotFound, VariableNotFound
from flowcore.sdk.accessors import ConnectionAccessor, VariableAccessor
from flowcore.sdk.templates.environments import Templates

CONTEXT = {
    "conn": ConnectionAccessor(),
    "var": {"value": VariableAccessor(False), "json": VariableAccessor(True)},
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("FLOWCORE_VAR_LIMITS", '{"rows": 3}')
    monkeypatch.setenv("FLOWCORE_CONN_WAREHOUSE", "postgres://db.example:5432/sales")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ var.value.limits }}", '{"rows": 3}'),
        ("{{ var.json.limits.rows }}", "3"),
        ("{{ var.value['limits'] }}", '{"rows": 3}'),
        ("{{ var.value.get('none', 'else') }}", "else"),
        ("{{ var.json.get('limits')['rows'] }}", "3"),
        ("{{ conn.warehouse.host }}", "db.example"),
        ("{{ conn.get('warehouse').port }}", "5432"),
        ("{{ conn.get('none', 'else') }}", "else"),
    ],
)
def test_templates_look_up_by_attribute(text, expected):
    assert Templates().render_text(text, CONTEXT) == expected


@pytest.mark.parametrize("text", ["{{ var.value.none }}", "{{ var.json.get('none') }}"])
def test_variable_that_is_not_there_is_an_error(text):
    with pytest.raises(VariableNotFound, match="'none'"):
        Templates().render_text(text, CONTEXT)


@pytest.mark.parametrize("text", ["{{ conn.none }}", "{{ conn.get('none') }}"])
def test_connection_that_is_not_there_is_an_error(text):
    with pytest.raises(ConnectionNotFound, match="'none'"):
        Templates().render_text(text, CONTEXT)


def test_names_of_pythons_own_are_not_looked_up():
    assert copy.copy(CONTEXT["conn"]) == CONTEXT["conn"]
    assert (
        Templates(options={"autoescape": True}).render_text("{{ conn }}", CONTEXT) == "ConnectionAccessor()"
    )
