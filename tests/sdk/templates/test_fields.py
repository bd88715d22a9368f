from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG
from flowcore.sdk.templates.fields import check_fields
from tests.sdk.templates.operators import Query, query

NATIVE = DAG("native", render_template_as_native_obj=True)
BRACKETS = DAG("brackets", jinja_environment_kwargs={"variable_start_string": "[["})


@pytest.mark.parametrize(
    ("sql", "options", "expected"),
    [
        ("select 1", None, ()),
        ("select '{{ ds }}'", None, ("sql",)),
        ("{# why #} select 1", {"limit": ["{% if x %}"]}, ("sql", "options")),
        ("query.sql", "sql", ("sql",)),
        (1, object(), ()),
    ],
)
def test_only_fields_with_templates_are_rendered(sql, options, expected):
    assert query(sql, options=options).templated_fields == expected


def test_native_templates_make_values_of_any_string():
    assert query("1", options=1, dag=NATIVE).templated_fields == ("sql",)


def test_a_tasks_own_word_on_native_templates_is_stronger():
    assert query("1", dag=DAG("d"), render_template_as_native_obj=True).templated_fields == ("sql",)
    own = Query("1", task_id="strings", dag=NATIVE, render_template_as_native_obj=False)
    assert own.templated_fields == ()


def test_delimiters_of_ones_own_make_templates():
    assert query("[[ ds ]] {{ ds }}", options="{{ ds }}", dag=BRACKETS).templated_fields == ("sql",)


@pytest.mark.parametrize("attribute", ["template_fields", "template_ext"])
def test_a_lone_string_is_no_list_of_fields(attribute):
    task = query()
    setattr(task, attribute, "sql")
    with pytest.raises(DagError, match=f"class Query of task 'q' has {attribute}='sql'; make it a tuple"):
        check_fields(task)


def test_a_field_that_is_no_attribute_is_refused():
    task = query()
    task.template_fields = ("sql", "body")
    with pytest.raises(DagError, match=r"names 'body' in template_fields.*set self\.body in"):
        task.dag.compile()
