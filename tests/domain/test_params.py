from __future__ import annotations

import pytest

from flowcore.domain.params import validate_params
from flowcore.errors import DagError, ParamError

COUNT = {"default": 1, "schema": {"type": "integer", "minimum": 0}, "description": "how many"}
NAME = {"schema": {"type": "string"}}
NESTED = {"schema": {"properties": {"a": {"type": "array", "items": {"type": "integer"}}}}}


def test_defaults_fill_what_the_conf_leaves_out():
    assert validate_params("d", {"count": COUNT}, {}) == {"count": 1}


def test_conf_overrides_defaults():
    assert validate_params("d", {"count": COUNT}, {"count": 5}) == {"count": 5}


def test_undeclared_keys_are_passed_through():
    assert validate_params("d", {"count": COUNT}, {"other": [1]}) == {"count": 1, "other": [1]}


def test_param_without_default_needs_a_value():
    with pytest.raises(ParamError, match=r"param 'name' of Dag 'd' has no default; give it a value"):
        validate_params("d", {"name": NAME}, {})


def test_null_is_a_default_like_any_other():
    assert validate_params("d", {"x": {"default": None, "schema": {"type": "null"}}}, {}) == {"x": None}


def test_param_without_schema_takes_anything():
    assert validate_params("d", {"x": {"default": 1}}, {"x": "y"}) == {"x": "y"}


@pytest.mark.parametrize(
    ("params", "conf", "message"),
    [
        ({"count": COUNT}, {"count": -1}, r"param 'count' of Dag 'd' is -1, .* minimum = 0; give a value"),
        ({"count": COUNT}, {"count": True}, r"type = 'integer'"),
        ({"nested": NESTED}, {"nested": {"a": [1, "z"]}}, r"param 'nested.a\[1\]' of Dag 'd' is 'z'"),
        ({"at": {"schema": {"format": "date-time"}}}, {"at": "noon"}, r"format = 'date-time'"),
    ],
)
def test_broken_rule_is_named(params, conf, message):
    with pytest.raises(ParamError, match=message):
        validate_params("d", params, conf)


def test_default_is_checked_too():
    with pytest.raises(ParamError, match="minimum"):
        validate_params("d", {"count": {**COUNT, "default": -3}}, {})


def test_keyword_that_only_an_interface_knows_is_no_rule():
    schema = {"type": "string", "format": "multiline", "examples": ["a"]}
    assert validate_params("d", {"text": {"schema": schema}}, {"text": "a\nb"}) == {"text": "a\nb"}


def test_values_are_not_changed_by_the_schema():
    schema = {"type": "object", "properties": {"a": {"default": 1}}}
    assert validate_params("d", {"x": {"schema": schema}}, {"x": {}}) == {"x": {}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"pattern": "("},
        {"properties": 3},
        {"minimum": "a"},
        {"$schema": 5},
        {"$ref": "#"},
    ],
    ids=str,
)
def test_malformed_schema_is_the_fault_of_the_dag(schema):
    with pytest.raises(DagError, match="the schema of param 'x' of Dag 'd' is wrong"):
        validate_params("d", {"x": {"schema": schema}}, {"x": "a"})


@pytest.mark.parametrize(
    "address", ["http://localhost/x", "file:///etc/passwd", "other.json", "gopher://x/y"]
)
def test_schema_that_refers_elsewhere_is_refused(address):
    with pytest.raises(DagError):
        validate_params("d", {"x": {"schema": {"$ref": address}}}, {"x": "a"})


def test_labels_of_values_may_have_any_key_that_json_has():
    labels = {None: "nothing", 1: "one"}
    document = {"default": 1, "schema": {"type": ["integer", "null"], "values_display": labels}}
    assert validate_params("d", {"size": document}, {"size": None}) == {"size": None}
