from __future__ import annotations

import jinja2
import pytest
from jinja2.exceptions import SecurityError

from flowcore.errors import DagError
from flowcore.sdk.templates.environments import Templates


class Lazy(dict):
    """Fails when everything is looked up."""

    def __getitem__(self, key):
        if key == "costly":
            raise AssertionError("was looked up")
        return super().__getitem__(key)


@pytest.mark.parametrize("native", [False, True])
def test_a_name_that_is_not_there_is_an_error(native):
    with pytest.raises(jinja2.UndefinedError, match="'x' is undefined"):
        Templates(native=native).render_text("{{ x }}", {})


def test_the_dag_says_what_becomes_of_names_that_are_not_there():
    assert Templates(undefined=jinja2.Undefined).render_text("[{{ x }}]", {}) == "[]"


def test_macros_and_filters_of_ones_own_can_be_used():
    templates = Templates(macros={"twice": lambda x: 2 * x, "x": 1}, filters={"loud": str.upper})
    assert templates.render_text("{{ twice(x) }} {{ 'a' | loud }}", {"x": 3}) == "6 A"


def test_the_do_statement_works():
    assert Templates().render_text("{% set a = [] %}{% do a.append(1) %}{{ a }}", {}) == "[1]"


@pytest.mark.parametrize("native", [False, True])
def test_templates_cannot_reach_into_python(native):
    with pytest.raises(SecurityError, match="'__class__'"):
        Templates(native=native).render_text("{{ ''.__class__ }}", {})


def test_names_with_one_underscore_are_allowed():
    class Thing:
        _name = "x"

    assert Templates().render_text("{{ thing._name }}", {"thing": Thing()}) == "x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{{ 1 + 1 }}", 2), ("20240102", 20240102), ("", None), ("{{ a }}", [1]), ("a {{ a }}", "a [1]")],
)
def test_native_templates_make_python_values(text, expected):
    assert Templates(native=True).render_text(text, {"a": [1]}) == expected


def test_only_names_that_are_used_are_looked_up():
    assert Templates().render_text("{{ cheap }}", Lazy(cheap=1, costly=2)) == "1"


def test_files_are_found_in_the_search_path(tmp_path):
    (tmp_path / "part.sql").write_text("from {{ table }}")
    (tmp_path / "query.sql").write_text("select 1 {% include 'part.sql' %}\n")
    templates = Templates(searchpath=(tmp_path / "none", tmp_path))
    assert templates.render_file("query.sql", {"table": "t"}) == "select 1 from t"


def test_a_file_that_changed_is_read_again(tmp_path):
    templates = Templates(searchpath=(tmp_path,), options={"auto_reload": True})
    (tmp_path / "q.sql").write_text("old")
    assert templates.render_file("q.sql", {}) == "old"
    (tmp_path / "q.sql").unlink()
    with pytest.raises(jinja2.TemplateNotFound):
        templates.render_file("q.sql", {})


@pytest.mark.parametrize(
    "options",
    [
        {"no_such": 1},
        {"extensions": ["no.such.Extension"]},
        {"block_start_string": "{{"},
        {"newline_sequence": "x"},
        {"enable_async": True},
    ],
)
def test_options_that_jinja_refuses_are_the_authors_error(options):
    with pytest.raises(DagError, match="jinja_environment_kwargs"):
        Templates(options=options)
