"""The environment variables that say to other programs which try has started them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flowcore.sdk.operators import BaseOperator


def context_variables(
    task: BaseOperator, *, run_id: str, try_number: int, logical_date: datetime | None
) -> Mapping[str, str]:
    """Airflow's, by name: `AIRFLOW_CTX_DAG_ID` and so on."""
    variables = {
        "DAG_ID": task.required_dag.dag_id,
        "TASK_ID": task.task_id,
        "DAG_RUN_ID": run_id,
        "TRY_NUMBER": str(try_number),
        "DAG_OWNER": task.owner,
    }
    if logical_date is not None:
        variables["LOGICAL_DATE"] = logical_date.isoformat()
    return {f"AIRFLOW_CTX_{name}": value for name, value in variables.items()}
