"""The Dags that a Dag file has made in this process: where a child finds the task of its try."""

from __future__ import annotations

from collections.abc import Sequence

from flowcore.domain.workloads import Workload
from flowcore.errors import DagError, TaskNotFound
from flowcore.sdk.dags import DAG
from flowcore.sdk.operators import BaseOperator


def task_of(dags: Sequence[DAG], workload: Workload) -> BaseOperator:
    """The task that the workload is a try of.

    Raises:
        DagError: The file made no such Dag this time.
        TaskNotFound: It made the Dag without the task.
    """
    dag_id = workload.run.dag_id
    for dag in dags:
        if dag.dag_id == dag_id:
            if workload.task_id not in dag.task_dict:
                raise TaskNotFound(dag_id, workload.task_id)
            return dag.task_dict[workload.task_id]
    made = ", ".join(repr(dag.dag_id) for dag in dags) or "none"
    raise DagError(
        f"the file of Dag {dag_id!r} made other Dags this time ({made}); let it make the same ones whenever"
        " and wherever it is imported"
    )
