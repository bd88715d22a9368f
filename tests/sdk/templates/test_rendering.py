from __future__ import annotations

import pytest

from flowcore.errors import VariableNotFound
from flowcore.sdk import DAG, AirflowSkipException
from flowcore.sdk.exceptions import TemplateInvalid
from flowcore.sdk.references import Lookup
from tests.sdk.templates.operators import query, rendered


def test_templates_see_the_context():
    assert rendered("{{ params.day }} {{ run_id }}", params={"day": "monday"}, run_id="r") == "monday r"


def test_outputs_of_other_tasks_are_data_and_no_templates():
    dag = DAG("d")
    up = query(dag=dag, do_xcom_push=True)
    lookup = Lookup({("q", -1, "return_value"): "{{ secret }}"}, {})
    down = rendered([up.output, "{{ x }}"], dag=_beside(dag), lookup=lookup, x=1)
    assert down == ["{{ secret }}", "1"]


def test_an_author_renders_templates_of_ones_own():
    dag = DAG("d", user_defined_macros={"twice": lambda text: text * 2})
    task = query(dag=dag)
    assert task.render_template(["{{ twice(run_id) }}", {"k": "{{ x }}"}, 3], {"run_id": "r", "x": 1}) == [
        "rr",
        {"k": "1"},
        3,
    ]


def test_an_error_in_a_template_of_ones_own_names_the_task():
    with pytest.raises(
        TemplateInvalid, match=r"content\[0\] of task 'q' of Dag 'd', line 1: 'x' is undefined"
    ):
        query(dag=DAG("d")).render_template(["{{ x }}"], {})


def test_a_file_is_found_beside_the_dag_file_first(tmp_path):
    for folder, text in (("dags", "near {{ x }}"), ("sql", "far {{ x }}")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "q.sql").write_text(text)
    (tmp_path / "sql" / "other.sql").write_text("other")
    dag = DAG("d", template_searchpath="../sql")
    dag.fileloc = str(tmp_path / "dags" / "dag.py")
    assert rendered("q.sql", dag=dag, x=1) == "near 1"
    assert rendered("other.sql", dag=_beside(dag)) == "other"


def test_a_dags_environment_is_made_once():
    dag = DAG("d", user_defined_macros={"x": 1})
    assert rendered("{{ x }}", dag=dag) == "1"
    made = dag.templates[False]
    assert rendered("{{ x + 1 }}", dag=_beside(dag)) == "2"
    assert dag.templates[False] is made


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a\n{{ x }}", "sql of task 'q' of Dag 'd', line 2: 'x' is undefined; mend the template"),
        (["", {"k": "\n\n{{ 1 / 0 }}"}], r"sql\[1\]\['k'\] of .*, line 3: ZeroDivisionError: division"),
        ("{{ 1 | loud }}", "line 1: No filter named 'loud'"),
        ("\n{% if %}", "line 2: Expected an expression"),
        ("{{ ''.__class__ }}", "line 1: access to attribute '__class__' of 'str' object is unsafe"),
        ("{{ ds }}", "line 1: 'ds' is undefined; the run has no logical date"),
        ("none.sql", "there is no file 'none.sql' in no folder; put it there, or name its folder in templ"),
    ],
)
def test_errors_name_task_field_and_line(value, message):
    with pytest.raises(TemplateInvalid, match=message):
        rendered(value)


def test_errors_in_files_name_the_file(tmp_path):
    (tmp_path / "q.sql").write_text("select 1\nfrom {{ table }}")
    with pytest.raises(TemplateInvalid, match=r"sql of task 'q' of Dag 'd', .*q\.sql line 2: 'table' is"):
        rendered("q.sql", dag=DAG("d", template_searchpath=[tmp_path]))


@pytest.mark.parametrize("error", [AirflowSkipException("no rows"), VariableNotFound("k", ("nowhere",))])
def test_what_means_something_by_its_class_keeps_it(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        rendered("\n{{ fail() }}", fail=fail)
    assert caught.value is error
    assert error.__notes__ == [
        f"{type(error).__name__} in the template sql of task 'q' of Dag 'd', line 2: {error}"
    ]


def test_a_template_that_cannot_be_read_is_found_when_the_dag_is():
    task = query("select 1", options=["{{ 1 }}", "\n{% for %}"])
    with pytest.raises(TemplateInvalid, match=r"options\[1\] of task 'q' of Dag 'd', line 2: Expected"):
        task.dag.compile()


def test_files_are_not_read_before_a_try():
    query("none.sql", options="{{ x }}").dag.compile()


def _beside(dag: DAG) -> DAG:
    """The Dag without the task called `q`, so that another one may be."""
    dag.task_dict.clear()
    dag.taken_ids.clear()
    return dag
