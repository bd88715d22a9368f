from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, BaseOperator
from flowcore.sdk.context_variables import context_variables

MOMENT = datetime(2024, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("logical_date", "last"),
    [(None, {}), (MOMENT, {"AIRFLOW_CTX_LOGICAL_DATE": "2024-01-02T00:00:00+00:00"})],
)
def test_the_names_are_airflows(logical_date, last):
    with DAG("d"):
        task = BaseOperator("t", owner="me")
    assert context_variables(task, run_id="r", try_number=2, logical_date=logical_date) == {
        "AIRFLOW_CTX_DAG_ID": "d",
        "AIRFLOW_CTX_TASK_ID": "t",
        "AIRFLOW_CTX_DAG_RUN_ID": "r",
        "AIRFLOW_CTX_TRY_NUMBER": "2",
        "AIRFLOW_CTX_DAG_OWNER": "me",
        **last,
    }


def test_task_outside_a_dag_has_none():
    with pytest.raises(DagError, match="outside a Dag"):
        context_variables(BaseOperator("t"), run_id="r", try_number=1, logical_date=None)
