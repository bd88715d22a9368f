from __future__ import annotations

import pytest

from flowcore.domain.skips import SkipReach
from flowcore.errors import DagError
from flowcore.sdk import DAG, BaseBranchOperator, BaseOperator, task
from flowcore.sdk.mapping.expansions import Known
from flowcore.sdk.references import Lookup


class Query(BaseOperator):
    template_fields = ("sql",)

    def __init__(self, *, sql, limit=10, **arguments):
        super().__init__(**arguments)
        # A class may look into its arguments: it is not called before they are known.
        self.sql, self.limit = sql.strip(), limit

    def execute(self, context):
        return self.sql, self.limit


class AsyncQuery(Query):
    async def aexecute(self, context):
        return self.sql


class Choice(BaseBranchOperator):
    def choose_branch(self, context):
        return None


@task
def source():
    return []


def test_an_instance_has_what_is_common_and_what_is_its_own():
    with DAG("d", default_args={"limit": 5, "retries": 2}) as dag:
        mapped = Query.partial(task_id="q", queue="slow").expand(sql=[" a ", "b"])
    first = mapped.unmapped({"sql": " a "})
    assert (type(first), first.task_id, first.dag, first.queue) == (Query, "q", dag, "slow")
    assert (first.sql, first.limit, first.retries, mapped.retries) == ("a", 5, 2, 2)
    assert list(dag.task_dict) == ["q"]


def test_a_mapped_operator_compiles_as_its_class():
    with DAG("d") as dag:
        Query.partial(task_id="q", pool="p").expand(sql=["a", "b"])
        AsyncQuery.partial(task_id="a").expand(sql=["a"])
        Choice.partial(task_id="c").expand_kwargs([{}])
    q, a, c = dag.compile().tasks
    assert (q.operator, q.pool, q.is_async, a.is_async) == ("Query", "p", False, True)
    assert (q.may_skip, c.may_skip) == (SkipReach.NOTHING, SkipReach.DIRECT)
    assert [dag.compile().mappings[task.mapping].number for task in (q, a, c)] == [2, 1, 1]


def test_it_waits_for_outputs_in_what_is_common_and_in_what_it_is_mapped_over():
    with DAG("d"):
        one, other = source(), source.override(task_id="other")()
        mapped = Query.partial(task_id="q", limit=one).expand(sql=other)
    assert mapped.upstream_task_ids == {"source", "other"}
    unmapped = mapped.unmapped({"sql": Known("a")}).for_one_try(Lookup({one.xcom_key: 7}, {}))
    assert (unmapped.limit, unmapped.upstream_task_ids) == (7, {"source", "other"})


def test_what_another_task_pushed_is_no_template():
    with DAG("d"):
        mapped = Query.partial(task_id="q").expand(sql=source())
    assert mapped.unmapped({"sql": Known("{{ ds }}")}).templated_fields == ()
    assert mapped.unmapped({"sql": "{{ ds }}"}).templated_fields == ("sql",)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Query.partial(task_id="q", sequel="a"), "has no argument sequel; it has .*sql"),
        (lambda: Query.partial(task_id="q").expand(sequel=["a"]), "has no argument sequel"),
        (lambda: Query.partial(task_id="q", sql="a").expand(sql=["a"]), "sql twice"),
        (lambda: Query.partial(task_id="q").expand_kwargs([{"sequel": 1}]), "has no argument sequel"),
    ],
)
def test_a_wrong_argument_is_refused_when_the_file_is_read(make, complaint):
    with DAG("d"), pytest.raises(DagError, match=complaint):
        make()
